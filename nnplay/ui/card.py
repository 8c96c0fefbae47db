"""A topic's card on the home page: its picture, its name, its question."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from nnplay.topics import Topic
from nnplay.ui.chart import live_chart
from nnplay.ui.menu import page


def card(topic: Topic, figure: go.Figure, experiments: int) -> None:
    """Draw the card; its title opens the page."""
    with st.container(border=True, height="stretch"):
        live_chart(figure, f"card-{topic.slug}", alt=f"{topic.title}: an example", height=190, still=True)
        st.page_link(page(topic), label=f"**{topic.title}**")
        st.caption(f"{topic.question}  \n{experiments} experiments.")
