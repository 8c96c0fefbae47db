"""A batch through a deep net and its gradient back, before any training, next to what theory predicts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from nnplay import datasets, nets
from nnplay.curves import evaluate, shape_of
from nnplay.limits import SEED, choose, within
from nnplay.nets import ACTIVATIONS, INITIALIZERS, STD
from nnplay.records import Table

DEPTH = (1, 50)
WIDTH = (16, 256)
SOURCES = ("digits", "noise")
BATCH = 256

VANISHED, EXPLODED = 1e-4, 1e4
"""The signal has vanished, or exploded, where its size is this fraction of what it started with."""

_BATCH_NORM_EPS = 1e-5  # torch's default
_VALUES = np.linspace(-4, 4, 129)  # edges of the histograms: values, and decades of |gradient|
_DECADES = np.linspace(-12, 4, 97)


@dataclass(frozen=True, slots=True)
class Signal:
    """A batch on its way through `depth` hidden layers, and the loss's gradient on its way back.

    Per layer, (depth,): `mean` and `variance` of what the layer puts out, over units and samples;
    `gradient`, the root mean square of the loss's gradient with respect to that output;
    `predicted_variance` and `predicted_gradient`, by mean-field theory (the latter begins at the
    measured gradient of the last layer); `dead`, the share of units whose slope is exactly zero for
    every sample; `saturated`, the share of values in a tail that is flat (|slope| < `SATURATED`) or
    dead. Layers that overflowed float32 hold NaN.

    `values` (b + 1,) are the edges of the bins of `density` (depth, b): the share of a layer's
    outputs in each. `decades` and `gradient_density` likewise, for log10 |gradient|. The outermost
    bins hold all that lies beyond, and the lowest decade the gradients that are exactly zero.

    `forward` and `backward` are "passes", "vanishes" or "explodes", or "overflows" where float32
    came to its end first; `forward_layer` and `backward_layer` say at which layer that happens first
    on the way (0: nowhere). Forward, the standard deviation is compared with that of the inputs;
    backward, the gradient with that of the last layer (`VANISHED`, `EXPLODED`).
    """

    layer: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    predicted_variance: np.ndarray
    gradient: np.ndarray
    predicted_gradient: np.ndarray
    dead: np.ndarray
    saturated: np.ndarray
    values: np.ndarray
    density: np.ndarray
    decades: np.ndarray
    gradient_density: np.ndarray
    loss: float
    forward: str
    forward_layer: int
    backward: str
    backward_layer: int

    @property
    def overflow_layer(self) -> int:
        """The first layer whose output overflowed float32; 0 where none did."""
        lost = np.isnan(self.variance)
        return int(self.layer[lost][0]) if lost.any() else 0

    def table(self) -> Table:
        return {
            "layer": self.layer,
            "mean": self.mean,
            "variance": self.variance,
            "variance, theory": self.predicted_variance,
            "rms gradient": self.gradient,
            "rms gradient, theory": self.predicted_gradient,
            "dead units": self.dead,
            "saturated or dead values": self.saturated,
        }


def signal(
    *,
    activation: str = "ReLU",
    initializer: str = "kaiming_normal",
    std: float = 0.1,
    depth: int = 20,
    width: int = 100,
    batch_norm: bool = False,
    source: str = "digits",
    seed: int = 0,
) -> Signal:
    """256 samples through `depth` layers of `width` units, before any training, and the gradient back.

    A layer is a linear map without bias, batch normalization if wanted, and the activation with
    torch's default parameters; a gated activation has two maps of that width, value and gate. A last
    linear map, initialized alike, leads to ten classes. The loss is the cross-entropy, summed over
    the batch, so that a row of the gradient is its sample's own. `source` "digits": standardized
    digits and their labels; "noise": 64 numbers from N(0, 1) and random labels. `std` matters only
    to the initializers "normal" and "uniform".

    Raises ValueError for an unknown name or a number out of its range (`DEPTH`, `WIDTH`, `STD`, `SEED`).
    """
    choose(activation, ACTIVATIONS, "activation")
    choose(initializer, INITIALIZERS, "initializer")
    choose(source, SOURCES, "source")
    for name, number, limits in (("std", std, STD), ("depth", depth, DEPTH), ("width", width, WIDTH)):
        within(name, number, limits)
    within("seed", seed, SEED)

    start = _start(initializer, std, width, source, seed)
    setting = (activation, initializer, std, width, batch_norm, source, seed)
    layers = [_layer(number, *setting) for number in range(1, depth + 1)]
    loss = F.cross_entropy(F.linear(layers[-1].h, start.last), start.labels, reduction="sum")
    back = torch.autograd.grad(loss, [layer.h for layer in layers], retain_graph=True)
    # layer by layer: one layer's numbers stay in the processor's cache, those of all do not
    by_sample = np.array([g.double().square_().mean(1).numpy() for g in back])
    gradient_density = [_histogram(g.abs().log10_(), _DECADES) for g in back]
    density = [layer.density for layer in layers]
    moments = np.array([layer.moments for layer in layers])
    shares = np.array([layer.shares for layer in layers])
    finite = np.logical_and.accumulate(np.isfinite(moments).all(1))  # once lost, lost for good
    mean, variance, dead, saturated = np.where(finite, [*moments.T, *shares.T], np.nan)
    gradient = np.sqrt(by_sample.mean(1))
    returned = np.isfinite(gradient)
    gradient[~returned] = np.nan
    batch = start.batch.double().numpy()
    predicted_variance, predicted_gradient = _theory(
        activation, initializer, std, width, batch_norm, batch, by_sample[-1], depth
    )
    forward, forward_layer = _verdict(np.sqrt(variance) / batch.std())
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(gradient == 0, 0, gradient / gradient[-1])
    backward, steps = _verdict(relative[::-1])
    return Signal(
        layer=np.arange(1, depth + 1),
        mean=mean,
        variance=variance,
        predicted_variance=predicted_variance,
        gradient=gradient,
        predicted_gradient=predicted_gradient,
        dead=dead,
        saturated=saturated,
        values=_VALUES,
        density=np.where(finite[:, None], density, np.nan),
        decades=_DECADES,
        gradient_density=np.where(returned[:, None], gradient_density, np.nan),
        loss=loss.item(),
        forward=forward,
        forward_layer=forward_layer,
        backward=backward,
        backward_layer=depth + 1 - steps if steps else 0,
    )


@dataclass(frozen=True, slots=True)
class _Start:
    """What is there before the first layer. `random`: the state of the generator of all weights."""

    batch: torch.Tensor
    labels: torch.Tensor
    last: torch.Tensor
    random: torch.Tensor


@lru_cache(maxsize=4)
def _start(initializer: str, std: float, width: int, source: str, seed: int) -> _Start:
    generator = torch.Generator().manual_seed(seed)
    batch, labels = _batch(source, seed, generator)
    # the last map is drawn first, so that one layer more leaves all other weights as they were
    last = nets.weight(initializer, width, datasets.DIGIT_CLASSES, generator, std)
    return _Start(batch, labels, last, generator.get_state())


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer's outputs h, with their way back; their mean and variance; the shares of dead units and of
    saturated values; the distribution of h.
    """

    h: torch.Tensor
    moments: tuple[float, float]
    shares: tuple[float, float]
    density: np.ndarray
    random: torch.Tensor


