"""Pictures of the records of `nnplay.optimizers`.

In every figure trace 0 is the map that can be clicked: on a surface it sets
the start, on the plane of `stability` learning rate and momentum. The frames
of a picture play in the figure of the same name. On a narrow page the parts of
a picture stand one below the other.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.frames import Frames
from nnplay.figures.minibatches import batches, batches_curves, batches_frames
from nnplay.figures.schedules import schedule, schedule_frames
from nnplay.figures.stability import stability, stability_frames
from nnplay.figures.surfaces import (
    arrows,
    dots,
    fate,
    field,
    held,
    line,
    minima,
    moments_of,
    played,
    relief,
    ring,
    spoke,
    square,
)
from nnplay.figures.theme import COLOR, SERIES, figure, series

__all__ = [
    "batches",
    "batches_curves",
    "batches_frames",
    "preview",
    "race",
    "race_3d",
    "race_3d_frames",
    "race_frames",
    "schedule",
    "schedule_frames",
    "sharpness",
    "stability",
    "stability_frames",
]

_LOWEST = 1e-10  # where the axis of a loss ends: below is rounding
_FLATTEST = 0.01  # where the axis of a curvature ends; below, and where it is negative, nothing limits a step
_ARROWS = (("−gradient", "gradient"), ("−momentum", "test"), ("step", "ink"))


def _looks(record) -> list[dict]:
    """Colour, dash and symbol of each path: a colour per optimizer, past nine another dash and symbol."""
    colors, names = series(record.titles), list(record.titles)
    plain = {True: ("solid", "circle"), False: ("dash", "diamond")}
    looks = []
    for path in record.paths:
        dash, symbol = plain[names.index(path.optimizer) < len(SERIES)]
        looks.append({"color": colors[path.optimizer], "dash": dash, "symbol": symbol})
    return looks


def _above(path) -> np.ndarray:
    """The loss above the surface's lowest, for a logarithmic axis."""
    return np.maximum(path.loss - path.surface.lowest, _LOWEST).astype(np.float32)


def _decades(record) -> tuple[float, float]:
    """Range, in decades, of the losses of a race; what diverged does not widen it."""
    losses = np.concatenate([[1.0], *(_above(path) for path in record.paths)][bool(record.paths) :])
    low, high = losses.min(), min(losses.max(), record.landscape.highest)
    # in steps of half a decade, so that the axis rarely moves, and ends beside a tick rather than on it
    return float(np.floor(2 * np.log10(low)) / 2 - 0.1), float(np.ceil(2 * np.log10(high)) / 2 + 0.1)


def _forces(path, landscape) -> np.ndarray:
    """(3, T+1, 2): arrows of −gradient, −momentum and step k at the position before it; NaN for step 0.

    The step is to scale; the other two have their direction, and a length that grows with the cube root.
    """
    moves = np.full((3, path.steps + 1, 2), np.nan)
    moves[0, 1:] = -path.gradient[:-1]
    if path.first_moment is not None:
        moves[1, 1:] = -path.first_moment[1:]
    moves[2, 1:] = path.step
    longest = 0.16 * np.ptp(landscape.surface.domain[0])
    for rows in moves[:2]:
        size = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
        if np.isfinite(size).any():
            rows *= longest * np.cbrt(size / np.nanmax(size)) / size
    return moves


