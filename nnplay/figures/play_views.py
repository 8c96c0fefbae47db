"""Pictures of the Playground's other views: many seeds, the curvature, callbacks."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures import rasters
from nnplay.figures.frames import Frames
from nnplay.figures.theme import COLOR, DASH, faded, figure

_SIDE = 48
_PLAIN = {"showarrow": False, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}


def _line(x, y, color: str, width: float = 2.0, on: str = "", **more) -> dict:
    line = {"color": color, "width": width, "dash": more.pop("dash", "solid")}
    base = {"mode": "lines", "line": line, "xaxis": f"x{on}", "yaxis": f"y{on}", "showlegend": False}
    return dict(type="scatter", x=x, y=np.float32(y), **{**base, **more})


def _quantiles(values: np.ndarray) -> np.ndarray:
    """(T, K) -> (5, T): least, quartile, median, quartile, most of those that go on."""
    result = np.full((5, len(values)), np.nan)
    for t, row in enumerate(values):
        if (going := row[np.isfinite(row)]).size:
            result[:, t] = np.quantile(going, (0, 0.25, 0.5, 0.75, 1))
    return result


def _band(x, low, high, color: str, alpha: float, on: str, name: str = "") -> list[dict]:
    fill = {"fill": "tonexty", "fillcolor": faded(color, alpha), "hoverinfo": "skip"}
    named = {"name": name, "showlegend": bool(name)}
    return [
        _line(x, low, color, 0, on, hoverinfo="skip"),
        _line(x, high, color, 0, on, **fill, **named),
    ]


def seeds(record, colors) -> tuple[go.Figure, Frames]:
    """Bands over the seeds on loss and metric, where they ended, and the best, the median and the worst."""
    metric = "accuracy" if record.metric_name == "accuracy" else "R²"
    x, traces, grow = record.epoch, [], {}

    def add(trace) -> None:
        grow[len(traces)] = {"x": np.float32(trace["x"]), "y": trace["y"]}
        traces.append(trace)

    for on, values in (("", record.loss), ("2", record.metric)):
        for part, role in enumerate(("train", "test")):
            least, low, middle, high, most = _quantiles(values[:, :, part])
            if role == "test":
                for trace in _band(x, least, most, COLOR[role], 0.12, on):
                    add(trace)
                for trace in _band(x, low, high, COLOR[role], 0.28, on):
                    add(trace)
            hover = f"%{{x}}: %{{y:.3f}}<extra>{role}, median</extra>"
            more = {"name": f"{role}, median", "showlegend": not on, "hovertemplate": hover}
            add(_line(x, middle, COLOR[role], 2.5, on, dash=DASH[role], **more))
    ends = record.metric[-1, :, 1]
    low_end = float(np.clip(np.nanmin(ends, initial=0.9), 0, 0.9))
    counts, edges = np.histogram(
        np.nan_to_num(ends, nan=low_end).clip(low_end, 1), bins=20, range=(low_end, 1)
    )
    middles = (edges[1:] + edges[:-1]) / 2
    traces.append(
        {
            "type": "bar",
            "x": middles,
            "y": counts,
            "width": np.full(20, 0.9 * (edges[1] - edges[0])),
            "marker": {"color": [COLOR["positive"] if m >= 0.95 else COLOR["muted"] for m in middles]},
            "hovertemplate": "%{x:.3f}: %{y} nets<extra></extra>",
            "xaxis": "x3",
            "yaxis": "y3",
            "showlegend": False,
        }
    )
    painted = [
        rasters.raster(i, values, _SIDE, [[0, 0]], (_SIDE, _SIDE), colors)
        for i, values in enumerate(record.maps)
    ]
    axes = ("x4", "x5", "x6")
    for axis in axes:  # without a trace there are no axes
        nothing = {"mode": "none", "hoverinfo": "skip", "showlegend": False}
        traces.append(dict(type="scatter", x=[0], y=[0], xaxis=axis, yaxis=axis.replace("x", "y"), **nothing))
    images = [
        rasters.image(entry, (0, 1, 1, 1), axis, axis.replace("x", "y")) for entry, axis in zip(painted, axes)
    ]
    notes = [
        {**_PLAIN, "text": _share(record), "x": 0, "y": 1, "yshift": 6, "font": {"size": 17}},
        *(
            {
                **_PLAIN,
                "xref": f"{axis} domain",
                "yref": f"{axis.replace('x', 'y')} domain",
                "text": f"{name}: {ends[net]:.2f}",
                "x": 0.5,
                "xanchor": "center",
                "y": 1,
                "font": {"size": 13},
            }
            for name, axis, net in zip(("best", "median", "worst"), axes, record.examples)
        ),
    ]
    first = record.loss[0]
    top = 1.3 * float(np.nanmax(first[np.isfinite(first)], initial=1e-3))
    epochs = (0, record.settings.epochs)
    hidden = {"visible": False, "fixedrange": True, "range": (0, 1), "constrain": "domain"}
    maps = {}
    for axis, left in zip(axes, (0.56, 0.71, 0.86)):
        y = axis.replace("x", "y")
        maps[f"xaxis{axis[1]}"] = {**hidden, "domain": (left, left + 0.14), "anchor": y}
        maps[f"yaxis{axis[1]}"] = {**hidden, "domain": (0.56, 0.92), "anchor": axis, "scaleanchor": axis}
    fig = figure(
        traces,
        images=images,
        annotations=notes,
        xaxis={"domain": (0, 0.47), "range": epochs, "showticklabels": False},
        yaxis={"domain": (0.53, 0.92), "range": (0, top), "title": {"text": "loss"}},
        xaxis2={"domain": (0, 0.47), "range": epochs, "anchor": "y2", "title": {"text": "epoch"}},
        yaxis2={
            "domain": (0.0, 0.42),
            "range": (min(0.4, low_end), 1.02),
            "anchor": "x2",
            "title": {"text": metric},
        },
        xaxis3={"domain": (0.56, 1), "anchor": "y3", "title": {"text": f"test {metric} at the end"}},
        yaxis3={"domain": (0.0, 0.42), "anchor": "x3", "title": {"text": "nets"}},
        legend={"x": 0.47, "xanchor": "right", "y": 0.92, "yanchor": "top", "orientation": "v"},
        **maps,
        narrow={
            "height": 1000,
            "xaxis.domain": (0, 1),
            "yaxis.domain": (0.78, 0.97),
            "xaxis2.domain": (0, 1),
            "yaxis2.domain": (0.52, 0.73),
            "xaxis3.domain": (0, 1),
            "yaxis3.domain": (0, 0.16),
            "xaxis4.domain": (0, 0.3),
            "xaxis5.domain": (0.35, 0.65),
            "xaxis6.domain": (0.7, 1),
            **{f"yaxis{i}.domain": (0.26, 0.42) for i in (4, 5, 6)},
            "legend.x": 1,
            "legend.y": 0.97,
            "annotations[0].text": _share(record).replace("it (", "it<br>("),
            "annotations[0].yshift": -16,
            "annotations[0].font.size": 15,
        },
    )
    fig.layout.meta["rasters"] = painted
    n = len(x)
    labels = [f"epoch {epoch}" for epoch in x]
    return fig, Frames(labels, {}, {}, grow=grow, upto=np.arange(1, n + 1))


def _share(record) -> str:
    solved = int(record.solved.sum())
    metric = "accuracy" if record.metric_name == "accuracy" else "R²"
    return f"<b>{solved} of {len(record.seeds)}</b> nets have solved it (test {metric} of at least 0.95)"


def curvature(record) -> tuple[go.Figure, Frames]:
    """The loss, and under it the largest curvature beside the largest that the learning rate bears."""
    name = "2 / lr" if "momentum" not in record.settings.hyper() else "2 (1 + momentum) / lr"
    hover = "%{x}: %{y:.4g}<extra></extra>"
    known = record.top[np.isfinite(record.top)]
    limits = record.limit[np.isfinite(record.limit)]
    reach = 1.6 * max(
        float(limits[0]) if limits.size and record.plain else 0, float(known[0]) if known.size else 1
    )
    reach = max(reach, 1.1 * float(np.quantile(known, 0.97)) if known.size else 0)
    traces = [
        _line(record.epoch, record.loss, COLOR["train"], 2.5, "", hovertemplate=hover, name="training loss"),
        _line(
            record.epoch,
            record.top,
            COLOR["gradient"],
            2.5,
            "2",
            hovertemplate=hover,
            name="largest curvature",
            showlegend=True,
        ),
    ]
    if record.plain:
        dashed = {"dash": "dash", "hovertemplate": hover, "name": name, "showlegend": True}
        traces.append(_line(record.epoch, record.limit, COLOR["muted"], 2, "2", **dashed))
    grow = {i: {"x": np.float32(trace["x"]), "y": trace["y"]} for i, trace in enumerate(traces)}
    epochs = (0, record.last_epoch)
    lost = not np.isnan(record.diverged_at)
    text = f"<b>diverged in epoch {record.diverged_at:.0f}</b>" if lost else ""
    fig = figure(
        traces,
        xaxis={"range": epochs, "showticklabels": False, "anchor": "y"},
        yaxis={
            "domain": (0.58, 0.97),
            "type": "log",
            "title": {"text": "training loss"},
            "dtick": 1,
            "range": (-4, 0.3),
            "exponentformat": "power",
        },
        xaxis2={"range": epochs, "anchor": "y2", "title": {"text": "epoch"}},
        yaxis2={"domain": (0, 0.5), "range": (0, reach), "anchor": "x2", "title": {"text": "top eigenvalue"}},
        legend={"x": 1, "xanchor": "right", "y": 0.5, "yanchor": "top"},
        annotations=[{**_PLAIN, "text": text, "x": 0.02, "y": 0.6, "font": {"color": COLOR["negative"]}}],
        narrow={"height": 620},
    )
    labels = [f"epoch {epoch}" for epoch in record.epoch]
    return fig, Frames(labels, {}, {}, grow=grow, upto=np.arange(1, len(labels) + 1))


_EVENTS = (
    ("Checkpoint", "best so far", "circle", "validation"),
    ("Schedule", "learning rate", "triangle-down", "gradient"),
    ("EarlyStopping", "stopped", "x", "negative"),
    ("EarlyStopping", "restored", "star", "positive"),
)


def callbacks(record) -> tuple[go.Figure, Frames]:
    """The losses with a mark where a callback did something, and the learning rate below."""
    hover = "%{x}: %{y:.4f}<extra></extra>"
    traces = []
    for part, role in enumerate(("train", "validation")):
        more = {"name": role, "showlegend": True, "hovertemplate": hover, "dash": DASH[role]}
        traces.append(_line(record.epoch, record.loss[:, part], COLOR[role], 2.5, "", **more))
    traces.append(_line(record.epoch, record.lr, COLOR["gradient"], 2.5, "2", hovertemplate="%{x}: %{y:.4g}"))
    grow = {i: {"x": np.float32(trace["x"]), "y": trace["y"]} for i, trace in enumerate(traces)}
    for callback, word, symbol, role in _EVENTS:
        found = [f for f in record.fired if f.callback == callback and word in f.what]
        if not found:
            continue
        epochs = np.array([f.epoch for f in found])
        held = np.interp(epochs, record.epoch, record.loss[:, 1])
        on = "2" if callback == "Schedule" else ""
        values = np.interp(epochs, record.epoch, record.lr) if on else held
        traces.append(
            {
                "type": "scatter",
                "x": epochs,
                "y": np.float32(values),
                "mode": "markers",
                "name": f"{callback}: {word}",
                "marker": {
                    "symbol": symbol,
                    "size": 6 if word == "best so far" else 13,
                    "color": COLOR[role],
                    "line": {"width": 1, "color": COLOR["ink"]},
                },
                "text": [f.what for f in found],
                "hovertemplate": "epoch %{x}: %{text}<extra></extra>",
                "xaxis": f"x{on}",
                "yaxis": f"y{on}",
                "showlegend": True,
            }
        )
    first = record.loss[0]
    top = 1.3 * float(np.nanmax(first[np.isfinite(first)], initial=1e-3))
    epochs = (0, record.last_epoch)
    fig = figure(
        traces,
        xaxis={"range": epochs, "showticklabels": False},
        yaxis={"domain": (0.36, 0.94), "range": (0, top), "title": {"text": "loss"}},
        xaxis2={"range": epochs, "anchor": "y2", "title": {"text": "epoch"}},
        yaxis2={"domain": (0, 0.26), "anchor": "x2", "title": {"text": "lr"}, "rangemode": "tozero"},
        legend={"x": 0, "y": 0.95},
        narrow={"height": 640},
    )
    labels = [f"epoch {epoch}" for epoch in record.epoch]
    return fig, Frames(labels, {}, {}, grow=grow, upto=np.arange(1, len(labels) + 1))
