"""A layer over the channels of a picture: its sums, its wiring, its costs, and the picture in memory."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures import theme
from nnplay.figures.board import board, boxes, heat, label, mosaic, picture, shape, signed

OUTPUTS_TRACE = 5
"""Which trace of `channels` is the row of all outputs; `output_at` says which of them was hit."""

_RED, _GREEN, _BLUE = (list(theme.SERIES)[i] for i in (1, 2, 0))
_LINE = 24  # numbers in a line of memory


def _gap(side: int) -> int:
    return max(1, side // 8)


def output_at(record, column: int) -> int:
    """The output channel that column `column` of the row of all outputs belongs to."""
    side = record.input.shape[1]
    return min(column // (side + _gap(side)), len(record.output) - 1)


def channels(record) -> go.Figure:
    """`nnplay.channels.Channels`: how the chosen output is summed, and below it all outputs.

    Traces: the photograph, its channels, the kernels of the chosen output, the products, their sum, all
    outputs (see `OUTPUTS_TRACE`). Units are pixels of the picture.
    """
    ins, side = record.input.shape[:2]
    gap = _gap(side)
    step = side + gap
    tops = [i * step for i in range(3)] + [3.3 * step]
    left = 1.25 * step + (6 - ins) / 2 * step  # three channels stand in the middle of the room for six
    sum_side, sum_left = 2 * side, 1.25 * step + 6.2 * step
    sum_top = step + side / 2 - side
    seen = [left + int(c) * step for c in record.reads]
    k = record.weight.shape[-1]
    cell = step / (k + 1)  # kernels keep a cell's distance
    largest = max(np.abs(record.products).max(), np.abs(record.output).max())
    response = {**signed(record.output, largest), "hovertemplate": "%{z:.3g}<extra></extra>"}
    hidden = [
        (x, tops[0], x + side, tops[0] + side) for x in (left + c * step for c in range(ins)) if x not in seen
    ]
    colors = [(_RED, _GREEN, _BLUE)[c % 3] for c in range(ins)]
    chosen_left = 1.25 * step + record.channel * step
    names = {"size": 14}
    right = {"xanchor": "right", "yanchor": "middle", "yshift": 0}
    sign = "−" if record.bias[record.channel] < 0 else "+"
    return board(
        [
            picture(record.input[-3:], 0, tops[0]),
            heat(
                mosaic(record.input, gap),
                left,
                tops[0],
                colorscale=theme.GRAY,
                zmin=0,
                zmax=1,
                hovertemplate="%{z:.3g}<extra></extra>",
            ),
            heat(
                mosaic(record.weight[record.channel], 1),
                seen[0] + side / 2 - k * cell / 2,
                tops[1] + side / 2 - k * cell / 2,
                cell,
                **signed(record.weight),
                texttemplate="%{z:.2~g}" if k <= 3 else "",
                hovertemplate="weight %{z:.4g}<extra></extra>",
            ),
            heat(mosaic(record.products, gap), seen[0], tops[2], **response),
            heat(record.output[record.channel], sum_left, sum_top, sum_side / side, **response),
            heat(mosaic(record.output, gap), 1.25 * step, tops[3], **response),
        ],
        sum_left + sum_side,
        tops[3] + side,
        shapes=[
            *(
                shape(boxes([(left + c * step, 0, left + c * step + side, side)]), color, 3)
                for c, color in enumerate(colors)
            ),
            shape(boxes(hidden), theme.COLOR["paper"], 0, 0.75),
            shape(boxes([(chosen_left, tops[3], chosen_left + side, tops[3] + side)]), theme.COLOR["ink"], 3),
            shape(
                boxes([(sum_left, sum_top, sum_left + sum_side, sum_top + sum_side)]), theme.COLOR["ink"], 2
            ),
        ],
        annotations=[
            label("photograph", side / 2, 0, font=names),
            *(label(name, left + c * step + side / 2, 0, font=names) for c, name in enumerate(record.names)),
            label(f"{k} × {k} kernels", 1.15 * step, tops[1] + side / 2, font=names, **right),
            label("products", 1.15 * step, tops[2] + side / 2, font=names, **right),
            label(
                f"all {len(record.output)}<br>outputs", 1.15 * step, tops[3] + side / 2, font=names, **right
            ),
            _arrow((seen[-1] + side + gap, tops[2] + side / 2), (sum_left, sum_top + 0.8 * sum_side)),
            label(
                f"output {record.channel}: sum {sign} bias {abs(record.bias[record.channel]):.2g}",
                sum_left + side,
                sum_top,
                font={"size": 16},
            ),
        ],
        margin={"l": 8, "r": 8, "t": 32, "b": 8},
    )


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> dict:
    """From the products to their sum."""
    axes = {"xref": "x", "yref": "y", "axref": "x", "ayref": "y"}
    look = {
        "showarrow": True,
        "arrowhead": 2,
        "arrowwidth": 2,
        "arrowcolor": theme.COLOR["muted"],
        "text": "",
    }
    return {"ax": start[0], "ay": start[1], "x": end[0], "y": end[1], **axes, **look}


def memory(record) -> go.Figure:
    """The picture's corner as it lies in memory, C x H x W above and H x W x C below; one pixel is framed.

    Traces: both layouts, each in lines to be read one after the other.
    """
    lines = -(-record.corner.size // _LINE)
    pixel = (1, 2)  # row and column of the framed one
    traces, shapes, labels = [], [], []
    for n, (name, order, strides) in enumerate(
        (("C × H × W", record.chw, record.chw_strides), ("H × W × C", record.hwc, record.hwc_strides))
    ):
        top = n * (lines + 1.4)
        channel, row, column = order.T
        values = record.corner[channel, row, column].reshape(lines, _LINE)
        traces.append(
            heat(
                channel.reshape(lines, _LINE),
                0,
                top,
                zmin=-0.5,
                zmax=2.5,
                colorscale=[[n / 3 + d, c] for n, c in enumerate((_RED, _GREEN, _BLUE)) for d in (0, 1 / 3)],
                text=values.astype(str).tolist(),
                texttemplate="%{text}",
                hovertext=[
                    [f"{'RGB'[c]} of pixel ({i}, {j})" for c, i, j in line]
                    for line in order.reshape(lines, _LINE, 3).tolist()
                ],
                hovertemplate="%{hovertext}<extra></extra>",
                xgap=1,
                ygap=1,
            )
        )
        at = np.flatnonzero((row == pixel[0]) & (column == pixel[1]))
        framed = [(i % _LINE, top + i // _LINE, i % _LINE + 1, top + i // _LINE + 1) for i in at]
        shapes.append(shape(boxes(framed), theme.COLOR["ink"], 4))
        where = ", ".join(map(str, at))
        labels.append(
            label(
                f"<b>{name}</b>, strides {strides}: pixel {pixel} lies at {where}",
                0,
                top,
                xanchor="left",
                font={"size": 16},
            )
        )
    return board(
        traces,
        _LINE,
        2 * lines + 1.4,
        shapes=shapes,
        annotations=labels,
        height=290,
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
    )


def connections(record) -> go.Figure:
    """Which output channel (row) sees which input channel (column)."""
    outs, ins = record.connected.shape
    axis = {"dtick": 1, "showgrid": False, "zeroline": False, "constrain": "domain"}
    return theme.figure(
        [
            {
                "type": "heatmap",
                "z": record.connected.astype(np.float32),
                "colorscale": theme.SEQUENTIAL,
                "zmin": 0,
                "zmax": 1,
                "showscale": False,
                "xgap": 3,
                "ygap": 3,
                "hovertemplate": "output %{y}, input %{x}: %{z}<extra></extra>",
            }
        ],
        xaxis={"title": {"text": "input channel"}, "range": [-0.5, ins - 0.5], **axis},
        yaxis={
            "title": {"text": "output channel"},
            "range": [outs - 0.5, -0.5],
            "scaleanchor": "x",
            **axis,
        },
        height=300,
        margin={"l": 50, "r": 16, "t": 16, "b": 44},
    )


def costs(record) -> go.Figure:
    """Parameters of this layer and of others between the same channels, with their formulas."""
    table = record.costs
    texts = [
        f"{count:,} = {formula}; {products:,} multiplications"
        for count, formula, products in zip(
            table["parameters"], table["weights + biases"], table["multiplications"], strict=True
        )
    ]
    widest = max(table["parameters"])
    return theme.figure(
        [
            {
                "type": "bar",
                "x": np.array(table["parameters"], np.float32),
                "y": list(table["layer"]),
                "orientation": "h",
                "marker": {"color": [_BLUE, *[theme.COLOR["muted"]] * 4]},
                "text": texts,
                "textposition": "outside",
                "cliponaxis": False,
                "hoverinfo": "skip",
            }
        ],
        xaxis={"title": {"text": "parameters"}, "range": [0, 2.2 * widest]},
        yaxis={"autorange": "reversed", "showgrid": False, "ticklabelstandoff": 6},
        height=300,
        margin={"l": 50, "r": 16, "t": 16, "b": 44},
    )
