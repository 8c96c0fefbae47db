"""The few style rules for which Streamlit has no setting."""

from __future__ import annotations

import streamlit as st

# Streamlit leaves 6rem free above a page: here the picture has to be on the first screen.
_ALWAYS = """
[data-testid=stMainBlockContainer] { padding: 2.75rem 2rem 3rem; }
[data-testid=stMainBlockContainer] h1 { padding: 0 0 0.4rem; font-size: 2rem; }
[data-testid=stHeader] { height: 2.75rem; min-height: 2.75rem; }
[data-testid=stMainBlockContainer] > [data-testid=stVerticalBlock] { gap: 0.6rem; }
@media (max-width: 640px) { [data-testid=stMainBlockContainer] { padding: 3rem 1rem 2rem; } }
"""
# Streamlit measures everything in the root's type size: one rule makes a page readable from the last row.
_PRESENT = """
html { font-size: 20px; }
[data-testid=stSidebar], [data-testid=stHeader] { display: none; }
[data-testid=stMainBlockContainer] { padding: 0.6rem 1.5rem 1rem; max-width: none; }
"""


def apply(present: bool) -> None:
    """Write the rules into the page; with `present`, those of presenter mode too."""
    st.html(f"<style>{_ALWAYS}{_PRESENT if present else ''}</style>")
