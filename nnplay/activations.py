"""Activations: what they do to a number, to its gradient, to a deep net's signal, and to a fit.

Four views, each a function of what its controls hold: `curves`, `softmax`, `signal` and `fit`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from nnplay import datasets, nets
from nnplay.nets import ACTIVATIONS, INITIALIZERS, choose, within
from nnplay.records import Experiment, Table

SEED = (0, 9999)

# --- curves: an activation and its slope ------------------------------------------------------------

X = (-6.0, 6.0)
VALUE = (-3.0, 3.0)  # the value that a gate multiplies
PARAMETERS = {**nets.PARAMETERS, "value": VALUE}

SATURATED = 0.05
"""A tail is saturated where its slope stays below this and goes on falling towards zero."""

_NEAR = 1e-5  # how far to either side `curves` looks for its finite difference
_FAR, _FLAT = 50.0, 1e-3  # a tail whose slope is below _FLAT at x = ±_FAR is one that flattens
_GRID = np.linspace(*X, 481)


@dataclass(frozen=True, slots=True)
class Curves:
    """n activations on a grid of g points, and at the point x.

    `grid` (g,); `value`, `slope` (n, g), slope by autograd; `saturated`, `dead` (n, g), bool.
    At x: `x_value`, `x_slope` (autograd), `x_difference` (finite difference of the value) (n,);
    `status` n times "dead", "saturated" or "active"; the tangent's two ends `tangent_x`,
    `tangent_y` (n, 2).

    Dead: the slope is exactly zero on a whole stretch, so no gradient passes. Saturated: in a tail
    where |slope| < `SATURATED` and falling to zero, but not zero yet.
    """

    names: tuple[str, ...]
    grid: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    saturated: np.ndarray
    dead: np.ndarray
    x: float
    x_value: np.ndarray
    x_slope: np.ndarray
    x_difference: np.ndarray
    status: tuple[str, ...]
    tangent_x: np.ndarray
    tangent_y: np.ndarray

    def table(self) -> Table:
        return {
            "activation": self.names,
            "x": [self.x] * len(self.names),
            "f(x)": self.x_value,
            "f'(x), autograd": self.x_slope,
            "f'(x), finite difference": self.x_difference,
            "status": self.status,
        }


def curves(
    *,
    names: Sequence[str] = ("Sigmoid", "Tanh", "ReLU", "GELU"),
    x: float = 1.0,
    negative_slope: float = 0.01,
    init: float = 0.25,
    alpha: float = 1.0,
    beta: float = 1.0,
    lambd: float = 0.5,
    min_val: float = -1.0,
    max_val: float = 1.0,
    value: float = 2.0,
) -> Curves:
    """Value and slope of the activations `names`, over a grid and at the point `x`.

    The other arguments are the parameters of those activations that have one of that name (see
    `parameters`). A gated activation takes two inputs: here its gate takes x, and `value` is what
    the gate multiplies.

    Raises ValueError for an unknown name or a number out of its range (`X`, `PARAMETERS`).
    """
    given = {
        "negative_slope": negative_slope,
        "init": init,
        "alpha": alpha,
        "beta": beta,
        "lambd": lambd,
        "min_val": min_val,
        "max_val": max_val,
        "value": value,
    }
    within("x", x, X)
    for key, number in given.items():
        within(key, number, PARAMETERS[key])
    names = tuple(dict.fromkeys(names))
    for name in names:
        choose(name, ACTIVATIONS, "activation")
    own = [tuple((key, given[key]) for key in parameters([name])) for name in names]
    shapes = [_shape(name, pairs) for name, pairs in zip(names, own)]

    beside = np.array([x - _NEAR, x, x + _NEAR])
    near = [_evaluate(name, pairs, beside) for name, pairs in zip(names, own)]
    y = np.array([v[1] for v, _ in near])
    slope = np.array([s[1] for _, s in near])
    status = [
        "dead" if _stretches(s == 0)[1] else "saturated" if x <= shape.low or x >= shape.high else "active"
        for shape, (_, s) in zip(shapes, near)
    ]
    # a tangent as long as it looks on axes of equal units: two to either side along the line
    reach = (2 / np.sqrt(1 + slope**2))[:, None] * np.array([-1.0, 1.0])
    grid = (len(names), _GRID.size)
    return Curves(
        names=names,
        grid=_GRID,
        value=np.array([s.value for s in shapes]).reshape(grid),
        slope=np.array([s.slope for s in shapes]).reshape(grid),
        saturated=np.array([s.saturated for s in shapes], dtype=bool).reshape(grid),
        dead=np.array([s.dead for s in shapes], dtype=bool).reshape(grid),
        x=float(x),
        x_value=y,
        x_slope=slope,
        x_difference=np.array([(v[2] - v[0]) / (2 * _NEAR) for v, _ in near]),
        status=tuple(status),
        tangent_x=x + reach,
        tangent_y=y[:, None] + slope[:, None] * reach,
    )


def parameters(names: Sequence[str]) -> tuple[str, ...]:
    """Which arguments of `curves` change one of the activations `names`."""
    used = {key for name in names for key in ACTIVATIONS[name].parameters}
    used |= {"value" for name in names if ACTIVATIONS[name].gated}
    return tuple(key for key in PARAMETERS if key in used)


@dataclass(frozen=True, slots=True)
class _Shape:
    """An activation on the grid; it is saturated or dead for all x <= low and all x >= high."""

    value: np.ndarray
    slope: np.ndarray
    saturated: np.ndarray
    dead: np.ndarray
    low: float
    high: float


@lru_cache(maxsize=256)
def _shape(name: str, own: tuple[tuple[str, float], ...]) -> _Shape:
    value, slope = _evaluate(name, own, _GRID)
    _, (left, right) = _evaluate(name, own, np.array([-_FAR, _FAR]))
    small = np.abs(slope) < SATURATED
    low_tail = np.logical_and.accumulate(small) & (abs(left) < _FLAT)
    high_tail = np.logical_and.accumulate(small[::-1])[::-1] & (abs(right) < _FLAT)
    dead = _stretches(slope == 0)
    return _Shape(
        value=value,
        slope=slope,
        saturated=(low_tail | high_tail) & ~dead,
        dead=dead,
        low=_GRID[low_tail].max(initial=-np.inf),
        high=_GRID[high_tail].min(initial=np.inf),
    )


def _stretches(flat: np.ndarray) -> np.ndarray:
    """`flat` without its isolated points: a slope of zero at a turning point is not a dead stretch."""
    left, right = np.roll(flat, 1), np.roll(flat, -1)
    left[0] = right[-1] = False
    return flat & (left | right)


def _evaluate(name: str, own: tuple[tuple[str, float], ...], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Value and slope (autograd) in float64 at the points x (n,)."""
    given = dict(own)
    module = nets.activation(name, given).double()
    at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    column = at[:, None]
    if ACTIVATIONS[name].gated:
        column = torch.cat([torch.full_like(column, given["value"]), column], dim=1)
    y = module(column)
    (slope,) = torch.autograd.grad(y.sum(), at)
    return y.detach().numpy()[:, 0], slope.numpy()