def race(record, shown: str = "", step: int = 1) -> go.Figure:
    """Paths on the surface, and loss against step.

    `shown`: the optimizer whose gradient, momentum and step are drawn as
    arrows, at its step number `step`. Trace 0 takes clicks: a new start.
    """
    landscape, looks, paths = record.landscape, _looks(record), record.paths
    names = [record.titles[path.optimizer] for path in paths]
    colors, symbols = [look["color"] for look in looks], [look["symbol"] for look in looks]
    traces = [relief(landscape), field(landscape), minima(landscape)]
    for path, look, name in zip(paths, looks, names):
        traces.append(line(*path.position.T, look["color"], 3, look["dash"], name=name, legendgroup=name))
    for path, look, name in zip(paths, looks, names):
        hover = f"step %{{x}}: %{{y:.4g}}<extra>{name}</extra>"
        style = {"name": name, "legendgroup": name, "showlegend": False, "hovertemplate": hover}
        steps = np.arange(path.steps + 1)
        traces.append(line(steps, _above(path), look["color"], 2.5, look["dash"], "2", **style))
    ends = np.array([path.position[-1] for path in paths]).reshape(-1, 2)
    traces.append(dots(*ends.T, colors, symbol=symbols))
    steps, losses = [path.steps for path in paths], [_above(path)[-1] for path in paths]
    traces.append(dots(steps, losses, colors, symbol=symbols, on="2", cliponaxis=False))
    left = [(*path.left_at, color) for path, color in zip(paths, colors) if path.left_at is not None]
    x, y, color = zip(*left) if left else ([], [], [])
    hover = "diverged: left here for good<extra></extra>"
    traces.append(dots(x, y, list(color), 15, "x", cliponaxis=False, hovertemplate=hover))
    traces.append(ring(*record.start, COLOR["ink"], "start"))
    traces += _shown_arrows(record.path(shown), landscape, step)
    x, y = square(landscape.surface, (0, 0.53))
    lowest, decades = landscape.surface.lowest, _decades(record)
    sign = "−" if lowest > 0 else "+"
    fates = [f"{name} diverged at step {p.diverged_at}" for p, name in zip(paths, names) if p.diverged_at]
    return figure(
        traces,
        xaxis=x,
        yaxis=y,
        xaxis2={
            "domain": (0.66, 1),
            "anchor": "y2",
            "range": (0, record.steps),
            "title": {"text": "step"},
        },
        yaxis2={
            "anchor": "x2",
            "type": "log",
            "range": decades,
            "dtick": 2 if np.ptp(decades) > 5 else 1,
            "exponentformat": "power",
            "title": {"text": f"loss {sign} {abs(lowest):.3g}" if lowest else "loss"},
        },
        annotations=[fate("<br>".join(fates))],
        hovermode="closest",
        legend={"y": 1.02},
        uirevision=landscape.surface.name,
        narrow={
            "height": 660,
            "xaxis.domain": (0, 1),
            "yaxis.domain": (0.38, 1),
            "xaxis2.domain": (0, 1),
            "yaxis2.domain": (0, 0.24),
        },
    )


def _shown_arrows(path, landscape, step: int) -> list[dict]:
    """The three arrows of a path at a step; empty where there is no path, no step or no momentum."""
    at, moves = np.zeros(2), np.full((3, 2), np.nan)
    if path is not None and path.steps:
        step = min(max(step, 1), path.steps)
        at, moves = path.position[step - 1], _forces(path, landscape)[:, step]
    return [
        arrows(at, move, COLOR[role], 3.5, 13, name=name, showlegend=bool(np.isfinite(move).all()))
        for (name, role), move in zip(_ARROWS, moves)
    ]


def race_frames(record, shown: str = "") -> Frames:
    """The race, played: paths grow, points and the arrows of `shown` move."""
    n, moments, traces, lines = len(record.paths), moments_of(record.steps), {}, {}
    for i, path in enumerate(record.paths):
        lines[3 + i] = dict(zip("xy", path.position.T))
        lines[3 + n + i] = {"y": _above(path)}
    if n:
        heads = np.stack([held(path.position, moments) for path in record.paths], 2)
        steps = [np.minimum(moments, path.steps) for path in record.paths]
        losses = [held(_above(path), moments) for path in record.paths]
        traces[3 + 2 * n] = {"x": heads[:, 0], "y": heads[:, 1]}
        traces[4 + 2 * n] = {"x": np.stack(steps, 1), "y": np.stack(losses, 1)}
    path = record.path(shown)
    if path is not None:
        now = np.where(moments <= path.steps, moments, 0)  # after its last step a run has no arrows
        at = path.position[np.maximum(now - 1, 0)]
        for i, moves in enumerate(_forces(path, record.landscape)[:, now]):
            x, y = spoke(at, moves)
            traces[7 + 2 * n + i] = {"x": x, "y": y}
    return played(moments, traces, lines)


def _lifted(path, landscape) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A path's x, y and height a little above the surface, NaN where it is outside the domain."""
    low, high = np.transpose(landscape.surface.domain)
    inside = ((path.position >= low) & (path.position <= high)).all(1)
    raised = path.height + 0.015 * np.ptp(landscape.height)
    return tuple(np.where(inside, part, np.nan).astype(np.float32) for part in (*path.position.T, raised))


def _in_space(points, style: dict) -> dict:
    return {"type": "scatter3d", "hoverinfo": "skip", **dict(zip("xyz", points)), **style}


