"""K nets of one shape, trained as one: a net costs little more beside others than the first one costs alone.

`Nets` are K multilayer perceptrons. Axis 0 is always the net: parameters (K, P), activations
(K, units, rows). `Single` gives any other torch module the same face, as K = 1, so that one
training loop serves both.

Why gradients by hand: on nets of a few units, time goes to calls and not to arithmetic. Here a step
is about ten calls a layer, into buffers that are made once, however many nets there are. Two
things come from NumPy, over the same memory, because they are several times faster at this size:
`matmul` (torch.bmm: 0.2 us for each product of 8 x 8 by 8 x 10 numbers) and `tanh`. Activations without a
line in `_FUSED`, and formulas, go through torch's autograd, a layer at a time.
"""

from __future__ import annotations

import copy
import itertools
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnplay.nets import ACTIVATIONS, INITIALIZERS, activation, choose, weight

if TYPE_CHECKING:
    from nnplay.training import Loss

Augment = Callable[[Tensor, torch.Generator], Tensor]
"""(rows, features...) of the training data of one net and a generator -> the same, changed."""

_64 = (1 << 64) - 1


def _mixed(z: int) -> int:
    """splitmix64: neighbours in, strangers out."""
    z = (z + 0x9E3779B97F4A7C15) & _64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _64
    return z ^ (z >> 31)


@lru_cache(maxsize=4096)
def _stream(seed: int, purpose: str) -> int:
    return _mixed(_mixed(seed & _64) ^ zlib.crc32(purpose.encode()))


def reseed(generator: torch.Generator, seed: int, purpose: str, when: int) -> torch.Generator:
    """The generator, set to where `seed` says for this purpose and time (an epoch, say).

    Every draw belongs to a (seed, purpose, time), so a run can be taken up anywhere without having
    kept a generator's state, and no draw depends on how many nets train beside.
    """
    return generator.manual_seed(_mixed(_stream(seed, purpose) + when))


# --- the shape of the nets --------------------------------------------------------------------------

FORMULAS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "x²": torch.square,
    "x³": lambda x: x**3,
    "|x|": torch.abs,
    "-x": torch.neg,
    "x/2": lambda x: x / 2,
    "2x": lambda x: 2 * x,
    "1 - x": lambda x: 1 - x,
    "sin x": torch.sin,
    "cos x": torch.cos,
    "exp(-x²)": lambda x: torch.exp(-(x**2)),
    "x + sin² x": lambda x: x + torch.sin(x) ** 2,
}
"""What a lambda layer may compute, unit by unit. The formula is the name."""


class Lambda(nn.Module):
    """A layer without parameters that applies one of `FORMULAS`."""

    def __init__(self, formula: str) -> None:
        super().__init__()
        self.formula = formula

    def forward(self, x: Tensor) -> Tensor:
        return FORMULAS[self.formula](x)

    def extra_repr(self) -> str:
        return self.formula


@dataclass(frozen=True, slots=True)
class Layer:
    """Linear, then batch norm, activation, formula and dropout where they are wanted.

    `parameters` are keyword arguments of the activation, such as (("negative_slope", 0.2),). A
    gated activation has twice the linear outputs, half of them gates. With batch norm the linear
    part has no bias, because the norm takes it away and brings its own. Raises ValueError for what
    no layer can be.
    """

    units: int
    activation: str = "Identity"
    parameters: tuple[tuple[str, float], ...] = ()
    batch_norm: bool = False
    formula: str = ""
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ValueError(f"A layer needs at least one unit, not {self.units}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(
                f"The share of dropped units must lie from 0 to below 1, not at {self.dropout:g}."
            )
        choose(self.activation, ACTIVATIONS, "activation")
        if self.formula:
            choose(self.formula, FORMULAS, "formula")

    @property
    def linear_units(self) -> int:
        return self.units * (2 if ACTIVATIONS[self.activation].gated else 1)

    def module(self) -> nn.Module:
        return activation(self.activation, dict(self.parameters))


# --- the steps of a layer, each on buffers of its own -----------------------------------------------

