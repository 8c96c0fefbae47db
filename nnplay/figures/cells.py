"""A table of shaded cells with a text in each, which the live chart moves without Plotly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nnplay.figures.theme import COLOR, DIVERGING

NOTHING = "\u00a0"
"""An empty text: Plotly takes one of no length out of the page, and never puts it back."""
DEEP = 0.75
"""From this strength of a colour on a text is readable in the page's own colour alone."""


def grid(values: np.ndarray, texts: np.ndarray, on: str = "", size: float = 14, **trace) -> list[dict]:
    """Three traces: cells (rows, columns) of -1 to 1, texts on pale cells, texts on deep ones.

    `texts` (rows, columns): str. Rows count downwards.
    """
    rows, columns = values.shape
    y, x = np.indices((rows, columns)).reshape(2, -1)
    pale, deep = split(values, texts)
    return [
        {
            "type": "heatmap",
            "z": np.float32(values),
            "zmin": -1,
            "zmax": 1,
            "colorscale": DIVERGING,
            "showscale": False,
            "xgap": 1,
            "ygap": 1,
            "xaxis": f"x{on}",
            "yaxis": f"y{on}",
            "hoverinfo": "skip",
            **trace,
        },
        words(x, y, pale, COLOR["ink"], on, size),
        words(x, y, deep, COLOR["paper"], on, size),
    ]


def split(values: np.ndarray, texts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The texts of pale cells and of deep ones, NOTHING elsewhere: flat along the last two axes."""
    shape = (*values.shape[:-2], -1)
    deep = np.abs(np.nan_to_num(values)) >= DEEP
    return tuple(np.where(where & (texts != ""), texts, NOTHING).reshape(shape) for where in (~deep, deep))


def words(x, y, texts: Sequence[str], color: str, on: str = "", size: float = 14, **trace) -> dict:
    """Texts at points."""
    return {
        "type": "scatter",
        "mode": "text",
        "x": np.asarray(x, np.float32),
        "y": np.asarray(y, np.float32),
        "text": [text or NOTHING for text in texts],
        "textfont": {"color": color, "size": size},
        "xaxis": f"x{on}",
        "yaxis": f"y{on}",
        "hoverinfo": "skip",
        "showlegend": False,
        "cliponaxis": False,
        **trace,
    }


def named(names: Sequence[str], most: int = 14) -> dict:
    """An axis whose places 0, 1, ... have these names, cut to `most` characters."""
    shown = [name if len(name) <= most else f"{name[: most - 1]}…" for name in names]
    return {"tickvals": list(range(len(names))), "ticktext": shown, "showgrid": False, "zeroline": False}


def down(n: int) -> tuple[float, float]:
    """The range of an axis of n places that counts downwards."""
    return n - 0.5, -0.5
