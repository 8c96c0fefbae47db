"""Runs before every page: the page's settings, the menu, presenter mode."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from nnplay.ui import style
from nnplay.ui.menu import menu

st.set_page_config(
    page_title="NNPlay",
    page_icon=Path(__file__).with_name("icon.svg"),
    layout="wide",
    initial_sidebar_state=230,
)
current = st.navigation(menu())
with st.sidebar:
    present = st.toggle(
        "Presenter mode",
        key="present",
        bind="query-params",
        help="Larger type and nothing but the page. Key p switches it; Page Down and Page Up go through the "
        "experiments; space plays.",
    )
style.apply(present)
current.run()
