"""Pictures of the record of `nnplay.schedules`."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.frames import Frames
from nnplay.figures.surfaces import (
    dots,
    fate,
    line,
    minima,
    moments_of,
    played,
    relief,
    roof,
    square,
)
from nnplay.figures.theme import COLOR, faded, figure

_COLORS = (COLOR["muted"], COLOR["train"])
_DASHES = ("dash", "solid")


def schedule(record) -> go.Figure:
    """The learning rate step by step, the distance to the minimum below it, and the path beside them.

    Gray and dashed: the same run, with the same noise, at a constant learning
    rate. Distance: median and 10 to 90 % of the runs. Small points on the
    surface: where every run ended.
    """
    steps = np.arange(record.lr.shape[1] + 1)
    names = ("constant", record.title)
    looks = list(zip(_COLORS, _DASHES, names))
    groups = [{"name": name, "legendgroup": name, "showlegend": False} for name in names]
    traces = [relief(record.landscape), minima(record.landscape)]
    traces += [line(*path.T, color, 2, **group) for path, color, group in zip(record.paths, _COLORS, groups)]
    for ends, color, group in zip(record.ends, _COLORS, groups):
        hover = f"end of a run, {group['name']}<extra></extra>"
        traces.append(dots(*ends.T, faded(color, 0.8), 8, hovertemplate=hover, **group))
    for lr, (color, dash, name) in zip(record.lr, looks):
        hover = f"step %{{x}}: lr %{{y:.4g}}<extra>{name}</extra>"
        traces.append(
            line(steps[:-1], lr, color, 3, dash, "2", name=name, legendgroup=name, hovertemplate=hover)
        )
    for rows, (color, dash, name), group in zip(record.distance, looks, groups):
        low, middle, high = np.maximum(np.percentile(rows, (10, 50, 90), axis=0), 1e-6)
        fill = {"fill": "toself", "fillcolor": faded(color, 0.2)}
        around = np.concatenate([steps, steps[::-1]]), np.concatenate([low, high[::-1]])
        traces.append(line(*around, color, 0, on="3", **fill, **group))
        hover = f"step %{{x}}: %{{y:.3g}} away<extra>{name}, median</extra>"
        traces.append(line(steps, middle, color, 2.5, dash, "3", hovertemplate=hover, **group))
    traces += [dots(*path[-1:].T, color) for path, color in zip(record.paths, _COLORS)]
    traces.append(dots(steps[-2:-1], record.lr[1, -1:], COLOR["train"], on="2", cliponaxis=False))
    x, y = square(record.landscape.surface, (0.58, 1))
    x["range"], y["range"] = (-4, 2), (-3, 3)  # nearer to where it ends
    diverged = [f"{name} diverged at step {at}" for name, at in zip(names, record.diverged_at) if at]
    along = {"domain": (0, 0.47), "range": (0, steps[-1])}
    top = roof(1.05 * float(record.lr.max()))
    return figure(
        traces,
        xaxis=x,
        yaxis=y,
        xaxis2={**along, "anchor": "y2", "showticklabels": False},
        yaxis2={"domain": (0.55, 1), "anchor": "x2", "range": (0, top), "title": {"text": "learning rate"}},
        xaxis3={**along, "anchor": "y3", "title": {"text": "step"}},
        yaxis3={
            "domain": (0, 0.47),
            "anchor": "x3",
            "type": "log",
            "range": (-2.3, 1.1),
            "dtick": 1,
            "title": {"text": "distance"},
        },
        legend={"y": 1.02},
        annotations=[fate("<br>".join(diverged), up=True)],
        narrow={
            "height": 860,
            "xaxis.domain": (0, 1),
            "yaxis.domain": (0, 0.44),
            "xaxis2.domain": (0, 1),
            "yaxis2.domain": (0.79, 1),
            "xaxis3.domain": (0, 1),
            "yaxis3.domain": (0.54, 0.75),
        },
    )


def schedule_frames(record) -> Frames:
    """The drawn run, played."""
    moments, traces, lines = moments_of(record.lr.shape[1]), {}, {}
    for i, path in enumerate(record.paths):
        head = path[moments].astype(np.float32)
        lines[2 + i] = dict(zip("xy", path.T))
        traces[12 + i] = {"x": head[:, :1], "y": head[:, 1:]}
    used = np.maximum(moments - 1, 0)  # the rate of the step that was just taken
    traces[14] = {"x": used[:, None], "y": record.lr[1, used][:, None].astype(np.float32)}
    return played(moments, traces, lines)