@lru_cache(maxsize=DEPTH[1])
def _layer(
    number: int,
    activation: str,
    initializer: str,
    std: float,
    width: int,
    batch_norm: bool,
    source: str,
    seed: int,
) -> _Layer:
    """Layer `number`, from 1 on, behind those below it, which are kept: a deeper net has the same ones."""
    if number > 1:
        below = _layer(number - 1, activation, initializer, std, width, batch_norm, source, seed)
        h, random = below.h, below.random
    else:
        start = _start(initializer, std, width, source, seed)
        h, random = start.batch, start.random
    generator = torch.Generator()
    generator.set_state(random)
    gated = ACTIVATIONS[activation].gated
    w = nets.weight(initializer, h.shape[1], width, generator, std)
    if gated:
        w = torch.cat([w, nets.weight(initializer, h.shape[1], width, generator, std)])
    z = F.linear(h, w)
    if batch_norm:
        z = F.batch_norm(z, None, None, training=True, eps=_BATCH_NORM_EPS)
    module = nets.activation(activation).requires_grad_(False)
    h = module(z)
    if number == 1:
        h.requires_grad_()
    shape, gate = shape_of(activation, _defaults(activation)), z.chunk(2, dim=-1)[1] if gated else z
    dead = dead_units(module, z, gated).float().mean().item()
    saturated = ((gate <= shape.low) | (gate >= shape.high)).float().mean().item()
    told = h.detach()
    return _Layer(h, _moments_of(told), (dead, saturated), _histogram(told, _VALUES), generator.get_state())