_aten = torch.ops.aten
_elu, _elu_backward = _aten.elu.out, _aten.elu_backward.grad_input
_gelu_backward = _aten.gelu_backward.grad_input
_leaky, _leaky_backward = _aten.leaky_relu.out, _aten.leaky_relu_backward.grad_input
_relu_backward = _aten.threshold_backward.grad_input
_sigmoid_backward = _aten.sigmoid_backward.grad_input
_silu, _silu_backward = _aten.silu.out, _aten.silu_backward.grad_input
_softplus, _softplus_backward = _aten.softplus.out, _aten.softplus_backward.grad_input
_tanh_backward = _aten.tanh_backward.grad_input

Call = Callable[[], object]
Calls = tuple[list[Call], list[Call]]
"""What computes y from x, and what computes the gradient of x from that of y."""


def _pair(forward: Call, backward: Call) -> Calls:
    return [forward], [backward]


# (module, x, y, d_x, d_y) -> a call each way. Arguments are bound once: at this size even a lambda counts.
_FUSED: Mapping[type[nn.Module], Callable[..., Calls]] = {
    nn.Tanh: lambda m, x, y, d_x, d_y: _pair(
        partial(np.tanh, x.numpy(), out=y.numpy()), partial(_tanh_backward, d_y, y, grad_input=d_x)
    ),
    nn.Sigmoid: lambda m, x, y, d_x, d_y: _pair(
        partial(torch.sigmoid, x, out=y), partial(_sigmoid_backward, d_y, y, grad_input=d_x)
    ),
    nn.ReLU: lambda m, x, y, d_x, d_y: _pair(
        partial(torch.clamp_min, x, 0, out=y), partial(_relu_backward, d_y, y, 0, grad_input=d_x)
    ),
    nn.LeakyReLU: lambda m, x, y, d_x, d_y: _pair(
        partial(_leaky, x, m.negative_slope, out=y),
        partial(_leaky_backward, d_y, x, m.negative_slope, False, grad_input=d_x),
    ),
    nn.ELU: lambda m, x, y, d_x, d_y: _pair(
        partial(_elu, x, m.alpha, out=y), partial(_elu_backward, d_y, m.alpha, 1, 1, False, x, grad_input=d_x)
    ),
    nn.GELU: lambda m, x, y, d_x, d_y: _pair(
        lambda: y.copy_(m(x)),  # into a y with gaps, torch 2.13's out= writes wrong numbers
        partial(_gelu_backward, d_y, x, approximate=m.approximate, grad_input=d_x),
    ),
    nn.SiLU: lambda m, x, y, d_x, d_y: _pair(
        partial(_silu, x, out=y), partial(_silu_backward, d_y, x, grad_input=d_x)
    ),
    nn.Softplus: lambda m, x, y, d_x, d_y: _pair(
        partial(_softplus, x, m.beta, m.threshold, out=y),
        partial(_softplus_backward, d_y, x, m.beta, m.threshold, grad_input=d_x),
    ),
}


class _Step:
    """One step of a layer, x -> y. All buffers are (K, units, rows); those of gradients only in training."""

    def bind(self, x: Tensor, y: Tensor, d_x: Tensor | None, d_y: Tensor | None) -> Calls:
        self.x, self.y, self.d_x, self.d_y = x, y, d_x, d_y
        return _pair(self.forward, self.backward)


