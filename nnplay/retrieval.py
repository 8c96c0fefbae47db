"""Mean average precision of a classifier: every class ranks all test examples by its own score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnplay import ranked
from nnplay.limits import check
from nnplay.predictions import scored
from nnplay.records import Table

RANGES = {"positive": (0, 19)}
CHOICES = {"definition": ranked.DEFINITIONS}


@dataclass(frozen=True, slots=True)
class Retrieval:
    """`recall`, `precision`: of each of k classes along its ranking, thinned; `heights`: the precision as the
    definition takes it; `ap` (k,), NaN for a class without examples; `support` (k,); `chosen`: the class that
    is looked at; `mean`: over the classes that have examples."""

    classes: tuple[str, ...]
    definition: str
    chosen: int
    recall: tuple[np.ndarray, ...]
    precision: tuple[np.ndarray, ...]
    heights: tuple[np.ndarray, ...]
    ap: np.ndarray
    support: np.ndarray
    mean: float

    def table(self) -> Table:
        rows = [*zip(self.classes, self.support.tolist(), self.ap.tolist())]
        rows.append(("mean", int(self.support.sum()), self.mean))
        return dict(zip(("class", "examples", f"AP ({self.definition})"), zip(*rows)))


def average_precision(
    *,
    data: str = "digits",
    model: str = "small CNN",
    samples: int = 200,
    imbalance: float = 0.0,
    rare: tuple[str, ...] = ("9",),
    label_noise: float = 0.0,
    neighbors: int = 5,
    positive: int = 9,
    definition: str = "step",
    seed: int = 0,
    upload: bytes = b"",
) -> Retrieval:
    """A precision-recall curve for each class, its average precision, and the mean of those.

    Raises ValueError for settings out of range, and where there are no scores.
    """
    check(locals(), RANGES, CHOICES)
    found = scored(locals())
    curves, ap = [], []
    for i in range(len(found.classes)):
        rank = ranked.ranking(found.true == i, found.scores[:, i])
        ap.append(ranked.average_precision(rank.recall, rank.precision, definition))
        curves.append(_drawn(rank, definition))
    ap = np.array(ap)
    return Retrieval(
        found.classes,
        definition,
        min(positive, len(found.classes) - 1),
        *(tuple(parts) for parts in zip(*curves)),
        ap,
        np.bincount(found.true, minlength=len(ap)),
        float(ap[np.isfinite(ap)].mean()),
    )


def _drawn(rank: ranked.Ranking, definition: str) -> tuple[np.ndarray, ...]:
    """Recall, precision, and the precision that the definition takes."""
    height = rank.precision if definition == "step" else ranked.envelope(rank.precision)
    return ranked.thinned(rank.recall, rank.precision, height)
