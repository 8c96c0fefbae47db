"""Schedules of torch.optim.lr_scheduler, and where noisy SGD ends with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch.optim import lr_scheduler

from nnplay import descent
from nnplay.descent import FAR, own_step
from nnplay.hyperparameters import LR, Param, Value, choices, ranges, settle, takes
from nnplay.limits import check
from nnplay.surfaces import CONDITION_NUMBER, Landscape, landscape
from nnplay.surfaces import surface as find_surface


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of torch.optim.lr_scheduler: `make(optimizer, steps, values)`."""

    title: str
    params: Mapping[str, Param]
    make: Callable[[torch.optim.Optimizer, int, Mapping[str, Value]], object]


_ETA_MIN = Param(0.0, 0.0, 0.1, label="lowest learning rate")
SCHEDULES: dict[str, Schedule] = {
    "constant": Schedule(
        "Constant", {}, lambda optimizer, steps, v: lr_scheduler.ConstantLR(optimizer, 1.0, 0)
    ),
    "step": Schedule(
        "Step",
        {
            "step_size": Param(60, 1, 500, label="steps between drops"),
            "gamma": Param(0.3, 0.01, 1.0, label="factor of a drop"),
        },
        lambda optimizer, steps, v: lr_scheduler.StepLR(optimizer, **v),
    ),
    "exponential": Schedule(
        "Exponential",
        {"gamma": Param(0.98, 0.8, 1.0, label="factor of each step")},
        lambda optimizer, steps, v: lr_scheduler.ExponentialLR(optimizer, **v),
    ),
    "polynomial": Schedule(
        "Polynomial",
        {"power": Param(1.0, 0.5, 5.0, label="1: a straight line")},
        lambda optimizer, steps, v: lr_scheduler.PolynomialLR(optimizer, steps, **v),
    ),
    "cosine": Schedule(
        "Cosine",
        {"eta_min": _ETA_MIN},
        lambda optimizer, steps, v: lr_scheduler.CosineAnnealingLR(optimizer, steps, **v),
    ),
    "restarts": Schedule(
        "Warm restarts",
        {
            "T_0": Param(25, 1, 500, label="steps of the first cycle"),
            "T_mult": Param(2, 1, 4, label="factor of each next cycle"),
            "eta_min": _ETA_MIN,
        },
        lambda optimizer, steps, v: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, **v),
    ),
    "onecycle": Schedule(
        "One cycle",
        {
            "max_lr": Param(0.15, *LR, log=True, label="highest learning rate"),
            "pct_start": Param(0.3, 0.05, 0.95, label="share of the steps that rise"),
            "div_factor": Param(25.0, 1.0, 100.0, label="highest over first learning rate"),
        },
        lambda optimizer, steps, v: lr_scheduler.OneCycleLR(
            optimizer, total_steps=steps, cycle_momentum=False, **v
        ),
    ),
    "plateau": Schedule(
        "On plateau",
        {
            "factor": Param(0.5, 0.01, 0.99, label="factor of a drop"),
            "patience": Param(10, 0, 100, label="steps without a better loss"),
            "threshold": Param(1e-2, 1e-4, 0.5, log=True, label="what counts as better, relatively"),
        },
        lambda optimizer, steps, v: lr_scheduler.ReduceLROnPlateau(optimizer, **v),
    ),
    "warmup": Schedule(
        "Warm-up, then another",
        {
            "total_iters": Param(40, 1, 250, label="steps of the warm-up"),
            "start_factor": Param(0.05, 0.001, 1.0, log=True, label="share of the learning rate at first"),
            "then": Param(
                "cosine",
                label="schedule that follows",
                choices=("constant", "step", "exponential", "polynomial", "cosine", "restarts"),
            ),
        },
        lambda optimizer, steps, v: lr_scheduler.SequentialLR(
            optimizer,
            [
                lr_scheduler.LinearLR(optimizer, v["start_factor"], total_iters=v["total_iters"]),
                SCHEDULES[v["then"]].make(optimizer, max(steps - v["total_iters"], 1), dict(v["of_then"])),
            ],
            [v["total_iters"]],
        ),
    ),
}

RUNS = 32
"""Runs with other noise, of which the first is drawn."""

