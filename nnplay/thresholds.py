"""One class against the rest: what a threshold on its score makes of it, and which threshold is best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nnplay import ranked, scores
from nnplay.limits import check
from nnplay.predictions import scored
from nnplay.records import Table

RANGES = {
    "positive": (0, 19),
    "threshold": (0.0, 1.0),
    "cost_fp": (0, 100),
    "cost_fn": (0, 100),
    "bins": (2, 20),
}
BARS = 25
"""Of each distribution of scores."""
ALONG = np.linspace(0, 1, 201)
"""Thresholds at which the curves are drawn."""
SHOWN = ("accuracy", "precision", "recall", "specificity", "F1", "MCC")


@dataclass(frozen=True, slots=True)
class Threshold:
    """A class against the rest at `threshold`: positive is what has at least this score.

    `bars` (2, BARS): how many of the rest, and of the class, have a score in each of BARS equal parts of 0 to
    1. `counts`: tp, fn, fp, tn; `values`: every metric of them, by its name. `along` (4, 201): accuracy,
    precision, recall and F1 at the thresholds ALONG, and `cost` (201,), the cost an example. `roc` (2, t):
    false and true positive rate; `pr` (2, t): recall and precision; `roc_auc`, `ap`: their areas, NaN where a
    side is empty. `best`: the threshold of the lowest cost, `best_cost`; `cost_now`;
    `guess`: the cost of the better of "always positive" and "never". `calibration` (3, bins):
    mean score, share that is positive, and number in each of equal parts; NaN where none are; `brier`: the
    mean squared difference of score and truth.
    """

    name: str
    threshold: float
    bars: np.ndarray
    counts: tuple[int, int, int, int]
    values: Mapping[str, float]
    along: np.ndarray
    roc: np.ndarray
    pr: np.ndarray
    roc_auc: float
    ap: float
    prevalence: float
    costs: tuple[int, int]
    cost: np.ndarray
    cost_now: float
    best: float
    best_cost: float
    guess: float
    calibration: np.ndarray
    brier: float

    @property
    def formulas(self) -> dict[str, str]:
        """Of SHOWN, in these counts."""
        return {metric: scores.written(metric, *self.counts) for metric in SHOWN}

    def table(self) -> Table:
        rows = {f"{metric} = {self.formulas[metric]}": self.values[metric] for metric in SHOWN}
        rows |= dict(zip(("TP", "FN", "FP", "TN"), map(float, self.counts)))
        rows |= {"area under ROC": self.roc_auc, "average precision": self.ap, "Brier score": self.brier}
        rows |= {"cost an example": self.cost_now, "best threshold": self.best, "its cost": self.best_cost}
        return {"of the class against the rest": list(rows), "value": list(rows.values())}


def one_vs_rest(
    *,
    data: str = "digits",
    model: str = "small CNN",
    samples: int = 200,
    imbalance: float = 0.0,
    rare: tuple[str, ...] = ("9",),
    label_noise: float = 0.0,
    neighbors: int = 5,
    positive: int = 9,
    threshold: float = 0.5,
    cost_fp: int = 1,
    cost_fn: int = 1,
    bins: int = 10,
    seed: int = 0,
    upload: bytes = b"",
) -> Threshold:
    """The test examples by their score for the class number `positive` alone.

    `cost_fp`, `cost_fn`: what an error costs. Raises ValueError for settings out of range, and where there
    are no scores.
    """
    check(locals(), RANGES, {})
    found = scored(locals())
    positive = min(positive, len(found.classes) - 1)
    is_true = found.true == positive
    score = found.scores[:, positive].astype(float)
    rank = ranked.ranking(is_true, score)
    counts = at(rank, np.array([threshold]))[:, 0]
    tp, fn, fp, tn = curve = at(rank, ALONG)
    n = len(score)
    with np.errstate(invalid="ignore"):
        along = np.stack([(tp + tn) / n, tp / (tp + fp), tp / (tp + fn), 2 * tp / (2 * tp + fp + fn)])
    best, best_cost = cheapest(rank, cost_fp, cost_fn)
    return Threshold(
        found.classes[positive],
        threshold,
        np.stack([_bars(score[~is_true]), _bars(score[is_true])]),
        tuple(map(int, counts)),
        scores.binary(*map(int, counts), float("nan")),
        along,
        np.stack(ranked.thinned(np.append(0, rank.fall_out), np.append(0, rank.recall))),
        np.stack(ranked.thinned(np.append(0, rank.recall), np.append(1, rank.precision))),
        ranked.area_under_roc(rank),
        ranked.average_precision(rank.recall, rank.precision, "step"),
        rank.positives / n,
        (cost_fp, cost_fn),
        (cost_fp * curve[2] + cost_fn * curve[1]) / n,
        float(cost_fp * counts[2] + cost_fn * counts[1]) / n,
        best,
        best_cost / n,
        min(cost_fp * rank.negatives, cost_fn * rank.positives) / n,
        calibration(is_true, score, bins),
        float(np.mean((score - is_true) ** 2)),
    )


def at(rank: ranked.Ranking, thresholds: np.ndarray) -> np.ndarray:
    """tp, fn, fp, tn at each of the thresholds (t,): int64 (4, t)."""
    places = np.searchsorted(-rank.thresholds, -thresholds, side="right")  # scores not below it
    tp, fp = np.append(0, rank.tp)[places], np.append(0, rank.fp)[places]
    return np.stack([tp, rank.positives - tp, fp, rank.negatives - fp])


def cheapest(rank: ranked.Ranking, cost_fp: float, cost_fn: float) -> tuple[float, float]:
    """The threshold of the lowest cost, in the middle between two scores, and that cost, summed.

    Of several the one that is nearest to where it is best for probabilities that are true: cost_fp / (cost_fp
    + cost_fn).
    """
    edges = np.concatenate([[1.0], rank.thresholds, [0.0]])
    middles = (edges[1:] + edges[:-1]) / 2
    middles[0] = min(1.0, np.nextafter(rank.thresholds[0], 2)) if rank.thresholds[0] >= 1 else middles[0]
    _, fn, fp, _ = at(rank, middles)
    cost = cost_fp * fp + cost_fn * fn
    ideal = cost_fp / (cost_fp + cost_fn) if cost_fp + cost_fn else 0.5
    good = np.flatnonzero(cost == cost.min())
    place = good[np.argmin(np.abs(middles[good] - ideal))]
    return float(middles[place]), float(cost[place])


def calibration(is_true: np.ndarray, score: np.ndarray, bins: int) -> np.ndarray:
    """Mean score, share that is true, and number in each of `bins` equal parts of 0 to 1: (3, bins).

    A part includes its upper end, the first one both, as in scikit-learn's calibration_curve.
    """
    part = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], score)
    number = np.bincount(part, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(part, score, bins) / number
        true = np.bincount(part, is_true.astype(float), bins) / number
    return np.stack([mean, true, number])


def _bars(score: np.ndarray) -> np.ndarray:
    return np.histogram(score, BARS, (0, 1))[0]
