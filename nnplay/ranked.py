"""A ranking by score: precision and recall along it, and average precision as the field defines it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DEFINITIONS = ("step", "all-point", "101-point")
RECALLS = np.linspace(0, 1, 101)
"""Where COCO reads the precision."""
MOST = 400
"""Points of a curve that is drawn."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What is counted at each distinct score, from the highest: `thresholds` (t,), and `tp`, `fp` int64 (t,)
    of those that have at least this score. `positives`, `negatives`: of all."""

    thresholds: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    positives: int
    negatives: int

    @property
    def recall(self) -> np.ndarray:
        """(t,); NaN where there are no positives."""
        return share(self.tp, self.positives)

    @property
    def precision(self) -> np.ndarray:
        """(t,)."""
        return self.tp / (self.tp + self.fp)

    @property
    def fall_out(self) -> np.ndarray:
        """The false positive rate (t,); NaN where there are no negatives."""
        return share(self.fp, self.negatives)


def share(part: np.ndarray, whole: int) -> np.ndarray:
    return part / whole if whole else np.full(np.shape(part), np.nan)


def ranking(positive: np.ndarray, scores: np.ndarray) -> Ranking:
    """Of `positive` bool (n,) and `scores` (n,). Those of equal scores come in together."""
    order = np.argsort(-scores, kind="stable")
    ranked, right = scores[order], positive[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    tp = np.cumsum(right)[ends]
    total = int(positive.sum())
    return Ranking(ranked[ends], tp, ends + 1 - tp, total, len(positive) - total)


def area_under_roc(found: Ranking) -> float:
    """By trapezoids, as roc_auc_score; NaN where a side is empty."""
    if not found.positives or not found.negatives:
        return float("nan")
    return float(np.trapezoid(np.append(0, found.recall), np.append(0, found.fall_out)))


def envelope(precision: np.ndarray) -> np.ndarray:
    """At each place the highest precision from there on."""
    return np.maximum.accumulate(precision[::-1])[::-1]


def average_precision(recall: np.ndarray, precision: np.ndarray, definition: str) -> float:
    """Of a curve along a ranking: recall (t,) does not fall. NaN where the recall is.

    "step": precision times the step of recall, summed, as scikit-learn's average_precision_score.
    "all-point": the same under the envelope (PASCAL VOC since 2010). "101-point": the mean of the envelope at
    101 recalls (COCO).
    """
    if not np.isfinite(recall).all():
        return float("nan")
    if definition == "101-point":
        return float(at_recalls(recall, precision).mean())
    height = precision if definition == "step" else envelope(precision)
    return float(np.diff(recall, prepend=0) @ height)


def at_recalls(recall: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """The envelope at RECALLS (101,): 0 where that recall is never reached."""
    places = np.searchsorted(recall, RECALLS)
    return np.append(envelope(precision), 0.0)[places] if len(recall) else np.zeros(len(RECALLS))


def thinned(*curves: np.ndarray) -> tuple[np.ndarray, ...]:
    """The same points of each of the curves (t,), at most MOST of them, the first and last included."""
    places = np.unique(np.linspace(0, len(curves[0]) - 1, MOST).round().astype(int))
    return tuple(curve[places] for curve in curves)
