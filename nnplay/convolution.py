"""Convolution: a kernel that slides, channels that add up, whole pictures.

What a convolution computes is what torch's `conv2d` computes (strictly a
cross-correlation: the kernel is not flipped). Its sum and its geometry are in
`nnplay.sliding`; the topic's other views in `nnplay.channels`,
`nnplay.resampling` and `nnplay.cnn`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnplay import channels as channel_layers
from nnplay import cnn, pictures, resampling, sliding
from nnplay.channels import channels
from nnplay.cnn import features
from nnplay.limits import check
from nnplay.records import Experiment, Table
from nnplay.resampling import resample, transpose
from nnplay.sliding import Axis, axis, conv2d, pad, slide

__all__ = ["EXPERIMENTS", "channels", "features", "images", "kernel", "preview", "resample", "transpose"]

SOURCES = (*pictures.PHOTOS, "digit", "upload")

RANGES = {
    **channel_layers.RANGES,
    **resampling.RANGES,
    **cnn.RANGES,
    "height": (2, 16),
    "width": (2, 16),
    "kernel_height": (1, 7),
    "kernel_width": (1, 7),
    "stride_h": (1, 4),
    "stride_w": (1, 4),
    "dilation_h": (1, 3),
    "dilation_w": (1, 3),
    "padding_h": (0, 6),
    "padding_w": (0, 6),
    "row": (0, 33),
    "col": (0, 33),
    "input_row": (-1, 15),
    "input_col": (-1, 15),
}
CHOICES = {
    **channel_layers.CHOICES,
    **resampling.CHOICES,
    **cnn.CHOICES,
    "image": pictures.IMAGES,
    "weights": pictures.WEIGHTS,
    "padding": sliding.PADDINGS,
    "padding_mode": sliding.PADDING_MODES,
    "source": SOURCES,
}


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel's way over an input, float64.

    input (height, width); padded the same with its padding; weight (kernel
    height, kernel width); output and reference (rows.out, columns.out), ours
    and `F.conv2d`'s; row, column: the chosen output cell. feeds (as output):
    the weight by which the input cell (input_row, input_column) enters each
    output cell, and touched, whether it enters at all; all zero where no input
    cell is chosen (-1).
    """

    rows: Axis
    columns: Axis
    input: np.ndarray
    padded: np.ndarray
    weight: np.ndarray
    output: np.ndarray
    reference: np.ndarray
    row: int
    column: int
    input_row: int
    input_column: int
    feeds: np.ndarray
    touched: np.ndarray

    @property
    def difference(self) -> float:
        """The largest difference between our sums and torch's."""
        return float(np.abs(self.output - self.reference).max())

    def input_cell(self, row: int, column: int) -> tuple[int, int]:
        """The input cell that a padded cell holds or repeats; (-1, -1) for a zero of the padding."""
        cell = int(self.rows.sources()[row]), int(self.columns.sources()[column])
        return cell if min(cell) >= 0 else (-1, -1)

    def table(self) -> Table:
        """Every output cell, our sum and torch's."""
        row, column = np.indices(self.output.shape).reshape(2, -1)
        return {"row": row, "col": column, "sum": self.output.ravel(), "F.conv2d": self.reference.ravel()}

    def terms(self) -> Table:
        """The sum of the chosen output cell, a row for each weight.

        Positions are those of the input; where the padding is a zero of its
        own they lie outside it, else "from" says which cell it repeats.
        """
        at_row, at_column = np.meshgrid(
            self.rows.taps()[self.row], self.columns.taps()[self.column], indexing="ij"
        )
        from_row, from_column = self.rows.sources()[at_row], self.columns.sources()[at_column]
        x = self.padded[at_row, at_column]
        made = (from_row < 0) | (from_column < 0)
        own_row, own_column = at_row - self.rows.before, at_column - self.columns.before
        inside = (from_row == own_row) & (from_column == own_column) & ~made
        origin = [
            "input" if here else "zero" if zero else f"({r}, {c})"
            for here, zero, r, c in zip(inside.flat, made.flat, from_row.flat, from_column.flat, strict=True)
        ]
        return {
            "row": own_row.ravel(),
            "col": own_column.ravel(),
            "from": origin,
            "x": x.ravel(),
            "w": self.weight.ravel(),
            "x · w": (x * self.weight).ravel() + 0.0,  # no minus zeros
        }


