"""Fetching a data set that is not on this machine, while its visitor watches and may leave."""

from __future__ import annotations

import streamlit as st

from nnplay import images


def offer(source: str) -> None:
    """A button that fetches this source of images, where it is missing. Whatever the visitor does meanwhile
    ends it; what has come is kept and need not come again."""
    if not images.missing(source):
        return
    size = f"{images.size(source) / 1e6:.0f} MB"
    if not st.button(f"Fetch {source} ({size})", icon=":material/download:", key=f"fetch-{source}"):
        return
    bar = st.progress(0.0, f"Fetching {source}")
    try:
        for state in images.fetch(source):
            bar.progress(state.share, f"Fetching {source}: {state.done / 1e6:.1f} of {size}")
    except ValueError as refused:
        bar.empty()
        st.warning(str(refused), icon=":material/cloud_off:")
    else:
        st.rerun()
