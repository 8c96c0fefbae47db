"""Pictures of `nnplay.remedies`: a column a remedy, with its map, its curves and its weights."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.frames import Frames
from nnplay.figures.learning import classes, says
from nnplay.figures.roles import PARTS, curve
from nnplay.figures.surfaces import NOTE, dots, line, star
from nnplay.figures.theme import COLOR, DASH, faded, figure

_GAP = 1 / 7  # between two columns, as a share of one
_LEAST, _MOST = 1e-2, 5.0
_FEWEST = 1e-3  # share of weights at the lower end of the histograms
_DROPOUT = "dropout"
UNITS = 8  # in a row of the drawing of dropout


def _column(share, i: int):
    """Where, along the axes of all columns, a share 0 ... 1 of column i is."""
    return i * (1 + _GAP) + np.asarray(share)


def _joined(values: np.ndarray) -> np.ndarray:
    """(..., R, n) -> (..., R * (n + 1)): a line a column, with gaps between them."""
    gaps = np.full((*values.shape[:-1], 1), np.nan)
    return np.concatenate([values, gaps], -1).reshape(*values.shape[:-2], -1).astype(np.float32)


def _so_far(values: np.ndarray) -> np.ndarray:
    """(t, R) -> (t, R * (t + 1)): the curves of each column as they stood at each moment."""
    moments = len(values)
    known = np.arange(moments)[None, :] <= np.arange(moments)[:, None]
    return _joined(np.where(known[:, None], values.T[None], np.nan))


def _mosaic(record) -> np.ndarray:
    """The maps side by side, (t, side, columns): a gap of nothing after each."""
    t, columns, side, _ = record.maps.shape
    gap = round(_GAP * side)
    tiles = np.full((t, side, columns, side + gap), np.nan, np.float32)
    tiles[..., :side] = record.maps.transpose(0, 2, 1, 3)
    return tiles.reshape(t, side, -1)[..., :-gap]


def _dots(record) -> tuple[np.ndarray, np.ndarray]:
    """Where the hidden units are drawn: one layer above the other, the first one below."""
    layers, width = record.kept.shape[1:]
    rows = -(-width // UNITS)
    layer, unit = np.divmod(np.arange(layers * width), width)
    row = layer * (rows + 1) + unit // UNITS
    place = record.names.index(_DROPOUT)
    x = _column((unit % UNITS + 0.5) / UNITS, place)
    return x, (row + 0.5) / (layers * (rows + 1))


def remedies(record) -> tuple[go.Figure, Frames]:
    """Maps, losses and weights of all remedies so far; to be played by epoch."""
    names, here = record.names, record.moments
    count = len(names)
    share = here / record.epochs
    x = _joined(np.stack([_column(share, i) for i in range(count)]))
    loss = {part: np.clip(values[here], _LEAST, _MOST) for part, values in record.loss.items()}
    drawn = {part: _so_far(values) for part, values in loss.items()}
    apart = [name in (_DROPOUT, "batch norm") for name in names]
    train_mode = _so_far(np.where(apart, np.clip(record.train_mode, _LEAST, _MOST), np.nan))
    maps = _mosaic(record)
    side = record.maps.shape[-1]
    cell = 1 / side

    middle = (record.edges[1:] + record.edges[:-1]) / 2
    wide = record.edges[-1] - record.edges[0]
    bars = np.concatenate([_column((middle - record.edges[0]) / wide, i) for i in range(count)])
    heights = np.maximum(record.histogram, _FEWEST / 2).reshape(len(here), -1)
    units_x, units_y = _dots(record)
    kept = record.kept.reshape(len(here), -1).astype(np.float32)

    points = []
    reach = float(record.axis[-1])
    for i, name in enumerate(names):
        places, y = record.points["more" if name == "more data" else "train"]
        inside = np.abs(places).max(1) <= reach
        points.append(
            (_column((places[inside, 0] / reach + 1) / 2, i), (places[inside, 1] / reach + 1) / 2, y[inside])
        )
    px, py, labels = map(np.concatenate, zip(*points))
    best = _column(0, np.arange(count)) + record.best / record.epochs
    lowest = np.maximum(record.loss["validation"][record.best, np.arange(count)], _LEAST)
    named = {"hovertemplate": None, "hoverinfo": "skip", "on": "2"}
    traces = [
        says(maps[-1], record.axis, x0=cell / 2, dx=cell, y0=cell / 2, dy=cell),
        classes(np.stack([px, py], 1), labels, "train", size=5),
        *(curve(part, x, drawn[part][-1], **named) for part in PARTS),
        line(x, train_mode[-1], COLOR["train"], 2, DASH["test"], "2", name="train, in training mode"),
        star(best[-1], lowest[-1], "2", "best epoch"),
        {
            "type": "bar",
            "x": bars.astype(np.float32),
            "y": heights[-1],
            "width": 1 / len(middle),
            "xaxis": "x3",
            "yaxis": "y3",
            "marker": {"color": COLOR["train"], "line": {"width": 0}},
            "showlegend": False,
            "hoverinfo": "skip",
        },
        dots(
            units_x,
            units_y,
            "",
            on="4",
            name="kept by dropout",
            marker={
                "size": 7,
                "color": kept[-1],
                "cmin": 0,
                "cmax": 1,
                "colorscale": [[0, COLOR["paper"]], [1, COLOR["train"]]],
                "line": {"color": COLOR["train"], "width": 1.2},
            },
        ),
    ]
    span = (-0.02, _column(1, count - 1) + 0.02)
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "range": span}
    heads, texts = [], []
    for i in range(count):
        at = {"xref": "x", "x": float(_column(0.5, i)), "yref": "y", "y": 1, "yanchor": "bottom", "yshift": 2}
        heads.append({**NOTE, **at, "text": _head(record, i, len(here) - 1)})
        texts.append([_head(record, i, t) for t in range(len(here))])
    foot = {"xref": "x4", "yref": "y4 domain", "y": 0.98, "yanchor": "top"}
    below = [[_foot(record, i, t) for t in range(len(here))] for i in range(count)]
    feet = [{**NOTE, **foot, "x": float(_column(0.5, i)), "text": below[i][-1]} for i in range(count)]
    fig = figure(
        traces,
        xaxis={**bare, "anchor": "y"},
        yaxis={
            "domain": (0.68, 0.86),
            "range": (0, 1),
            "visible": False,
        },
        xaxis2={**bare, "anchor": "y2"},
        yaxis2={
            "domain": (0.38, 0.67),
            "anchor": "x2",
            "type": "log",
            "range": (np.log10(_LEAST), np.log10(_MOST)),
            "tickvals": [0.01, 0.1, 1],
            "title": {"text": "loss"},
        },
        xaxis3={**bare, "anchor": "y3"},
        yaxis3={
            "domain": (0.17, 0.34),
            "anchor": "x3",
            "type": "log",
            "range": (np.log10(_FEWEST), 0),
            "tickvals": [0.01, 0.1, 1],
            "tickformat": ".0%",
            "title": {"text": "weights"},
        },
        xaxis4={**bare, "anchor": "y4"},
        yaxis4={
            "domain": (0, 0.15),
            "anchor": "x4",
            "range": (0, 1),
            "visible": False,
        },
        shapes=[
            {
                "type": "rect",
                "xref": f"x{on}",
                "yref": f"y{on} domain",
                "x0": float(_column(0, i)),
                "x1": float(_column(1, i)),
                "y0": 0,
                "y1": 1,
                "line": {"color": COLOR["grid"], "width": 1},
                "fillcolor": faded(COLOR["paper"], 0),
            }
            for on in ("", "2", "3")
            for i in range(count)
        ],
        annotations=[*heads, *feet],
        legend={"y": 1.0},
        margin={"t": 30, "b": 8},
        bargap=0,
        narrow={"height": 620},
    )
    moving = {
        0: {"z": maps},
        **{2 + i: {"y": drawn[part]} for i, part in enumerate(PARTS)},
        5: {"y": train_mode},
        7: {"y": heights},
        6: {"x": best.astype(np.float32), "y": lowest.astype(np.float32)},
        8: {"marker.color": kept},
    }
    layout = {f"annotations[{i}].text": text for i, text in enumerate([*texts, *below])}
    return fig, Frames([f"epoch {at}" for at in here], moving, layout)


def _head(record, i: int, t: int) -> str:
    now = record.moments[t]
    name = record.names[i].replace(" ", "<br>")
    return f"<b>{name}</b><br>val. {record.loss['validation'][now, i]:.2f}"


def _foot(record, i: int, t: int) -> str:
    """What there is to say of one remedy alone."""
    name = record.names[i]
    now = record.moments[t]
    if record.diverged_at[i] <= now:
        return f"diverged at<br>epoch {record.diverged_at[i]:.0f}"
    if name in ("L1", "L2", "none"):
        return f"{record.zeros[now, i]} of {record.weights}<br>weights are 0"
    if name == "early stopping":
        if record.stopped is None or record.stopped > now:
            return f"best: epoch {record.best[t, i]}<br>not stopped yet"
        return f"stopped at {record.stopped},<br>back to {record.best[t, i]}"
    if name == "more data":
        return f"{len(record.points['more'][1])} points,<br>not {len(record.points['train'][1])}"
    if name == "augmentation":
        return "noise on x,<br>each epoch"
    if name == "batch norm":
        return "dots: training<br>mode"
    return ""
