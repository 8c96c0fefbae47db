"""Pictures of `nnplay.payoff`: accuracies with and without the chain, while the nets train."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures import rasters
from nnplay.figures.frames import Frames
from nnplay.figures.roles import note
from nnplay.figures.surfaces import line
from nnplay.figures.theme import COLOR, GRAY, SERIES, faded, figure

ARMS = ("without the chain", "with the chain")
TESTS = ("clean", "rotated", "shifted", "noisy")
_COLORS = (COLOR["muted"], next(iter(SERIES)))
_DASH = ("dash", "solid")
_ACROSS = ((0, 0.22), (0.26, 0.48), (0.52, 0.74), (0.78, 1))
_MOST_LOSS = 2.6


def payoff(record) -> tuple[go.Figure, Frames]:
    """Accuracy on four kinds of test digits by epoch; below, against the angle, and the loss. To be played.

    Bands are from the lowest to the highest of the seeds, lines their means.
    """
    moments, tested = record.moments, record.tested
    by_angle = _held(record.by_angle)[tested]
    traces, moving, grow = [], {}, {}
    for j in range(len(TESTS)):
        for arm in (1, 0):
            _band(traces, grow, moments, record.accuracy[:, arm, :, j], arm, str(j + 1) if j else "", j == 0)
    upto = dict.fromkeys(grow, tested + 1)
    for arm in (1, 0):
        start = len(traces)
        _band(traces, None, record.angles, by_angle[-1, arm], arm, "5", False)
        low, high = _ends(by_angle[:, arm])
        for i, values in enumerate((low, high, by_angle[:, arm].mean(1))):
            moving[start + i] = {"y": values.astype(np.float32)}
    for arm in (1, 0):
        _band(traces, grow, record.epochs, np.clip(record.loss[:, arm], 0, _MOST_LOSS), arm, "6", False)
    upto |= {i: np.arange(len(tested)) + 1 for i in grow.keys() - upto.keys()}
    titles = [_titles(record, t) for t in range(len(moments))]
    seen = [titles[t] for t in tested]
    pixels = record.shown.shape[-1]
    places = np.stack([np.arange(10) * (pixels + 2), np.zeros(10)], 1).astype(int)
    size = (10 * (pixels + 2) - 2, pixels)
    gray = np.minimum(record.shown, rasters.HOLE - 1).reshape(len(moments), -1)[tested]
    shown = rasters.raster(0, gray[-1], pixels, places, size, GRAY)
    image = rasters.image(shown, (0, 1, 1, 1), "x7", "y7")
    percent = {"range": (0, 1.02), "tickformat": ".0%", "dtick": 0.25}
    epochs = {"range": (0, record.of), "title": {"text": "epoch"}, "nticks": 4}
    axes = {}
    for j, across in enumerate(_ACROSS):
        on = str(j + 1) if j else ""
        axes[f"xaxis{on}"] = {"domain": across, "anchor": f"y{on}", **epochs}
        axes[f"yaxis{on}"] = {"domain": (0.6, 0.93), "anchor": f"x{on}", "showticklabels": not j, **percent}
    fig = figure(
        traces,
        **axes,
        xaxis5={
            "domain": (0, 0.6),
            "anchor": "y5",
            "range": (-180, 180),
            "dtick": 45,
            "ticksuffix": "°",
            "title": {"text": "test digits turned by"},
        },
        yaxis5={"domain": (0, 0.4), "anchor": "x5", "title": {"text": "accuracy"}, **percent},
        xaxis6={"domain": (0.7, 1), "anchor": "y6", **epochs},
        yaxis6={
            "domain": (0, 0.24),
            "anchor": "x6",
            "range": (0, _MOST_LOSS),
            "dtick": 1,
            "title": {"text": "training loss"},
        },
        xaxis7={"domain": (0.7, 1), "anchor": "y7", "visible": False, "range": (0, 1)},
        yaxis7={"domain": (0.31, 0.36), "anchor": "x7", "visible": False, "range": (0, 1)},
        images=[image],
        annotations=[
            *(
                note(text, 0, 1.02, str(j + 1) if j else "", yanchor="bottom")
                for j, text in enumerate(seen[-1])
            ),
            note("as seen through the chain", 0, 1.1, "7", yanchor="bottom"),
        ],
        legend={"y": 1.0},
        margin={"t": 24},
        narrow={
            "height": 1120,
            "xaxis.domain": (0, 0.46),
            "xaxis2.domain": (0.54, 1),
            "xaxis3.domain": (0, 0.46),
            "xaxis4.domain": (0.54, 1),
            "yaxis.domain": (0.8, 0.95),
            "yaxis2.domain": (0.8, 0.95),
            "yaxis3.domain": (0.56, 0.71),
            "yaxis4.domain": (0.56, 0.71),
            "xaxis5.domain": (0, 1),
            "xaxis5.dtick": 90,
            "yaxis5.domain": (0.29, 0.47),
            "xaxis6.domain": (0, 1),
            "yaxis6.domain": (0, 0.12),
            "xaxis7.domain": (0, 1),
            "yaxis7.domain": (0.15, 0.18),
        },
    )
    fig.layout.meta["rasters"] = [shown]
    texts = {f"annotations[{j}].text": [each[j] for each in seen] for j in range(len(TESTS))}
    texts["meta.rasters[0].values"] = gray
    labels = [f"epoch {at:.4g}" for at in record.epochs]
    return fig, Frames(labels, moving, texts, grow, upto)


def _band(traces, grow, x, values: np.ndarray, arm: int, on: str, legend: bool) -> None:
    """Adds lowest, highest and mean of `values` (points, S), or of (S, points) where nothing grows."""
    by_point = values if grow is not None else values.T
    low, high = _ends(by_point.T)
    named = {"legendgroup": ARMS[arm], "name": ARMS[arm]}
    quiet = {"showlegend": False, **named}
    hover = f"{ARMS[arm]}: %{{y:.3g}} at %{{x}}<extra></extra>"
    start = len(traces)
    traces += [
        line(x, low, _COLORS[arm], 0, on=on, **quiet),
        line(x, high, _COLORS[arm], 0, on=on, fill="tonexty", fillcolor=faded(_COLORS[arm], 0.2), **quiet),
        line(
            x,
            by_point.mean(1),
            _COLORS[arm],
            3,
            _DASH[arm],
            on,
            hovertemplate=hover,
            **named,
            showlegend=legend,
        ),
    ]
    if grow is not None:
        for i in range(start, start + 3):
            grow[i] = {"x": traces[i]["x"], "y": traces[i]["y"]}


def _ends(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and most along the axis before the last."""
    return values.min(-2), values.max(-2)


def _held(by_angle: np.ndarray) -> np.ndarray:
    """At moments at which nothing was measured, what was measured before."""
    measured = np.isfinite(by_angle[:, 0, 0, 0])
    last = np.maximum.accumulate(np.where(measured, np.arange(len(measured)), 0))
    return by_angle[last]


def _titles(record, t: int) -> list[str]:
    """Mean accuracy without and with, for each kind of test digits."""
    means = record.accuracy[t].mean(1)  # (arm, test)
    return [f"<b>{test}</b> {means[0, j]:.0%} → {means[1, j]:.0%}" for j, test in enumerate(TESTS)]