def kernel(
    *,
    image: str = "digit",
    height: int = 8,
    width: int = 8,
    weights: str = "sobel x",
    kernel_height: int = 3,
    kernel_width: int = 3,
    stride_h: int = 1,
    stride_w: int = 1,
    dilation_h: int = 1,
    dilation_w: int = 1,
    padding: str = "number",
    padding_h: int = 0,
    padding_w: int = 0,
    padding_mode: str = "zeros",
    row: int = 0,
    col: int = 0,
    input_row: int = -1,
    input_col: int = -1,
    input_cells: tuple[tuple[float, ...], ...] = (),
    kernel_cells: tuple[tuple[float, ...], ...] = (),
    sample: int = 0,
    seed: int = 0,
) -> Kernel:
    """Slide a kernel over a small input, with our own sum and `torch.nn.functional.conv2d`.

    `image` and `weights` are presets; `input_cells` and `kernel_cells`, where
    given, replace them, cut or filled up with zeros to the sizes that are
    set. `padding_h` and `padding_w` count where `padding` is "number"; "full"
    pads so far that every cell meets every weight. A chosen cell that does not
    exist moves to the nearest that does; `input_row` or `input_col` of -1
    chooses none. Raises ValueError for what torch refuses.
    """
    check(locals(), RANGES, CHOICES)
    rows = axis("height", height, kernel_height, stride_h, dilation_h, padding, padding_h, padding_mode)
    columns = axis("width", width, kernel_width, stride_w, dilation_w, padding, padding_w, padding_mode)
    cells = pictures.cells(image, height, width, sample=sample, seed=seed)
    weight = pictures.weights(weights, kernel_height, kernel_width, seed)
    if input_cells:
        cells = _edited(input_cells, height, width)
    if kernel_cells:
        weight = _edited(kernel_cells, kernel_height, kernel_width)
    padded = pad(cells, rows, columns)
    output = slide(padded, weight, (stride_h, stride_w), (dilation_h, dilation_w))
    reference = conv2d(cells[None], weight[None, None], rows, columns)[0]

    chosen = (-1, -1)
    if input_row >= 0 and input_col >= 0:
        chosen = (min(input_row, height - 1), min(input_col, width - 1))
    in_rows = rows.sources()[rows.taps()] == chosen[0]  # (out, kernel): does this weight read that row?
    in_columns = columns.sources()[columns.taps()] == chosen[1]
    if chosen == (-1, -1):
        in_rows = np.zeros_like(in_rows)
    return Kernel(
        rows=rows,
        columns=columns,
        input=cells,
        padded=padded,
        weight=weight,
        output=output,
        reference=reference,
        row=min(max(row, 0), rows.out - 1),
        column=min(max(col, 0), columns.out - 1),
        input_row=chosen[0],
        input_column=chosen[1],
        feeds=np.einsum("iu,jv,uv->ij", in_rows, in_columns, weight),
        touched=in_rows.any(1)[:, None] & in_columns.any(1)[None, :],
    )


def _edited(cells: tuple[tuple[float, ...], ...], height: int, width: int) -> np.ndarray:
    """What a visitor typed, cut or filled up with zeros to (height, width)."""
    result = np.zeros((height, width))
    for row, values in zip(result, cells, strict=False):
        row[: len(values)] = values[:width]
    if not (np.abs(result) <= 1e6).all():
        raise ValueError("Every cell must hold a number, at most a million in size.")
    return result


@dataclass(frozen=True, slots=True)
class Filtered:
    """A colour picture under a kernel, float32.

    input (3, height, width) from 0 to 1; weight (kernel height, kernel
    width); output (3, rows.out, columns.out), each channel convolved by itself;
    response (rows.out, columns.out), the same of the brightness. signed: the
    weights do not sum to 1, so that the response is no brightness but a
    measure around zero.
    """

    rows: Axis
    columns: Axis
    input: np.ndarray
    weight: np.ndarray
    output: np.ndarray
    response: np.ndarray
    signed: bool

    def table(self) -> Table:
        """Range and mean of each channel, before and after."""
        planes = {"brightness": (pictures.gray(self.input), self.response)}
        planes |= dict(zip(("red", "green", "blue"), zip(self.input, self.output, strict=True), strict=True))
        return {
            "channel": list(planes),
            **{
                f"{what} {when}": [float(getattr(pair[i], what)()) for pair in planes.values()]
                for i, when in enumerate(("before", "after"))
                for what in ("min", "mean", "max")
            },
        }