class _Linear(_Step):
    """x ends in a row of ones, so that the biases are a column of the weights."""

    def __init__(self, nets: Nets, i: int) -> None:
        self.weight = nets.parameter(i, "linear").numpy()
        self.back = nets.weight(i).mT.numpy()
        self.grad = nets.parameter(i, "linear", grad=True).numpy()

    def bind(self, x, y, d_x, d_y) -> Calls:
        """x is None in the first layer, whose inputs come with each batch."""
        self.y, self.d_y = y.numpy(), None if d_y is None else d_y.numpy()
        if x is None:
            return _pair(self.forward, self.backward)
        self.take(x.numpy(), x.mT.numpy())
        forward = [partial(np.matmul, self.weight, self.x, out=self.y)]
        if d_y is None:
            return forward, []
        return forward, [
            partial(np.matmul, self.d_y, self.x_t, out=self.grad),
            partial(np.matmul, self.back, self.d_y, out=d_x.numpy()),
        ]

    def take(self, x: np.ndarray, x_t: np.ndarray) -> None:
        """Inputs, (K or 1, inputs + 1, rows), and their transpose."""
        inputs = self.weight.shape[2]  # with the row of ones, or without where there are no biases
        self.x, self.x_t = x[:, :inputs], x_t[:, :, :inputs]

    def forward(self) -> None:
        np.matmul(self.weight, self.x, out=self.y)

    def backward(self) -> None:
        np.matmul(self.d_y, self.x_t, out=self.grad)


class _BatchNorm(_Step):
    """As torch.nn.BatchNorm1d: all units of all nets are channels of one sample, and rows its length."""

    MOMENTUM, EPS = 0.1, 1e-5

    def __init__(self, nets: Nets, i: int, train: bool) -> None:
        self.train = train
        self.scale, self.shift = nets.parameter(i, "norm_weight"), nets.parameter(i, "norm_bias")
        self.grads = [nets.parameter(i, name, grad=True) for name in ("norm_weight", "norm_bias")]
        self.running = [nets.buffers[f"{i}.{name}"].view(-1) for name in ("running_mean", "running_var")]

    def forward(self) -> None:
        x = self.x.view(1, -1, self.x.shape[2])
        scale, shift = self.scale.reshape(-1), self.shift.reshape(-1)
        y, *self.batch = torch.native_batch_norm(
            x, scale, shift, *self.running, self.train, self.MOMENTUM, self.EPS
        )
        self.y.copy_(y.view(self.y.shape))

    def backward(self) -> None:
        x, d_y = (t.view(1, -1, self.x.shape[2]) for t in (self.x, self.d_y))
        d_x, *grads = _aten.native_batch_norm_backward(
            d_y, x, self.scale.reshape(-1), *self.running, *self.batch, True, self.EPS, [True] * 3
        )
        self.d_x.copy_(d_x.view(self.x.shape))
        for into, grad in zip(self.grads, grads):
            into.copy_(grad.view(into.shape))


class _Fused(_Step):
    """An activation with a line in `_FUSED`."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def bind(self, x, y, d_x, d_y) -> Calls:
        return _FUSED[type(self.module)](self.module, x, y, d_x, d_y)


class _Traced(_Step):
    """Any activation and formula, by torch's autograd."""

    def __init__(self, nets: Nets, i: int, module: nn.Module, train: bool) -> None:
        self.layer, self.module, self.train, self.slope = nets.layers[i], module, train, None
        if isinstance(module, nn.PReLU):
            self.slope, self.slope_grad = nets.parameter(i, "slope"), nets.parameter(i, "slope", grad=True)

    @torch.enable_grad()
    def forward(self) -> None:
        leaves = [self.x.detach().requires_grad_(self.train)]
        if self.slope is not None:
            leaves.append(self.slope.detach().requires_grad_(self.train))
            y = F.prelu(leaves[0].flatten(1).T, leaves[1][:, 0]).T.view_as(self.x)
        elif ACTIVATIONS[self.layer.activation].gated:
            y = self.module(leaves[0].mT).mT  # gates stand along the last axis
        else:
            y = self.module(leaves[0])
        if self.layer.formula:
            y = FORMULAS[self.layer.formula](y)
        self.traced = y, leaves
        self.y.copy_(y.detach())

    def backward(self) -> None:
        y, leaves = self.traced
        d_x, *d_slope = torch.autograd.grad(y, leaves, self.d_y)
        self.d_x.copy_(d_x)
        if d_slope:
            self.slope_grad.copy_(d_slope[0])


class _Drop(_Step):
    """`mask`, 0 or 1 / (1 - share), is set for each batch."""

    mask: Tensor

    def forward(self) -> None:
        torch.mul(self.x, self.mask, out=self.y)

    def backward(self) -> None:
        torch.mul(self.d_y, self.mask, out=self.d_x)


