"""Activation functions as curves: value and slope over a grid, and at one point that is moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from nnplay import nets
from nnplay.limits import choose, within
from nnplay.nets import ACTIVATIONS
from nnplay.records import Table

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
    shapes = [shape_of(name, pairs) for name, pairs in zip(names, own)]

    beside = np.array([x - _NEAR, x, x + _NEAR])
    near = [evaluate(name, pairs, beside) for name, pairs in zip(names, own)]
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
def shape_of(name: str, own: tuple[tuple[str, float], ...]) -> _Shape:
    value, slope = evaluate(name, own, _GRID)
    _, (left, right) = evaluate(name, own, np.array([-_FAR, _FAR]))
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


def evaluate(name: str, own: tuple[tuple[str, float], ...], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
