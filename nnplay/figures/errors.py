"""Pictures of `capacity`, `resampled` and `descents` of `nnplay`: a fit, and errors against capacity."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.roles import PARTS, curve, curves, note, points, strip, upright, words
from nnplay.figures.surfaces import dots, line, star
from nnplay.figures.theme import COLOR, SERIES, faded, figure

_LEFT, _RIGHT = (0, 0.47), (0.57, 1)
_WHERE = (-2, 2)
_LEAST = 1e-3  # what is smaller stands at the lower end of a logarithmic axis
_CLOUD = 80  # fits drawn, at most
_BLUE, _RED = list(SERIES)[:2]
ERROR_TRACES = (5, 6, 7)
"""Of `fit`: the curves over the degree."""


def fit(record) -> go.Figure:
    """The points of all parts with the polynomial; the errors of every degree, with the gap."""
    degrees = np.arange(len(record.verdicts))
    shown = {part: np.maximum(error, _LEAST) for part, error in record.error.items()}
    floor = max(record.noise**2, _LEAST)
    traces = [
        line(record.x, record.truth, COLOR["muted"], 2, "dash", name="the function"),
        *(points(part, *record.points[part]) for part in PARTS),
        line(record.x, record.prediction, COLOR["ink"], 3.5, name=f"polynomial of degree {record.degree}"),
        *curves(degrees, shown, "2", showlegend=False, mode="lines+markers", marker={"size": 8}),
        line([0, degrees[-1]], [floor, floor], COLOR["muted"], 2, "dash", "2", showlegend=False),
        star([record.best], [shown["validation"][record.best]], "2", "the sweet spot"),
    ]
    return _beside(
        traces,
        _degrees(degrees),
        {"type": "log", "range": (np.log10(_LEAST), 1.5), "dtick": 1},
        shapes=[*strip(degrees, record.verdicts, "2"), upright(record.degree, "2")],
        annotations=[
            *words(degrees, record.verdicts, "2"),
            note(f"degree {record.degree} <b>{record.verdict}</b>", 0.02, 0.98, yanchor="top"),
            note("noise", 0.01, np.log10(floor), "2", yanchor="top", yref="y2"),
        ],
        legend={"y": 1.09},
        margin={"t": 80},
        narrow={"margin.t": 130, "xaxis2.dtick": 3, "yaxis2.domain": (0, 0.4)},
    )


def bias_variance(record) -> go.Figure:
    """The cloud of fits with its mean; squared bias, variance and noise stacked against the degree."""
    degrees = np.arange(len(record.bias2))
    fits = record.fits[:_CLOUD]
    x = np.tile(np.append(record.x, np.nan), len(fits))
    y = np.pad(fits, ((0, 0), (0, 1)), constant_values=np.nan).ravel()
    parts = np.array([record.bias2, record.variance, np.full(len(degrees), record.noise2)])
    top = 1.2 * float(record.sum[0])
    band = {"mode": "lines", "fill": "tonexty"}
    traces = [
        line(x, y, faded(_BLUE, 0.22), 1, name=f"{len(fits)} fits", connectgaps=False),
        line(record.x, record.truth, COLOR["ink"], 2.5, "dash", name="the function"),
        line(record.x, record.mean, _RED, 3.5, name="mean fit", fill="tonexty", fillcolor=faded(_RED, 0.3)),
        line(degrees, 0 * degrees, _RED, 0, on="2", showlegend=False),
    ]
    looks = (("bias²", _RED), ("variance", _BLUE), ("noise", COLOR["muted"]))
    for (name, color), own, height in zip(looks, parts, np.cumsum(parts, axis=0)):
        traces.append(
            line(
                degrees,
                height,
                color,
                1.5,
                on="2",
                name=name,
                fillcolor=faded(color, 0.45),
                customdata=own,
                hovertemplate=f"{name}: %{{customdata:.4g}} at degree %{{x}}<extra></extra>",
                **band,
            )
        )
    hover = "measured: %{y:.4g} at degree %{x}<extra></extra>"
    traces += [
        dots(
            degrees,
            record.error,
            COLOR["ink"],
            10,
            on="2",
            name="measured error",
            showlegend=True,
            hovertemplate=hover,
        ),
        star([record.best], [record.sum[record.best]], "2", "the lowest sum"),
    ]
    d = record.degree
    text = f"bias² {record.bias2[d]:.3g} + variance {record.variance[d]:.3g} + noise {record.noise2:.3g}"
    text += f"<br>= {record.sum[d]:.3g}, measured {record.error[d]:.3g}"
    return _beside(
        traces,
        _degrees(degrees),
        {"range": (0, top)},
        shapes=[upright(d, "2")],
        annotations=[note(text, 0.5, 0.98, "2", xanchor="center", yanchor="top")],
        legend={"y": 1.02},
        narrow={"margin.t": 110, "xaxis2.dtick": 3},
    )


def double_descent(record) -> go.Figure:
    """A training set with its fit; the errors against the number of features, with the threshold."""
    counts, at = record.counts, record.at
    low, high = np.maximum(np.quantile(record.test, (0.25, 0.75), axis=1), _LEAST)
    median = np.maximum(record.median, _LEAST)
    n = len(record.train_x)
    least, most = 10**-2.6, 10.0
    bound = {"showlegend": False, "on": "2"}
    traces = [
        line(record.x, record.truth, COLOR["muted"], 2, "dash", name="the function"),
        points("train", record.train_x, record.train_y),
        line(record.x, record.prediction, COLOR["ink"], 3.5, name=f"fit of {record.features} features"),
        line(counts, high, COLOR["test"], 0, **bound),
        line(counts, low, COLOR["test"], 0, fill="tonexty", fillcolor=faded(COLOR["test"], 0.18), **bound),
        line(
            counts,
            np.maximum(record.unpenalized, _LEAST),
            COLOR["muted"],
            2,
            "dash",
            "2",
            name="test, alpha = 0",
            visible=record.alpha > 0,
        ),
        curve(
            "train", counts, np.clip(np.median(record.train, axis=1), least, most), "2", name="train error"
        ),
        curve("test", counts, median, "2", name="test error (median, middle half)"),
        dots(counts[at : at + 1], median[at : at + 1], COLOR["test"], 15, on="2"),
    ]
    return _beside(
        traces,
        {
            "type": "log",
            "range": (0, np.log10(counts[-1])),
            "tickvals": [1, 3, 10, 30, 100, 300],
            "title": {"text": "features"},
        },
        {"type": "log", "range": (np.log10(least), np.log10(most)), "tickvals": [0.01, 0.1, 1, 10]},
        shapes=[upright(n, "2", COLOR["negative"], "dash")],
        annotations=[
            note(
                f"as many features<br>as points: {n}", np.log10(n) + 0.03, 0.97, "2", xref="x2", yanchor="top"
            ),
            note(f"length of the weights: {record.norm:.3g}", 0.02, 0.98, yanchor="top"),
        ],
        legend={"y": 1.02},
        narrow={"margin.t": 120},
    )


def _beside(traces: list, x2: dict, y2: dict, *, narrow: dict, **layout) -> go.Figure:
    """A fit at the left, and its errors, over x2, at the right; on a narrow page below it."""
    stacked = {
        "height": 860,
        "xaxis.domain": (0, 1),
        "yaxis.domain": (0.56, 1),
        "xaxis2.domain": (0, 1),
        "yaxis2.domain": (0, 0.42),
    }
    return figure(
        traces,
        xaxis={"domain": _LEFT, "range": _WHERE, "dtick": 1, "title": {"text": "x"}},
        yaxis={"range": (-2.4, 2.4), "title": {"text": "y"}},
        xaxis2={"domain": _RIGHT, "anchor": "y2", **x2},
        yaxis2={"anchor": "x2", "title": {"text": "mean squared error"}, **y2},
        narrow=stacked | narrow,
        **layout,
    )


def _degrees(degrees: np.ndarray) -> dict:
    return {"range": (-0.3, degrees[-1] + 0.3), "dtick": 1, "title": {"text": "degree"}}


def preview(record) -> go.Figure:
    """A polynomial and its points without axes, for a card of 320 x 180."""
    traces = [
        line(record.x, record.truth, COLOR["muted"], 2, "dash"),
        line(record.x, record.prediction, COLOR["ink"], 3),
        points("train", *record.points["train"]),
    ]
    return figure(
        traces,
        showlegend=False,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis={"range": (record.x[0], record.x[-1]), "visible": False},
        yaxis={"range": (-2, 2), "visible": False},
    )
