"""What pictures of surfaces, and of paths on them, share.

Traces are dictionaries: a figure checks them anyway, and building
`plotly.graph_objects` first takes as long again.
"""

from __future__ import annotations

import numpy as np

from nnplay.figures.frames import Frames
from nnplay.figures.theme import COLOR, faded

MOMENTS = 500
"""A run is played in at most this many frames after its start."""

NOTE = {"showarrow": False, "font": {"size": 15, "color": COLOR["ink"]}}
"""A text on a chart."""


def fate(text: str, up: bool = False) -> dict:
    """What became of a run, at the right of a surface; nothing if there is nothing to say."""
    corner = {"xref": "x domain", "x": 0.97, "xanchor": "right", "yref": "y domain"}
    corner |= {"y": 0.97, "yanchor": "top"} if up else {"y": 0.03, "yanchor": "bottom"}
    return {**NOTE, **corner, "text": text, "bgcolor": faded(COLOR["paper"], 0.8)}


def roof(value: float) -> float:
    """The least of 1, 2 or 5 times a power of ten not below `value`: the end of an axis that holds still."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= value))


RELIEF = [[0.0, COLOR["paper"]], [1.0, COLOR["grid"]]]
"""Surfaces are drawn in quiet gray, low in the page's own colour, so that the paths stand out."""


def line(x, y, color: str, width: float = 2.5, dash: str = "solid", on: str = "", **trace) -> dict:
    """A line on the axes x`on` and y`on`; without hover unless it has a `hovertemplate`."""
    style = {"mode": "lines", "line": {"color": color, "width": width, "dash": dash}}
    return _scatter(x, y, on, style | trace)


def dots(x, y, color, size: float = 13, symbol="circle", on: str = "", **trace) -> dict:
    """Points with a rim; `color` and `symbol` for all or for each. Not in the legend."""
    rim = {"color": COLOR["paper"], "width": 0.1 * size + 0.4}
    style = {"mode": "markers", "marker": {"color": color, "size": size, "symbol": symbol, "line": rim}}
    return _scatter(x, y, on, style | {"showlegend": False} | trace)


def _scatter(x, y, on: str, trace: dict) -> dict:
    quiet = {} if "hovertemplate" in trace else {"hoverinfo": "skip"}
    x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
    return {"type": "scatter", "x": x, "y": y, "xaxis": f"x{on}", "yaxis": f"y{on}", **quiet, **trace}


def arrows(start, move, color: str, width: float = 1.5, size: float = 8, on: str = "", **trace) -> dict:
    """Arrows from `start` (n, 2), each `move` (n, 2) long."""
    start, move = np.reshape(start, (-1, 2)), np.reshape(move, (-1, 2))
    x, y = spoke(start, move)
    heads = np.where(np.hypot(*move.T) > 1e-9, size, 0)
    marker = {
        "symbol": "arrow",
        "angleref": "previous",
        "color": color,
        "size": np.stack([0 * heads, heads, 0 * heads], 1).ravel(),
        "opacity": 1,
        "line": {"width": 0},
    }
    return line(
        x.ravel(), y.ravel(), color, width, "solid", on, **{"mode": "lines+markers", "marker": marker} | trace
    )


def spoke(start: np.ndarray, move: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y (n, 3) of lines from `start` (n, 2) to `start + move`, each followed by a gap."""
    gap = np.full(len(start), np.nan)
    tip = start + move
    return tuple(np.stack([start[:, i], tip[:, i], gap], 1).astype(np.float32) for i in range(2))


def relief(landscape, on: str = "") -> dict:
    """The surface from above; a click on it returns x and y."""
    # levels of its own: those that Plotly chooses are lost when the same surface is drawn at another size
    levels = np.linspace(landscape.height.min(), landscape.height.max(), 20)[1:-1]
    return {
        "type": "contour",
        "x": landscape.x,
        "y": landscape.y,
        "z": landscape.height,
        "xaxis": f"x{on}",
        "yaxis": f"y{on}",
        "colorscale": RELIEF,
        "showscale": False,
        "contours": {"start": levels[0], "end": levels[-1], "size": levels[1] - levels[0]},
        "line": {
            "width": 0.8,
            "color": faded(COLOR["muted"], 0.45),
            "smoothing": 0,
        },  # smoothing takes longest
        "hovertemplate": "x %{x:.3g}, y %{y:.3g}<extra></extra>",
    }


def field(landscape) -> dict:
    """Where downhill is; the longest arrow fills its cell, lengths grow with the logarithm of the slope."""
    size = np.maximum(np.linalg.norm(landscape.downhill, axis=1, keepdims=True), 1e-30)
    length = np.clip(1 + np.log10(size / size.max()) / 4, 0, 1)
    cell = 0.85 * np.ptp(landscape.surface.domain, axis=1) / round(len(size) ** 0.5)
    move = landscape.downhill / size * length
    across = np.stack([-move[:, 1], move[:, 0]], 1)
    # all in one line, which is drawn ten times as fast as so many markers: the shaft, then back to each barb
    parts = (-move / 2, move / 2, 0.2 * (move + across), move / 2, 0.2 * (move - across), move * np.nan)
    x, y = (landscape.field_at[:, None] + np.stack(parts, 1) * cell).reshape(-1, 2).T
    return line(x, y, faded(COLOR["gradient"], 0.75), 1.2, name="downhill", showlegend=False)


def star(x, y, on: str = "", what: str = "minimum") -> dict:
    """Where something is best."""
    rim = {"color": COLOR["ink"], "width": 1.8}
    marker = {"symbol": "star", "size": 15, "color": COLOR["paper"], "line": rim}
    return dots(
        x, y, "", on=on, marker=marker, hovertemplate=f"{what} (%{{x:.3g}}, %{{y:.3g}})<extra></extra>"
    )


def minima(landscape, on: str = "") -> dict:
    return star(*np.transpose(landscape.surface.minima), on=on)


def ring(x: float, y: float, color: str, what: str) -> dict:
    """An open circle around one point."""
    marker = {"symbol": "circle-open", "size": 15, "color": color, "line": {"width": 3}}
    return dots([x], [y], "", marker=marker, hovertemplate=f"{what} (%{{x:.3g}}, %{{y:.3g}})<extra></extra>")


def square(surface, across=(0.0, 1.0), up=(0.0, 1.0)) -> tuple[dict, dict]:
    """The axes x and y of a surface: a square of its whole domain, within these shares of the figure."""
    (left, right), (bottom, top) = surface.domain
    common = {"constrain": "domain", "showgrid": False}
    x = {"range": (left, right), "domain": across, "title": {"text": "x"}, **common}
    ratio = (right - left) / (top - bottom)
    y = {"range": (bottom, top), "domain": up, "title": {"text": "y"}, **common}
    return x, y | {"scaleanchor": "x", "scaleratio": ratio}


def moments_of(steps: int) -> np.ndarray:
    """The steps that are played, 0 and the last among them."""
    return np.unique(np.linspace(0, steps, min(steps, MOMENTS) + 1).round().astype(int))


def held(values: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """The row of `values` at each of the steps `moments`, the last one held where the run ended earlier."""
    return values[np.minimum(moments, len(values) - 1)].astype(np.float32)


def played(moments: np.ndarray, traces: dict, grow: dict, labels: list[str] | None = None) -> Frames:
    """Frames at the steps `moments`: the lines of `grow`, from step 0 on, are as long as the run is then."""
    return Frames(labels or [f"step {k}" for k in moments], traces, grow=grow, upto=moments + 1)
