"""Optimizers: the paths that torch.optim takes, and what learning rate, schedule and batch size do to them.

Of the four views `race` and `stability` are here, `schedule` in
`nnplay.schedules`, `batches` in `nnplay.minibatches`. They share the surfaces
(`nnplay.surfaces`), a single run (`nnplay.descent`) and the optimizers with
their rules (`nnplay.update_rules`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from nnplay import descent, minibatches, schedules
from nnplay.descent import Path, descend
from nnplay.hyperparameters import LR, Value, choices, ranges, settle, takes
from nnplay.limits import check
from nnplay.minibatches import batches
from nnplay.records import Experiment
from nnplay.schedules import SCHEDULES, schedule
from nnplay.surfaces import SURFACES, Landscape, curvature, landscape, visible
from nnplay.surfaces import surface as find_surface
from nnplay.update_rules import NOT_RACED, OPTIMIZERS

__all__ = [
    "EXPERIMENTS",
    "LABELS",
    "NOT_RACED",
    "OPTIMIZERS",
    "SCHEDULES",
    "batches",
    "descend",
    "preview",
    "race",
    "schedule",
    "stability",
    "suggested",
]

RANGES = {
    **descent.RANGES,
    **schedules.RANGES,
    **minibatches.RANGES,
    "momentum": (0.0, 0.98),
    **ranges(OPTIMIZERS),
}
CHOICES = {
    **schedules.CHOICES,
    **minibatches.CHOICES,
    "surface": tuple(SURFACES),
    "optimizers": tuple(OPTIMIZERS),  # any number of these
    **choices(OPTIMIZERS),
}
LABELS = {
    "surface": SURFACES,
    "optimizers": {name: method.title for name, method in OPTIMIZERS.items()},
    "schedule": {name: entry.title for name, entry in SCHEDULES.items()},
    "warmup_then": {name: entry.title for name, entry in SCHEDULES.items()},
    "at": {"start": "The start", "minimum": "The minimum"},
}
"""What a visitor reads for the names that an argument takes."""


# --- race: several optimizers from one start -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Race:
    """`landscape`: the surface drawn; `paths`: one per optimizer; `start` (2,); `steps` asked for.

    `titles`: of all OPTIMIZERS, by name, in order. `visible`: for a net's slice the
    share of the gradient's length that lies in the plane at the start, else None.
    """

    landscape: Landscape
    paths: tuple[Path, ...]
    start: np.ndarray
    steps: int
    titles: Mapping[str, str]
    visible: float | None

    def path(self, optimizer: str) -> Path | None:
        """The path of that optimizer, where it was raced."""
        return next((path for path in self.paths if path.optimizer == optimizer), None)

    @property
    def curvature(self) -> np.ndarray:
        """(2,): the Hessian's eigenvalues at the start, the smaller first."""
        return curvature(self.landscape.surface, self.start[None])[0]

    @property
    def limit(self) -> float | None:
        """Up to this learning rate gradient descent is stable at the start; None where that curves down."""
        largest = float(self.curvature[1])
        return 2 / largest if largest > 0 else None

    def table(self) -> dict[str, list]:
        lowest = self.landscape.surface.lowest
        down = [np.flatnonzero(p.loss - lowest <= 0.01 * (p.loss[0] - lowest)) for p in self.paths]
        return {
            "optimizer": [OPTIMIZERS[p.optimizer].title for p in self.paths],
            "loss": [float(p.loss[-1]) for p in self.paths],
            "x": [float(p.position[-1, 0]) for p in self.paths],
            "y": [float(p.position[-1, 1]) for p in self.paths],
            "distance to a minimum": [float(p.distance[-1]) for p in self.paths],
            "99 % down at step": [int(steps[0]) if len(steps) else math.nan for steps in down],
            "gradients": [p.evaluations for p in self.paths],
            "diverged at step": [p.diverged_at or math.nan for p in self.paths],
        }


@takes(OPTIMIZERS)
def race(
    *,
    surface: str = "himmelblau",
    condition_number: float = 10.0,
    start_x: float = 0.0,
    start_y: float = -1.0,
    optimizers: tuple[str, ...] = ("sgd", "momentum", "rmsprop", "adam"),
    steps: int = 100,
    **hyper: Value,
) -> Race:
    """Optimizers of OPTIMIZERS on one of SURFACES, each run by torch.optim for that many steps.

    `hyper` are `<optimizer>_<param>`, such as `adam_lr`, as OPTIMIZERS lists
    them. `condition_number` is the bowl's alone. Raises ValueError for unknown
    names and for numbers out of range.
    """
    given = settle(OPTIMIZERS, hyper)
    check({"start_x": start_x, "start_y": start_y, "steps": steps}, RANGES, CHOICES)
    for name in optimizers:
        check({"optimizers": name}, RANGES, CHOICES)
    chosen = find_surface(surface, condition_number)
    start = chosen.inside(start_x, start_y)
    paths = tuple(
        descend(
            name,
            surface=surface,
            condition_number=condition_number,
            start=start,
            steps=steps,
            **given[name],
        )
        for name in optimizers
    )
    return Race(
        landscape(surface, condition_number),
        paths,
        np.array(start),
        steps,
        {name: method.title for name, method in OPTIMIZERS.items()},
        visible(surface, *start),
    )


