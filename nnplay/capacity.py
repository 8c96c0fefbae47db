"""Capacity: one sample of points, a polynomial for every degree, and the error of each on three parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnplay import parts, ridge
from nnplay.datasets import DOMAIN, FUNCTIONS
from nnplay.limits import SEED, check
from nnplay.records import Table

DEGREE = (0, 15)
ALPHA = (0.0, 100.0)
NOISE = (0.0, 1.0)
RANGES = {
    "noise": NOISE,
    "points": (20, 300),
    "degree": DEGREE,
    "alpha": ALPHA,
    "seed": SEED,
    **parts.SHARES,
}
CHOICES = {"function": tuple(FUNCTIONS)}
_GRID = np.linspace(*DOMAIN, 201)


@dataclass(frozen=True, slots=True)
class Fit:
    """Polynomials of degree 0 to 15 for the same training points.

    `x`, `truth` (g,): the function without noise; `prediction` (g,): the polynomial of `degree` there.
    `points`: for each of train, validation, test its x and y, (n,) each. `error`: for each part the mean
    squared error of every degree, (16,). `noise`: the standard deviation of the noise. `best`: the sweet
    spot among the degrees, and `verdicts` (16,): by the rule of `nnplay.parts`.
    """

    degree: int
    noise: float
    x: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    points: dict[str, tuple[np.ndarray, np.ndarray]]
    error: dict[str, np.ndarray]
    best: int
    verdicts: np.ndarray

    @property
    def verdict(self) -> str:
        return parts.VERDICTS[int(self.verdicts[self.degree])]

    @property
    def sizes(self) -> dict[str, int]:
        return {name: len(x) for name, (x, _) in self.points.items()}

    def table(self) -> Table:
        return {
            "degree": list(range(len(self.verdicts))),
            **{f"{name} error": error for name, error in self.error.items()},
            "by the rule": [parts.VERDICTS[int(verdict)] for verdict in self.verdicts],
        }


def fit(
    *,
    degree: int = 8,
    points: int = 80,
    noise: float = 0.3,
    alpha: float = 0.0,
    function: str = "sine",
    test_size: float = 0.3,
    validation_split: float = 0.4,
    seed: int = 0,
) -> Fit:
    """Polynomial ridge regression of every degree, in closed form.

    `points` x are drawn uniformly, y is the function plus normal noise. More points leave those that are
    there where they are, more noise moves them along. With alpha 0 and more coefficients than training points
    it is the shortest of the solutions that pass through all of them. Raises ValueError for settings out of
    range.
    """
    check(locals(), RANGES, CHOICES)
    random = np.random.default_rng(seed)
    x = random.uniform(*DOMAIN, RANGES["points"][1])[:points]
    y = FUNCTIONS[function].of(x) + noise * random.standard_normal(RANGES["points"][1])[:points]
    named = {
        name: (x[part], y[part]) for name, part in parts.slices(points, test_size, validation_split).items()
    }
    at = np.concatenate([_GRID, x])
    fits = np.stack([ridge.polynomial(*named["train"], d, alpha, at) for d in range(DEGREE[1] + 1)])
    squared = (fits[:, len(_GRID) :] - y) ** 2
    error = {
        name: squared[:, part].mean(1)
        for name, part in parts.slices(points, test_size, validation_split).items()
    }
    return Fit(
        degree,
        noise,
        _GRID,
        FUNCTIONS[function].of(_GRID),
        fits[degree, : len(_GRID)],
        named,
        error,
        parts.sweet_spot(error["validation"]),
        parts.verdicts(error["validation"]),
    )
