"""Home: what this is, and a card per topic with a picture made by that topic's own routines."""

import importlib

import streamlit as st

from nnplay.topics import TOPICS
from nnplay.ui.card import card

IN_A_ROW = 3


@st.cache_resource
def preview(slug):
    """A topic's picture, made once for all visitors, and how many experiments it has."""
    compute = importlib.import_module(f"nnplay.{slug}")
    figures = importlib.import_module(f"nnplay.figures.{slug}")
    return figures.preview(compute.preview()), len(compute.EXPERIMENTS)


st.title("Neural networks, as things that you move", anchor=False)
st.markdown(
    "Drag a slider, and a real PyTorch computation redraws the picture under your hand. Every number is "
    "computed, every setting is in the address, and every picture comes with the code that made it."
)

for i, topic in enumerate(TOPICS):
    if i % IN_A_ROW == 0:
        row = st.columns(IN_A_ROW)
    with row[i % IN_A_ROW]:
        card(topic, *preview(topic.slug))
