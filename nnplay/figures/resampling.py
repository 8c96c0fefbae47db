"""Smaller and larger pictures, and transposed convolution stamp by stamp."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures import theme
from nnplay.figures.board import Box, board, boxes, heat, label, picture, shape, signed
from nnplay.figures.frames import Frames

DOWN_TRACES = range(6)
"""Which traces of `resample` are the ways down, in the order of the record's `small`; a click chooses one."""

STAMPED_TRACE = 2
"""Which trace of `transpose` is the output that the stamps fill."""

_ACROSS = 840  # the board of `resample`, about in pixels of the page
_WINDOW = next(iter(theme.SERIES))


def resample(record) -> go.Figure:
    """`nnplay.resampling.Resampled`: the small pictures above; below, the chosen one's way there and back.

    Traces: a picture for each way down (see `DOWN_TRACES`), the original, the chosen small one, the
    same made large again, the absolute error (white is an error of 1).
    """
    traces, labels, chosen = [], [], []
    gap = 16

    def place(values: np.ndarray, slot: int, slots: int, top: float, text: str, name: str) -> Box:
        """Put a picture into its slot of a row, as large as fits a square."""
        size = (_ACROSS - (slots - 1) * gap) / slots
        scale = size / max(values.shape)
        height, width = (n * scale for n in values.shape)
        left = slot * (size + gap) + (size - width) / 2
        traces.append(
            picture(values, left, top, scale, hoverinfo=None, hovertemplate=f"{name}<extra></extra>")
        )
        labels.append(label(text, left + width / 2, top, font={"size": 14}))
        return left, top, left + width, top + height

    bottom = 0.0
    for slot, (name, small) in enumerate(record.small.items()):
        text = f"{name}<br>{record.psnr[name]:.1f} dB"
        box = place(small, slot, len(record.small), 0, text, name)
        bottom = max(bottom, box[3])
        if name == record.down:
            chosen.append(box)
    size = "{} × {}".format
    for slot, (name, values) in enumerate(
        (
            (f"original {size(*record.original.shape)}", record.original),
            (f"{record.down} {size(*record.small[record.down].shape)}", record.small[record.down]),
            (f"back by {record.up}", record.back),
            (f"|error|, mean {record.mean_error[record.down]:.2f}", np.abs(record.error)),
        )
    ):
        box = place(values, slot, 4, bottom + 40, name, name)
    return board(
        traces,
        _ACROSS,
        box[3],
        shapes=[shape(boxes(chosen), _WINDOW, 4)],
        annotations=labels,
        margin={"l": 8, "r": 8, "t": 48, "b": 8},
    )


class _Places:
    """Where the panels of a `Transposed` stand, in cells of the output."""

    def __init__(self, record) -> None:
        out = len(record.output)
        self.out = out
        small = 0.44 * out
        self.gap = 0.1 * out
        self.values = (0.0, 0.0, small / len(record.values))
        self.stamp = (0.0, out - small, small / len(record.stamp))
        self.output = (small + self.gap, 0.0, 1.0)
        self.overlap = (small + 2 * self.gap + out, 0.0, 0.62)
        self.across = self.overlap[0] + 0.62 * out
        self.pixels = min(840 / self.across, 380 / out)

    def numbers(self, scale: float) -> dict:
        return {
            "texttemplate": "%{z:.3~g}" if scale * self.pixels >= 24 else "",
            "hovertemplate": "%{z:.4g}<extra></extra>",
            "xgap": 1,
            "ygap": 1,
        }