class _Program:
    """All steps of the nets for a batch of `rows`, bound to buffers that are made once.

    `out` are the results of the layers, `d_out` the gradient of the last one's.
    """

    def __init__(self, nets: Nets, rows: int, train: bool) -> None:
        self.out: list[Tensor] = []
        self.drops: dict[int, _Drop] = {}
        self._forward: list[Call] = []
        self._backward: list[Call] = []
        x, d_x = None, None
        for i, layer in enumerate(nets.layers):
            steps = self._steps(nets, i, train)
            following = torch.ones(nets.k, layer.units + 1, rows)
            for step in steps:
                if step is steps[-1] and i < len(nets.layers) - 1:
                    y = following[:, :-1]
                else:
                    units = layer.linear_units if isinstance(step, _Linear | _BatchNorm) else layer.units
                    y = torch.empty(nets.k, units, rows)
                d_y = torch.empty(y.shape) if train else None
                forward, backward = step.bind(x, y, d_x, d_y)
                self._forward += forward
                self._backward[:0] = backward
                x, d_x = y, d_y
            self.out.append(y)
            x = following
            if i == 0:
                self._first = steps[0]
        self.d_out = d_x

    def _steps(self, nets: Nets, i: int, train: bool) -> list[_Step]:
        layer, module = nets.layers[i], nets.layers[i].module()
        steps: list[_Step] = [_Linear(nets, i)]
        if layer.batch_norm:
            steps.append(_BatchNorm(nets, i, train))
        if layer.formula or type(module) not in (nn.Identity, *_FUSED):
            steps.append(_Traced(nets, i, module, train))
        elif not isinstance(module, nn.Identity):
            steps.append(_Fused(module))
        if layer.dropout and train:
            self.drops[i] = _Drop()
            steps.append(self.drops[i])
        return steps

    def forward(self, x: np.ndarray, x_t: np.ndarray) -> Tensor:
        """x: (K or 1, inputs + 1, rows), the last feature 1, and its transpose. Returns the last of `out`."""
        self._first.take(x, x_t)
        for call in self._forward:
            call()
        return self.out[-1]

    def backward(self) -> None:
        """From `d_out` to the nets' `grad`."""
        for call in self._backward:
            call()


# --- the nets ---------------------------------------------------------------------------------------

_CACHE = 2**17  # numbers in a buffer that is evaluated at a time: what a core's cache holds


