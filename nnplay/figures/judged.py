"""Picture of `nnplay.confusions.metrics`: a table of all metrics, and the formulas of one of its rows."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.board import boxes
from nnplay.figures.cells import down, grid, named, words
from nnplay.figures.theme import COLOR, faded, figure

METRICS_TRACE = 0
"""Of `metrics`: the table."""


def metrics(record) -> go.Figure:
    """A table of all metrics; the matrix with the counts of the chosen row of it; their formulas."""
    found, k, row = record.scores, len(record.classes), record.row
    values = found.values
    shades = np.clip(np.nan_to_num(values, nan=0.0), 0, 1) ** 3
    texts = np.vectorize(lambda value: f"{value:.3f}", otypes=[str])(values)
    texts[np.isnan(values)] = "0/0"
    texts[-1][[1, 2, 3, 4]] = ""
    size = 13 if k <= 12 else 10
    heads = (
        "accuracy",
        "precision",
        "recall",
        "speci-<br>ficity",
        "F1",
        "balanced<br>accuracy",
        "MCC",
        "kappa",
    )
    small = {**named(record.classes), "showticklabels": k <= 12 and max(map(len, record.classes)) <= 4}
    y, x = np.indices((k, k)).reshape(2, -1)
    numbers = np.where(found.counts > 0, found.counts.astype(str), "").ravel()
    traces = [
        *grid(shades * 0.7, texts, size=size, hovertemplate="%{y}: %{x}<extra></extra>"),
        words(x, y, numbers, COLOR["ink"], "2", 13 if k <= 12 else 8),
    ]
    rows, metrics_ = values.shape
    chosen = {"type": "rect", "x0": -0.5, "x1": metrics_ - 0.5, "y0": row - 0.5, "y1": row + 0.5}
    chosen |= {"line": {"color": COLOR["ink"], "width": 3}}
    line = {"type": "line", "x0": -0.5, "x1": metrics_ - 0.5, "y0": k - 0.5, "y1": k - 0.5}
    line |= {"line": {"color": COLOR["ink"], "width": 1.5}}
    return figure(
        traces,
        showlegend=False,
        margin={"l": 50, "r": 8, "t": 52, "b": 16},
        xaxis={
            **named(heads, 30),
            "domain": (0, 0.55),
            "range": (-0.5, metrics_ - 0.5),
            "side": "top",
            "tickangle": 0,
            "tickfont": {"size": 12},
        },
        yaxis={**named(found.names), "range": down(rows)},
        xaxis2={
            **small,
            "domain": (0.66, 1),
            "anchor": "y2",
            "range": (-0.5, k - 0.5),
            "side": "top",
            "title": {"text": "predicted class", "standoff": 2, "font": {"size": 14}},
        },
        yaxis2={
            **small,
            "domain": (0.5, 1),
            "anchor": "x2",
            "range": down(k),
            "title": {"text": "true class", "standoff": 2, "font": {"size": 14}},
        },
        shapes=[chosen, line, *_regions(k, row)],
        annotations=_formulas(record),
        uirevision=f"{k}",
        narrow={
            "height": 1080,
            "xaxis.domain": (0, 1),
            "yaxis.domain": (0.58, 1),
            "xaxis2.domain": (0, 1),
            "yaxis2.domain": (0.27, 0.5),
            "xaxis.tickangle": -90,
            **{f"annotations[{i}].x": -0.22 for i in range(10)},
            **{f"annotations[{i}].y": 0.24 - 0.025 * i for i in range(10)},
        },
    )


_LOOKS = {"TP": COLOR["positive"], "FN": COLOR["negative"], "FP": COLOR["validation"], "TN": COLOR["muted"]}


def _regions(k: int, row: int) -> list[dict]:
    """Four shapes: the cells of the small matrix that are TP, FN, FP and TN of the row; of a mean, of all."""
    cells = {name: [] for name in _LOOKS}
    for i in range(k):
        for j in range(k):
            if row < k:
                name = "TP" if i == j == row else "FN" if i == row else "FP" if j == row else "TN"
            else:
                name = "TP" if i == j else "FN"
            cells[name].append((j - 0.48, i - 0.48, j + 0.48, i + 0.48))
    place = {"type": "path", "xref": "x2", "yref": "y2", "layer": "below", "line": {"width": 0}}
    fill = {"TP": 0.5, "FN": 0.3, "FP": 0.3, "TN": 0.12}
    return [
        {**place, "path": boxes(found), "fillcolor": faded(_LOOKS[name], fill[name])}
        for name, found in cells.items()
    ]


def _formulas(record) -> list[dict]:
    """A line each below the small matrix: what the row is, its metrics with their formulas, the check."""
    found, k, row = record.scores, len(record.classes), record.row
    name = found.names[row]
    if row < k:
        tp, fn, fp, tn = found.quarters[:, row]
        counts = (("TP", tp), ("FN", fn), ("FP", fp), ("TN", tn))
        head = " · ".join(f'<span style="color:{_LOOKS[key]}"><b>{key} {n}</b></span>' for key, n in counts)
        head = f"<b>{name[:10]}</b> against the rest: {head}"
    else:
        head = {
            "micro": "<b>micro</b>: the counts of all classes, summed",
            "macro": "<b>macro</b>: the mean, every class counts alike",
            "weighted": "<b>weighted</b>: the mean by the classes' numbers of examples",
        }.get(name, "<b>all classes</b> together")
    lines = [head]
    for metric, formula, value in zip(_SHORT, record.formulas, found.values[row]):
        known = formula != "of one class alone"
        number = "undefined" if np.isnan(value) else f"{value:.4f}"
        lines.append(f"{metric} = {formula} = <b>{number}</b>" if known else f"{metric}: of one class alone")
    lines.append(f"scikit-learn agrees: it differs by at most {record.difference:.0e}")
    size = 13 if found.counts.sum() < 2000 else 12  # more digits need more room
    place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "top", "showarrow": False}
    return [
        {
            **place,
            "text": line,
            "x": 0.6,
            "y": 0.47 - 0.05 * i,
            "align": "left",
            "font": {"size": size},
        }
        for i, line in enumerate(lines)
    ]


_SHORT = ("accuracy", "precision", "recall", "specificity", "F1", "balanced", "MCC", "kappa")
