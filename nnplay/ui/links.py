"""A row of links that open a state of a page in place: experiments, and the keys of presenter mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "nnplay_links",
    html='<nav class="nnplay-links"><div class="row"></div><p class="look" role="status"></p></nav>',
    css=(_HERE / "links.css").read_text(encoding="utf-8"),
    js=(_HERE / "links.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


@dataclass(frozen=True, slots=True)
class Link:
    """`look` is the sentence that stands under the row while the page is in the state that `href` opens."""

    title: str
    href: str
    look: str


def links(items: Sequence[Link], key: str, *, label: str, parameters: Sequence[str]) -> None:
    """Draw the row. A link is marked while the address says what it says, as far as these parameters go.

    Page Down and Page Up, which is what a presenter's clicker sends, open the next and the previous link;
    `p` switches presenter mode.
    """
    rows = [asdict(item) for item in items]
    _component(key=key, data={"items": rows, "label": label, "parameters": parameters})
