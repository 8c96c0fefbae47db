"""Double descent: the shortest of the best fits, with fewer features than points and with more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from nnplay import ridge
from nnplay.capacity import ALPHA, NOISE
from nnplay.datasets import DOMAIN, FUNCTIONS
from nnplay.limits import SEED, check
from nnplay.records import Table

FEATURES = (1, 300)
SEEDS = 12
"""Training sets of each setting: the curve is their median, the band their middle half."""
RANGES = {
    "features": FEATURES,
    "samples": (20, 40),
    "noise": NOISE,
    "alpha": ALPHA,
    "decay": (0.0, 2.0),
    "seed": SEED,
}
CHOICES = {"function": tuple(FUNCTIONS)}
_NEAR = (-8, -5, -3, -2, -1, 0, 1, 2, 3, 5, 8)
_GRID = np.linspace(*DOMAIN, 121)


@dataclass(frozen=True, slots=True)
class DoubleDescent:
    """Test error against the number of features.

    `x`, `truth` (g,); `prediction` (g,): of the first training set `train_x`, `train_y` (n,) with the present
    number of `features`, whose weights have the length `norm`. `counts` (c,): numbers of features, and of
    their fits the errors `test` and `train` (c, SEEDS): mean squared distances from the function itself, and
    from the training points. `unpenalized` (c,): the median test error with alpha 0. `at`: where in `counts`
    the present number stands.
    """

    features: int
    alpha: float
    x: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    norm: float
    train_x: np.ndarray
    train_y: np.ndarray
    counts: np.ndarray
    test: np.ndarray
    train: np.ndarray
    unpenalized: np.ndarray

    @property
    def at(self) -> int:
        return int(np.flatnonzero(self.counts == self.features)[0])

    @property
    def median(self) -> np.ndarray:
        return np.median(self.test, axis=1)

    @property
    def peak(self) -> int:
        """Where the median test error is largest, from half as many features as points to twice as many."""
        n = len(self.train_x)
        near = (self.counts >= n / 2) & (self.counts <= 2 * n)
        return int(self.counts[near][np.argmax(self.median[near])])

    def table(self) -> Table:
        low, high = np.quantile(self.test, (0.25, 0.75), axis=1)
        return {
            "features": self.counts,
            "train error": np.median(self.train, axis=1),
            "test error": self.median,
            "a quarter below": low,
            "a quarter above": high,
            "test error, alpha = 0": self.unpenalized,
        }


def cosines(x: np.ndarray, count: int, decay: float) -> np.ndarray:
    """The first `count` cosines over DOMAIN, the k-th times max(1, k)^-decay: (..., n) -> (..., n, count)."""
    k = np.arange(count)
    low, high = DOMAIN
    return np.cos(np.pi * k * (x[..., None] - low) / (high - low)) * np.maximum(k, 1.0) ** -decay


def _counts(samples: int) -> np.ndarray:
    """The numbers of features for which the curve is computed: closer where the peak is."""
    near = samples + np.array(_NEAR)
    return np.unique(np.concatenate([np.geomspace(*FEATURES, 18).round().astype(int), near]))


@lru_cache(maxsize=4)
def _sets(samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """x of the training sets, and their noise before it is scaled: (SEEDS, n) each."""
    random = np.random.default_rng(seed)
    return ridge.stratified(random, SEEDS, samples), random.standard_normal((SEEDS, samples))


@lru_cache(maxsize=4)
def _decomposed(samples: int, decay: float, seed: int) -> list[tuple]:
    """For each of `_counts`: u, s of the features of all training sets, and the way from there to _GRID."""
    x, _ = _sets(samples, seed)
    most, there = cosines(x, FEATURES[1], decay), cosines(_GRID, FEATURES[1], decay)
    parts = []
    for count in _counts(samples):
        u, s, vt = np.linalg.svd(most[..., :count], full_matrices=False)
        parts.append((u, s, (there[:, :count] @ vt.mT).astype(np.float32)))
    return parts


def double_descent(
    *,
    features: int = 60,
    samples: int = 25,
    noise: float = 0.3,
    alpha: float = 0.0,
    decay: float = 1.0,
    function: str = "sine",
    seed: int = 0,
) -> DoubleDescent:
    """Ridge regression on the first cosines, in closed form; with alpha 0 the shortest of the best weights.

    With as many features as points there is just one fit through all points, however wild. With more there
    are many, and the shortest is tamer the more there are: Belkin, Hsu, Ma and Mandal 2019 named the curve,
    Nakkiran et al. 2020 found it in deep nets, Hastie, Montanari, Rosset and Tibshirani 2022 compute it. What
    is short is a matter of the features' sizes: the k-th cosine is k^-decay times as large, so a fast wiggle
    needs large weights (Xie, Chou, Rauhut and Ward 2022). With decay 0 it does not, and the second descent is
    gone. The x of a training set are one at random in each of `samples` equal cells. Raises ValueError for
    settings out of range.
    """
    check(locals(), RANGES, CHOICES)
    x, drawn = _sets(samples, seed)
    truth = FUNCTIONS[function].of(_GRID)
    y = (FUNCTIONS[function].of(x) + noise * drawn)[..., None]

    def errors(alpha: float) -> tuple[np.ndarray, np.ndarray]:
        """(c, SEEDS) of test, and of train"""
        found = []
        for u, s, to_grid in _decomposed(samples, decay, seed):
            inner = ridge.shrunk(s, alpha)[..., None] * (u.mT @ y)
            fitted = u @ (s[..., None] * inner)
            off = (to_grid @ inner)[..., 0] - truth
            found.append(((off**2).mean(1), ((fitted - y) ** 2).mean((1, 2))))
        return tuple(map(np.stack, zip(*found)))

    counts, (test, train) = _counts(samples), errors(alpha)
    bare = errors(0.0)[0] if alpha else test
    own, there = cosines(x, features, decay), cosines(_GRID, features, decay)
    weights = ridge.solve(own, y, alpha)
    prediction = (there @ weights)[..., 0]
    if features not in counts:  # the present number has its place on the curves too
        place = int(np.searchsorted(counts, features))
        shortest = (there @ ridge.solve(own, y))[..., 0] if alpha else prediction
        counts = np.insert(counts, place, features)
        test = np.insert(test, place, ((prediction - truth) ** 2).mean(1), axis=0)
        train = np.insert(train, place, ((own @ weights - y) ** 2).mean((1, 2)), axis=0)
        bare = np.insert(bare, place, ((shortest - truth) ** 2).mean(1), axis=0)
    return DoubleDescent(
        features,
        alpha,
        _GRID,
        truth,
        prediction[0],
        float(np.linalg.norm(weights[0])),
        x[0],
        y[0, :, 0],
        counts,
        test,
        train,
        np.median(bare, axis=1),
    )
