"""What a visitor sees where a page fails: a sentence and a way back. Streamlit's log has the traceback."""

from __future__ import annotations

import streamlit as st


def sorry(error: Exception) -> bool:
    """Handler for `st.App(on_script_error=...)`; returns True so that Streamlit adds nothing of its own."""
    st.error(
        "This page ran into a fault of its own, which is in the server's log. Your settings are still in the "
        "address. Take back the last change, or start the page afresh.",
        icon=":material/error:",
    )
    st.link_button("Start this page afresh", "?", icon=":material/restart_alt:")
    return True
