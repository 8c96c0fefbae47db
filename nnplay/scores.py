"""Metrics of a confusion matrix, each with its formula in the matrix's own counts.

One class against the rest has four counts: true positives (tp), false negatives (fn), false positives (fp)
and true negatives (tn). Definitions and the handling of 0/0 are scikit-learn's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

METRICS = (
    "accuracy",
    "precision",
    "recall",
    "specificity",
    "F1",
    "balanced accuracy",
    "MCC",
    "kappa",
)
MEANS = ("micro", "macro", "weighted")
ALL = "all classes"
ZERO = {"0": 0.0, "1": 1.0, "left out": math.nan}
"""What a precision, recall, specificity or F1 of 0/0 counts as: scikit-learn's zero_division."""
NORMALIZE = ("counts", "row", "column", "all")


def matrix(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts int64 (classes, classes): rows are the true class, columns the predicted one."""
    return np.bincount(classes * true + predicted, minlength=classes**2).reshape(classes, classes)


def normalized(counts: np.ndarray, by: str) -> np.ndarray:
    """The counts (k, k) as shares of their row, their column or of all; as they are for "counts".

    An empty row or column gives 0, as in scikit-learn.
    """
    total = {
        "counts": np.ones(1),
        "row": counts.sum(1, keepdims=True),
        "column": counts.sum(0, keepdims=True),
        "all": counts.sum(),
    }[by]
    return counts / np.maximum(total, 1)


def quarters(counts: np.ndarray) -> np.ndarray:
    """tp, fn, fp, tn of every class against the rest: int64 (4, k) for counts (k, k)."""
    tp = counts.diagonal()
    fn, fp = counts.sum(1) - tp, counts.sum(0) - tp
    return np.stack([tp, fn, fp, counts.sum() - tp - fn - fp])


def binary(tp: float, fn: float, fp: float, tn: float, zero: float) -> dict[str, float]:
    """Every metric of four counts. `zero`: what 0/0 counts as, but for the last three.

    As in scikit-learn a class that is not there has no part in the balanced accuracy, the Matthews
    correlation is 0 where it is 0/0, and Cohen's kappa NaN.
    """

    def share(part: float, whole: float) -> float:
        return part / whole if whole else zero

    n = tp + fn + fp + tn
    recalls = [part / whole for part, whole in ((tp, tp + fn), (tn, tn + fp)) if whole]
    spread = math.sqrt(tp + fp) * math.sqrt(tp + fn) * math.sqrt(tn + fp) * math.sqrt(tn + fn)
    chance = (tp + fp) * (fp + tn) + (tp + fn) * (fn + tn)
    return {
        "accuracy": share(tp + tn, n),
        "precision": share(tp, tp + fp),
        "recall": share(tp, tp + fn),
        "specificity": share(tn, tn + fp),
        "F1": share(2 * tp, 2 * tp + fp + fn),
        "balanced accuracy": sum(recalls) / len(recalls) if recalls else math.nan,
        "MCC": (tp * tn - fp * fn) / spread if spread else 0.0,
        "kappa": 2 * (tp * tn - fp * fn) / chance if chance else math.nan,
    }


def overall(counts: np.ndarray) -> dict[str, float]:
    """The metrics that all classes have together; NaN for those that are of one class alone."""
    n, right = float(counts.sum()), float(counts.trace())
    true, predicted = counts.sum(1).astype(float), counts.sum(0).astype(float)
    there = true > 0
    agree = true @ predicted
    spread = math.sqrt(n * n - true @ true) * math.sqrt(n * n - predicted @ predicted)
    recalls = counts.diagonal()[there] / true[there]
    return dict.fromkeys(METRICS, math.nan) | {
        "accuracy": right / n,
        "balanced accuracy": float(recalls.mean()),
        "MCC": (right * n - agree) / spread if spread else 0.0,
        "kappa": (right * n - agree) / (n * n - agree) if n * n > agree else math.nan,
    }


@dataclass(frozen=True, slots=True)
class Scores:
    """`values` (rows, metrics): a row for each class against the rest, then the means of MEANS, then ALL.

    `names`: of the rows; `quarters` int64 (4, k): tp, fn, fp, tn of each class; `zero`: what 0/0 counts as.
    """

    names: tuple[str, ...]
    values: np.ndarray
    quarters: np.ndarray
    counts: np.ndarray
    zero: float

    def formula(self, row: int, metric: str) -> str:
        """That value as arithmetic in this matrix's counts, without the result."""
        k = len(self.counts)
        if row < k:
            return written(metric, *map(int, self.quarters[:, row]))
        if self.names[row] == "micro":
            return written(metric, *map(int, self.quarters.sum(1)))
        column = self.values[:k, METRICS.index(metric)]
        if row < k + len(MEANS):
            return _mean(column, self.quarters[:2].sum(0) if self.names[row] == "weighted" else None)
        return _together(metric, self.counts)


def scores(counts: np.ndarray, classes: tuple[str, ...], zero: float = 0.0) -> Scores:
    """All metrics of counts (k, k). Where a value is NaN, the means are of the others."""
    four = quarters(counts)
    each = np.array([list(binary(*column, zero).values()) for column in four.T.tolist()])
    pooled = list(binary(*four.sum(1).tolist(), zero).values())
    support = four[:2].sum(0)
    rows = [*each, pooled, mean(each, np.ones(len(counts))), mean(each, support)]
    rows.append(list(overall(counts).values()))
    return Scores((*classes, *MEANS, ALL), np.array(rows), four, counts, zero)


def mean(each: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean of (k, metrics) over its rows by these weights, without the values that are NaN.

    Where all that is left has no weight, it is the plain mean, as in scikit-learn.
    """
    known = np.isfinite(each)
    weight = known * weights[:, None]
    weight = np.where(weight.sum(0) > 0, weight, known)
    with np.errstate(invalid="ignore"):
        return (np.where(known, each, 0) * weight).sum(0) / weight.sum(0)


def written(metric: str, tp: int, fn: int, fp: int, tn: int) -> str:
    """The formula of a metric with these counts in it."""
    match metric:
        case "accuracy":
            return f"(TP {tp} + TN {tn}) / {tp + fn + fp + tn}"
        case "precision":
            return f"TP {tp} / (TP {tp} + FP {fp})"
        case "recall":
            return f"TP {tp} / (TP {tp} + FN {fn})"
        case "specificity":
            return f"TN {tn} / (TN {tn} + FP {fp})"
        case "F1":
            return f"2·TP {tp} / (2·TP {tp} + FP {fp} + FN {fn})"
        case "balanced accuracy":
            return f"({tp}/{tp + fn} + {tn}/{tn + fp}) / 2"
        case "MCC":
            top = f"({tp}·{tn} − {fp}·{fn})"
            return f"{top} / √({tp + fp}·{tp + fn}·{tn + fp}·{tn + fn})"
        case "kappa":
            bottom = f"({tp + fp}·{fp + tn} + {tp + fn}·{fn + tn})"
            return f"2·({tp}·{tn} − {fp}·{fn}) / {bottom}"
    raise ValueError(f"There is no metric {metric!r}.")


def _mean(column: np.ndarray, support: np.ndarray | None) -> str:
    """The sum of a mean over the classes, shortened in its middle."""
    known = np.flatnonzero(np.isfinite(column))
    if not len(known):
        return "no class has a value"
    terms = [f"{column[i]:.3f}" if support is None else f"{support[i]}·{column[i]:.3f}" for i in known]
    shown = terms if len(terms) <= 4 else [*terms[:2], "…", terms[-1]]
    return f"({' + '.join(shown)}) / {len(known) if support is None else support[known].sum()}"


def _together(metric: str, counts: np.ndarray) -> str:
    n, right = int(counts.sum()), int(counts.trace())
    agree = int(counts.sum(1) @ counts.sum(0))
    true, predicted = (int(sums @ sums) for sums in (counts.sum(1), counts.sum(0)))
    match metric:
        case "accuracy":
            return f"diagonal {right} / {n}"
        case "balanced accuracy":
            return "the mean recall of classes that are there"
        case "MCC":
            return f"({right}·{n} − {agree}) / √(({n}² − {true})·({n}² − {predicted}))"
        case "kappa":
            return f"({right}·{n} − {agree}) / ({n}² − {agree})"
    return "of one class alone"


def empty(counts: np.ndarray, classes: tuple[str, ...], zero: float) -> list[str]:
    """What there is to say of classes without an example, and of those that are never predicted."""
    said = "is left out of the means" if math.isnan(zero) else f"counts as {zero:g}"
    found = []
    for name, true, predicted in zip(classes, counts.sum(1), counts.sum(0), strict=True):
        if not true and not predicted:
            found.append(
                f"{name} is empty, and never predicted: precision, recall and F1 are 0/0, which {said}."
            )
        elif not true:
            found.append(f"{name} has no test example: its recall is 0/0, which {said}.")
        elif not predicted:
            found.append(f"{name} is never predicted: its precision is 0/0, which {said}.")
    return found
