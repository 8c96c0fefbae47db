"""What scikit-learn says of the same counts: shown beside the formulas, which do not come from it."""

from __future__ import annotations

import math
import warnings

import numpy as np
from sklearn import metrics

from nnplay.scores import MEANS, METRICS, Scores


def agreement(found: Scores, row: int) -> dict[str, float]:
    """scikit-learn's value of every metric of that row for which it has one.

    It is given every kind of example once, with its count as the weight: that takes as long for twenty
    examples as for twenty thousand."""
    k, name = len(found.counts), found.names[row]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of empty classes: the page says it in its own words
        if row < k:
            return _binary(*found.quarters[:, row].tolist(), found.zero)
        if name == "micro":
            return _binary(*found.quarters.sum(1).tolist(), found.zero)
        true, predicted, weight = _cells(found.counts)
        if name in MEANS:
            each = metrics.precision_recall_fscore_support(
                true,
                predicted,
                labels=range(k),
                average=name,
                sample_weight=weight,
                zero_division=found.zero,
            )
            return dict(zip(("precision", "recall", "F1"), map(float, each[:3])))
        return {
            "accuracy": metrics.accuracy_score(true, predicted, sample_weight=weight),
            "balanced accuracy": metrics.balanced_accuracy_score(true, predicted, sample_weight=weight),
            "MCC": metrics.matthews_corrcoef(true, predicted, sample_weight=weight),
            "kappa": metrics.cohen_kappa_score(true, predicted, sample_weight=weight),
        }


def difference(found: Scores, row: int) -> float:
    """The largest difference from scikit-learn in that row; a value that neither has is none."""
    own = dict(zip(METRICS, found.values[row].tolist()))
    pairs = ((own[metric], value) for metric, value in agreement(found, row).items())
    return max(0.0 if math.isnan(a) and math.isnan(b) else abs(a - b) for a, b in pairs)


def _cells(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True class, predicted class and count of every cell that is not empty."""
    true, predicted = np.nonzero(counts)
    return true, predicted, counts[true, predicted]


def _binary(tp: int, fn: int, fp: int, tn: int, zero: float) -> dict[str, float]:
    true, predicted, weight = _cells(np.array([[tn, fp], [fn, tp]]))
    given = {"sample_weight": weight}
    defined = {**given, "zero_division": zero}
    return {
        "accuracy": metrics.accuracy_score(true, predicted, **given),
        "precision": metrics.precision_score(true, predicted, **defined),
        "recall": metrics.recall_score(true, predicted, **defined),
        "specificity": metrics.recall_score(true, predicted, pos_label=0, **defined),
        "F1": metrics.f1_score(true, predicted, **defined),
        "balanced accuracy": metrics.balanced_accuracy_score(true, predicted, **given),
        "MCC": metrics.matthews_corrcoef(true, predicted, **given),
        "kappa": metrics.cohen_kappa_score(true, predicted, **given),
    }
