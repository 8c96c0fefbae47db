"""The sliding kernel and whole pictures; the topic's other figures are in the modules of their views."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures import theme
from nnplay.figures.board import NOWHERE, board, boxes, heat, label, picture, shape, signed
from nnplay.figures.channels import OUTPUTS_TRACE, channels, connections, costs, memory, output_at
from nnplay.figures.cnn import LAYER_TRACES, classes, features, training, unit_at
from nnplay.figures.frames import Frames
from nnplay.figures.resampling import DOWN_TRACES, resample, transpose, transpose_frames, upsampled

__all__ = [
    "DOWN_TRACES",
    "INPUT_TRACE",
    "LAYER_TRACES",
    "OUTPUTS_TRACE",
    "OUTPUT_TRACE",
    "channels",
    "classes",
    "connections",
    "costs",
    "features",
    "images",
    "kernel",
    "kernel_frames",
    "memory",
    "output_at",
    "preview",
    "resample",
    "training",
    "transpose",
    "transpose_frames",
    "unit_at",
    "upsampled",
]

OUTPUT_TRACE = 2
"""Which trace of `kernel` is the output; its cell (row, column) belongs to frame row * columns + column."""
INPUT_TRACE = 0

_COLORS = theme.series(("window", "padding", "feeds"))
_WINDOW, _TAPS, _FUNNEL, _CELL, _LATER = range(5)  # the shapes that move
_GAP = 1.5
_TERMS = 3, 4  # rows of the kernel, and weights of a row, up to which a sum is spelled out in full


class _Places:
    """Where the three panels of a `Kernel` stand, in cells."""

    def __init__(self, record) -> None:
        input_size, kernel_size, output_size = (
            np.array(values.shape) for values in (record.padded, record.weight, record.output)
        )
        self.height = max(input_size[0], output_size[0], kernel_size[0])
        # Where a page has room to the side, the kernel is enlarged: its weights are what has to be read.
        spare = 2.7 * self.height - input_size[1] - output_size[1] - 2 * _GAP
        self.scale = float(np.clip(spare / kernel_size[1], 1, max(1, 0.6 * self.height / max(kernel_size))))
        sizes = (input_size, self.scale * kernel_size, output_size)
        slots = [max(size[1], self.height / 4) for size in sizes]  # room for a title, at least
        lefts = np.cumsum([0, *(slot + _GAP for slot in slots)])
        self.width = lefts[3] - _GAP
        self.input, self.kernel, self.output = (
            (left + (slot - size[1]) / 2, (self.height - size[0]) / 2)
            for left, slot, size in zip(lefts, slots, sizes, strict=False)
        )
        self.kernel_box = (*self.kernel, self.kernel[0] + sizes[1][1], self.kernel[1] + sizes[1][0])
        self.pixels = min(840 / self.width, 335 / self.height)  # a cell's, as a page shows it


def kernel(record) -> go.Figure:
    """`nnplay.convolution.Kernel`: input, kernel and output side by side, at the chosen cell.

    Traces: the padded input, the kernel, the output (see `OUTPUT_TRACE`). What moves with the chosen
    cell is layout only: shapes and the first annotation (see `kernel_frames`).
    """
    at = _Places(record)
    rows, columns = record.rows, record.columns
    moving = _moving(record, at, [record.row * columns.out + record.column])
    height, width = record.input.shape
    x0, y0 = at.input
    inside = (x0 + columns.before, y0 + rows.before)
    inner = (*inside, inside[0] + width, inside[1] + height)
    muted = theme.COLOR["muted"]
    padded = record.padded.size > record.input.size
    dense = rows.dilation == columns.dilation == 1
    shapes = [
        shape(moving["window"][0], _COLORS["window"], 3),
        shape(moving["taps"][0], _COLORS["window"], 1, 0.15 if dense else 0.35),
        shape(moving["funnel"][0], _COLORS["window"], 1),
        shape(moving["cell"][0], _COLORS["window"], 3),
        shape(moving["later"][0], theme.COLOR["paper"], 0, 0.5),
        shape(_ring(record, at, inner), _COLORS["padding"], 0, 0.3),
        shape(
            boxes([at.kernel_box, (*at.output, at.output[0] + columns.out, at.output[1] + rows.out)]),
            muted,
            1,
        ),
        shape(boxes([inner]), *((_COLORS["padding"], 2) if padded else (muted, 1))),
        shape(_unused(record, at), muted, 1, 0.6, "dot"),
        shape(_fed_from(record, at), _COLORS["feeds"], 3, 0.3),
        shape(_fed(record, at), _COLORS["feeds"], 2, 0.15),
    ]
    return board(
        [
            heat(
                record.padded,
                x0,
                y0,
                **_gray(record),
                **_numbers(record.padded, at.pixels),
                hovertext=_input_hover(record),
                hovertemplate="%{hovertext}<extra></extra>",
            ),
            heat(
                record.weight,
                *at.kernel,
                at.scale,
                **signed(record.weight),
                **_numbers(record.weight, at.scale * at.pixels, 24),
                hovertemplate="weight %{z}<extra></extra>",
            ),
            heat(
                record.output,
                *at.output,
                **_shades(record),
                **_numbers(record.output, at.pixels),
                hovertext=_hover(record),
                hovertemplate="%{hovertext}<extra></extra>",
            ),
        ],
        at.width,
        at.height,
        shapes=shapes,
        annotations=[_spelled(moving["sum"][0]), *_titles(record, at)],
        margin={"l": 8, "r": 8, "t": 56, "b": 128},
    )


def kernel_frames(record) -> Frames:
    """A frame for each output cell, row by row: the window moves, the rest of the output is still faint.

    Only layout changes: five shapes and the spelled-out sum.
    """
    moving = _moving(record, _Places(record), range(record.output.size))
    names = {_WINDOW: "window", _TAPS: "taps", _FUNNEL: "funnel", _CELL: "cell", _LATER: "later"}
    return Frames(
        labels=[f"({i}, {j})" for i, j in np.ndindex(record.output.shape)],
        traces={},
        layout={f"shapes[{at}].path": moving[name] for at, name in names.items()}
        | {"annotations[0].text": moving["sum"]},
    )


def _moving(record, at: _Places, cells) -> dict[str, list[str]]:
    """Paths and texts that belong to a chosen output cell, for each of `cells` (counted row by row)."""
    rows, columns = record.rows, record.columns
    taps_y, taps_x = rows.taps() + at.input[1], columns.taps() + at.input[0]
    left, top, right, bottom = at.kernel_box
    out_x, out_y = at.output
    x = [[_number(value) for value in line] for line in record.padded]
    w = [[_factor(weight) for weight in line] for line in record.weight]
    sparse = rows.dilation > 1 or columns.dilation > 1
    moving = {name: [] for name in ("window", "taps", "funnel", "cell", "later", "sum")}
    for cell in cells:
        i, j = divmod(cell, columns.out)
        ys, xs = taps_y[i], taps_x[j]
        window = (xs[0], ys[0], xs[-1] + 1, ys[-1] + 1)
        cx, cy = out_x + j, out_y + i
        end_x, end_y = out_x + columns.out, out_y + rows.out
        moving["window"].append(boxes([window]))
        moving["taps"].append(boxes([(a, b, a + 1, b + 1) for b in ys for a in xs] if sparse else [window]))
        moving["funnel"].append(
            f"M{window[2]:g},{window[1]:g}L{left:g},{top:g}M{window[2]:g},{window[3]:g}L{left:g},{bottom:g}"
            f"M{right:g},{top:g}L{cx:g},{cy:g}M{right:g},{bottom:g}L{cx:g},{cy + 1:g}"
        )
        moving["cell"].append(boxes([(cx, cy, cx + 1, cy + 1)]))
        later = [(cx + 1, cy, end_x, cy + 1), (out_x, cy + 1, end_x, end_y)]
        moving["later"].append(boxes([box for box in later if box[0] < box[2] and box[1] < box[3]]))
        moving["sum"].append(_sum(record, x, w, i, j))
    return moving


def _sum(record, x: list[list[str]], w: list[list[str]], i: int, j: int) -> str:
    """The sum of output cell (i, j), a line for a row of the kernel, shortened where it is long."""
    rows, columns = record.rows, record.columns
    lines = []
    for u in _shown(rows.kernel, _TERMS[0]):
        if u is None:
            lines.append("+ …")
            continue
        line = x[i * rows.stride + u * rows.dilation]
        terms = [
            "…" if v is None else f"{line[j * columns.stride + v * columns.dilation]}·{w[u][v]}"
            for v in _shown(columns.kernel, _TERMS[1])
        ]
        lines.append(("+ " if lines else "") + " + ".join(terms))
    ours, theirs = (f"{values[i, j]:.6g}".replace("-", "−") for values in (record.output, record.reference))
    return "<br>".join([*lines, f"<b>= {ours}</b> at ({i}, {j}); F.conv2d: {theirs}"])


def _shown(n: int, most: int) -> list[int | None]:
    """Which of n things to show: all of them, or all but one of `most`, with None for those between."""
    return [*range(n)] if n <= most else [*range(most - 2), None, n - 1]


def _number(value: float) -> str:
    """A number as short as can be: whole, a fraction down to 1/64, or three digits."""
    sign = "−" if value < 0 else ""
    size = abs(value)
    if 1 / 64 <= size < 0.5 and abs(1 / size - round(1 / size)) < 1e-9 and round(1 / size) % 10:
        return f"{sign}1/{round(1 / size)}"
    return f"{sign}{size:.3g}"


def _factor(weight: float) -> str:
    return f"({_number(weight)})" if weight < 0 else _number(weight)


def _gray(record) -> dict:
    """The input's colours: 0 is black; 9, or 1 where nothing is larger, white."""
    largest = record.padded.max()
    return {
        "colorscale": theme.GRAY,
        "zmin": min(0, record.padded.min()),
        "zmax": 1 if largest <= 1 else max(9, largest),
    }