class Nets:
    """K perceptrons of one shape, net k drawn from `seeds[k]`.

    `theta` and `grad`, (K, P), hold all parameters and their gradients: layer after layer [weight |
    bias] as (linear units, inputs + 1), or [weight] where batch norm follows, with its weight and
    its bias; then PReLU's slope. `buffers` hold batch norm's running statistics, (K, units) each.
    `penalized`, (P,), is 1 where L1 and L2 act: on weights, not on biases. All are changed in
    place, and only so.
    """

    def __init__(
        self,
        inputs: int,
        layers: Sequence[Layer],
        seeds: Sequence[int] = (0,),
        *,
        initializer: str = "torch_default",
        std: float = 1.0,
        theta: Tensor | None = None,
    ) -> None:
        choose(initializer, INITIALIZERS, "initializer")
        if inputs < 1 or not layers or not len(seeds):
            raise ValueError("A net needs at least one input and one layer, and there must be one net.")
        self.inputs, self.layers, self.seeds = inputs, tuple(layers), tuple(int(s) for s in seeds)
        self.initializer, self.std = initializer, std
        self.k, self.outputs = len(self.seeds), self.layers[-1].units
        self.needs_pairs = any(layer.batch_norm for layer in self.layers)
        self._shapes = self._parameter_shapes()
        self._ends = np.cumsum([math.prod(shape) for _, _, shape in self._shapes]).tolist()
        self.theta = torch.empty(self.k, self._ends[-1])
        self.grad = torch.zeros_like(self.theta)
        self.penalized = self._penalized()
        self.buffers: dict[str, Tensor] = {}
        for i, layer in enumerate(self.layers):
            if layer.batch_norm:
                self.buffers[f"{i}.running_mean"] = torch.zeros(self.k, layer.linear_units)
                self.buffers[f"{i}.running_var"] = torch.ones(self.k, layer.linear_units)
        self._programs: dict[tuple[int, bool], _Program] = {}
        self.theta.copy_(self._start() if theta is None else theta)

    def _parameter_shapes(self) -> list[tuple[int, str, tuple[int, ...]]]:
        shapes, width = [], self.inputs
        for i, layer in enumerate(self.layers):
            shapes.append((i, "linear", (layer.linear_units, width + (not layer.batch_norm))))
            if layer.batch_norm:
                shapes += [(i, name, (layer.linear_units,)) for name in ("norm_weight", "norm_bias")]
            if layer.activation == "PReLU":
                shapes.append((i, "slope", (1,)))
            width = layer.units
        return shapes

    def _penalized(self) -> Tensor:
        parts = []
        for i, name, shape in self._shapes:
            part = torch.zeros(shape)
            if name == "linear":
                part[:, : self._fan_in(i)] = 1
            parts.append(part.flatten())
        return torch.cat(parts)

    def _fan_in(self, layer: int) -> int:
        return self.layers[layer - 1].units if layer else self.inputs

    def parameter(self, layer: int, name: str, *, grad: bool = False) -> Tensor:
        """A view of one parameter of all nets, or of its gradient: (K, *shape).

        `name` is linear (weight and bias side by side), norm_weight, norm_bias or slope.
        """
        i = [shape[:2] for shape in self._shapes].index((layer, name))
        shape, end = self._shapes[i][2], self._ends[i]
        source = self.grad if grad else self.theta
        return source[:, end - math.prod(shape) : end].view(self.k, *shape)

    def weight(self, layer: int) -> Tensor:
        """A view of a layer's weights, (K, linear units, inputs); writing to it edits the nets."""
        return self.parameter(layer, "linear")[:, :, : self._fan_in(layer)]

    def bias(self, layer: int) -> Tensor:
        """The same of its biases, batch norm's where it has one: (K, linear units)."""
        if self.layers[layer].batch_norm:
            return self.parameter(layer, "norm_bias")
        return self.parameter(layer, "linear")[:, :, -1]

    def _start(self) -> Tensor:
        """(K, P): each net as `nnplay.nets.mlp` draws it, gates after everything else.

        With batch norm the biases are drawn too, though not used: the weights stay the same.
        """
        drawn: dict[int, Tensor] = {}
        generator = torch.Generator()
        for seed in self.seeds:
            if seed not in drawn:
                drawn[seed] = self._drawn(generator.manual_seed(seed))
        return torch.stack([drawn[seed] for seed in self.seeds])

    def _drawn(self, generator: torch.Generator) -> Tensor:
        widths = [self.inputs, *(layer.units for layer in self.layers)]
        linear = [self._linear(a, b, generator) for a, b in itertools.pairwise(widths)]
        for i, layer in enumerate(self.layers):
            if layer.linear_units > layer.units:
                linear[i] = torch.cat([linear[i], self._linear(widths[i], layer.units, generator)])
        values = []
        for i, name, shape in self._shapes:
            if name == "linear":
                values.append(linear[i][:, : shape[1]])
            elif name == "slope":
                values.append(self.layers[i].module().weight.detach())
            else:
                values.append(torch.ones(shape) if name == "norm_weight" else torch.zeros(shape))
        return torch.cat([value.reshape(-1) for value in values])

    def _linear(self, fan_in: int, fan_out: int, generator: torch.Generator) -> Tensor:
        bound = 0.0 if self.initializer == "zeros" else fan_in**-0.5
        bias = torch.empty(fan_out, 1).uniform_(-bound, bound, generator=generator)
        return torch.cat([weight(self.initializer, fan_in, fan_out, generator, self.std), bias], dim=1)

    # --- what the training loop calls ---

    def program(self, rows: int, train: bool) -> _Program:
        if (rows, train) not in self._programs:
            self._programs[rows, train] = _Program(self, rows, train)
        return self._programs[rows, train]

    def place(self, x: Tensor) -> np.ndarray:
        """(N, inputs), or (K, N, inputs) with a net's own rows -> (1 or K, inputs + 1, N), ones added.

        Raises ValueError where the shape is another.
        """
        x = x if x.ndim == 3 else x[None]
        if x.ndim != 3 or x.shape[0] not in (1, self.k) or x.shape[2] != self.inputs:
            raise ValueError(
                f"These nets take (rows, {self.inputs}) or ({self.k}, rows, {self.inputs}),"
                f" not {tuple(x.shape)}."
            )
        placed = np.ones((x.shape[0], self.inputs + 1, x.shape[1]), np.float32)
        placed[:, :-1] = x.mT.numpy()
        return placed

    def feed(self, x: Tensor, y: Tensor, augment: Augment | None = None) -> Feed:
        return Feed(self, self.place(x), y, augment)

    def outputs_of(self, placed: np.ndarray) -> Tensor:
        """What the nets answer in evaluation mode, (K, outputs, N)."""
        result = torch.empty(self.k, self.outputs, placed.shape[2])
        for part, program in self._passes(placed):
            result[:, :, part] = program.out[-1]
        return result

    def _passes(self, placed: np.ndarray):
        """Pieces of the rows that fit the cache, each with the program that has run on them."""
        rows = max(1, _CACHE // (self.k * max(layer.linear_units for layer in self.layers)))
        for start in range(0, placed.shape[2], rows):
            part = slice(start, min(start + rows, placed.shape[2]))
            program = self.program(part.stop - part.start, train=False)
            with np.errstate(all="ignore"):
                program.forward(placed[:, :, part], placed[:, :, part].transpose(0, 2, 1))
            yield part, program

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """What the nets answer in evaluation mode: (N, inputs) or (K, N, inputs) -> (K, N, outputs)."""
        return self.outputs_of(self.place(x)).mT

    @torch.no_grad()
    def units(self, x: Tensor) -> list[Tensor]:
        """What every unit of every layer answers in evaluation mode: a tensor (K, units, N) a layer."""
        placed = self.place(x)
        result = [torch.empty(self.k, layer.units, placed.shape[2]) for layer in self.layers]
        for part, program in self._passes(placed):
            for into, out in zip(result, program.out):
                into[:, :, part] = out
        return result

    # --- copies and exports ---

    def take(self, nets: Sequence[int]) -> Nets:
        """Copies of some of the nets, repeated where a number is repeated."""
        index = list(nets)
        seeds = [self.seeds[i] for i in index]
        taken = Nets(
            self.inputs,
            self.layers,
            seeds,
            initializer=self.initializer,
            std=self.std,
            theta=self.theta[index],
        )
        for name, buffer in self.buffers.items():
            taken.buffers[name].copy_(buffer[index])
        return taken

    def copy(self) -> Nets:
        return self.take(range(self.k))

    def sequential(self, net: int = 0) -> nn.Sequential:
        """One of the nets as a torch module of its own, in evaluation mode: `.state_dict()` is its export."""
        modules: list[nn.Module] = []
        width = self.inputs
        for i, layer in enumerate(self.layers):
            biased = not layer.batch_norm
            linear = nn.utils.skip_init(nn.Linear, width, layer.linear_units, bias=biased)
            linear.weight.data = self.weight(i)[net].clone()
            if biased:
                linear.bias.data = self.bias(i)[net].clone()
            modules.append(linear)
            if layer.batch_norm:
                norm = nn.BatchNorm1d(layer.linear_units)
                norm.weight.data = self.parameter(i, "norm_weight")[net].clone()
                norm.bias.data = self.parameter(i, "norm_bias")[net].clone()
                norm.running_mean.copy_(self.buffers[f"{i}.running_mean"][net])
                norm.running_var.copy_(self.buffers[f"{i}.running_var"][net])
                modules.append(norm)
            module = layer.module()
            if layer.activation == "PReLU":
                module.weight.data = self.parameter(i, "slope")[net].clone()
            if layer.activation != "Identity":
                modules.append(module)
            if layer.formula:
                modules.append(Lambda(layer.formula))
            if layer.dropout:
                modules.append(nn.Dropout(layer.dropout))
            width = layer.units
        return nn.Sequential(*modules).eval()


class Feed:
    """The training data of `Nets`, in the order of an epoch.

    `masks[i]`, (K, units, N), are what dropout multiplies the outputs of layer i with: 0, or 1 /
    (1 - share), a column for each row of the data in the epoch's order. `last` are the outputs and
    targets of the last batch.
    """

    def __init__(self, nets: Nets, x: np.ndarray, y: Tensor, augment: Augment | None) -> None:
        """x: from `Nets.place`; y: (1 or K, outputs, N) as the loss wants it."""
        self.nets, self.rows, self.augment = nets, x.shape[2], augment
        self._x, self._y = x[:, :-1], y.numpy()
        # features first, because this is how NumPy takes columns fastest
        x_now = np.ones((nets.inputs + 1, nets.k, self.rows), np.float32)
        y_now = np.empty((nets.outputs, nets.k, self.rows), np.float32)
        self._x_now, self._y_now = x_now.transpose(1, 0, 2), y_now.transpose(1, 0, 2)
        self._targets = torch.from_numpy(self._y_now)
        drops = {i: layer for i, layer in enumerate(nets.layers) if layer.dropout}
        self._drawn = torch.empty(nets.k, sum(layer.units for layer in drops.values()), self.rows)
        parts = self._drawn.split([layer.units for layer in drops.values()], dim=1)
        self.masks = dict(zip(drops, parts))
        self._views: dict[tuple[int, int], tuple] = {}

    def shuffle(self, epoch: int, generator: torch.Generator) -> None:
        """Set out the data, and draw the masks, of that epoch; every net by its own seed."""
        seeds = self.nets.seeds
        orders: dict[int, Tensor] = {}
        for seed in seeds:
            if seed not in orders:
                orders[seed] = torch.randperm(self.rows, generator=reseed(generator, seed, "order", epoch))
        order = torch.stack([orders[seed] for seed in seeds]).numpy()
        for source, now in ((self._x, self._x_now[:, :-1]), (self._y, self._y_now)):
            if len(source) == 1:
                np.take(source[0], order, axis=1, out=now.transpose(1, 0, 2), mode="clip")
            else:
                now[...] = np.take_along_axis(source, order[:, None], axis=2)
        if self.augment:
            for k, seed in enumerate(seeds):
                rows = torch.from_numpy(self._x_now[k, :-1]).T
                self._x_now[k, :-1] = self.augment(rows, reseed(generator, seed, "augment", epoch)).T.numpy()
        if self.masks:
            for numbers, seed in zip(self._drawn, seeds):
                numbers.uniform_(generator=reseed(generator, seed, "dropout", epoch))
            for i, mask in self.masks.items():
                keep = 1 - self.nets.layers[i].dropout
                torch.mul(mask < keep, 1 / keep, out=mask)

    def gradient(self, start: int, stop: int, loss: Loss) -> None:
        """The gradient of the mean loss of these rows of the epoch, into `nets.grad`."""
        if (start, stop) not in self._views:
            x = self._x_now[:, :, start:stop]
            masks = {i: mask[:, :, start:stop] for i, mask in self.masks.items()}
            program = self.nets.program(stop - start, train=True)
            self._views[start, stop] = (
                program,
                x,
                x.transpose(0, 2, 1),
                self._targets[:, :, start:stop],
                masks,
            )
        program, x, x_t, y, masks = self._views[start, stop]
        for i, mask in masks.items():
            program.drops[i].mask = mask
        out = program.forward(x, x_t)
        loss.gradient(out, y, program.d_out)
        program.backward()
        self.last = out, y


# --- any other module -------------------------------------------------------------------------------


class Dropout(nn.Module):
    """torch.nn.Dropout that draws from a generator of its own: `Single` sets it before each step."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p
        self.generator = torch.Generator()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.p:
            return x
        return x * torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator).div_(1 - self.p)


_GLOBAL_DRAWS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.RReLU)


class Single:
    """Any torch module (a convolutional net, say) as K = 1 nets for the same training loop.

    The parameters that require a gradient become views of `theta`, (1, P). L1 and L2 act on those
    with two or more axes. Raises ValueError where a part draws from torch's global generator.
    """

    def __init__(self, module: nn.Module, seed: int = 0) -> None:
        if any(isinstance(part, _GLOBAL_DRAWS) for part in module.modules()):
            raise ValueError(
                "A part of this net draws from torch's global generator: use nnplay.batched.Dropout."
            )
        self.module, self.seeds, self.k = module, (int(seed),), 1
        parts = module.modules()
        self.needs_pairs = any(isinstance(part, nn.BatchNorm1d) for part in parts)
        learned = [p for p in module.parameters() if p.requires_grad]
        if not learned:
            raise ValueError("This net has no parameter that may change.")
        self.theta = torch.cat([p.detach().flatten() for p in learned])[None]
        self.grad = torch.zeros_like(self.theta)
        self.penalized = torch.cat([torch.full((p.numel(),), float(p.ndim > 1)) for p in learned])
        self.buffers = {name: buffer[None] for name, buffer in module.named_buffers()}
        sizes = [p.numel() for p in learned]
        for p, value, gradient in zip(learned, self.theta[0].split(sizes), self.grad[0].split(sizes)):
            p.data, p.grad = value.view_as(p), gradient.view_as(p)
        self._drops = [part for part in module.modules() if isinstance(part, Dropout)]

    def place(self, x: Tensor) -> Tensor:
        return x

    def feed(self, x: Tensor, y: Tensor, augment: Augment | None = None) -> SingleFeed:
        return SingleFeed(self, x, y, augment)

    def outputs_of(self, x: Tensor) -> Tensor:
        """(N, ...) -> (1, outputs, N) in evaluation mode."""
        self.module.eval()
        return self.module(x).flatten(1).T[None]

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """(N, ...) -> (1, N, outputs) in evaluation mode."""
        return self.outputs_of(x).mT

    def copy(self) -> Single:
        return Single(copy.deepcopy(self.module), self.seeds[0])

    def sequential(self, net: int = 0) -> nn.Module:
        """The module itself, in evaluation mode."""
        return self.module.eval()


class SingleFeed:
    """The training data of a `Single`, in the order of an epoch."""

    def __init__(self, single: Single, x: Tensor, y: Tensor, augment: Augment | None) -> None:
        self.single, self.rows, self.augment = single, len(x), augment
        self._x, self._y = x, y
        self._epoch, self._generator = 0, torch.Generator()

    def shuffle(self, epoch: int, generator: torch.Generator) -> None:
        seed = self.single.seeds[0]
        order = torch.randperm(self.rows, generator=reseed(generator, seed, "order", epoch))
        self._x_now, self._y_now, self._epoch = self._x[order], self._y[:, :, order], epoch
        if self.augment:
            self._x_now = self.augment(self._x_now, reseed(generator, seed, "augment", epoch))

    def gradient(self, start: int, stop: int, loss: Loss) -> None:
        """The gradient of the mean loss of these rows of the epoch, into `single.grad`."""
        for drop in self.single._drops:
            drop.generator = reseed(
                self._generator, self.single.seeds[0], "dropout", self._epoch * self.rows + start
            )
        self.single.module.train()
        self.single.grad.zero_()
        with torch.enable_grad():
            out = self.single.module(self._x_now[start:stop])
        self.last = out.detach().flatten(1).T[None], self._y_now[:, :, start:stop]
        into = torch.empty_like(self.last[0])
        loss.gradient(*self.last, into)
        out.backward(into[0].T.reshape(out.shape))
