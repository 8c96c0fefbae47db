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


EXPERIMENTS = (
    Experiment(
        "The 4 and the 9",
        "Five 9s are taken for a 4, and no 4 for a 9: a confusion has a direction. Look at the five; then "
        "raise the training digits to 1200, and they are gone.",
        "matrix",
        {"model": "logistic regression", "samples": 100, "predicted": 4},
    ),
    Experiment(
        "Noisy labels learned by heart",
        "Two in five training labels are wrong, and one neighbour repeats them: a third or more of the test "
        "digits are wrong. Under More settings raise the neighbours to 15: they outvote the noise, 19 in 20 "
        "are right.",
        "matrix",
        {"model": "k nearest", "samples": 1200, "label_noise": 0.4, "neighbors": 1, "normalize": "row"},
    ),
    Experiment(
        "Micro against macro",
        "Of 1, 8 and 9 nearly all digits are gone. Micro F1 is still above 0.94; macro, where every class "
        "counts alike, falls below 0.8.",
        "metrics",
        {"model": "k nearest", "rare": ("1", "8", "9"), "imbalance": 0.95, "row": 11},
    ),
    Experiment(
        "An empty class",
        "There is no 9 any more: its recall is 0/0. Say what that counts as, and the macro mean moves.",
        "metrics",
        {"imbalance": 1.0},
    ),
    Experiment(
        "99 % accuracy that is worthless",
        "Three test digits are 9s. This classifier finds none of them, and its accuracy for 9 against the "
        "rest is above 99 %: recall and F1 are 0, and so is MCC.",
        "one_vs_rest",
        {"model": "k nearest", "imbalance": 0.95},
    ),
    Experiment(
        "A threshold for a screening test",
        "To miss a 9 costs as much as 50 false alarms. So the cheapest threshold is near 0: every 9 is "
        "found, and two in three alarms are false.",
        "one_vs_rest",
        {"cost_fn": 50, "threshold": 0.005},
    ),
    Experiment(
        "The ROC hardly notices",
        "Three 9s among 541 digits: the area under the ROC is above 0.98, the one under precision and "
        "recall below 0.5.",
        "one_vs_rest",
        {"samples": 100, "imbalance": 0.95},
    ),
    Experiment(
        "Modest scores",
        "Half of the training labels were wrong, so the scores are low; the digits are mostly right all the "
        "same. In the calibration the points stand above the dashed line.",
        "one_vs_rest",
        {"model": "logistic regression", "samples": 1200, "label_noise": 0.5, "threshold": 0.25, "bins": 5},
    ),
    Experiment(
        "The weakest class",
        "With 50 training digits the 8s are ranked badly: their average precision is little more than half "
        "of that of the 0s, and it pulls the mean down.",
        "average_precision",
        {"model": "k nearest", "samples": 50, "positive": 8},
    ),
    Experiment(
        "Two boxes on one digit",
        "The first three boxes. C fits its 4 well enough, but A has taken it: C is false, and precision "
        "falls to a half.",
        "detect",
        {"taken": 3},
    ),
    Experiment(
        "A stricter IoU",
        "At 0.75 only box A is good enough. Move the others onto their digits and the mean average "
        "precision comes back.",
        "detect",
        {"iou": 0.75},
    ),
)