def transpose(record) -> go.Figure:
    """`nnplay.resampling.Transposed`, all stamps made: values, kernel, output, how often it was covered.

    Traces: values, kernel, output (see `STAMPED_TRACE`), overlap. For its stamps see `transpose_frames`.
    """
    at = _Places(record)
    moving = _stamps(record, at)
    out = at.out

    def gray(values: np.ndarray) -> dict:
        if values.min() < 0:
            return signed(values)
        return {"colorscale": theme.GRAY, "zmin": 0, "zmax": max(values.max(), 1e-9)}

    def title(text: str, place: tuple[float, float, float], cells: int) -> dict:
        return label(text, place[0] + place[2] * cells / 2, place[1], font={"size": 16})

    n, k = len(record.values), len(record.stamp)
    counts = {"colorscale": theme.SEQUENTIAL, "zmin": 0, "zmax": max(record.overlap.max(), 1)}
    return board(
        [
            heat(record.values, *at.values, **gray(record.values), **at.numbers(at.values[2])),
            heat(record.stamp, *at.stamp, **signed(record.stamp), **at.numbers(at.stamp[2])),
            heat(record.output, *at.output, **gray(record.output), **at.numbers(1)),
            heat(record.overlap, *at.overlap, **counts, **at.numbers(at.overlap[2])),
        ],
        at.across,
        out,
        shapes=[
            shape(moving["stamped"][-1], _WINDOW, 4),
            shape(moving["value"][-1], _WINDOW, 4),
            shape(
                boxes(
                    (x, y, x + s * c, y + s * c)
                    for (x, y, s), c in ((at.values, n), (at.stamp, k), (at.output, out), (at.overlap, out))
                ),
                theme.COLOR["muted"],
                1,
            ),
        ],
        annotations=[
            label(
                moving["text"][-1],
                0.5,
                0,
                xref="paper",
                yref="paper",
                yanchor="top",
                yshift=-6,
                font={"size": 17},
            ),
            title(f"values {n} × {n}", at.values, n),
            title(f"kernel {k} × {k}", at.stamp, k),
            title(f"output {out} × {out}", at.output, out),
            title("stamps on each cell", at.overlap, out),
        ],
        margin={"l": 8, "r": 8, "t": 36, "b": 56},
    )


def transpose_frames(record) -> Frames:
    """A frame before the first stamp and one after each."""
    moving = _stamps(record, _Places(record))
    count = record.values.size
    return Frames(
        labels=[f"{n} of {count} stamps" for n in range(count + 1)],
        traces={STAMPED_TRACE: {"z": record.partial.astype(np.float32)}},
        layout={
            "shapes[0].path": moving["stamped"],
            "shapes[1].path": moving["value"],
            "annotations[0].text": moving["text"],
        },
    )


def _stamps(record, at: _Places) -> dict[str, list[str]]:
    """Where each stamp lands, which value it belongs to, and both in words."""
    (left, top, _), (value_left, value_top, scale) = at.output, at.values
    end = at.out
    moving = {"stamped": [boxes([])], "value": [boxes([])], "text": ["not a stamp yet: all zeros"]}
    for i, j in np.ndindex(record.values.shape):
        y, x = i * record.stride - record.pad, j * record.stride - record.pad
        y0, x0 = max(y, 0), max(x, 0)
        y1, x1 = min(y + len(record.stamp), end), min(x + len(record.stamp), end)
        visible = y0 < y1 and x0 < x1
        moving["stamped"].append(boxes([(left + x0, top + y0, left + x1, top + y1)] if visible else []))
        x, y = value_left + j * scale, value_top + i * scale
        moving["value"].append(boxes([(x, y, x + scale, y + scale)]))
        where = f"rows {y0} to {y1 - 1}, columns {x0} to {x1 - 1}" if visible else "the part that is cut off"
        moving["text"].append(f"{record.values[i, j]:.3g} × kernel is added to {where}")
    return moving


def upsampled(record) -> go.Figure:
    """The same values made larger in four ways; below 0.01 of ripple, a constant picture stays even.

    Traces: a picture for each method, each from its own black to its own white.
    """
    slot, gap = 200, 14
    traces, labels = [], []
    for n, (name, values) in enumerate(record.upsampled.items()):
        low, high = min(values.min(), 0), max(values.max(), 0)
        left = n * (slot + gap)
        traces.append(picture((values - low) / max(high - low, 1e-9), left, 0, slot / len(values)))
        labels.append(
            label(f"{name}<br>ripple {record.ripple[name]:.2f}", left + slot / 2, 0, font={"size": 16})
        )
    return board(
        traces,
        4 * slot + 3 * gap,
        slot,
        annotations=labels,
        height=280,
        margin={"l": 8, "r": 8, "t": 52, "b": 8},
    )
