"""What pictures of a training, validation and test part share: one look a part, the gap, the verdicts."""

from __future__ import annotations

import numpy as np

from nnplay.figures.board import boxes
from nnplay.figures.surfaces import NOTE, dots, line
from nnplay.figures.theme import COLOR, DASH, faded

PARTS = ("train", "validation", "test")
SYMBOL = {"train": "circle", "validation": "square", "test": "diamond"}
_STRIP = {-1: COLOR["muted"], 0: COLOR["positive"], 1: COLOR["negative"]}
_WORDS = {-1: "underfits", 0: "fits", 1: "overfits"}


def curve(part: str, x, y, on: str = "", **trace) -> dict:
    """An error of that part along x."""
    hover = f"{part}: %{{y:.4g}} at %{{x}}<extra></extra>"
    named = {"name": part, "hovertemplate": hover}
    return line(x, y, COLOR[part], 3, DASH[part], on, **named | trace)


def curves(x, errors, on: str = "", least: float = 0.0, **trace) -> list[dict]:
    """Train, validation with the gap between both shaded, test."""
    lines = [curve(part, x, np.maximum(errors[part], least), on, **trace) for part in PARTS]
    lines[1] |= {"fill": "tonexty", "fillcolor": faded(COLOR["validation"], 0.16)}
    return lines


def points(part: str, x, y, **trace) -> dict:
    """The points of that part, and how many these are."""
    look = {"marker": {"color": COLOR[part], "symbol": SYMBOL[part], "size": 9, "line": _RIM}}
    return dots(x, y, "", name=f"{part} ({len(x)})", showlegend=True, **look | trace)


_RIM = {"color": COLOR["paper"], "width": 1}


def strip(x: np.ndarray, verdicts: np.ndarray, on: str = "") -> list[dict]:
    """Three shapes, a strip above the axes `on`: it is coloured by the verdicts (n,) at x (n,)."""
    return [
        {
            "type": "path",
            "path": boxes((left, 1.01, right, 1.035) for left, right in _spans(x, verdicts == verdict)),
            "xref": f"x{on}",
            "yref": f"y{on} domain",
            "line": {"width": 0},
            "fillcolor": color,
        }
        for verdict, color in _STRIP.items()
    ]


def words(x: np.ndarray, verdicts: np.ndarray, on: str = "") -> list[dict]:
    """The verdicts in words, each above the longest part of its strip, if there is room."""
    found = []
    for verdict in _STRIP:
        left, right = max(
            _spans(x, verdicts == verdict), key=lambda span: span[1] - span[0], default=(x[0], x[0])
        )
        room = right - left > 0.12 * (x[-1] - x[0])
        middle = {"x": (left + right) / 2, "xref": f"x{on}", "xanchor": "center", "visible": bool(room)}
        found.append(word(verdict, on) | middle)
    return found


def word(verdict: int, on: str = "") -> dict:
    """One verdict in words, at the left above the strip."""
    place = {"x": 0, "xref": f"x{on} domain", "xanchor": "left"}
    place |= {"y": 1.035, "yref": f"y{on} domain", "yanchor": "bottom"}
    return {
        **NOTE,
        **place,
        "text": _WORDS[int(verdict)],
        "font": {"size": 15, "color": _STRIP[int(verdict)]},
    }


def _spans(x: np.ndarray, inside: np.ndarray) -> list[tuple[float, float]]:
    """Where the points that are inside stand, each with half of the way to its neighbours."""
    edges = np.concatenate([x[:1], (x[1:] + x[:-1]) / 2, x[-1:]]).astype(float)
    flips = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]])))
    return list(zip(edges[flips[::2]].tolist(), edges[flips[1::2]].tolist()))


def upright(x: float, on: str = "", color: str = COLOR["ink"], dash: str = "dot") -> dict:
    """A line across the axes `on` at x."""
    ends = {"x0": x, "x1": x, "y0": 0, "y1": 1, "xref": f"x{on}", "yref": f"y{on} domain"}
    return {"type": "line", **ends, "line": {"color": color, "width": 1.5, "dash": dash}}


def note(text: str, x: float, y: float, on: str = "", **more) -> dict:
    """A text at these shares of the axes `on`."""
    place = {"xref": f"x{on} domain", "yref": f"y{on} domain", "xanchor": "left", "align": "left"}
    return {**NOTE, "text": text, "x": x, "y": y, "bgcolor": faded(COLOR["paper"], 0.8), **place, **more}
