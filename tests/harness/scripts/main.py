import numpy as np
import plotly.graph_objects as go
import streamlit as st

from nnplay.figures import theme
from nnplay.figures.frames import Frames
from nnplay.ui.chart import live_chart, position

ROWS, COLUMNS = 3, 4


def clicked(click):
    st.session_state.clicked = f"trace {click.trace} cell {click.index}"


@st.fragment
def cells():
    z = np.arange(ROWS * COLUMNS, dtype="f4").reshape(ROWS, COLUMNS)
    steps = Frames([f"step {i}" for i in range(12)], {0: {"z": np.stack([z * i for i in range(12)])}})
    live_chart(
        theme.figure([go.Heatmap(z=z)]),
        "cells",
        alt="cells",
        height=300,
        frames=steps,
        rate=30,
        report=True,
        hover={"trace": 0, "columns": COLUMNS},
        on_click=clicked,
    )
    st.write("Clicked:", st.session_state.get("clicked", "nothing"))
    st.write("Position:", position("cells"))


@st.fragment
def growing():
    done = st.session_state.setdefault("done", 0)
    st.session_state.done = min(done + 5, 40)
    lines = np.cumsum(np.ones((st.session_state.done, 6)), 0)
    live_chart(
        theme.figure([go.Scatter(y=lines[0])], yaxis={"range": [0, 40]}),
        "growing",
        alt="growing",
        height=300,
        frames=Frames([f"epoch {i}" for i in range(len(lines))], {0: {"y": lines}}),
        rate=60,
        restart=True,
        run="one",
        growing=st.session_state.done < 40,
    )
    st.write("Computed:", st.session_state.done)


cells()
if st.toggle("Grow", key="grow", bind="query-params"):
    growing()
if st.toggle("Fault", key="fault", bind="query-params"):
    raise RuntimeError("a secret of the server")