# --- softmax: from logits to probabilities ----------------------------------------------------------

LOGIT = (-10.0, 10.0)
TEMPERATURE = (0.05, 10.0)
SHIFT = (-1000.0, 1000.0)

_TEMPERATURES = np.geomspace(*TEMPERATURE, 121)


@dataclass(frozen=True, slots=True)
class Softmax:
    """Five logits z as probabilities softmax((z + shift) / temperature), in float32 as a net has them.

    All (5,) unless said otherwise. `logits`; `scaled` = (z + shift) / temperature; `stable`, by
    exp(scaled - max) / sum; `torch`, by torch.softmax; `exponential` = exp(scaled) and `naive` =
    exponential / its sum, with the inf and nan that come of it; `unshifted`, stable with shift 0.
    `naive_fails` is "overflow", "underflow" or "".

    In float64, without the shift: `entropy` in nats; `jacobian` (5, 5), row i column j: dp_i / dz_j
    by autograd; `jacobian_formula` = (diag(p) - p p^T) / temperature; `by_temperature` (5, t), the
    probabilities at `temperatures` (t,).
    """

    logits: np.ndarray
    temperature: float
    shift: float
    scaled: np.ndarray
    stable: np.ndarray
    torch: np.ndarray
    exponential: np.ndarray
    naive: np.ndarray
    unshifted: np.ndarray
    naive_fails: str
    entropy: float
    jacobian: np.ndarray
    jacobian_formula: np.ndarray
    temperatures: np.ndarray
    by_temperature: np.ndarray

    @property
    def argmax(self) -> int:
        return int(self.logits.argmax())

    @property
    def changed_by_shift(self) -> float:
        """The largest change of any probability by the shift: float32 rounding and nothing else."""
        return float(np.abs(self.stable - self.unshifted).max())

    def table(self) -> Table:
        return {
            "class": np.arange(1, self.logits.size + 1),
            "logit": self.logits,
            "(logit + shift) / temperature": self.scaled,
            "probability": self.stable,
            "torch.softmax": self.torch,
            "without shift": self.unshifted,
            "exp": self.exponential,
            "naive": self.naive,
        }


