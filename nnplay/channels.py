"""A layer over the channels of a picture: dense, grouped, depthwise, pointwise; and channels stacked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from nnplay import pictures
from nnplay.limits import check
from nnplay.records import Table

LAYERS = ("dense", "grouped", "depthwise", "pointwise")
FILTERS = ("edges", "colours", "random")
RANGES = {
    "size": (8, 48),
    "crop": (0, 4),
    "out_channels": (1, 8),
    "groups": (1, 6),
    "kernel_size": (1, 7),
    "bias": (-1.0, 1.0),
    "channel": (0, 7),
    "seed": pictures.SEED,
}
CHOICES = {
    "photo": pictures.PHOTOS,
    "layer": LAYERS,
    "filters": FILTERS,
    "concatenate": (False, True),
}

CHANNEL_NAMES = ("red", "green", "blue")
CORNER = 4  # rows and columns of the picture's corner whose order in memory is shown


@dataclass(frozen=True, slots=True)
class Channels:
    """A layer over a colour picture, float32.

    input (C, size, size) with a name for each; weight (O, C / groups, k, k);
    bias (O,); output and reference (O, size, size), ours and `F.conv2d`'s.
    For the output `channel`: reads, the input channels that it sees, and
    products (len(reads), size, size), each of them convolved with its own
    kernel, before they are summed. connected (O, C): which output sees which
    input. concatenated: the shapes before and after the concatenation, empty
    without one. chw and hwc (3 * CORNER * CORNER, 3) are the channel, row and
    column of each number in memory, for the corner of the picture in either
    layout, chw_strides and hwc_strides torch's strides for it; corner (3,
    CORNER, CORNER) uint8 its values. costs: parameters and
    multiplications of this and of other layers with the same in- and outputs.
    """

    names: tuple[str, ...]
    layer: str
    groups: int
    channel: int
    input: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    reads: np.ndarray
    products: np.ndarray
    output: np.ndarray
    reference: np.ndarray
    connected: np.ndarray
    concatenated: tuple[tuple[int, ...], ...]
    corner: np.ndarray
    chw: np.ndarray
    hwc: np.ndarray
    chw_strides: tuple[int, ...]
    hwc_strides: tuple[int, ...]
    costs: Table

    @property
    def difference(self) -> float:
        """The largest difference between our sums and torch's."""
        return float(np.abs(self.output - self.reference).max())

    def table(self) -> Table:
        """What each kind of layer costs between these channels."""
        return self.costs


