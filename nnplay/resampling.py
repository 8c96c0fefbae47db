"""Smaller and larger: pooling, strides, interpolation; and transposed convolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view

from nnplay import pictures
from nnplay.limits import check
from nnplay.records import Table

DOWN = ("max_pool", "avg_pool", "conv", "nearest", "bilinear", "bilinear, antialias")
UP = ("nearest", "bilinear", "conv_transpose")
PICTURES = (*pictures.PATTERNS, *pictures.PHOTOS, "digit", "upload")
VALUES = ("ones", "ramp", "digit", "random")
STAMPS = ("ones", "bilinear", "random")

RANGES = {
    "side": pictures.SIDE,
    "sample": pictures.SAMPLE,
    "shift": (0, 4),
    "factor": (1, 8),
    "window": (1, 8),
    "pad": (0, 3),
    "stride": (1, 4),
    "cells": (2, 6),
    "kernel_size": (1, 7),
    "output_padding": (0, 3),
    "seed": pictures.SEED,
}
CHOICES = {
    "picture": PICTURES,
    "down": DOWN,
    "up": UP,
    "align_corners": (False, True),
    "values": VALUES,
    "stamp": STAMPS,
}


@dataclass(frozen=True, slots=True)
class Resampled:
    """A picture made smaller and large again, float32 from 0 to 1.

    original, back and error (height, width), where error is back - original;
    small, by each of `DOWN`: (small height, small width). `down` is the one
    that back was made from. psnr: decibels, by each of `DOWN` (infinite where
    nothing is lost); mean_error: mean |error| likewise. moved: by how much
    the small picture differs from that of the picture before its `shift`,
    relative to its size (2-norms). reference: torch's own result where `small` has ours,
    for pooling and convolution.
    """

    down: str
    up: str
    original: np.ndarray
    small: dict[str, np.ndarray]
    reference: dict[str, np.ndarray]
    back: np.ndarray
    error: np.ndarray
    psnr: dict[str, float]
    mean_error: dict[str, float]
    moved: dict[str, float]
    output_padding: tuple[int, int]
    formula: str  # of the small height, then of the width where that is another

    @property
    def difference(self) -> float:
        """The largest difference between our pooling and convolution and torch's."""
        return max(float(np.abs(self.small[name] - theirs).max()) for name, theirs in self.reference.items())

    def table(self) -> Table:
        """Each way down, and what the same way up could not bring back."""
        return {
            "down": list(self.small),
            "up": [self.up] * len(self.small),
            "size": [f"{len(small)} × {small.shape[1]}" for small in self.small.values()],
            "mean |error|": list(self.mean_error.values()),
            "PSNR (dB)": list(self.psnr.values()),
            "moved by the shift": list(self.moved.values()),
        }


def resample(
    *,
    picture: str = "zone plate",
    side: int = 96,
    down: str = "max_pool",
    up: str = "bilinear",
    factor: int = 4,
    window: int = 4,
    pad: int = 0,
    align_corners: bool = False,
    shift: int = 0,
    sample: int = 0,
    upload: bytes = b"",
) -> Resampled:
    """Make a picture `factor` times smaller in each way of `DOWN`, and large again by `up`.

    Pooling and the convolution, with a blur (a row of Pascal's triangle along
    each axis) as its kernel, have a stride of `factor` and windows of `window`
    pixels, over `pad` pixels of padding; interpolation goes to the size that
    they give. "conv_transpose" spreads the small picture with a kernel of
    ones of the same window, stride and padding, divided by the mean overlap,
    with the output padding that restores the size. `shift` moves the picture
    to the right by some pixels, around its edge. Raises ValueError for what
    torch refuses.
    """
    check(locals(), RANGES, CHOICES)
    before = pictures.gray(pictures.picture(picture, side, sample=sample, upload=upload))
    original = np.roll(before, shift, axis=1)
    height, width = original.shape
    if pad > window // 2:
        raise ValueError(
            f"Pooling may pad by half a window at most, {window // 2} for a window of {window}, or whole "
            f"windows would lie outside; torch refuses {pad}: pad less, or take a larger window."
        )
    if window > min(height, width) + 2 * pad:
        raise ValueError(
            f"A window of {window} does not fit into a picture of {height} × {width}: take a smaller one."
        )
    blur = pictures.weights("gaussian blur", window, window).astype(np.float32)
    small, reference = _shrink(original, factor, window, pad, align_corners, blur)
    unmoved, _ = _shrink(before, factor, window, pad, align_corners, blur) if shift else (small, None)

    rest = tuple((n + 2 * pad - window) % factor for n in original.shape)
    stamp = torch.full((1, 1, window, window), factor**2 / window**2)
    backs = {}
    for name, one in small.items():
        y = torch.from_numpy(one)[None, None]
        if up == "conv_transpose":
            z = F.conv_transpose2d(y, stamp, stride=factor, padding=pad, output_padding=rest)
        else:
            corners = align_corners if up == "bilinear" else None
            z = F.interpolate(y, (height, width), mode=up, align_corners=corners)
        backs[name] = z[0, 0].numpy()
    errors = {name: back - original for name, back in backs.items()}
    squares = {name: float((error.astype(float) ** 2).mean()) for name, error in errors.items()}
    out = small["max_pool"].shape
    return Resampled(
        down=down,
        up=up,
        original=original,
        small=small,
        reference=reference,
        back=backs[down],
        error=errors[down],
        psnr={name: float(-10 * np.log10(square)) if square else np.inf for name, square in squares.items()},
        mean_error={name: float(np.abs(error).mean()) for name, error in errors.items()},
        moved={
            name: float(np.linalg.norm(small[name] - unmoved[name]) / max(np.linalg.norm(small[name]), 1e-9))
            for name in small
        },
        output_padding=rest,
        formula=", ".join(
            f"⌊({n} + 2·{pad} − {window}) / {factor}⌋ + 1 = {m}"
            for n, m in dict(zip(original.shape, out, strict=True)).items()
        ),
    )


