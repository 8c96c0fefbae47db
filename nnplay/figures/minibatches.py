"""Pictures of the record of `nnplay.minibatches`."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.frames import Frames
from nnplay.figures.surfaces import (
    arrows,
    dots,
    fate,
    line,
    minima,
    moments_of,
    played,
    relief,
    ring,
    square,
)
from nnplay.figures.theme import COLOR, faded, figure

_REACH = 6.0  # of the axes of the cloud: always the same, so that sizes can be compared


def batches(record) -> go.Figure:
    """The path on the loss of all data, beside it the gradients of mini-batches around the full one."""
    size = f"batches of {record.batch_size}"
    width = 2.5 if len(record.path) < 300 else 1.2
    gray = {"mode": "lines+markers", "marker": {"size": 7}, "name": "all data in a batch"}
    cloud = {"size": 6, "color": faded(COLOR["train"], 0.4)}
    hover = "(%{x:.2f}, %{y:.2f})<extra>a batch's gradient</extra>"
    each = {"name": "a batch's gradient", "showlegend": True}
    x, y = square(record.landscape.surface, (0, 0.47))
    side = {"range": (-_REACH, _REACH), "constrain": "domain"}
    diverged = f"diverged at step {record.diverged_at}" if record.diverged_at else ""
    return figure(
        [
            relief(record.landscape),
            minima(record.landscape),
            line(*record.full_path.T, COLOR["muted"], 2, "dash", **gray),
            line(*record.path.T, COLOR["train"], width, name=size),
            dots(*record.path[-1:].T, COLOR["train"]),
            ring(*record.at, COLOR["gradient"], "the cloud is taken here"),
            dots(*record.cloud.T, "", on="2", marker=cloud, hovertemplate=hover, **each),
            arrows(np.zeros(2), record.gradient, COLOR["gradient"], 4, 16, "2", name="full gradient"),
        ],
        xaxis=x,
        yaxis=y,
        xaxis2={**side, "domain": (0.57, 1), "anchor": "y2", "title": {"text": "gradient, x"}},
        yaxis2={**side, "anchor": "x2", "scaleanchor": "x2", "title": {"text": "gradient, y"}},
        legend={"y": 1.02},
        annotations=[fate(diverged, up=True)],
        narrow={
            "height": 860,
            "xaxis.domain": (0, 1),
            "yaxis.domain": (0.55, 1),
            "xaxis2.domain": (0, 1),
            "yaxis2.domain": (0, 0.43),
        },
    )


def batches_frames(record) -> Frames:
    """The path, played."""
    moments = moments_of(len(record.path) - 1)
    head = record.path[moments].astype(np.float32)
    labels = [f"step {k}, epoch {record.epoch[k]:.2f}" for k in moments]
    lines = {3: dict(zip("xy", record.path.T))}
    return played(moments, {4: {"x": head[:, :1], "y": head[:, 1:]}}, lines, labels)


def batches_curves(record) -> go.Figure:
    """Loss of all data against steps and against epochs, and the gradient's noise against the batch size."""
    size = f"batches of {record.batch_size}"
    whole = np.arange(len(record.full_path))
    traces = []
    for on, steps in (("", np.arange(len(record.path))), ("2", record.epoch)):
        for x, y, color, dash, mode, name in (
            (whole, record.full_loss, COLOR["muted"], "dash", "lines+markers", "all data in a batch"),
            (steps, record.loss, COLOR["train"], "solid", "lines", size),
        ):
            hover = f"%{{x:.4g}}: %{{y:.4g}}<extra>{name}</extra>"
            style = {"mode": mode, "name": name, "showlegend": not on, "hovertemplate": hover}
            traces.append(line(x, y, color, 2.5, dash, on, **style))
    chosen = record.sizes == record.batch_size
    theory, noise = np.maximum(record.noise_theory, 1e-3), np.maximum(record.noise, 1e-3)
    hover = "batches of %{x}: %{y:.3g}<extra></extra>"
    traces += [
        line(record.sizes, theory, COLOR["muted"], 2, "dash", "3", showlegend=False),
        dots(record.sizes, noise, faded(COLOR["train"], 0.6), 9, on="3", hovertemplate=hover),
        dots(record.sizes[chosen], noise[chosen], COLOR["train"], 16, on="3", hovertemplate=hover),
    ]
    top = 1.1 * float(record.loss[0])
    epochs = max(float(record.epoch[-1]), 1.0)
    sizes = (-0.1, float(np.log10(record.sizes[-1])) + 0.1)
    decades = {"type": "log", "dtick": 1}
    return figure(
        traces,
        xaxis={"domain": (0, 0.27), "range": (0, len(record.path) - 1), "title": {"text": "steps"}},
        yaxis={"range": (0, top), "title": {"text": "loss of all data"}},
        xaxis2={"domain": (0.34, 0.61), "anchor": "y2", "range": (0, epochs), "title": {"text": "epochs"}},
        yaxis2={"anchor": "x2", "range": (0, top), "showticklabels": False},
        xaxis3={
            "domain": (0.72, 1),
            "anchor": "y3",
            "range": sizes,
            "title": {"text": "batch size"},
            **decades,
        },
        yaxis3={
            "anchor": "x3",
            "range": (-2, 1),
            "title": {"text": "gradient noise"},
            **decades,
        },
        narrow={
            "height": 520,
            "xaxis.domain": (0, 0.46),
            "yaxis.domain": (0.6, 1),
            "xaxis2.domain": (0.54, 1),
            "yaxis2.domain": (0.6, 1),
            "xaxis3.domain": (0, 1),
            "yaxis3.domain": (0, 0.4),
        },
    )