def softmax(
    *,
    logit_1: float = 2.0,
    logit_2: float = 1.0,
    logit_3: float = 0.5,
    logit_4: float = 0.0,
    logit_5: float = -1.0,
    temperature: float = 1.0,
    shift: float = 0.0,
) -> Softmax:
    """Probabilities of five classes, by the stable formula, by the naive one and by torch.

    `shift` is added to all logits, which changes nothing but overflows the naive formula.

    Raises ValueError for a number out of its range (`LOGIT`, `TEMPERATURE`, `SHIFT`).
    """
    logits = np.array([logit_1, logit_2, logit_3, logit_4, logit_5])
    for i, logit in enumerate(logits, 1):
        within(f"logit_{i}", logit, LOGIT)
    within("temperature", temperature, TEMPERATURE)
    within("shift", shift, SHIFT)

    z = torch.tensor(logits, dtype=torch.float32)
    scaled = (z + shift) / temperature
    exponential = scaled.exp()
    overflow, underflow = bool(exponential.isinf().any()), float(exponential.sum()) == 0
    exact = torch.tensor(logits)
    p = torch.softmax(exact / temperature, 0)
    jacobian = torch.autograd.functional.jacobian(lambda z: torch.softmax(z / temperature, 0), exact)
    return Softmax(
        logits=logits,
        temperature=float(temperature),
        shift=float(shift),
        scaled=scaled.numpy(),
        stable=_stable(scaled).numpy(),
        torch=torch.softmax(scaled, 0).numpy(),
        exponential=exponential.numpy(),
        naive=(exponential / exponential.sum()).numpy(),
        unshifted=_stable(z / temperature).numpy(),
        naive_fails="overflow" if overflow else "underflow" if underflow else "",
        entropy=float(torch.special.entr(p).sum()),
        jacobian=jacobian.numpy(),
        jacobian_formula=((p.diag() - p.outer(p)) / temperature).numpy(),
        temperatures=_TEMPERATURES,
        by_temperature=torch.softmax(exact[:, None] / torch.tensor(_TEMPERATURES), 0).numpy(),
    )


def _stable(z: torch.Tensor) -> torch.Tensor:
    """exp(z) / sum exp(z), after the largest z is subtracted from all: no exp of more than 0."""
    exponential = (z - z.max()).exp()
    return exponential / exponential.sum()


# --- signal: through a deep net and back ------------------------------------------------------------

DEPTH = (1, 50)
WIDTH = (16, 256)
STD = (0.001, 1.0)
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

    generator = torch.Generator().manual_seed(seed)
    batch, labels = _batch(source, seed, generator)
    module = nets.activation(activation).requires_grad_(False)
    gated = ACTIVATIONS[activation].gated
    # the last map is drawn first, so that one layer more leaves all other weights as they were
    last = nets.weight(initializer, width, datasets.DIGIT_CLASSES, generator, std)
    h, before, after = batch, [], []
    for _ in range(depth):
        w = nets.weight(initializer, h.shape[1], width, generator, std)
        if gated:
            w = torch.cat([w, nets.weight(initializer, h.shape[1], width, generator, std)])
        z = F.linear(h, w)
        if batch_norm:
            z = F.batch_norm(z, None, None, training=True, eps=_BATCH_NORM_EPS)
        h = module(z)
        if not after:
            h.requires_grad_()
        before.append(z)
        after.append(h)
    loss = F.cross_entropy(F.linear(h, last), labels, reduction="sum")
    back = torch.stack(torch.autograd.grad(loss, after))
    z, h = torch.stack(before).detach(), torch.stack(after).detach()

    shape = _shape(activation, _defaults(activation))
    gate = z.chunk(2, dim=-1)[1] if gated else z
    tails = (gate <= shape.low) | (gate >= shape.high)
    # in float64 no sum of finite float32 overflows: what is not finite here was not finite there
    moments = np.array([(m.mean().item(), m.var(correction=0).item()) for m in (v.double() for v in h)])
    finite = np.logical_and.accumulate(np.isfinite(moments).all(1))  # once lost, lost for good
    mean, variance = np.where(finite, moments.T, np.nan)
    by_sample = back.double().square().mean(2).numpy()
    gradient = np.sqrt(by_sample.mean(1))
    returned = np.isfinite(gradient)
    gradient[~returned] = np.nan
    predicted_variance, predicted_gradient = _theory(
        activation, initializer, std, width, batch_norm, batch.double().numpy(), by_sample[-1], depth
    )
    forward, forward_layer = _verdict(np.sqrt(variance) / batch.double().std(correction=0).item())
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
        dead=np.where(finite, _dead(module, z, gated).float().mean(-1).numpy(), np.nan),
        saturated=np.where(finite, tails.flatten(1).float().mean(1).numpy(), np.nan),
        values=_VALUES,
        density=_histogram(h, finite, _VALUES),
        decades=_DECADES,
        gradient_density=_histogram(back.abs().log10(), returned, _DECADES),
        loss=loss.item(),
        forward=forward,
        forward_layer=forward_layer,
        backward=backward,
        backward_layer=depth + 1 - steps if steps else 0,
    )


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