def images(
    *,
    source: str = "china",
    side: int = 96,
    weights: str = "sobel x",
    kernel_height: int = 3,
    kernel_width: int = 3,
    stride_h: int = 1,
    stride_w: int = 1,
    dilation_h: int = 1,
    dilation_w: int = 1,
    padding: str = "number",
    padding_h: int = 0,
    padding_w: int = 0,
    padding_mode: str = "zeros",
    kernel_cells: tuple[tuple[float, ...], ...] = (),
    sample: int = 0,
    seed: int = 0,
    upload: bytes = b"",
) -> Filtered:
    """The same convolution as in `kernel`, over each channel of a real picture.

    `side` is the longer side in pixels (a digit has always 8). `upload` is
    what `uploads.picture` makes of a visitor's file. Raises ValueError for
    what torch refuses, and for a missing upload.
    """
    check(locals(), RANGES, CHOICES)
    x = pictures.picture(source, side, sample=sample, upload=upload)
    _, height, width = x.shape
    rows = axis("height", height, kernel_height, stride_h, dilation_h, padding, padding_h, padding_mode)
    columns = axis("width", width, kernel_width, stride_w, dilation_w, padding, padding_w, padding_mode)
    weight = pictures.weights(weights, kernel_height, kernel_width, seed)
    if kernel_cells:
        weight = _edited(kernel_cells, kernel_height, kernel_width)
    each = np.repeat(weight.astype(np.float32)[None, None], 3, axis=0)
    output = conv2d(x, each, rows, columns, groups=3)
    return Filtered(
        rows=rows,
        columns=columns,
        input=x,
        weight=weight,
        output=output,
        response=pictures.gray(output),
        signed=not bool(np.isclose(weight.sum(), 1)),
    )


def preview() -> Kernel:
    """A small record for the home page's card."""
    return kernel(padding="same", row=3, col=4)


EXPERIMENTS = (
    Experiment(
        "Same padding keeps the size",
        "The output is as large as the input. Choose valid instead: a 3 × 3 kernel costs a row or column at "
        "each edge.",
        "kernel",
        {"padding": "same"},
    ),
    Experiment(
        "One bright pixel prints the kernel, turned around",
        "The output holds every weight once, upside down and back to front: torch does not flip the kernel.",
        "kernel",
        {"image": "impulse", "weights": "emboss", "padding": "same", "row": 2, "col": 2},
    ),
    Experiment(
        "Stride 2 swallows the stripes",
        "The kernel copies its input, yet the output is flat: every window meets the same kind of stripe.",
        "kernel",
        {"image": "stripes", "weights": "identity", "stride_h": 2, "stride_w": 2, "height": 9, "width": 9},
    ),
    Experiment(
        "Dilation sees far with few weights",
        "Nine weights reach over 7 × 7 cells. Without dilation the same reach takes 49 weights.",
        "kernel",
        {
            "image": "photo",
            "height": 12,
            "width": 12,
            "dilation_h": 3,
            "dilation_w": 3,
            "row": 2,
            "col": 2,
        },
    ),
    Experiment(
        "On a circle, the last column meets the first",
        "The input grows steadily to the right, and so the response is positive, but for both edges: there "
        "the padding goes around, from white back to black.",
        "kernel",
        {"image": "gradient", "padding": "same", "padding_mode": "circular", "row": 3},
    ),
    Experiment(
        "Depthwise, then pointwise: a fifth of the weights",
        "Look at the costs: a dense 7 × 7 layer between the same channels takes five times as many weights "
        "and multiplications.",
        "channels",
        {"layer": "depthwise", "out_channels": 6, "kernel_size": 7},
    ),
    Experiment(
        "A skip connection brings the detail back",
        "Six channels go in: a coarse copy that went down and up, and the original stacked on it. Heights "
        "and widths must agree: set crop to 1 and torch refuses.",
        "channels",
        {"concatenate": True, "filters": "colours"},
    ),
    Experiment(
        "Taking every fourth pixel invents rings",
        "The small picture shows coarse rings that the original does not have. Averaging first, as antialias "
        "does, leaves gray where the rings are too fine.",
        "resample",
        {"down": "nearest"},
    ),
    Experiment(
        "Max pooling forgives a shift by one pixel",
        "The digit has moved by one pixel. Under Numbers, the max-pooled picture changes less than half as "
        "much as the one of every second pixel. Averaging is as calm.",
        "resample",
        {"picture": "digit", "factor": 2, "window": 3, "shift": 1},
    ),
    Experiment(
        "Kernel 3, stride 2: a checkerboard",
        "All values are 1, yet the result is 1, 2 or 4: stamps that overlap add up, and 2 does not divide 3.",
        "transpose",
        {"values": "ones", "cells": 5},
    ),
    Experiment(
        "Kernel 4, stride 2: no checkerboard",
        "The stride divides the kernel, so every cell inside is covered equally often.",
        "transpose",
        {"values": "ones", "cells": 5, "kernel_size": 4},
    ),
    Experiment(
        "A blur and its edge: zeros leave a dark frame",
        "Near the edge, part of every window is black padding. Choose replicate, and the frame is gone.",
        "images",
        {"weights": "box blur", "kernel_height": 7, "kernel_width": 7, "padding": "same"},
    ),
    Experiment(
        "Two 3 × 3 layers and a pooling reach over 8 × 8 pixels",
        "The unit of conv2 reads no pixel outside the square. Its gradient, averaged over digits, fades "
        "towards the rim.",
        "features",
        {"unit_row": 2, "unit_col": 2},
    ),
)