def _shades(record) -> dict:
    """The output's colours: gray, at the input's contrast, where nothing is negative, else by sign."""
    gray = _gray(record)
    if record.weight.min() < 0 or gray["zmin"] < 0:
        return signed(record.output)
    return gray | {"zmax": gray["zmax"] * max(record.weight.sum(), 1e-9)}


def _numbers(values: np.ndarray, pixels: float, room: float = 28) -> dict:
    """Numbers in cells of that many pixels, where there is room for them; two digits need less."""
    if (values == np.round(values)).all() and np.abs(values).max() < 100:
        room = min(room, 19)
    shown = pixels >= room
    text = [[_number(value) for value in line] for line in values] if shown else []
    return {"xgap": 1, "ygap": 1, "text": text, "texttemplate": "%{text}" if shown else ""}


def _input_hover(record) -> list[list[str]]:
    rows, columns = record.rows.sources(), record.columns.sources()
    return [
        [
            f"zero padding<br>{_number(value)}"
            if min(row, column) < 0
            else f"input ({row}, {column})<br>{_number(value)}"
            for column, value in zip(columns, line, strict=True)
        ]
        for row, line in zip(rows, record.padded, strict=True)
    ]


def _hover(record) -> list[list[str]]:
    return [
        [
            f"output ({i}, {j})<br>sum {a:.6g}<br>F.conv2d {b:.6g}"
            for j, (a, b) in enumerate(zip(*lines, strict=True))
        ]
        for i, lines in enumerate(zip(record.output, record.reference, strict=True))
    ]


