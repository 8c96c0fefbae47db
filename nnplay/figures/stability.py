"""Pictures of the view `stability` of `nnplay.optimizers`."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.frames import Frames
from nnplay.figures.surfaces import (
    NOTE,
    dots,
    held,
    line,
    minima,
    moments_of,
    played,
    relief,
    star,
)
from nnplay.figures.theme import COLOR, SERIES, faded, figure

_BLUE, _RED = list(SERIES)[:2]
_RATES = (0.5, 0.9, 1.0, 1.1, 2.0)  # what the plane's colour bar names
_SMALLEST = 1e-16
_STEEPNESS = [[0.0, COLOR["positive"]], [0.5, COLOR["paper"]], [1.0, COLOR["negative"]]]


def _shade(rate) -> np.ndarray:
    """Signed square root of the rate's logarithm: 0 where a run stands still, below where it converges."""
    power = np.log10(np.maximum(rate, 1e-9))
    return (np.sign(power) * np.sqrt(np.abs(power))).astype(np.float32)


def stability(record) -> go.Figure:
    """The plane of learning rate and momentum; the path on the bowl; how far it is, step by step.

    Trace 0 takes clicks: x is a learning rate, y a momentum. Solid upright
    line: the limit without momentum, 2 / λ; dashed: with it. Star: the fastest.
    """
    path, landscape = record.path, record.landscape
    steps = np.arange(path.steps + 1)
    end = float(_shade(3.0))
    bar = {
        "x": 0.4,
        "y": 0.5,
        "len": 1,
        "thickness": 12,
        "xpad": 6,
        "ypad": 0,
        "outlinewidth": 0,
        "tickvals": _shade(_RATES),
        "ticktext": [f"×{rate:g}" for rate in _RATES],
    }
    plane = {
        "type": "heatmap",
        "x": record.lrs,
        "y": record.momenta,
        "z": _shade(record.rates),
        "customdata": record.rates,
        "coloraxis": "coloraxis",
        "hovertemplate": "lr %{x:.3g}, momentum %{y:.2f}: ×%{customdata:.4f} a step<extra></extra>",
    }
    limits = record.plain_limit * (1 + record.momenta)
    traces = [
        plane,
        line(np.full(2, record.plain_limit), [0, 1], COLOR["ink"], 2, showlegend=False),
        line(limits, record.momenta, COLOR["ink"], 2, "dash", showlegend=False),
        star([record.best[0]], [record.best[1]], what="the fastest pair"),
        dots([record.lr], [record.momentum], COLOR["train"], 17, cliponaxis=False),
        relief(landscape, "2"),
        minima(landscape, "2"),
        line(*path.position.T, COLOR["train"], 2, on="2", mode="lines+markers", showlegend=False),
        dots(*path.position[-1:].T, COLOR["train"], on="2"),
    ]
    hover = {"hovertemplate": "step %{x}: %{y:.3g}<extra>%{fullData.name}</extra>"}
    for axis, name, color in ((0, "flat direction", _BLUE), (1, "steep direction", _RED)):
        far = np.maximum(np.abs(path.position[:, axis]), _SMALLEST)
        theory = np.maximum(far[0] * record.rate[axis] ** steps, _SMALLEST)
        traces.append(line(steps, far, color, on="3", name=name, **hover))
        traces.append(line(steps, theory, faded(color, 0.75), 1.5, "dash", "3", showlegend=False))
    loss = np.maximum(path.loss, _SMALLEST)
    traces.append(line(steps, loss, COLOR["muted"], on="3", name="loss", **hover))
    fate = f"diverged at step {path.diverged_at}" if path.diverged_at else f"×{record.rate.max():.4g} a step"
    at = float(np.log10(record.plain_limit))
    notes = (
        {"x": at, "xshift": -6, "y": 0.02, "xref": "x", "yref": "y domain", "xanchor": "right",
         "text": f"2 / λ = {record.plain_limit:.3g}"},
        {"x": 0.02, "y": 0.15, "xref": "x domain", "yref": "y domain", "xanchor": "left", "text": "crawls"},
        {"x": 0.98, "y": 0.97, "xref": "x domain", "yref": "y domain", "xanchor": "right",
         "text": "diverges"},
        {"x": 0.98, "y": 0.95, "xref": "x2 domain", "yref": "y2 domain", "xanchor": "right", "text": fate},
    )  # fmt: skip
    across, up = landscape.surface.domain
    bare = {"showgrid": False, "showticklabels": False, "ticks": ""}
    return figure(
        traces,
        xaxis={
            "type": "log",
            "range": tuple(np.log10(record.lrs[[0, -1]]).tolist()),
            "domain": (0, 0.4),
            "title": {"text": "learning rate"},
            "tickvals": [0.001, 0.01, 0.1, 1],
            "ticktext": ["0.001", "0.01", "0.1", "1"],
        },
        yaxis={
            "range": tuple(record.momenta[[0, -1]].tolist()),
            "title": {"text": "momentum"},
        },
        xaxis2={"domain": (0.58, 1), "anchor": "y2", "range": across, **bare},
        yaxis2={"domain": (0.56, 1), "anchor": "x2", "range": up, **bare},
        xaxis3={"domain": (0.58, 1), "anchor": "y3", "range": (0, record.steps), "title": {"text": "step"}},
        yaxis3={
            "domain": (0, 0.44),
            "anchor": "x3",
            "type": "log",
            "range": (-8.2, 3.2),
            "dtick": 2,
            "exponentformat": "power",
            "automargin": False,
            "title": {"text": "distance, loss", "standoff": 4},
        },
        annotations=[NOTE | note for note in notes],
        legend={"x": 0.58, "y": 0.445, "font": {"size": 13}},
        margin={"t": 16},
        coloraxis={"colorscale": _STEEPNESS, "cmin": -end, "cmid": 0, "cmax": end, "colorbar": bar},
        narrow={
            "height": 900,
            "xaxis.domain": (0, 0.86),
            "yaxis.domain": (0.6, 1),
            "coloraxis.colorbar.x": 0.86,
            "coloraxis.colorbar.y": 0.8,
            "coloraxis.colorbar.len": 0.4,
            "xaxis2.domain": (0, 1),
            "yaxis2.domain": (0.29, 0.52),
            "xaxis3.domain": (0, 1),
            "yaxis3.domain": (0, 0.2),
            "legend.x": 0,
            "legend.y": 0.205,
        },
    )


def stability_frames(record) -> Frames:
    """The run, played."""
    path = record.path
    moments = moments_of(path.steps)
    x, y = path.position.T
    head = held(path.position, moments)
    lines = {7: {"x": x, "y": y}}
    for trace, curve in zip((9, 11, 13), (np.abs(x), np.abs(y), path.loss)):
        lines[trace] = {"y": np.maximum(curve, _SMALLEST)}
    return played(moments, {8: {"x": head[:, :1], "y": head[:, 1:]}}, lines)