def channels(
    *,
    photo: str = "flower",
    size: int = 32,
    concatenate: bool = False,
    crop: int = 0,
    layer: str = "dense",
    groups: int = 3,
    out_channels: int = 3,
    kernel_size: int = 3,
    filters: str = "edges",
    bias: float = 0.0,
    channel: int = 0,
    seed: int = 0,
) -> Channels:
    """Convolve the channels of a photograph, with `torch.nn.functional.conv2d(groups=...)` as the reference.

    `layer` says which output sees which input: "dense" all of them, "grouped"
    those of its own one of `groups` groups, "depthwise" a single one, and
    "pointwise" all, through kernels of 1 x 1. `concatenate` stacks the
    picture on what is left of it after going down to a quarter and up again,
    as a U-Net's skip connection does (Ronneberger et al. 2015); `crop` is by
    how many pixels that is smaller. Raises ValueError for what torch refuses.
    """
    check(locals(), RANGES, CHOICES)
    x = np.ascontiguousarray(pictures.resize(_square(pictures.photo(photo, pictures.SIDE[1])), size, size))
    names: tuple[str, ...] = CHANNEL_NAMES
    concatenated: tuple[tuple[int, ...], ...] = ()
    corner = x[:, :CORNER, :CORNER]
    if concatenate:
        coarse = pictures.resize(pictures.resize(x, size // 4, size // 4), size - crop, size - crop)
        if crop:
            raise ValueError(
                f"torch.cat cannot stack {_shape(coarse)} on {_shape(x)}: heights and widths must be equal, "
                "only the number of channels may differ. Set crop to 0, or resize one of them first."
            )
        names = tuple(f"{name}, coarse" for name in CHANNEL_NAMES) + CHANNEL_NAMES
        concatenated = (coarse.shape, x.shape)
        x = np.concatenate([coarse, x])
        concatenated += (x.shape,)
    ins = len(x)
    groups = {"dense": 1, "pointwise": 1, "depthwise": ins, "grouped": groups}[layer]
    kernel_size = 1 if layer == "pointwise" else kernel_size
    if ins % groups or out_channels % groups:
        raise ValueError(
            f"{groups} groups must divide both the {ins} input and the {out_channels} output channels, or "
            "torch refuses: change the number of groups or of output channels."
        )
    seen = ins // groups
    weight = _filters(filters, out_channels, seen, kernel_size, seed)
    biases = np.full(out_channels, bias, np.float32)

    # One single-channel convolution for each kernel; then the sum over the channels that an output sees.
    first = np.arange(out_channels) // (out_channels // groups) * seen
    output = np.zeros((out_channels, size, size), np.float32)
    channel = min(max(channel, 0), out_channels - 1)
    products = np.zeros((seen, size, size), np.float32)
    for out in range(out_channels):
        for c in range(seen):
            product = _same(x[first[out] + c][None], weight[out, c][None, None])[0]
            output[out] += product
            if out == channel:
                products[c] = product
    output += biases[:, None, None]

    connected = np.arange(ins) // seen == (first // seen)[:, None]
    memory = np.indices(corner.shape)  # (channel, row, column) of every number
    tensor = torch.from_numpy(corner).contiguous()
    return Channels(
        names=names,
        layer=layer,
        groups=groups,
        channel=channel,
        input=x,
        weight=weight,
        bias=biases,
        reads=np.arange(first[channel], first[channel] + seen),
        products=products,
        output=output,
        reference=_same(x, weight, biases, groups),
        connected=connected,
        concatenated=concatenated,
        corner=np.round(255 * corner).astype(np.uint8),
        chw=memory.reshape(3, -1).T,
        hwc=memory.transpose(0, 2, 3, 1).reshape(3, -1).T,
        chw_strides=tensor.stride(),
        hwc_strides=tensor.permute(1, 2, 0).contiguous().stride(),
        costs=_costs(ins, out_channels, kernel_size, groups, size),
    )


def _square(picture: np.ndarray) -> np.ndarray:
    """The middle of a picture, as wide as high."""
    side = min(picture.shape[1:])
    top, left = (np.array(picture.shape[1:]) - side) // 2
    return picture[:, top : top + side, left : left + side]


def _shape(x: np.ndarray) -> str:
    return " × ".join(map(str, x.shape))


def _same(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None, groups: int = 1) -> np.ndarray:
    """`F.conv2d` with padding "same": (C, height, width) to (O, height, width).

    Padded by hand, as torch pads: for an even kernel its own "same" warns that it copies.
    """
    reach = weight.shape[-1] - 1
    padded = F.pad(torch.from_numpy(x)[None], (reach // 2, reach - reach // 2) * 2)
    b = None if bias is None else torch.from_numpy(bias)
    return F.conv2d(padded, torch.from_numpy(weight), b, groups=groups)[0].numpy()


def _filters(filters: str, out_channels: int, seen: int, size: int, seed: int) -> np.ndarray:
    """Kernels for each output and each input channel that it sees: (out_channels, seen, size, size) float32.

    "edges": one spatial kernel per output, the same for all its inputs;
    "colours": one weight per input, brightness first, then differences;
    "random": normal with variance 1 / (inputs of a sum), as LeCun initializes.
    """
    if filters == "random":
        generator = torch.Generator().manual_seed(seed)
        scale = (seen * size * size) ** -0.5
        return torch.randn(out_channels, seen, size, size, generator=generator).numpy() * np.float32(scale)
    weight = np.zeros((out_channels, seen, size, size))
    mixes = ((1, 1, 1), (1, -1, 0), (-1, -1, 2), (1, 0, -1))
    spatial = ("sobel x", "sobel y", "laplacian", "gaussian blur")
    for out in range(out_channels):
        if filters == "edges":
            weight[out] = pictures.weights(spatial[out % 4], size, size)
        else:
            mix = np.resize(mixes[out % 4], seen)[:, None, None]
            weight[out] = mix / max(1, np.abs(mix).sum()) * pictures.weights("identity", size, size)
    return weight.astype(np.float32)


def _costs(ins: int, outs: int, k: int, groups: int, size: int) -> Table:
    """Parameters, and multiplications for one picture, of this layer and others between these channels."""
    seen, pixels = ins // groups, size * size
    rows = (
        ("this layer", f"{outs}·{seen}·{k}·{k} + {outs}", outs * seen * k * k, outs),
        ("dense", f"{outs}·{ins}·{k}·{k} + {outs}", outs * ins * k * k, outs),
        ("depthwise", f"{ins}·{k}·{k} + {ins}", ins * k * k, ins),
        ("pointwise", f"{outs}·{ins} + {outs}", outs * ins, outs),
        (
            "depthwise, then pointwise",
            f"{ins}·{k}·{k} + {ins} + {outs}·{ins} + {outs}",
            ins * k * k + outs * ins,
            ins + outs,
        ),
    )
    return {
        "layer": [name for name, *_ in rows],
        "parameters": [weights + biases for _, _, weights, biases in rows],
        "weights + biases": [formula for _, formula, *_ in rows],
        "multiplications": [weights * pixels for _, _, weights, _ in rows],
    }