def _shrink(
    picture: np.ndarray, factor: int, window: int, pad: int, align_corners: bool, blur: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """`picture` by each of `DOWN`, and torch's result for those that are ours."""
    x = torch.from_numpy(picture)[None, None]
    small = {
        "max_pool": pool(picture, window, factor, pad, "max"),
        "avg_pool": pool(picture, window, factor, pad, "average"),
        "conv": pool(picture, window, factor, pad, "weighted", blur),
    }
    reference = {
        "max_pool": F.max_pool2d(x, window, factor, pad),
        "avg_pool": F.avg_pool2d(x, window, factor, pad),
        "conv": F.conv2d(x, torch.from_numpy(blur)[None, None], stride=factor, padding=pad),
    }
    size = small["max_pool"].shape
    corners = {"align_corners": align_corners}
    for name, options in (
        ("nearest", {"mode": "nearest"}),
        ("bilinear", {"mode": "bilinear", **corners}),
        ("bilinear, antialias", {"mode": "bilinear", "antialias": True, **corners}),
    ):
        small[name] = F.interpolate(x, size, **options)[0, 0].numpy()
    return small, {name: result[0, 0].numpy() for name, result in reference.items()}


def pool(
    picture: np.ndarray,
    window: int,
    stride: int,
    pad: int,
    how: str,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """(height, width) pooled: the "max", "average" or "weighted" sum of every window.

    As torch does, the padding is zeros, but for the maximum, which must never choose it.
    """
    padded = np.pad(picture, pad, constant_values=-np.inf if how == "max" else 0)
    windows = sliding_window_view(padded, (window, window))[::stride, ::stride]
    if how == "max":
        return windows.max((2, 3))
    if how == "average":
        return windows.mean((2, 3))
    return np.einsum("ijuv,uv->ij", windows, weight)


def spread(
    values: np.ndarray, stamp: np.ndarray, stride: int, pad: int = 0, output_padding: int = 0
) -> np.ndarray:
    """Transposed convolution: every value stamps the kernel, times itself, `stride` cells further on.

    Returns the output after each stamp, (values + 1, height, width), the last of which is the result.
    `pad` is cut off at all edges, `output_padding` added at the bottom and on the right.
    """
    k = len(stamp)
    height, width = ((n - 1) * stride + k + output_padding for n in values.shape)
    canvas = np.zeros((height, width), values.dtype)
    states = [canvas.copy()]
    for row, column in np.ndindex(values.shape):
        top, left = row * stride, column * stride
        canvas[top : top + k, left : left + k] += values[row, column] * stamp
        states.append(canvas.copy())
    return np.stack(states)[:, pad : height - pad, pad : width - pad]


@dataclass(frozen=True, slots=True)
class Transposed:
    """A transposed convolution as stamps, float64.

    values (cells, cells); stamp (k, k); partial (cells² + 1, out, out): the
    output after each stamp, from none to all; output and reference (out, out),
    ours and `F.conv_transpose2d`'s; overlap (out, out): how many stamps cover
    each output cell. upsampled: by method, the same values on the same
    scale, made larger in other ways, (cells * stride, cells * stride); ripple: by method,
    how unevenly it renders a constant picture (largest less smallest, over
    their mean, away from the edge; 0 is even, NaN where the mean is 0).
    """

    stride: int
    pad: int
    values: np.ndarray
    stamp: np.ndarray
    partial: np.ndarray
    output: np.ndarray
    reference: np.ndarray
    overlap: np.ndarray
    upsampled: dict[str, np.ndarray]
    ripple: dict[str, float]
    formula: str

    @property
    def difference(self) -> float:
        """The largest difference between our stamps and torch's result."""
        return float(np.abs(self.output - self.reference).max())

    def table(self) -> Table:
        """Each way up, its size, and how unevenly it renders a constant picture."""
        return {
            "method": list(self.upsampled),
            "size": [f"{len(result)} × {result.shape[1]}" for result in self.upsampled.values()],
            "ripple": list(self.ripple.values()),
        }


def transpose(
    *,
    values: str = "ramp",
    cells: int = 3,
    stamp: str = "ones",
    kernel_size: int = 3,
    stride: int = 2,
    pad: int = 0,
    output_padding: int = 0,
    sample: int = 0,
    seed: int = 0,
) -> Transposed:
    """Spread a few values with a kernel, against `torch.nn.functional.conv_transpose2d`.

    Where the stride does not divide the kernel size, the stamps overlap
    unevenly: the checkerboard (Odena et al. 2016, "Deconvolution and
    Checkerboard Artifacts"). Beside it, what does not leave one: nearest and
    bilinear interpolation, and nearest followed by an ordinary convolution
    with the same kernel. Raises ValueError for what torch refuses.
    """
    check(locals(), RANGES, CHOICES)
    if output_padding and output_padding >= stride:
        raise ValueError(
            f"Output padding chooses among the sizes that a stride of {stride} shrinks to the same, so it "
            f"must be smaller than the stride; torch refuses {output_padding}: lower it, or raise the stride."
        )
    out = (cells - 1) * stride - 2 * pad + kernel_size + output_padding
    formula = f"({cells} − 1)·{stride} − 2·{pad} + ({kernel_size} − 1) + {output_padding} + 1 = {out}"
    if out < 1:
        raise ValueError(
            f"Nothing would be left: {formula}. Cut off less padding, or take a larger kernel or stride."
        )
    numbers = _values(values, cells, sample, seed)
    kernel = _stamp(stamp, kernel_size, seed)
    partial = spread(numbers, kernel, stride, pad, output_padding)
    reference = F.conv_transpose2d(
        torch.from_numpy(numbers)[None, None],
        torch.from_numpy(kernel)[None, None],
        stride=stride,
        padding=pad,
        output_padding=output_padding,
    )
    ones = np.ones_like(numbers)
    return Transposed(
        stride=stride,
        pad=pad,
        values=numbers,
        stamp=kernel,
        partial=partial,
        output=partial[-1],
        reference=reference[0, 0].numpy(),
        overlap=spread(ones, np.ones_like(kernel), stride, pad, output_padding)[-1],
        upsampled=_enlarge(numbers, kernel, stride) | {"conv_transpose": partial[-1]},
        ripple=_ripple(kernel, stride),
        formula=formula,
    )


def _values(values: str, cells: int, sample: int, seed: int) -> np.ndarray:
    """Whole numbers from 0 to 9 to spread, (cells, cells) float64."""
    if values == "ones":
        return np.ones((cells, cells))
    if values == "ramp":
        return np.arange(1.0, cells * cells + 1).reshape(cells, cells)
    return pictures.cells(values, cells, cells, sample=sample, seed=seed)


def _stamp(stamp: str, k: int, seed: int) -> np.ndarray:
    if stamp == "ones":
        return np.ones((k, k))
    if stamp == "bilinear":
        tent = 1 - np.abs(np.arange(k) - (k - 1) / 2) / ((k + 1) // 2)
        return np.outer(tent, tent)
    return pictures.weights("random", k, k, seed)


def _enlarge(values: np.ndarray, kernel: np.ndarray, stride: int) -> dict[str, np.ndarray]:
    """Ways to make `values` larger by `stride` without a transposed convolution."""
    x = torch.from_numpy(values)[None, None]
    nearest = F.interpolate(x, scale_factor=stride, mode="nearest")
    reach = len(kernel) - 1
    padded = F.pad(nearest, (reach // 2, reach - reach // 2) * 2)
    after = F.conv2d(padded, torch.from_numpy(kernel)[None, None])
    results = {
        "nearest": nearest,
        "bilinear": F.interpolate(x, scale_factor=stride, mode="bilinear"),
        "nearest, then conv": after,
    }
    return {name: result[0, 0].numpy() for name, result in results.items()}


def _ripple(kernel: np.ndarray, stride: int) -> dict[str, float]:
    """How unevenly each way up renders a constant picture, away from its edge."""
    k = len(kernel)
    constant = np.ones((2 * k // stride + 6,) * 2)
    results = _enlarge(constant, kernel, stride)
    batch, weight = torch.from_numpy(constant)[None, None], torch.from_numpy(kernel)[None, None]
    results["conv_transpose"] = F.conv_transpose2d(batch, weight, stride=stride)[0, 0].numpy()
    ripple = {}
    for name, result in results.items():
        inside = result[k + stride : -k - stride, k + stride : -k - stride]
        mean = abs(inside.mean())
        ripple[name] = float(np.ptp(inside) / mean) if mean > 1e-9 else np.nan
    return ripple
