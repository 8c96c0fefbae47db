"""Bias and variance: the same polynomial fitted to many samples of the same function."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from nnplay import ridge
from nnplay.capacity import ALPHA, DEGREE, NOISE
from nnplay.datasets import DOMAIN, FUNCTIONS
from nnplay.limits import SEED, check
from nnplay.records import Table

DEGREES = DEGREE[1]
RANGES = {
    "degree": DEGREE,
    "samples": (20, 40),
    "resamples": (10, 200),
    "noise": NOISE,
    "alpha": ALPHA,
    "seed": SEED,
}
CHOICES = {"function": tuple(FUNCTIONS)}
_CELLS = 81
_GRID = DOMAIN[0] + (DOMAIN[1] - DOMAIN[0]) * (np.arange(_CELLS) + 0.5) / _CELLS


@dataclass(frozen=True, slots=True)
class BiasVariance:
    """R fits of each degree 0 to 15, each to a training set of its own.

    `x`, `truth` (g,); `fits` (R, g): of the present `degree`; `mean` (g,): their mean. `train_x`, `train_y`
    (R, n). For every degree, (16,), means over x: `bias2`, the square of the mean fit's distance from the
    truth; `variance` of the fits around their mean; `error`: measured, the mean squared distance of the fits
    from fresh noisy points. `noise2`: the variance of the noise. error = bias2 + variance + noise2, but for
    the chance in the fresh points (Geman, Bienenstock and Doursat 1992).
    """

    degree: int
    x: np.ndarray
    truth: np.ndarray
    fits: np.ndarray
    mean: np.ndarray
    train_x: np.ndarray
    train_y: np.ndarray
    bias2: np.ndarray
    variance: np.ndarray
    noise2: float
    error: np.ndarray

    @property
    def sum(self) -> np.ndarray:
        return self.bias2 + self.variance + self.noise2

    @property
    def best(self) -> int:
        """The degree of the lowest sum."""
        return int(np.argmin(self.sum))

    def table(self) -> Table:
        return {
            "degree": list(range(len(self.bias2))),
            "bias²": self.bias2,
            "variance": self.variance,
            "noise": [self.noise2] * len(self.bias2),
            "their sum": self.sum,
            "measured error": self.error,
        }


@lru_cache(maxsize=32)
def _sweep(function: str, samples: int, resamples: int, noise: float, alpha: float, seed: int) -> tuple:
    """The training sets (R, n) and the fits of every degree (D, R, g)."""
    random = np.random.default_rng(seed)
    most = RANGES["resamples"][1]  # of which the first are used: more of them leave these as they are
    x = ridge.stratified(random, most, samples)[:resamples]
    y = FUNCTIONS[function].of(x) + noise * random.standard_normal((most, samples))[:resamples]
    basis, there = ridge.legendre(x, DEGREES), ridge.legendre(_GRID, DEGREES)
    middle, level = basis.mean(1, keepdims=True), y.mean(1, keepdims=True)
    centred = basis - middle
    gram, moment = centred.mT @ centred, centred.mT @ (y - level)[..., None]
    gram[:, range(DEGREES), range(DEGREES)] += alpha
    fits = np.empty((DEGREES + 1, resamples, _CELLS))
    fits[0] = level
    for d in range(1, DEGREES + 1):  # a smaller basis is a corner of the largest one's equations
        weights = np.linalg.solve(gram[:, :d, :d], moment[:, :d])[..., 0]
        fits[d] = level + weights @ there[:, :d].T - (weights * middle[:, 0, :d]).sum(1, keepdims=True)
    fresh = FUNCTIONS[function].of(_GRID) + noise * random.standard_normal((resamples, _CELLS))
    return x, y, fits, ((fits - fresh) ** 2).mean((1, 2))


def bias_variance(
    *,
    degree: int = 8,
    samples: int = 25,
    resamples: int = 100,
    noise: float = 0.3,
    alpha: float = 0.0,
    function: str = "sine",
    seed: int = 0,
) -> BiasVariance:
    """Polynomial ridge regressions of many training sets, in closed form.

    A training set has `samples` points, one at a random x in each of as many equal cells (so that none has a
    large gap, where a polynomial of high degree would have no bounds). Raises ValueError for settings out of
    range.
    """
    check(locals(), RANGES, CHOICES)
    x, y, fits, error = _sweep(function, samples, resamples, noise, alpha, seed)
    truth = FUNCTIONS[function].of(_GRID)
    mean = fits.mean(1)
    return BiasVariance(
        degree,
        _GRID,
        truth,
        fits[degree],
        mean[degree],
        x,
        y,
        ((mean - truth) ** 2).mean(1),
        fits.var(1).mean(1),
        noise**2,
        error,
    )