def _ring(record, at: _Places, inner) -> str:
    """The four sides of the padding."""
    left, top = at.input
    right, bottom = left + record.columns.padded, top + record.rows.padded
    x0, y0, x1, y1 = inner
    sides = [(left, top, right, y0), (left, y1, right, bottom), (left, y0, x0, y1), (x1, y0, right, y1)]
    return boxes([box for box in sides if box[0] < box[2] and box[1] < box[3]])


def _unused(record, at: _Places) -> str:
    """Rows below and columns on the right that no window reaches."""
    (left, top), rows, columns = at.input, record.rows, record.columns
    right, bottom = left + columns.padded, top + rows.padded
    rest = []
    if rows.unused:
        rest.append((left, bottom - rows.unused, right, bottom))
    if columns.unused:
        rest.append((right - columns.unused, top, right, bottom - rows.unused))
    return boxes(rest)


def _fed_from(record, at: _Places) -> str:
    """The chosen input cell, and where the padding repeats it."""
    if record.input_row < 0:
        return NOWHERE
    ys = np.flatnonzero(record.rows.sources() == record.input_row) + at.input[1]
    xs = np.flatnonzero(record.columns.sources() == record.input_column) + at.input[0]
    return boxes([(x, y, x + 1, y + 1) for y in ys for x in xs])


