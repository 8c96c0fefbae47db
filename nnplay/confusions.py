"""The confusion matrix of a classifier while it is trained, and the test images in one of its cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nnplay import agreement, scores
from nnplay.limits import check
from nnplay.predictions import Predictions, course, final
from nnplay.records import Table
from nnplay.uploads import safe

RANGES = {"true": (0, 19), "predicted": (0, 19), "row": (0, 23)}
CHOICES = {"normalize": scores.NORMALIZE, "zero_division": tuple(scores.ZERO)}
SHOWN = 9
"""Examples of a cell that are shown."""
PAIRS = 5


@dataclass(frozen=True, slots=True)
class Confusion:
    """`counts` int64 (t, k, k): the matrix after each of `epochs` (t,); `shares` the same, normalized;
    `losses` (t,). `cell`: true and predicted class; `members` (m,): the test examples in it at the end, the
    one with the highest score for its predicted class first. `last`: all predictions. `pairs`: the most
    confused ones, each true class, predicted class and count.
    """

    last: Predictions
    normalize: str
    epochs: np.ndarray
    losses: np.ndarray
    counts: np.ndarray
    shares: np.ndarray
    cell: tuple[int, int]
    members: np.ndarray
    pairs: tuple[tuple[int, int, int], ...]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.last.classes

    @property
    def accuracy(self) -> np.ndarray:
        """(t,)."""
        return self.counts.trace(axis1=1, axis2=2) / self.counts[0].sum()

    @property
    def moment(self) -> int:
        """The last one."""
        return len(self.epochs) - 1

    def table(self) -> Table:
        names = list(map(safe, self.classes))
        columns = self.shares[-1].T if self.normalize != "counts" else self.counts[-1].T
        return {"true class": names} | {
            f"predicted {name}": column.tolist() for name, column in zip(names, columns, strict=True)
        }

    def downloads(self) -> dict:
        return {"predictions.csv": self.csv}

    def csv(self) -> str:
        """The predictions, as the page takes them back: labels and scores, or labels and predictions."""
        names, last = list(map(safe, self.classes)), self.last
        if last.scores is None:
            head, cells = ["label", "prediction"], ([names[i]] for i in last.predicted)
        else:
            head, cells = ["label", *names], (map("{:.6f}".format, row) for row in last.scores.tolist())
        lines = [head, *([names[true], *row] for true, row in zip(last.true, cells))]
        return "".join(",".join(map(_quoted, line)) + "\n" for line in lines)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',;"\t\r\n') else cell


def matrix(
    *,
    data: str = "digits",
    model: str = "small CNN",
    samples: int = 200,
    imbalance: float = 0.0,
    rare: tuple[str, ...] = ("9",),
    label_noise: float = 0.0,
    neighbors: int = 5,
    normalize: str = "counts",
    true: int = 9,
    predicted: int = 1,
    seed: int = 0,
    upload: bytes = b"",
) -> Iterator[Confusion]:
    """Train the classifier and count its test predictions after every epoch: yields the course so far.

    Rows are true classes, columns predicted ones. `true` and `predicted`: the cell whose images are looked
    at. Raises ValueError for settings out of range and for an upload that is missing.
    """
    check(locals(), RANGES, CHOICES)
    seen, counts = [], []
    for last in course(locals()):
        k = len(last.classes)
        seen.append((last.epoch, last.loss))
        counts.append(scores.matrix(last.true, last.predicted, k))
        cell = min(true, k - 1), min(predicted, k - 1)
        epochs, losses = zip(*seen)
        yield Confusion(
            last,
            normalize,
            np.array(epochs),
            np.array(losses),
            np.stack(counts),
            np.stack([scores.normalized(each, normalize) for each in counts]),
            cell,
            members(last, *cell),
            pairs(counts[-1]),
        )


def members(found: Predictions, true: int, predicted: int) -> np.ndarray:
    """The examples in a cell, the surest first; in their order where there are no scores."""
    inside = np.flatnonzero((found.true == true) & (found.predicted == predicted))
    if found.scores is None:
        return inside
    return inside[np.argsort(-found.scores[inside, predicted], kind="stable")]


def pairs(counts: np.ndarray) -> tuple[tuple[int, int, int], ...]:
    """The cells off the diagonal that hold most: true class, predicted class, count. None that is empty."""
    errors = counts - np.diag(counts.diagonal())
    most = np.argsort(-errors, axis=None, kind="stable")[:PAIRS]
    places = (divmod(int(place), len(counts)) for place in most)
    return tuple((i, j, int(errors[i, j])) for i, j in places if errors[i, j])


@dataclass(frozen=True, slots=True)
class Judged:
    """The metrics of a matrix. `row`: which of `scores.names` is looked at; `empty`: sentences on classes
    that are empty or never predicted; `difference`: of the row from scikit-learn, at most.
    """

    classes: tuple[str, ...]
    scores: scores.Scores
    row: int
    empty: tuple[str, ...]
    difference: float

    @property
    def formulas(self) -> list[str]:
        """Of the row, a metric each, without the result."""
        return [self.scores.formula(self.row, metric) for metric in scores.METRICS]

    def table(self) -> Table:
        found = self.scores
        names = list(map(safe, found.names))
        four = np.concatenate([found.quarters, np.full((4, len(names) - len(self.classes)), -1)], 1)
        counts = {
            name: ["" if value < 0 else str(value) for value in column]
            for name, column in zip(("TP", "FN", "FP", "TN"), four)
        }
        return {"class": names} | counts | dict(zip(scores.METRICS, found.values.T.tolist(), strict=True))


def metrics(
    *,
    data: str = "digits",
    model: str = "small CNN",
    samples: int = 200,
    imbalance: float = 0.0,
    rare: tuple[str, ...] = ("9",),
    label_noise: float = 0.0,
    neighbors: int = 5,
    row: int = 9,
    zero_division: str = "0",
    seed: int = 0,
    upload: bytes = b"",
) -> Judged:
    """Every metric of every class against the rest, of their means, and of all classes together.

    `row`: a class, or what follows them: micro, macro, weighted, all classes. Raises ValueError for settings
    out of range.
    """
    check(locals(), RANGES, CHOICES)
    found = final(locals())
    counts = scores.matrix(found.true, found.predicted, len(found.classes))
    zero = scores.ZERO[zero_division]
    judged = scores.scores(counts, found.classes, zero)
    row = min(row, len(judged.names) - 1)
    said = tuple(scores.empty(counts, found.classes, zero))
    return Judged(found.classes, judged, row, said, agreement.difference(judged, row))