def _batch(source: str, seed: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    pixels, labels = datasets.digits()
    if source == "noise":
        x, y = datasets.gaussian_noise(BATCH, pixels.shape[1], datasets.DIGIT_CLASSES, seed)
        return torch.tensor(x), torch.tensor(y)
    rows = torch.randperm(len(labels), generator=generator)[:BATCH].numpy()
    return torch.tensor(pixels[rows]), torch.tensor(labels[rows])


def _defaults(name: str) -> tuple[tuple[str, float], ...]:
    """What `_shape` takes for torch's own defaults: a gate's shape is that of a gate on the value 1."""
    return (("value", 1.0),) if ACTIVATIONS[name].gated else ()


def dead_units(module: nn.Module, z: torch.Tensor, gated: bool) -> torch.Tensor:
    """Which units' slope is exactly zero for all samples: (..., units) from z (..., samples, units)."""
    z = z.detach().requires_grad_()
    (slope,) = torch.autograd.grad(module(z).sum(), z)
    flat = slope.abs().amax(-2) == 0
    return torch.logical_and(*flat.chunk(2, dim=-1)) if gated else flat


def _moments_of(values: torch.Tensor) -> tuple[float, float]:
    """Mean and variance. In float64 no sum of finite float32 overflows: what is not finite was not before."""
    values = values.double()
    mean = values.mean()
    return mean.item(), (values - mean).square_().mean().item()


def _histogram(values: torch.Tensor, edges: np.ndarray) -> np.ndarray:
    """The share of the values between equidistant edges: (bins,).

    What lies beyond counts to the outermost bins, and what is no number to the first.
    """
    bins = edges.size - 1
    values = values.flatten().nan_to_num(edges[0], edges[-1], edges[0])
    index = ((values - edges[0]) * (bins / (edges[-1] - edges[0]))).clamp_(0, bins - 1).int()
    return (torch.bincount(index, minlength=bins) / len(index)).numpy()


def _verdict(relative: np.ndarray) -> tuple[str, int]:
    """What happens to a size on its way, relative to its start, and at which step first (0: nowhere)."""
    for step, size in enumerate(relative, 1):
        if not np.isfinite(size):
            return "overflows", step
        if size < VANISHED:
            return "vanishes", step
        if size > EXPLODED:
            return "explodes", step
    return "passes", 0


def _theory(
    activation: str,
    initializer: str,
    std: float,
    width: int,
    batch_norm: bool,
    x: np.ndarray,
    last: np.ndarray,
    depth: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean-field theory of a wide random net: the variance of h and the rms gradient, (depth,) each.

    Of one sample, the values before the activation f are N(0, q), with q = fan_in Var(w) E[h^2] of the
    layer below; its h has E[f^2], and its squared gradient comes back to the layer below times
    fan_out Var(w) E[f'^2]. Samples differ in size, so each has its own q, from its inputs x
    (n, fan_in), and begins with its own measured gradient in the last layer, squared: `last` (n,).
    (Poole and others, 2016; Schoenholz and others, 2017.)

    Batch normalization counts h from its mean over the batch and divides q and the squared gradient
    by s + eps, where s = fan_in Var(w) Var[f] is q's mean over the batch. So q is close to 1, here for
    all samples alike: in a square layer the factor is E[f'^2] / Var[f] whatever the weights,
    pi / (pi - 1) for ReLU. (Yang and others, 2019.) Behind a gate that does not hold, because the
    product makes large samples ever larger than the rest; no prediction then, but NaN.
    """
    if batch_norm and ACTIVATIONS[activation].gated:
        return np.full(depth, np.nan), np.full(depth, np.nan)
    fan_in = x.shape[1]
    enters = np.full(len(x), x.var(0).mean()) if batch_norm else (x**2).mean(1)
    variance, factors = np.empty(depth), np.empty((depth, len(x)))
    with np.errstate(over="ignore", invalid="ignore"):
        for layer in range(depth):
            spread = INITIALIZERS[initializer].variance(fan_in, width, std)
            q = fan_in * spread * enters
            norm = q + _BATCH_NORM_EPS if batch_norm else 1.0
            mean, own, slope = _moments(activation)(q / norm)
            variance[layer] = own.mean() + (mean - mean[0]).var()
            factors[layer] = width * spread * slope / norm
            enters = own if batch_norm else own + mean**2
            fan_in = width
        # the gradient of layer l has come back through the layers above it
        factors[:-1], factors[-1] = factors[1:], last
        gradient = np.cumprod(factors[::-1], axis=0)[::-1]
        return variance, np.sqrt(gradient.mean(1))


class _Moments:
    """E[f], Var[f] and E[f'^2] for an input from N(0, q): a table over q, read by interpolation.

    Quadrature is the trapezoidal rule with points that crowd at zero, where activations bend; it minds
    a kink less than Gauss and Hermite's. The table spans 24 decades of q, and beyond them follows the
    power laws of its ends. For a gated f the value and the gate are independent inputs of that kind,
    and the slope counts both.
    """

    def __init__(self, name: str) -> None:
        u = np.linspace(-10, 10, 801)
        z, weight = 8 * np.sinh(u) / np.sinh(10), np.cosh(u)
        weight *= np.exp(-(z**2) / 2)
        weight /= weight.sum()
        log_q = np.log(10) * np.linspace(-12, 12, 193)
        q = np.exp(log_q)
        x = np.sqrt(q)[:, None] * z
        y, slope = (v.reshape(x.shape) for v in evaluate(name, _defaults(name), x.ravel()))
        mean, slope = y @ weight, slope**2 @ weight
        variance = (y - mean[:, None]) ** 2 @ weight
        if ACTIVATIONS[name].gated:
            square = variance + mean**2
            mean, variance, slope = 0 * mean, q * square, square + q * slope
        square, variance, slope = np.maximum([variance + mean**2, variance, slope], 1e-300)
        self._log_q = np.concatenate([[_TINY], log_q, [-_TINY]])
        self._relative_mean = np.pad(mean / np.sqrt(square), 1, mode="edge")
        self._logs = [
            np.interp(self._log_q, log_q, v)
            + np.clip(self._log_q - log_q[0], None, 0) * (v[1] - v[0]) / (log_q[1] - log_q[0])
            + np.clip(self._log_q - log_q[-1], 0, None) * (v[-1] - v[-2]) / (log_q[1] - log_q[0])
            for v in np.log([square, variance, slope])
        ]

    def __call__(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        log_q = np.log(np.maximum(q, np.exp(_TINY)))
        square, variance, slope = (np.exp(np.interp(log_q, self._log_q, v)) for v in self._logs)
        mean = np.interp(log_q, self._log_q, self._relative_mean) * np.sqrt(square)
        return mean, np.where(q > 0, variance, 0), slope


_TINY = -690.0  # log of about the least and, with the sign turned, the largest float64
_moments = lru_cache(_Moments)
