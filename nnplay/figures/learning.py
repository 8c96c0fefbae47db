"""Pictures of `nnplay.learning`: what a net says over the plane, and its curves, epoch by epoch."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.frames import Frames
from nnplay.figures.roles import PARTS, SYMBOL, curves, note, strip, upright, word
from nnplay.figures.surfaces import dots, star
from nnplay.figures.theme import COLOR, DIVERGING, figure

LEAST, MOST = 1e-4, 10.0
"""Losses beyond stand at the border."""


def says(z: np.ndarray, axis: np.ndarray, **trace) -> dict:
    """Probabilities of class 1 as colours: green is class 1, pink class 0."""
    style = {"colorscale": DIVERGING, "zmin": 0, "zmax": 1, "showscale": False}
    hover = "class 1: %{z:.0%}<extra></extra>"
    step = float(axis[1] - axis[0])
    places = {"x0": float(axis[0]), "dx": step, "y0": float(axis[0]), "dy": step}
    return {"type": "heatmap", "z": z, "hovertemplate": hover, **style, **places, **trace}


def classes(x: np.ndarray, y: np.ndarray, part: str, wrong=None, size: float = 9, **trace) -> dict:
    """Points in the colours of their labels; those with a wrong label have a dark rim."""
    wrong = np.zeros(len(y), bool) if wrong is None else wrong
    rim = {
        "color": np.where(wrong, COLOR["ink"], COLOR["paper"]).tolist(),
        "width": np.where(wrong, 2.5, 1),
    }
    marker = {
        "color": np.where(y > 0.5, COLOR["positive"], COLOR["negative"]).tolist(),
        "symbol": SYMBOL[part],
        "size": size,
        "line": rim,
    }
    return dots(*x.T, "", marker=marker, **trace)


def train(record) -> tuple[go.Figure, Frames]:
    """The map with the points, and the curves of loss and accuracy; to be played."""
    return _digits(record) if record.digits else _plane(record)


def _plane(record) -> tuple[go.Figure, Frames]:
    square = {"range": (float(record.axis[0]), float(record.axis[-1])), "constrain": "domain"}
    quiet = {"showgrid": False, "zeroline": False}
    traces = [says(record.maps[-1], record.axis, opacity=0.6)]  # paler than the points on it
    for part in PARTS:
        wrong = record.wrong if part == "train" else None
        named = {"name": f"{part} ({len(record.points[part][1])})", "showlegend": True}
        traces.append(classes(*record.points[part], part, wrong, **named))
    mapped = {0: {"z": record.maps}}
    return _with_curves(
        record,
        traces,
        mapped,
        {"domain": (0.6, 1), "anchor": "y2"},
        {"domain": (0.4, 0.92), "anchor": "x2"},
        {"domain": (0.6, 1), "anchor": "y3"},
        {"domain": (0, 0.3), "anchor": "x3"},
        {
            "yaxis.domain": (0.54, 1),
            "xaxis.domain": (0, 1),
            **{f"xaxis{i}.domain": (0, 1) for i in (2, 3)},
            "yaxis2.domain": (0.2, 0.43),
            "yaxis3.domain": (0, 0.13),
        },
        xaxis={"domain": (0, 0.5), "title": {"text": "x₁"}, **square, **quiet},
        yaxis={"title": {"text": "x₂"}, "scaleanchor": "x", **square, **quiet},
    )


def _digits(record) -> tuple[go.Figure, Frames]:
    """No map: the space of the digits has 64 dimensions."""
    places = {
        "yaxis2.domain": (0.56, 0.94),
        "yaxis3.domain": (0, 0.4),
        "xaxis2.domain": (0, 1),
        "xaxis3.domain": (0, 1),
    }
    return _with_curves(
        record,
        [],
        {},
        {"domain": (0, 0.46), "anchor": "y2"},
        {"domain": (0, 0.92), "anchor": "x2"},
        {"domain": (0.56, 1), "anchor": "y3"},
        {"domain": (0, 0.92), "anchor": "x3"},
        places,
    )


def _with_curves(record, traces, moving, x2, y2, x3, y3, narrow, **layout) -> tuple[go.Figure, Frames]:
    """The figure, with loss on the second and accuracy on the third pair of axes, and what moves in it."""
    epochs = np.arange(len(record.loss["train"]))
    first = len(traces)
    loss = {part: np.clip(record.loss[part], LEAST, MOST) for part in PARTS}
    best = record.best
    bare = record.digits  # then the legend, which the points have otherwise, is the curves'
    sizes = {part: f"{part} ({len(record.points[part][1])})" for part in PARTS}
    traces += [line | {"name": sizes[part]} for part, line in zip(PARTS, curves(epochs, loss, "2"))]
    for line in traces[first:]:
        line["showlegend"] = bare
    traces += curves(epochs, record.accuracy, "3", showlegend=False)
    lowest = loss["validation"][best]
    traces.append(star(best[-1:], lowest[-1:], "2", "best epoch, its weights are kept"))
    here = record.moments
    bands = [strip(epochs[: len(known)], known, "2") for known in record.verdicts]
    shapes = [*bands[-1], *(upright(here[-1], on) for on in ("2", "3"))]
    words = [word(known[-1], "2") for known in record.verdicts]
    gone = f"diverged at epoch {record.diverged_at}" if record.diverged_at is not None else ""
    fig = figure(
        traces,
        xaxis2={**x2, "range": (0, record.epochs), "title": {"text": "epoch" if record.digits else ""}},
        yaxis2={
            **y2,
            "type": "log",
            "range": (np.log10(LEAST), np.log10(MOST)),
            "dtick": 1,
            "exponentformat": "power",
            "title": {"text": "loss"},
        },
        xaxis3={**x3, "range": (0, record.epochs), "title": {"text": "epoch"}},
        yaxis3={**y3, "range": (0, 1.03), "tickformat": ".0%", "title": {"text": "accuracy"}},
        shapes=shapes,
        annotations=[words[-1], note(gone, 0.98, 0.5, "2", xanchor="right", visible=bool(gone))],
        legend={"y": 1.02},
        narrow={"height": 960, **narrow},
        **layout,
    )
    growing = {
        first + i: {"x": epochs.astype(np.float32), "y": np.asarray(traces[first + i]["y"])} for i in range(6)
    }
    moving |= {first + 6: {"x": best[:, None].astype(np.float32), "y": lowest[:, None].astype(np.float32)}}
    changing = {f"shapes[{i}].path": [band[i]["path"] for band in bands] for i in range(3)}
    changing |= {f"shapes[{i}].{end}": here for i in (3, 4) for end in ("x0", "x1")}
    changing |= {"annotations[0].text": [each["text"] for each in words]}
    changing |= {"annotations[0].font.color": [each["font"]["color"] for each in words]}
    labels = [f"epoch {at}" for at in here]
    return fig, Frames(labels, moving, changing, growing, here + 1)