def suggested(surface: str) -> dict[str, Value]:
    """Settings of `race` that suit a surface: its start, and learning rates for the kinds of SGD."""
    chosen = find_surface(surface)
    x, y = chosen.start
    rates = {f"{name}_lr": chosen.lr for name in ("sgd", "momentum", "nesterov")}
    return {"surface": surface, "start_x": x, "start_y": y} | rates


# --- stability: the learning rate from crawl to divergence -----------------------------------------------


@dataclass(frozen=True, slots=True)
class Stability:
    """SGD with momentum on the bowl, whose curvatures are 1 (along x) and the condition number (along y).

    `path`: the run of at most `steps`; `rate` (2,): the factor by which a step shrinks (above 1:
    grows) the distance along x and y, in closed form; `measured` (2,): the same
    from the run's second half. `limit`: the learning rate at which the run
    stops converging, 2 (1 + momentum) / largest curvature; `plain_limit`: the
    same without momentum. `lrs` (n,), `momenta` (m,), `rates` (m, n): the
    larger rate over the plane in closed form; `rates_measured` (m, n): by
    running. `best`: learning rate, momentum and rate of the fastest setting.
    """

    landscape: Landscape
    path: Path
    steps: int
    lr: float
    momentum: float
    rate: np.ndarray
    measured: np.ndarray
    limit: float
    plain_limit: float
    lrs: np.ndarray
    momenta: np.ndarray
    rates: np.ndarray
    rates_measured: np.ndarray
    best: tuple[float, float, float]

    def table(self) -> dict[str, list]:
        largest = 2 / self.plain_limit
        return {
            "direction": ["x", "y"],
            "curvature": [1.0, largest],
            "lr × curvature": [self.lr, self.lr * largest],
            "rate, closed form": self.rate.tolist(),
            "rate, measured": self.measured.tolist(),
        }