def _dead(module: nn.Module, z: torch.Tensor, gated: bool) -> torch.Tensor:
    """Which units' slope is exactly zero for all samples: (..., units) from z (..., samples, units)."""
    z = z.detach().requires_grad_()
    (slope,) = torch.autograd.grad(module(z).sum(), z)
    flat = slope.abs().amax(-2) == 0
    return torch.logical_and(*flat.chunk(2, dim=-1)) if gated else flat


def _histogram(values: torch.Tensor, finite: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The share of each layer's values (depth, ...) between equidistant edges: (depth, bins).

    What lies beyond counts to the outermost bins.
    """
    bins = edges.size - 1
    values = values.flatten(1).nan_to_num(edges[0], edges[-1], edges[0])
    index = ((values - edges[0]) * (bins / (edges[-1] - edges[0]))).clamp_(0, bins - 1).int()
    index += bins * torch.arange(len(values), dtype=torch.int32)[:, None]
    counts = torch.bincount(index.flatten(), minlength=bins * len(values)).view(-1, bins)
    share = (counts / values.shape[1]).numpy()
    share[~finite] = np.nan
    return share


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
        y, slope = (v.reshape(x.shape) for v in _evaluate(name, _defaults(name), x.ravel()))
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


# --- fit: small nets on one function ----------------------------------------------------------------

HIDDEN_LAYERS = (1, 3)
UNITS = (2, 64)
EPOCHS = (10, 1000)
NOISE = (0.0, 0.5)
LR = (1e-4, 10.0)
OPTIMIZERS = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam")  # of torch.optim
NETS = (1, 9)  # how many activations at once: as many as there are colors to tell apart
POINTS = 64  # to train on, and as many held out

DIVERGED = 1e6
"""A net has diverged when its loss is more than this, or not a number."""

_FRAMES = 100


@dataclass(frozen=True, slots=True)
class Fit:
    """n nets on the way to the same function, at t moments so far; `done` when no more will come.

    `x` (g,), `target` (g,): the function itself. `train_x`, `train_y`, `held_x`, `held_y` (p,):
    noisy points to train on, and held out. Per moment: `epoch` (t,), from 0; `prediction` (t, n, g);
    `train_loss`, `held_loss` (t, n), mean squared errors; `dead` (t, n), the share of hidden units
    whose slope is exactly zero on every training point; `distinct` (t, n), how many units of the
    first hidden layer differ from each other. `diverged_at` (n,): the epoch after which the
    net's loss was not a number or more than `DIVERGED`, else -1; from there on it holds NaN.
    """

    names: tuple[str, ...]
    epochs: int
    units: int
    x: np.ndarray
    target: np.ndarray
    train_x: np.ndarray
    train_y: np.ndarray
    held_x: np.ndarray
    held_y: np.ndarray
    epoch: np.ndarray
    prediction: np.ndarray
    train_loss: np.ndarray
    held_loss: np.ndarray
    dead: np.ndarray
    distinct: np.ndarray
    diverged_at: np.ndarray

    @property
    def done(self) -> bool:
        return bool(self.epoch[-1] == self.epochs)

    def table(self) -> Table:
        return {
            "activation": self.names,
            "epoch": [int(self.epoch[-1])] * len(self.names),
            "train loss": self.train_loss[-1],
            "held-out loss": self.held_loss[-1],
            "dead units": self.dead[-1],
            "distinct units": self.distinct[-1],
            "diverged at": ["" if at < 0 else int(at) for at in self.diverged_at],
        }


def fit(
    *,
    names: Sequence[str] = ("Sigmoid", "Tanh", "ReLU", "GELU"),
    function: str = "sine",
    hidden_layers: int = 2,
    units: int = 16,
    initializer: str = "kaiming_normal",
    std: float = 0.1,
    optimizer: str = "Adam",
    lr: float = 0.01,
    epochs: int = 200,
    noise: float = 0.1,
    seed: int = 0,
) -> Iterator[Fit]:
    """One small net per activation, all from the same weights, trained on the same noisy points.

    Full-batch training on the mean squared error. Yields the record so far at up to 100 moments,
    evenly spaced, and at last the complete one.

    Raises ValueError for an unknown name, a number out of its range (`HIDDEN_LAYERS`, `UNITS`, `STD`,
    `LR`, `EPOCHS`, `NOISE`, `SEED`), or too few or too many activations (`NETS`).
    """
    names = tuple(dict.fromkeys(names))
    if not NETS[0] <= len(names) <= NETS[1]:
        raise ValueError(f"Choose between {NETS[0]} and {NETS[1]} activations to train, not {len(names)}.")
    for name in names:
        choose(name, ACTIVATIONS, "activation")
    choose(function, datasets.FUNCTIONS, "function")
    choose(initializer, INITIALIZERS, "initializer")
    choose(optimizer, OPTIMIZERS, "optimizer")
    for name, number, limits in (
        ("hidden_layers", hidden_layers, HIDDEN_LAYERS),
        ("units", units, UNITS),
        ("std", std, STD),
        ("lr", lr, LR),
        ("epochs", epochs, EPOCHS),
        ("noise", noise, NOISE),
        ("seed", seed, SEED),
    ):
        within(name, number, limits)
    yield from _train(
        names, function, hidden_layers, units, initializer, std, optimizer, lr, epochs, noise, seed
    )


def _train(
    names, function, hidden_layers, units, initializer, std, optimizer, lr, epochs, noise, seed
) -> Iterator[Fit]:
    x = np.linspace(*datasets.DOMAIN, 201)
    points_x, points_y = datasets.samples(function, 2 * POINTS, noise, seed)
    train, held = (points_x[::2], points_y[::2]), (points_x[1::2], points_y[1::2])
    inputs, targets = (torch.tensor(v)[:, None] for v in train)
    everything = torch.tensor(np.concatenate([*train[:1], *held[:1], x]), dtype=torch.float32)[:, None]

    sizes = [1, *[units] * hidden_layers, 1]
    models = [nets.mlp(sizes, name, initializer, torch.Generator().manual_seed(seed), std) for name in names]
    optimizers = [getattr(torch.optim, optimizer)(model.parameters(), lr=lr) for model in models]

    moments = np.unique(np.linspace(0, epochs, min(epochs, _FRAMES) + 1).round().astype(int))
    shape = (moments.size, len(names))
    prediction = np.full((*shape, x.size), np.nan, dtype=np.float32)
    train_loss, held_loss, dead, distinct = (np.full(shape, np.nan) for _ in range(4))
    diverged_at = np.full(len(names), -1)
    for t, epoch in enumerate(moments):
        for i, (name, model) in enumerate(zip(names, models)):
            if diverged_at[i] >= 0:
                continue
            for step in range(moments[t - 1] if t else 0, epoch):
                optimizers[i].zero_grad()
                loss = F.mse_loss(model(inputs), targets)
                if not loss.item() < DIVERGED:
                    diverged_at[i] = step
                    break
                loss.backward()
                optimizers[i].step()
            y, dead_share = _look(model, everything, ACTIVATIONS[name].gated)
            losses = [((y[rows] - v.astype(float)) ** 2).mean() for rows, (_, v) in zip(_ROWS, (train, held))]
            if diverged_at[i] < 0 and not max(losses) < DIVERGED:
                diverged_at[i] = epoch
            if diverged_at[i] >= 0:
                continue
            prediction[t, i], (train_loss[t, i], held_loss[t, i]) = y[2 * POINTS :], losses
            dead[t, i], distinct[t, i] = dead_share, _distinct(model[0])
        now = slice(t + 1)
        yield Fit(
            names=names,
            epochs=epochs,
            units=units,
            x=x,
            target=datasets.FUNCTIONS[function].of(x),
            train_x=train[0],
            train_y=train[1],
            held_x=held[0],
            held_y=held[1],
            epoch=moments[now],
            prediction=prediction[now],
            train_loss=train_loss[now],
            held_loss=held_loss[now],
            dead=dead[now],
            distinct=distinct[now],
            diverged_at=diverged_at.copy(),
        )


_ROWS = slice(POINTS), slice(POINTS, 2 * POINTS)


def _look(model: nn.Sequential, x: torch.Tensor, gated: bool) -> tuple[np.ndarray, float]:
    """The net's output at x (n, 1), as (n,), and the share of hidden units dead on the training points."""
    dead = []
    for linear, module in zip(model[:-1:2], model[1::2]):
        z = linear(x).detach()
        dead.append(_dead(module, z[_ROWS[0]], gated))
        x = module(z).detach()
    return model[-1](x).detach().numpy()[:, 0], torch.cat(dead).float().mean().item()


def _distinct(linear: nn.Linear) -> int:
    """How many units have weights of their own (to five digits)."""
    own = torch.cat([linear.weight, linear.bias[:, None]], dim=1).detach().numpy()
    return len(np.unique(own.round(5), axis=0))


# --- what to try ------------------------------------------------------------------------------------


def preview() -> Curves:
    """A record for the home page's card."""
    return curves(names=("Sigmoid", "Tanh", "ReLU", "GELU"), x=1.0)


EXPERIMENTS = (
    Experiment(
        "Half of ReLU is dead",
        "Left of zero its slope is exactly 0, and no gradient passes. LeakyReLU keeps a slope of 0.01 there.",
        "curves",
        {"names": ("ReLU", "LeakyReLU"), "x": -2.0},
    ),
    Experiment(
        "GELU, SiLU and Mish turn back",
        "At x = -2 the tangent leans the other way: a larger input gives a smaller output. "
        "ReLU never does that.",
        "curves",
        {"names": ("ReLU", "GELU", "SiLU", "Mish"), "x": -2.0},
    ),
    Experiment(
        "A cold softmax is an argmax",
        "At temperature 0.05 the largest logit takes all. Raise the temperature to 10: all come close "
        "to one fifth.",
        "softmax",
        {"temperature": 0.05},
    ),
    Experiment(
        "A constant changes nothing, yet the naive formula breaks",
        "With 100 added to every logit the probabilities are the same. But exp(102) is too large for "
        "float32, and inf / inf is nan.",
        "softmax",
        {"shift": 100.0},
    ),
    Experiment(
        "Sigmoid in 20 layers: the gradient vanishes",
        "Sigmoid's slope is a quarter at best, so every layer takes its share. The first layer gets less "
        "than a billionth of what the last one has.",
        "signal",
        {"activation": "Sigmoid", "initializer": "xavier_uniform"},
    ),
    Experiment(
        "Batch normalization brings the gradient back",
        "The same sigmoid and the same weights, each layer normalized: the gradient reaches the first layer.",
        "signal",
        {"activation": "Sigmoid", "initializer": "xavier_uniform", "batch_norm": True},
    ),
    Experiment(
        "He's weights rescue ReLU",
        "ReLU halves the signal, He's weights double it: it passes 30 layers. Choose xavier_normal, "
        "and it is gone.",
        "signal",
        {"depth": 30},
    ),
    Experiment(
        "SELU normalizes itself",
        "No batch normalization, 50 layers: mean near 0 and variance near 1 in every one of them.",
        "signal",
        {"activation": "SELU", "initializer": "lecun_normal", "depth": 50},
    ),
    Experiment(
        "Weights too large: tanh saturates",
        "Most values sit close to -1 or 1, in the flat tails. What slope is left meets large weights: "
        "the gradient explodes.",
        "signal",
        {"activation": "Tanh", "initializer": "normal", "std": 0.5},
    ),
    Experiment(
        "Without activations, layers add nothing",
        "Three linear layers, and the fit is a straight line. Tanh bends.",
        "fit",
        {"names": ("Identity", "Tanh")},
    ),
    Experiment(
        "ReLU dies at a high learning rate",
        "Most of its units are dead after a few large steps, and its fit stays a flat line (so it ends "
        "for most seeds). LeakyReLU has no dead units and moves on.",
        "fit",
        {"names": ("ReLU", "LeakyReLU"), "hidden_layers": 3, "lr": 0.3},
    ),
    Experiment(
        "Zeros never break the symmetry",
        "All 16 units start equal, get equal gradients and stay equal: the net is as good as one unit. "
        "Tanh and ReLU put out 0 and only learn a constant.",
        "fit",
        {"names": ("Sigmoid", "Tanh", "ReLU"), "initializer": "zeros", "hidden_layers": 1, "lr": 0.03},
    ),
)
