"""Picture of `nnplay.retrieval`: a precision-recall curve for each class, and the mean of their areas."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.cells import named, words
from nnplay.figures.roles import note
from nnplay.figures.surfaces import line
from nnplay.figures.theme import COLOR, faded, figure

AP_TRACE = 0
"""Of `average_precision`: the bars."""


def average_precision(record) -> go.Figure:
    """The curves of all classes, the chosen one over the area that its definition takes; the areas as
    bars."""
    k, chosen = len(record.classes), record.chosen
    known = np.nan_to_num(record.ap)
    colors = [COLOR["test"] if i == chosen else COLOR["muted"] for i in range(k)]
    traces = [
        {
            "type": "bar",
            "x": np.arange(k),
            "y": np.float32(known),
            "marker": {"color": colors},
            "showlegend": False,
            "hovertemplate": "class %{x}: %{y:.4f}<extra></extra>",
            "xaxis": "x2",
            "yaxis": "y2",
        }
    ]
    for i in range(k):
        x, y = _steps(record.recall[i], record.precision[i])
        traces.append(line(x, y, faded(COLOR["muted"], 0.45), 1.5, showlegend=False))
    numbers = [f"{value:.2f}" if np.isfinite(value) else "–" for value in record.ap]
    x, height = _steps(record.recall[chosen], record.heights[chosen])
    x, y = _steps(record.recall[chosen], record.precision[chosen])
    empty = not np.isfinite(record.recall[chosen]).all()
    traces += [
        words(np.arange(k), np.full(k, 1.04), numbers if k <= 12 else [""] * k, COLOR["ink"], "2", 14),
        line(
            x,
            height,
            COLOR["test"],
            0,
            fill="tozeroy",
            fillcolor=faded(COLOR["test"], 0.18),
            showlegend=False,
        ),
        line(
            x,
            y,
            COLOR["test"],
            3.5,
            showlegend=False,
            hovertemplate="recall %{x:.3f}<br>precision %{y:.3f}<extra></extra>",
        ),
    ]
    name = record.classes[chosen][:14]
    area = (
        "has no test example: no curve, and no part in the mean" if empty else f"AP {record.ap[chosen]:.4f}"
    )
    mean = {
        "type": "line",
        "xref": "x2 domain",
        "yref": "y2",
        "x0": 0,
        "x1": 1,
        "y0": record.mean,
        "y1": record.mean,
    }
    unit = {"range": (0, 1.03)}
    return figure(
        traces,
        margin={"l": 50, "r": 12, "t": 40, "b": 48},
        bargap=0.25,
        xaxis={"domain": (0, 0.5), **unit, "title": {"text": "recall"}},
        yaxis={**unit, "title": {"text": "precision"}},
        xaxis2={
            **named(record.classes, 8),
            "domain": (0.58, 1),
            "anchor": "y2",
            "range": (-0.6, k - 0.4),
            "title": {"text": "class"},
        },
        yaxis2={"anchor": "x2", "range": (0, 1.09), "title": {"text": "average precision"}},
        shapes=[{**mean, "line": {"color": COLOR["ink"], "width": 2, "dash": "dash"}}],
        annotations=[
            note(f"class {name}: {area}", 0, 1.01, yanchor="bottom"),
            note(
                f"mean average precision {record.mean:.4f} ({record.definition})",
                0,
                1.01,
                "2",
                yanchor="bottom",
            ),
            note(
                f"{record.support[chosen]} examples of {record.support.sum()}", 0.03, 0.03, yanchor="bottom"
            ),
        ],
        uirevision=f"{k}",
        narrow={
            "height": 820,
            "xaxis.domain": (0, 1),
            "yaxis.domain": (0.58, 1),
            "xaxis2.domain": (0, 1),
            "yaxis2.domain": (0, 0.4),
        },
    )


def _steps(recall: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The steps whose area is the sum of height times the step of recall; from the first recall of 0."""
    if not np.isfinite(recall).all():
        return np.array([np.nan]), np.array([np.nan])
    left = np.append(0, recall[:-1])
    return np.stack([left, recall], 1).ravel(), np.repeat(height, 2)