def _fed(record, at: _Places) -> str:
    """The output cells that the chosen input cell feeds."""
    x, y = at.output
    return boxes([(x + j, y + i, x + j + 1, y + i + 1) for i, j in np.argwhere(record.touched)])


def _spelled(text: str) -> dict:
    return label(text, 0.5, 0, xref="paper", yref="paper", yanchor="top", yshift=-6, font={"size": 17})


def _titles(record, at: _Places) -> list[dict]:
    rows, columns = record.rows, record.columns

    def title(text: str, corner, width: float) -> dict:
        return label(text, corner[0] + width / 2, corner[1], font={"size": 16})

    padded = rows.padded > rows.size or columns.padded > columns.size
    dilated = rows.dilation > 1 or columns.dilation > 1
    return [
        title(
            f"input {rows.size} × {columns.size}"
            + (f"<br>padded {rows.padded} × {columns.padded}" if padded else ""),
            at.input,
            columns.padded,
        ),
        title(
            f"kernel {rows.kernel} × {columns.kernel}"
            + (f"<br>reach {rows.span} × {columns.span}" if dilated else ""),
            at.kernel,
            at.scale * columns.kernel,
        ),
        title(f"output {rows.out} × {columns.out}", at.output, columns.out),
    ]


def preview(record) -> go.Figure:
    """`kernel` for a card: no numbers, no sum."""
    fig = kernel(record)
    fig.update_traces(texttemplate="", hoverinfo="skip", hovertemplate=None)
    fig.layout.annotations = ()
    fig.layout.meta = None
    return fig.update_layout(margin={"l": 4, "r": 4, "t": 4, "b": 4}, height=180)


def images(record) -> go.Figure:
    """`nnplay.convolution.Filtered`: the picture before and after, at the same size of a pixel.

    Traces: the input, the output in colour, the response by sign; of the last two one is shown.
    """
    height, width = record.input.shape[1:]
    out_height, out_width = record.response.shape
    gap = max(width, out_width) / 24
    tall = max(height, out_height)
    left, right = (0, (tall - height) / 2), (width + gap, (tall - out_height) / 2)
    what = "response, by sign" if record.signed else "output"
    return board(
        [
            picture(record.input, *left),
            picture(record.output, *right, visible=not record.signed),
            heat(
                record.response,
                *right,
                **signed(record.response, np.quantile(np.abs(record.response), 0.99)),
                visible=record.signed,
                hovertemplate="%{z:.3g}<extra></extra>",
            ),
        ],
        width + gap + out_width,
        tall,
        annotations=[
            label(f"input {height} × {width}", width / 2, left[1], font={"size": 16}),
            label(
                f"{what} {out_height} × {out_width}", right[0] + out_width / 2, right[1], font={"size": 16}
            ),
        ],
        height=420,
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
    )
