"""Confusion matrix: what a classifier confuses, the metrics made of that, and what a threshold changes.

Five views, each a function of what its controls hold, in modules of their own.
"""

from __future__ import annotations

from nnplay import classifiers, confusions, detection, predictions, retrieval, thresholds
from nnplay.confusions import Confusion, matrix, metrics
from nnplay.detection import centered, detect, rechosen
from nnplay.predictions import read
from nnplay.records import Experiment
from nnplay.retrieval import average_precision
from nnplay.thresholds import one_vs_rest

__all__ = [
    "CHOICES",
    "EXPERIMENTS",
    "RANGES",
    "average_precision",
    "centered",
    "classes",
    "detect",
    "matrix",
    "metrics",
    "one_vs_rest",
    "preview",
    "read",
    "rechosen",
]

RANGES = classifiers.RANGES | thresholds.RANGES | confusions.RANGES | detection.RANGES
CHOICES = (
    classifiers.CHOICES
    | confusions.CHOICES
    | retrieval.CHOICES
    | detection.CHOICES
    | {"data": predictions.DATA, "rare": classifiers.CLASSES}
)
LABELS = {
    "zero_division": {
        name: f"0/0 {'is ' if name != 'left out' else ''}{name}" for name in ("0", "1", "left out")
    },
}


def classes(upload: bytes) -> tuple[str, ...]:
    """The names of the classes: the upload's, or the digits where there is none."""
    return predictions.unpacked(upload).classes if upload else classifiers.CLASSES


def preview() -> Confusion:
    """A record for the home page's card."""
    *_, last = matrix(model="k nearest", samples=60)
    return last


EXPERIMENTS = ()