def race_3d(record) -> go.Figure:
    """The surface in three dimensions, its height log10 of the loss, with the same paths on it."""
    landscape, looks = record.landscape, _looks(record)
    lines = [_lifted(path, landscape) for path in record.paths]
    traces = [
        {
            "type": "surface",
            "x": landscape.x,
            "y": landscape.y,
            "z": landscape.height,
            "colorscale": [[0.0, COLOR["panel"]], [1.0, COLOR["muted"]]],
            "showscale": False,
            "opacity": 0.8,
            "hovertemplate": "x %{x:.3g}, y %{y:.3g}<extra></extra>",
        }
    ]
    for path, look, (x, y, z) in zip(record.paths, looks, lines):
        style = {"mode": "lines", "line": {"color": look["color"], "width": 7, "dash": look["dash"]}}
        traces.append(_in_space((x, y, z), style | {"name": record.titles[path.optimizer]}))
    last = [np.flatnonzero(np.isfinite(x))[-1] for x, _, _ in lines]  # the last point that is in sight
    ends = np.array([[part[i] for part in point] for point, i in zip(lines, last)], np.float32).reshape(-1, 3)
    marker = {
        "color": [look["color"] for look in looks],
        "symbol": [look["symbol"] for look in looks],
        "size": 6,
        "line": {"color": COLOR["ink"], "width": 1},
    }
    traces.append(_in_space(ends.T, {"mode": "markers", "marker": marker, "showlegend": False}))
    axis = {"backgroundcolor": COLOR["paper"], "gridcolor": COLOR["grid"], "color": COLOR["muted"]}
    across, up = landscape.surface.domain
    heights = float(landscape.height.min()), float(landscape.height.max()) + 0.1
    return figure(
        traces,
        margin={"l": 0, "r": 0, "t": 40, "b": 0},
        uirevision=landscape.surface.name,
        narrow={"height": 420},
        scene={
            "xaxis": axis | {"range": across, "title": {"text": "x"}},
            "yaxis": axis | {"range": up, "title": {"text": "y"}},
            "zaxis": axis | {"range": heights, "title": {"text": "log loss"}, "showticklabels": False},
            "aspectmode": "manual",
            "aspectratio": {"x": 1.2, "y": 1.2, "z": 0.75},
            "camera": {"eye": {"x": -1.05, "y": -1.15, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.12}},
            "uirevision": "stay",
        },
    )


def race_3d_frames(record) -> Frames:
    """The race in three dimensions, played."""
    moments, traces, lines, heads = moments_of(record.steps), {}, {}, []
    for i, path in enumerate(record.paths):
        parts = _lifted(path, record.landscape)
        lines[1 + i] = dict(zip("xyz", parts))
        heads.append([held(part, moments) for part in parts])
    if heads:
        traces[1 + len(heads)] = {name: np.stack(part, 1) for name, part in zip("xyz", zip(*heads))}
    return played(moments, traces, lines)


def sharpness(record, shown: str = "") -> go.Figure:
    """The surface's largest curvature along each path and, for SGD or momentum as `shown`, its limit.

    Above 2 / lr plain gradient descent overshoots by more each step, with
    momentum above 2 (1 + momentum) / lr.
    """
    traces, most = [], []
    for path, look in zip(record.paths, _looks(record)):
        name, values = record.titles[path.optimizer], path.sharpness
        style = {"mode": "lines+markers", "marker": {"symbol": look["symbol"], "size": 7}, "name": name}
        hover = f"step %{{x}}: %{{y:.4g}}<extra>{name}</extra>"
        curve = np.maximum(values, _FLATTEST)
        traces.append(
            line(path.sharpness_at, curve, look["color"], 2.5, look["dash"], hovertemplate=hover, **style)
        )
        if not path.diverged_at:
            most.append(float(values.max()))
    path = record.path(shown)
    limit = np.nan if path is None or path.sharpness_limit is None else path.sharpness_limit
    name = f"limit of {record.titles.get(shown, '')}"
    style = {"name": name, "showlegend": bool(np.isfinite(limit))}
    traces.append(line([0, record.steps], [limit, limit], COLOR["muted"], 2, "dash", **style))
    top = np.log10(np.nanmax([*most, limit, 1.0]))
    return figure(
        traces,
        xaxis={"range": (0, record.steps), "title": {"text": "step"}},
        yaxis={
            "type": "log",
            "range": (np.log10(_FLATTEST), float(top) + 0.3),
            "dtick": 1,
            "title": {"text": "largest curvature"},
        },
    )


def preview(record) -> go.Figure:
    """A race without its axes, for a card of 320 x 180."""
    landscape = record.landscape
    traces = [relief(landscape), minima(landscape)]
    for path, look in zip(record.paths, _looks(record)):
        traces.append(line(*path.position.T, look["color"], 3.5, look["dash"]))
    across, up = landscape.surface.domain
    return figure(
        traces,
        showlegend=False,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis={"range": across, "visible": False},
        yaxis={"range": up, "visible": False},
    )
