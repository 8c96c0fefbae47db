"""A tiny app around the live chart, for what no topic's page shows in so plain a way."""

import streamlit as st

from nnplay.ui.chart import plotly_route
from nnplay.ui.errors import sorry

app = st.App("scripts/main.py", on_script_error=sorry, routes=[plotly_route()])
