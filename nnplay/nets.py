"""What nets are built from: a catalogue of activations, of initializers, and small nets of both.

Everything random draws from the `torch.Generator` that is passed in, never from the global one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from nnplay.limits import choose

# --- activations ------------------------------------------------------------------------------------


class Gated(nn.Module):
    """The first half of the last axis times `gate` of the second half, as `torch.nn.GLU` does with sigmoid.

    Shape: (..., 2n) in, (..., n) out. Source: Shazeer, "GLU Variants Improve Transformer", 2020.
    """

    def __init__(self, gate: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.gate = gate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value, gate = x.chunk(2, dim=-1)
        return value * self.gate(gate)


@dataclass(frozen=True, slots=True)
class Activation:
    """An entry of `ACTIVATIONS`: how torch makes it, its formula (LaTeX) and what is worth knowing.

    `parameters` are the keyword arguments of `make` that a visitor may change; their ranges stand in
    `PARAMETERS`, their defaults are torch's own. A gated activation halves its last axis: the first
    half is the value, the second opens and closes the gate.
    """

    make: Callable[..., nn.Module]
    formula: str
    note: str
    parameters: tuple[str, ...] = ()
    gated: bool = False


# The name is the class in torch.nn, where there is one.
ACTIVATIONS: Mapping[str, Activation] = {
    "Identity": Activation(
        nn.Identity, "x", "No activation: any number of such layers is still one straight map."
    ),
    "Sigmoid": Activation(
        nn.Sigmoid, r"\frac{1}{1+e^{-x}}", "Squashes to 0..1; its slope is never more than a quarter."
    ),
    "Tanh": Activation(nn.Tanh, r"\tanh x", "Squashes to -1..1 around zero; slope 1 there, flat outside."),
    "Hardsigmoid": Activation(
        nn.Hardsigmoid,
        r"\min(1, \max(0, \tfrac{x+3}{6}))",
        "A sigmoid of three straight lines, cheap to compute.",
    ),
    "Hardtanh": Activation(
        nn.Hardtanh,
        r"\min(b, \max(a, x))",
        "Cuts off at both ends: no gradient at all beyond them.",
        ("min_val", "max_val"),
    ),
    "Softsign": Activation(
        nn.Softsign, r"\frac{x}{1+|x|}", "Like tanh, with tails that flatten much more slowly."
    ),
    "ReLU": Activation(nn.ReLU, r"\max(0, x)", "Slope 1 on the right; dead on the left."),
    "ReLU6": Activation(nn.ReLU6, r"\min(6, \max(0, x))", "ReLU with a ceiling, for arithmetic of few bits."),
    "LeakyReLU": Activation(
        nn.LeakyReLU,
        r"\max(0, x) + a\min(0, x)",
        "ReLU with a small slope on the left, so that no unit dies.",
        ("negative_slope",),
    ),
    "PReLU": Activation(
        nn.PReLU,
        r"\max(0, x) + a\min(0, x)",
        "A leaky ReLU that learns its slope a; here you see where a starts.",
        ("init",),
    ),
    "ELU": Activation(
        nn.ELU,
        r"\max(0, x) + \min(0, \alpha(e^x - 1))",
        "Bends smoothly to -α, which pulls the mean output towards zero.",
        ("alpha",),
    ),
    "CELU": Activation(
        nn.CELU,
        r"\max(0, x) + \min(0, \alpha(e^{x/\alpha} - 1))",
        "An ELU whose slope is smooth at zero for every α.",
        ("alpha",),
    ),
    "SELU": Activation(
        nn.SELU,
        r"\lambda(\max(0, x) + \min(0, \alpha(e^x - 1)))",
        "Its two constants hold mean 0 and variance 1 through any depth, with LeCun's weights.",
    ),
    "GELU": Activation(
        nn.GELU,
        r"x\,\Phi(x)",
        "ReLU weighed by the normal distribution; dips below zero. Usual in transformers.",
    ),
    "GELUTanh": Activation(
        lambda: nn.GELU(approximate="tanh"),
        r"\tfrac{x}{2}(1+\tanh(\sqrt{2/\pi}(x+0.044715x^3)))",
        "GELU's cheaper approximation, off by less than 0.001.",
    ),
    "SiLU": Activation(nn.SiLU, r"x\,\sigma(x)", "Also called swish: smooth, dips below zero near -1.28."),
    "Mish": Activation(
        nn.Mish, r"x\tanh(\ln(1+e^x))", "Much like SiLU, with a slightly deeper dip and a steeper rise."
    ),
    "Softplus": Activation(
        nn.Softplus,
        r"\tfrac{1}{\beta}\ln(1+e^{\beta x})",
        "A ReLU without its corner; a larger β makes it sharper.",
        ("beta",),
    ),
    "Hardswish": Activation(
        nn.Hardswish, r"x\min(1, \max(0, \tfrac{x+3}{6}))", "SiLU from straight pieces, for phones."
    ),
    "LogSigmoid": Activation(
        nn.LogSigmoid, r"-\ln(1+e^{-x})", "The logarithm of a probability, stable for very negative x."
    ),
    "Tanhshrink": Activation(nn.Tanhshrink, r"x-\tanh x", "Flat in the middle and free outside."),
    "Softshrink": Activation(
        nn.Softshrink,
        r"\operatorname{sign}(x)\max(0, |x|-\lambda)",
        "Pulls everything towards zero by λ; small values become exactly zero.",
        ("lambd",),
    ),
    "Hardshrink": Activation(
        nn.Hardshrink,
        r"x\ \text{if}\ |x|>\lambda\ \text{else}\ 0",
        "Removes small values and leaves the others as they are: it jumps.",
        ("lambd",),
    ),
    "GLU": Activation(nn.GLU, r"v\,\sigma(x)", "A value v times a sigmoid gate.", gated=True),
    "ReGLU": Activation(lambda: Gated(F.relu), r"v\max(0, x)", "A value v times a ReLU gate.", gated=True),
    "GEGLU": Activation(lambda: Gated(F.gelu), r"v\,x\,\Phi(x)", "A value v times a GELU gate.", gated=True),
    "SwiGLU": Activation(
        lambda: Gated(F.silu),
        r"v\,x\,\sigma(x)",
        "A value v times a SiLU gate. Usual in language models.",
        gated=True,
    ),
}

# (low, high) of the parameters above: where torch accepts the value and a picture still shows something.
PARAMETERS: Mapping[str, tuple[float, float]] = {
    "negative_slope": (0.0, 1.0),
    "init": (-1.0, 1.0),
    "alpha": (0.1, 4.0),
    "beta": (0.1, 10.0),
    "lambd": (0.0, 3.0),
    "min_val": (-4.0, -0.1),
    "max_val": (0.1, 4.0),
}


def activation(name: str, parameters: Mapping[str, float] | None = None) -> nn.Module:
    """The activation of that name; of `parameters` it takes those that are its own.

    Raises ValueError where there is no such name.
    """
    choose(name, ACTIVATIONS, "activation")
    entry = ACTIVATIONS[name]
    given = parameters or {}
    return entry.make(**{key: given[key] for key in entry.parameters if key in given})


# --- initializers -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Initializer:
    """An entry of `INITIALIZERS`.

    `fill(weight, generator, std)` fills a weight of shape (fan_out, fan_in) in place;
    `variance(fan_in, fan_out, std)` is the variance of one weight by theory. `std` matters only
    where `free` is true: the others choose their own size.
    """

    fill: Callable[[torch.Tensor, torch.Generator, float], torch.Tensor]
    variance: Callable[[int, int, float], float]
    formula: str
    note: str
    free: bool = False


STD = (0.001, 1.0)
"""What `std` may be, for the initializers whose size is free."""

INITIALIZERS: Mapping[str, Initializer] = {
    "zeros": Initializer(
        lambda w, g, std: nn.init.zeros_(w),
        lambda fan_in, fan_out, std: 0.0,
        "0",
        "Every unit of a layer is the same, and stays the same.",
    ),
    "normal": Initializer(
        lambda w, g, std: nn.init.normal_(w, std=std, generator=g),
        lambda fan_in, fan_out, std: std**2,
        r"\mathcal{N}(0, \text{std}^2)",
        "The size is yours to choose, and does not know the width of the layer.",
        free=True,
    ),
    "uniform": Initializer(
        lambda w, g, std: nn.init.uniform_(w, -math.sqrt(3) * std, math.sqrt(3) * std, generator=g),
        lambda fan_in, fan_out, std: std**2,
        r"\mathcal{U}(-\sqrt{3}\,\text{std}, \sqrt{3}\,\text{std})",
        "The same spread as normal, without its tails.",
        free=True,
    ),
    "xavier_normal": Initializer(
        lambda w, g, std: nn.init.xavier_normal_(w, generator=g),
        lambda fan_in, fan_out, std: 2 / (fan_in + fan_out),
        r"\mathcal{N}(0, \tfrac{2}{n_\text{in}+n_\text{out}})",
        "A compromise between signal and gradient, for tanh. Glorot and Bengio, 2010.",
    ),
    "xavier_uniform": Initializer(
        lambda w, g, std: nn.init.xavier_uniform_(w, generator=g),
        lambda fan_in, fan_out, std: 2 / (fan_in + fan_out),
        r"\mathcal{U}\ \text{of variance}\ \tfrac{2}{n_\text{in}+n_\text{out}}",
        "Xavier's variance, uniform.",
    ),
    "kaiming_normal": Initializer(
        lambda w, g, std: nn.init.kaiming_normal_(w, nonlinearity="relu", generator=g),
        lambda fan_in, fan_out, std: 2 / fan_in,
        r"\mathcal{N}(0, \tfrac{2}{n_\text{in}})",
        "Twice the variance, because ReLU removes half of the signal. He and others, 2015.",
    ),
    "kaiming_uniform": Initializer(
        lambda w, g, std: nn.init.kaiming_uniform_(w, nonlinearity="relu", generator=g),
        lambda fan_in, fan_out, std: 2 / fan_in,
        r"\mathcal{U}\ \text{of variance}\ \tfrac{2}{n_\text{in}}",
        "He's variance, uniform.",
    ),
    "lecun_normal": Initializer(
        lambda w, g, std: nn.init.kaiming_normal_(w, nonlinearity="linear", generator=g),
        lambda fan_in, fan_out, std: 1 / fan_in,
        r"\mathcal{N}(0, \tfrac{1}{n_\text{in}})",
        "Keeps the variance of a linear layer; what SELU asks for. LeCun and others, 1998.",
    ),
    "orthogonal": Initializer(
        lambda w, g, std: nn.init.orthogonal_(w, generator=g),
        lambda fan_in, fan_out, std: 1 / max(fan_in, fan_out),
        r"W^\top W = I",
        "Turns the signal without stretching it in any direction. Saxe and others, 2014.",
    ),
    "torch_default": Initializer(
        lambda w, g, std: nn.init.kaiming_uniform_(w, a=math.sqrt(5), generator=g),
        lambda fan_in, fan_out, std: 1 / (3 * fan_in),
        r"\mathcal{U}(-\tfrac{1}{\sqrt{n_\text{in}}}, \tfrac{1}{\sqrt{n_\text{in}}})",
        "What nn.Linear does when nobody says otherwise.",
    ),
}


def weight(name: str, fan_in: int, fan_out: int, generator: torch.Generator, std: float) -> torch.Tensor:
    """A weight of shape (fan_out, fan_in), filled by the initializer of that name."""
    return INITIALIZERS[name].fill(torch.empty(fan_out, fan_in), generator, std)


def mlp(
    sizes: Sequence[int], name: str, initializer: str, generator: torch.Generator, std: float
) -> nn.Sequential:
    """A net of `sizes` units (inputs first, outputs last) with the activation `name` between its layers.

    Two nets of the same sizes from equal generators start with equal weights, whatever their
    activation: the gates of a gated one are drawn after everything else, and doubled sizes hold
    (value, gate). Biases start as nn.Linear's own do, uniform within 1/sqrt(fan_in), but with the
    initializer `zeros` they are zero too.
    """
    gated = ACTIVATIONS[name].gated
    pairs = list(itertools.pairwise(sizes))
    drawn = [_layer(a, b, initializer, generator, std) for a, b in pairs]
    if gated:
        gates = [_layer(a, b, initializer, generator, std) for a, b in pairs[:-1]]
        drawn[:-1] = [tuple(map(torch.cat, zip(v, g))) for v, g in zip(drawn, gates)]
    layers: list[nn.Module] = []
    for w, b in drawn:
        linear = nn.utils.skip_init(nn.Linear, w.shape[1], w.shape[0])
        linear.weight.data, linear.bias.data = w, b
        layers += [linear, activation(name)]
    return nn.Sequential(*layers[:-1])


def _layer(fan_in, fan_out, initializer, generator, std) -> tuple[torch.Tensor, torch.Tensor]:
    bound = 0.0 if initializer == "zeros" else 1 / math.sqrt(fan_in)
    bias = nn.init.uniform_(torch.empty(fan_out), -bound, bound, generator=generator)
    return weight(initializer, fan_in, fan_out, generator, std), bias
