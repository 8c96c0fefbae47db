"""What the small network sees: feature maps, the receptive field of a unit, the classes, its training."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures import theme
from nnplay.figures.board import Box, board, boxes, heat, label, mosaic, shape, signed

LAYER_TRACES = range(3, 9)
"""Which traces of `features` are the layers' maps, in their order; `unit_at` says which unit was hit."""

_ACROSS = 4  # maps in a row
_GAP = 1
_UNIT = next(iter(theme.SERIES))
_LEFT, _TOP, _PANEL = 6, 6, 1.85  # where the digit stands, and the size of its pixels
# Left, top and size of a cell, by layer: the first block above, the second, with its smaller maps, below.
_PLACES = {
    "conv1": (27, 0, 1),
    "relu1": (65, 0, 1),
    "pool1": (103, 0, 1),
    "conv2": (27, 24, 1.6),
    "relu2": (65, 24, 1.6),
    "pool2": (103, 24, 1.6),
}


def unit_at(record, layer: str, row: int, column: int) -> tuple[int, int, int] | None:
    """Channel, row and column of the unit at a cell of a layer's maps, None between them."""
    _, height, width = record.maps[layer].shape
    (down, i), (across, j) = divmod(row, height + _GAP), divmod(column, width + _GAP)
    return (down * _ACROSS + across, i, j) if i < height and j < width else None


def features(record) -> go.Figure:
    """`nnplay.cnn.Features`: the digit and what a unit reads of it on the left, all maps on the right.

    Traces: the digit, the unit's gradient, its mean size over digits, then the layers (see `LAYER_TRACES`).
    """
    pixels = len(record.digit)
    # The digit has room around it: the field may reach into the padding.
    tops = [_TOP + n * (pixels * _PANEL + 4.4) + (4.6 if n else 0) for n in range(3)]
    first_row, last_row, first_column, last_column = record.box
    read = (first_column, first_row, last_column + 1, last_row + 1)
    within = tuple(np.clip(read, 0, pixels))

    def on_panel(box, top: float) -> tuple[float, ...]:
        return tuple(_PANEL * edge + shift for edge, shift in zip(box, (_LEFT, top, _LEFT, top), strict=True))

    channel, row, column = record.unit
    frames = _frames(record)
    x, y, *_ = chosen = frames[record.layer][channel]
    cell = _PLACES[record.layer][2]
    unit = (x + cell * column, y + cell * row, x + cell * (column + 1), y + cell * (row + 1))
    quiet = {"hovertemplate": "%{z:.3g}<extra></extra>"}
    titles = {"size": 15}
    known = "held out" if record.held_out else "trained on"
    return board(
        [
            heat(record.digit, _LEFT, tops[0], _PANEL, colorscale=theme.GRAY, zmin=0, zmax=1, **quiet),
            heat(record.gradient, _LEFT, tops[1], _PANEL, **signed(record.gradient), **quiet),
            heat(
                record.effective,
                _LEFT,
                tops[2],
                _PANEL,
                colorscale=theme.SEQUENTIAL,
                zmin=0,
                zmax=max(record.effective.max(), 1e-9),
                **quiet,
            ),
            *(
                heat(
                    mosaic(record.maps[layer], _GAP, _ACROSS),
                    *place,
                    **signed(record.maps[layer]),
                    hovertemplate=layer + " %{z:.3g}<extra></extra>",
                )
                for layer, place in _PLACES.items()
            ),
        ],
        123,
        tops[2] + pixels * _PANEL,
        shapes=[
            shape(boxes([on_panel(read, tops[0])]), _UNIT, 4),
            shape(boxes([on_panel(within, top) for top in tops[1:]]), _UNIT, 2),
            shape(boxes([chosen]), _UNIT, 2),
            shape(boxes([unit]), _UNIT, 3, 0.3),
            shape(boxes(box for layer in frames.values() for box in layer), theme.COLOR["grid"], 1),
            shape(boxes([on_panel((0, 0, pixels, pixels), top) for top in tops]), theme.COLOR["muted"], 1),
        ],
        annotations=[
            *(
                label(text, _LEFT + pixels * _PANEL / 2, y, font=titles)
                for text, y in (
                    (f"a {record.label} ({known})", min(tops[0], on_panel(read, tops[0])[1])),
                    ("gradient here" if record.gradient.any() else "gradient here: zero", tops[1]),
                    ("mean |gradient|", tops[2]),
                )
            ),
            *(
                label(
                    "{}: {} × {} × {}".format(layer, *record.maps[layer].shape),
                    place[0],
                    place[1],
                    xanchor="left",
                    font=titles,
                )
                for layer, place in _PLACES.items()
            ),
        ],
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
    )


def _frames(record) -> dict[str, list[Box]]:
    """Where each map stands, by layer."""
    frames = {}
    for layer, (left, top, scale) in _PLACES.items():
        count, height, width = record.maps[layer].shape
        corners = [
            (left + scale * (n % _ACROSS) * (width + _GAP), top + scale * (n // _ACROSS) * (height + _GAP))
            for n in range(count)
        ]
        frames[layer] = [(x, y, x + scale * width, y + scale * height) for x, y in corners]
    return frames


def classes(record) -> go.Figure:
    """The network's probability of each class for this digit; the right one is dark."""
    numbers = np.arange(10)
    colors = np.where(numbers == record.label, theme.COLOR["positive"], theme.COLOR["muted"])
    return theme.figure(
        [
            {
                "type": "bar",
                "x": numbers,
                "y": record.probabilities,
                "marker": {"color": colors},
                "hovertemplate": "%{x}: %{y:.1%}<extra></extra>",
            }
        ],
        xaxis={"title": {"text": "class"}, "dtick": 1, "showgrid": False},
        yaxis={"title": {"text": "probability"}, "range": [0, 1.02], "tickformat": ".0%"},
        height=280,
        margin={"l": 50, "r": 16, "t": 16, "b": 44},
    )


def training(record) -> go.Figure:
    """Loss and held-out accuracy of the network's training, by epoch."""
    epochs = np.arange(1, len(record.loss) + 1)
    train, held_out = theme.COLOR["train"], theme.COLOR["test"]
    return theme.figure(
        [
            {
                "type": "scatter",
                "x": epochs,
                "y": record.loss,
                "name": "training loss",
                "line": {"color": train},
            },
            {
                "type": "scatter",
                "x": epochs,
                "y": record.accuracy,
                "name": "held-out accuracy",
                "yaxis": "y2",
                "line": {"color": held_out, "dash": theme.DASH["test"]},
            },
        ],
        xaxis={"title": {"text": "epoch"}, "range": [0.8, len(record.loss) + 0.2], "dtick": 1},
        yaxis={"title": {"text": "loss"}, "rangemode": "tozero"},
        yaxis2={
            "title": {"text": "accuracy"},
            "overlaying": "y",
            "side": "right",
            "range": [0, 1.02],
            "dtick": 0.25,
            "tickformat": ".0%",
            "showgrid": False,
        },
        height=280,
        margin={"l": 50, "r": 50, "t": 40, "b": 44},
    )
