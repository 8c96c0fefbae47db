"""The menu, made from the table of topics."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from nnplay.topics import TOPICS, Topic

PAGES = Path(__file__).parents[2] / "pages"


def page(topic: Topic):
    """The topic's page as Streamlit knows it."""
    return st.Page(PAGES / f"{topic.slug}.py", title=topic.title, icon=topic.icon)


def menu() -> dict[str, list]:
    """All pages by section, in the order of the table."""
    sections = {"": [st.Page(PAGES / "home.py", title="Home", icon=":material/home:", default=True)]}
    for topic in TOPICS:
        sections.setdefault(topic.section, []).append(page(topic))
    return sections