RANGES = {
    "condition_number": CONDITION_NUMBER,
    "lr": LR,
    "noise": (0.0, 10.0),
    "steps": descent.RANGES["steps"],
    "seed": (0, 9999),
    **ranges(SCHEDULES),
}
CHOICES = {"schedule": tuple(SCHEDULES), **choices(SCHEDULES)}


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Noisy SGD on the bowl for T steps, at a constant learning rate and with a schedule, on the same noise.

    `lr` (2, T): the learning rate of each step; row 0 constant, row 1 the
    schedule, here and below. `paths` (2, T+1, 2): the first run; `ends`
    (2, RUNS, 2): where each run ended; `distance` (2, RUNS, T+1): to the
    minimum; `loss` (2, T+1): the mean over runs. `diverged_at`: per row the step at which a run was FAR out
    and all were stopped (held where they were), or None.
    """

    landscape: Landscape
    schedule: str
    title: str
    lr: np.ndarray
    paths: np.ndarray
    ends: np.ndarray
    distance: np.ndarray
    loss: np.ndarray
    diverged_at: tuple[int | None, int | None]

    def table(self) -> dict[str, list]:
        last = self.distance[:, :, -1]
        return {
            "schedule": ["Constant", self.title],
            "first lr": self.lr[:, 0].tolist(),
            "highest lr": self.lr.max(1).tolist(),
            "last lr": self.lr[:, -1].tolist(),
            "loss at the end, mean": self.loss[:, -1].tolist(),
            "distance at the end, mean": last.mean(1).tolist(),
            "its standard deviation": last.std(1).tolist(),
            "diverged at step": [step or math.nan for step in self.diverged_at],
        }


@lru_cache(maxsize=64)
@torch.no_grad()
def _scheduled(
    name: str, values: tuple, condition_number: float, lr: float, noise: float, steps: int, seed: int
):
    """Learning rates (T,), positions (T+1, RUNS, 2), losses (T+1,), and where it diverged."""
    bowl = find_surface("quadratic", condition_number)
    generator = torch.Generator().manual_seed(seed)
    shakes = noise * torch.randn(steps, RUNS, 2, generator=generator, dtype=torch.float64)
    pull = torch.tensor([1.0, condition_number], dtype=torch.float64)
    points = torch.nn.Parameter(torch.tensor(bowl.start, dtype=torch.float64).repeat(RUNS, 1))
    optimizer = torch.optim.SGD([points], lr=lr, foreach=False)
    scheduler = SCHEDULES[name].make(optimizer, steps, dict(values))
    step, where = own_step(optimizer), points.detach()
    rates, positions, diverged_at = [], where.repeat(steps + 1, 1, 1), None
    numbers = where.numpy()

    def loss(position):
        return bowl.loss(*position.unbind(-1)).mean(-1)

    for t in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        if diverged_at is None:
            points.grad = torch.addcmul(shakes[t], where, pull)
            step() if t else optimizer.step()  # the schedule wants to have seen one
            if not np.abs(numbers).max() < FAR * bowl.domain[0][1]:
                diverged_at = t + 1
                where.nan_to_num_().clamp_(-1e6, 1e6)
        positions[t + 1] = where
        if t < steps - 1:
            scheduler.step(loss(where)) if name == "plateau" else scheduler.step()
    return np.array(rates), positions.numpy(), loss(positions).numpy(), diverged_at


@takes(SCHEDULES)
def schedule(
    *,
    schedule: str = "cosine",
    condition_number: float = 10.0,
    lr: float = 0.05,
    noise: float = 4.0,
    steps: int = 100,
    seed: int = 0,
    **hyper: Value,
) -> Scheduled:
    """One of SCHEDULES on torch.optim.SGD, whose gradient on the bowl is shaken by normal noise.

    `noise` is its standard deviation. "plateau" looks at the mean loss of the RUNS runs. `hyper` are
    `<schedule>_<param>`, as SCHEDULES lists them. Raises ValueError for unknown
    names and for numbers out of range.
    """
    settled = settle(SCHEDULES, hyper)
    check(
        {
            "schedule": schedule,
            "condition_number": condition_number,
            "lr": lr,
            "noise": noise,
            "steps": steps,
            "seed": seed,
        },
        RANGES,
        CHOICES,
    )
    values = settled[schedule]
    if schedule == "warmup":
        values["of_then"] = tuple(settled[values["then"]].items())
    frame = (condition_number, lr, noise, steps, seed)
    runs = [_scheduled("constant", (), *frame), _scheduled(schedule, tuple(values.items()), *frame)]
    rates, positions, losses, diverged_at = zip(*runs)
    positions = np.stack(positions)
    return Scheduled(
        landscape("quadratic", condition_number),
        schedule,
        SCHEDULES[schedule].title,
        np.stack(rates),
        positions[:, :, 0],
        positions[:, -1],
        np.linalg.norm(positions, axis=3).transpose(0, 2, 1).astype(np.float32),
        np.stack(losses),
        diverged_at,
    )
