"""How a kernel slides: where its windows lie, what the padding repeats, and the sum itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

PADDINGS = ("number", "valid", "same", "full")
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


@dataclass(frozen=True, slots=True)
class Axis:
    """How a kernel slides along one axis, "height" or "width"; all sizes in cells.

    `before` and `after` are the cells of padding at either end. Positions on
    the padded axis count from 0 at the first cell of the padding.
    """

    name: str
    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    mode: str

    @property
    def padded(self) -> int:
        return self.size + self.before + self.after

    @property
    def span(self) -> int:
        """How far the dilated kernel reaches."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def out(self) -> int:
        """Windows that fit: the size of the output."""
        return (self.padded - self.span) // self.stride + 1

    @property
    def unused(self) -> int:
        """Cells at the end that no window reaches, because the stride does not divide."""
        return (self.padded - self.span) % self.stride

    def taps(self) -> np.ndarray:
        """Which padded cells each window reads: (out, kernel)."""
        return self.stride * np.arange(self.out)[:, None] + self.dilation * np.arange(self.kernel)

    def sources(self) -> np.ndarray:
        """Which input cell each padded cell repeats: (padded,), -1 where the padding is a zero of its own."""
        at = np.arange(-self.before, self.size + self.after)
        if self.mode == "circular":
            return at % self.size
        if self.mode == "replicate":
            return at.clip(0, self.size - 1)
        if self.mode == "reflect":
            return self.size - 1 - np.abs(self.size - 1 - np.abs(at))
        return np.where((at >= 0) & (at < self.size), at, -1)

    def formula(self) -> str:
        """The size of the output with its numbers filled in (torch.nn.Conv2d)."""
        rest = self.padded - self.span
        text = (
            f"⌊({self.size} + {self.before} + {self.after} − {self.dilation}·({self.kernel} − 1) − 1) / "
            f"{self.stride}⌋ + 1 = ⌊{rest} / {self.stride}⌋ + 1 = {self.out}"
        )
        cells = "row" if self.name == "height" else "column"
        return text + (f", {self.unused} {cells}{'s'[: self.unused > 1]} left over" if self.unused else "")


def axis(
    name: str, size: int, kernel: int, stride: int, dilation: int, padding: str, amount: int, mode: str
) -> Axis:
    """The axis of these settings. Raises ValueError where torch would refuse them."""
    reach = dilation * (kernel - 1)
    if padding == "same":
        if stride > 1:
            raise ValueError(
                f"Padding 'same' promises an output as large as the input, a stride of {stride} breaks that: "
                "torch refuses. Set both strides to 1, or give the padding as a number."
            )
        before, after = reach // 2, reach - reach // 2
    else:
        before = after = {"number": amount, "valid": 0, "full": reach}[padding]
    if mode == "reflect" and after >= size:
        raise ValueError(
            f"Reflect padding mirrors the input without its border cell, so a {name} of {size} gives at most "
            f"{size - 1} cells, not {after}: pad less, take a larger input or another padding mode."
        )
    if mode == "circular" and after > size:
        raise ValueError(
            f"Circular padding goes around once only, so a {name} of {size} gives at most {size} cells, "
            f"not {after}: pad less, take a larger input or another padding mode."
        )
    result = Axis(name, size, kernel, stride, dilation, before, after, mode)
    if result.span > result.padded:
        raise ValueError(
            f"With a dilation of {dilation} the kernel reaches over {result.span} cells, but the padded "
            f"input has a {name} of {result.padded}: take a smaller kernel or dilation, or more padding."
        )
    return result


def pad(cells: np.ndarray, rows: Axis, columns: Axis) -> np.ndarray:
    """`cells` (height, width) with their padding: each padded cell looks up where its value comes from."""
    from_row, from_column = rows.sources()[:, None], columns.sources()[None, :]
    return np.where((from_row >= 0) & (from_column >= 0), cells[from_row, from_column], 0.0)


def slide(
    padded: np.ndarray,
    weight: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
) -> np.ndarray:
    """The convolution itself, window by window: multiply what lies under the kernel by it, and add up."""
    span_h = dilation[0] * (weight.shape[0] - 1) + 1
    span_w = dilation[1] * (weight.shape[1] - 1) + 1
    height = (padded.shape[0] - span_h) // stride[0] + 1
    width = (padded.shape[1] - span_w) // stride[1] + 1
    output = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            top, left = row * stride[0], column * stride[1]
            window = padded[top : top + span_h : dilation[0], left : left + span_w : dilation[1]]
            output[row, column] = (window * weight).sum()
    return output


def conv2d(batch: np.ndarray, weight: np.ndarray, rows: Axis, columns: Axis, groups: int = 1) -> np.ndarray:
    """torch's answer to the same question: (channels, height, width) in and out."""
    mode = "constant" if rows.mode == "zeros" else rows.mode
    amounts = (columns.before, columns.after, rows.before, rows.after)
    padded = F.pad(torch.from_numpy(batch)[None], amounts, mode=mode)
    stride, dilation = (rows.stride, columns.stride), (rows.dilation, columns.dilation)
    result = F.conv2d(padded, torch.from_numpy(weight), stride=stride, dilation=dilation, groups=groups)
    return result[0].numpy()