def spectral_radius(lr: np.ndarray, momentum: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Factor per step of SGD with momentum along a direction of that curvature; arrays broadcast.

    The largest root, in absolute value, of z^2 - (1 + momentum - lr * curvature) z + momentum = 0
    (Polyak 1964; Goh, "Why momentum really works", 2017).
    """
    middle = (1 + np.asarray(momentum) - np.asarray(lr) * curvature) / 2
    under = middle**2 - momentum
    real = np.abs(middle) + np.sqrt(np.maximum(under, 0))
    return np.where(under < 0, np.sqrt(np.maximum(momentum, 0)), real)


@lru_cache(maxsize=32)
def _plane(condition_number: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Learning rates, momenta, and each pair's rate: in closed form, and measured over 60 of 120 steps."""
    lrs, momenta = np.geomspace(*LR, 57), np.linspace(*RANGES["momentum"], 50)
    curvatures = np.array([1.0, condition_number])
    closed = spectral_radius(lrs[None, :, None], momenta[:, None, None], curvatures).max(2)
    lr, momentum = torch.from_numpy(lrs)[None, :, None], torch.from_numpy(momenta)[:, None, None]
    pull = torch.from_numpy(curvatures)
    position = torch.ones(len(momenta), len(lrs), 2, dtype=torch.float64)
    velocity, growth = torch.zeros_like(position), torch.zeros_like(position)
    for t in range(120):
        velocity.mul_(momentum).addcmul_(position, pull)
        position.addcmul_(velocity, -lr)
        size = (position.abs() + lr * velocity.abs()).clamp_min_(1e-300)
        position.div_(size)  # the rule is linear: rescaling keeps the numbers finite and changes no factor
        velocity.div_(size)
        if t >= 60:
            growth += size.log_()
    return lrs, momenta, closed, torch.exp(growth / 60).amax(2).numpy()


def _measured_rates(position: np.ndarray) -> np.ndarray:
    """(2,): mean factor per step of the distance to 0 along each axis, over the second half of a path."""
    pairs = np.hypot(position[1:], position[:-1])  # two steps together: one alone may pass through 0
    first = len(pairs) // 2
    steps = len(pairs) - 1 - first
    if steps < 1:
        return np.full(2, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = (pairs[-1] / pairs[first]) ** (1 / steps)
    return np.where(pairs[-1] == 0, 0.0, rate)


def stability(
    *,
    condition_number: float = 10.0,
    lr: float = 0.05,
    momentum: float = 0.0,
    steps: int = 100,
) -> Stability:
    """SGD on the bowl: at `lr` below the limit the distance shrinks by `rate` a step, above it grows.

    Raises ValueError for numbers outside RANGES.
    """
    check({"lr": lr, "momentum": momentum}, RANGES, CHOICES)
    path = descend(
        "momentum",
        surface="quadratic",
        condition_number=condition_number,
        start=find_surface("quadratic", condition_number).start,
        steps=steps,
        lr=lr,
        momentum=momentum,
    )
    lrs, momenta, rates, rates_measured = _plane(condition_number)
    root = math.sqrt(condition_number)
    return Stability(
        landscape("quadratic", condition_number),
        path,
        steps,
        lr,
        momentum,
        spectral_radius(lr, momentum, np.array([1.0, condition_number])),
        _measured_rates(path.position),
        2 * (1 + momentum) / condition_number,
        2 / condition_number,
        lrs.astype(np.float32),
        momenta.astype(np.float32),
        rates.astype(np.float32),
        rates_measured.astype(np.float32),
        (4 / (1 + root) ** 2, ((root - 1) / (root + 1)) ** 2, (root - 1) / (root + 1)),
    )


# --- what the page offers --------------------------------------------------------------------------------

EXPERIMENTS = (
    Experiment(
        "A ravine: momentum keeps its speed along the floor",
        "Same learning rate, same start. Across the ravine both are held up; along it momentum adds up small "
        "gradients that all point one way.",
        "race",
        {
            "surface": "quadratic",
            "condition_number": 50.0,
            "start_x": -3.5,
            "start_y": 2.0,
            "optimizers": ("sgd", "momentum"),
            "steps": 200,
            "sgd_lr": 0.02,
            "momentum_lr": 0.02,
        },
    ),
    Experiment(
        "Nesterov looks ahead and overshoots less",
        "Both roll past the minimum along the floor. Nesterov's gradient is taken where the momentum "
        "leads, so it brakes earlier and its loss falls faster.",
        "race",
        {
            "surface": "quadratic",
            "start_x": -3.5,
            "start_y": 2.0,
            "optimizers": ("momentum", "nesterov"),
            "momentum_lr": 0.02,
            "nesterov_lr": 0.02,
        },
    ),
    Experiment(
        "A saddle holds SGD up, Adam hardly",
        "The start is 0.01 beside the ridge, where the gradient across it is nearly nothing. Adam divides "
        "by the gradient's size: however small, it steps about as far.",
        "race",
        {
            "surface": "saddle",
            "start_x": -1.7,
            "start_y": 0.01,
            "optimizers": ("sgd", "momentum", "adam"),
            "sgd_lr": 0.1,
            "momentum_lr": 0.1,
        },
    ),
    Experiment(
        "On a plateau only the adaptive ones move",
        "The gradient is below 0.001 but points the right way. SGD and momentum step in proportion to it, "
        "Adagrad, RMSprop and Adam do not.",
        "race",
        {
            "surface": "plateau",
            "start_x": -3.5,
            "start_y": 2.5,
            "optimizers": ("sgd", "momentum", "adagrad", "rmsprop", "adam"),
            "sgd_lr": 0.1,
            "momentum_lr": 0.1,
        },
    ),
    Experiment(
        "Rastrigin: the start decides",
        "Each ends in the dent that it began in, four units from the minimum. Click near the star: now all "
        "of them find it.",
        "race",
        {
            "surface": "rastrigin",
            "start_x": -3.4,
            "start_y": 2.6,
            "sgd_lr": 0.002,
            "momentum_lr": 0.002,
        },
    ),
    Experiment(
        "One start, two trained nets",
        "The true loss of a net on the plane through three of its trainings. From the same weights RMSprop "
        "ends in one of them, the others in another.",
        "race",
        {
            "surface": "net_three",
            "start_x": 0.6,
            "start_y": 0.4,
            "steps": 200,
            "sgd_lr": 0.01,
            "momentum_lr": 0.01,
        },
    ),
    Experiment(
        "Past 2 / λ each step lands farther out",
        "λ, the largest curvature, is 10, and the learning rate is just above 0.2. Along the flat "
        "direction all is well; across the ravine every step overshoots by a tenth more.",
        "stability",
        {"lr": 0.21},
    ),
    Experiment(
        "The fastest pair slows both directions alike",
        "Curvatures 1 and 81: at this learning rate and momentum (Polyak 1964) both directions shrink by a "
        "fifth a step. Any other pair is slower in one of them.",
        "stability",
        {"condition_number": 81.0, "lr": 0.04, "momentum": 0.64},
    ),
    Experiment(
        "A schedule lands where a constant rate hovers",
        "Same noise, same start. The constant learning rate keeps being shaken about the minimum, the "
        "cosine's shrinking steps average the noise out.",
        "schedule",
        {"lr": 0.1, "steps": 200},
    ),
    Experiment(
        "Batch size 1: fast at first, then restless",
        "After one epoch it has taken 442 steps and is nearly down; all data in a batch has taken one. But "
        "it never comes to rest.",
        "batches",
        {"batch_size": 1},
    ),
    Experiment(
        "At the minimum the gradient is zero, a batch's is not",
        "The gradients of single patients cancel out over all of them only. So with a constant learning "
        "rate the weights go on moving.",
        "batches",
        {"batch_size": 1, "at": "minimum"},
    ),
)


def preview() -> Race:
    """A small race for the home page."""
    return race(steps=60)
