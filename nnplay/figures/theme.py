"""One palette and one Plotly template for every figure.

Figures are built in the light palette. `DARK` says what each of its colours
becomes on a dark page; the live chart applies it in the browser, `dark` does
in a notebook. So a figure needs no knowledge of the page it stands on, and
every colour in a figure must come from here (written as `#rrggbb`, with an
alpha as two more digits: see `faded`).
"""

from __future__ import annotations

import json
import re

import plotly.graph_objects as go

# name: (on white, on dark). Roles mean the same thing on every page.
PALETTE = {
    "paper": ("#FFFFFF", "#0E1117"),
    "panel": ("#F3F5F8", "#1A1F29"),
    "grid": ("#DDE2E9", "#323A47"),
    "ink": ("#101823", "#E8ECF2"),
    "muted": ("#566272", "#A7B1BF"),  # axes, theory, what is not the point
    "train": ("#0B5FC0", "#3D8BFF"),
    "validation": ("#A33B00", "#E0802A"),
    "test": ("#7A2FE0", "#E58BE0"),
    "positive": ("#00916A", "#1FC79F"),
    "negative": ("#C23E8C", "#F0386B"),
    "gradient": ("#9B8505", "#EDD63A"),
}

COLOR = {name: light for name, (light, _) in PALETTE.items()}
DASH = {"train": "solid", "validation": "dash", "test": "dot", "theory": "dash"}

# For things without a role: one of several activations, optimizers, ... A figure with roles does not
# use these. Both lists were searched for the largest distance between any two colours as normal,
# protan, deutan and tritan eyes see them; a test holds them to it.
SERIES = {
    "#0A96E8": "#3F9BD8",
    "#D13802": "#D98A6A",
    "#157466": "#4BE3AE",
    "#F949A0": "#FA3CC9",
    "#6E5A35": "#EAD265",
    "#5A4CFF": "#8A66FF",
    "#043C8F": "#8FD4FF",
    "#759B47": "#A7F000",
    "#570000": "#F0301F",
}

DARK = dict(PALETTE.values()) | SERIES

DIVERGING = [
    [0.0, COLOR["negative"]],
    [0.5, COLOR["paper"]],
    [1.0, COLOR["positive"]],
]
"""Colour scale for signed values; use it with `zmid=0`."""

SEQUENTIAL = [[0.0, COLOR["paper"]], [1.0, COLOR["train"]]]
"""Colour scale for values that begin at zero."""

GRAY = [[0.0, "#000000"], [1.0, "#FEFEFE"]]
"""Colour scale for images: the same on both pages."""

_AXIS = {
    "gridcolor": COLOR["grid"],
    "zerolinecolor": COLOR["muted"],
    "zerolinewidth": 1,
    "linecolor": COLOR["grid"],
    "automargin": True,
    "ticklabeloverflow": "allow",  # to look for labels that overflow takes a third of a picture's time
    "title": {"standoff": 8},
}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "Source Sans, Source Sans Pro, sans-serif", "size": 15, "color": COLOR["ink"]},
        "paper_bgcolor": COLOR["paper"],
        "plot_bgcolor": COLOR["paper"],
        "colorway": list(SERIES),
        "colorscale": {"diverging": DIVERGING, "sequential": SEQUENTIAL},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "margin": {"l": 50, "r": 16, "t": 40, "b": 44},
        "legend": {"orientation": "h", "traceorder": "normal", "y": 1.0, "yanchor": "bottom", "x": 0},
        "title": {"x": 0, "xref": "paper"},
    },
)


def figure(traces=(), narrow=None, **layout) -> go.Figure:
    """A figure with the project's template; `layout` as in `plotly.graph_objects.Layout`.

    `narrow` says what of the layout is otherwise on a narrow page, such as a phone's, by dotted path:
    `{"height": 700, "xaxis.domain": (0, 1)}`. The live chart follows it.
    Zoom and camera survive an update while `uirevision` is the same: name another one where the axes
    of the new picture are not those of the old.
    """
    layout = {"template": TEMPLATE, "uirevision": "stay", "meta": {"narrow": narrow or {}}, **layout}
    # Plotly's validation takes half of a picture's time: the tests do it instead, for every figure.
    return go.Figure(list(traces), layout=layout, _validate=False)


def series(names) -> dict[str, str]:
    """A colour for each of `names`, in order, from `SERIES` (they repeat after nine)."""
    colors = list(SERIES)
    return {name: colors[i % len(colors)] for i, name in enumerate(names)}


def faded(color: str, alpha: float) -> str:
    """`color` (`#rrggbb`) with an opacity between 0 and 1, as `#rrggbbaa`."""
    return f"{color}{round(alpha * 255):02X}"


def dark(fig: go.Figure) -> go.Figure:
    """The same figure in the colours of a dark page."""
    swap = re.sub(r"#[0-9A-F]{6}", lambda found: DARK.get(found[0], found[0]), fig.to_json())
    return go.Figure(json.loads(swap))
