"""Overfitting: capacity against what is learned, remedies, bias and variance, double descent.

Five views, each a function of what its controls hold, each in a module of its own.
"""

from __future__ import annotations

from nnplay import capacity, descents, learning, resampled
from nnplay import remedies as _remedies
from nnplay.capacity import Fit, fit
from nnplay.descents import double_descent
from nnplay.learning import train
from nnplay.records import Experiment
from nnplay.remedies import REMEDIES, remedies
from nnplay.resampled import bias_variance

__all__ = [
    "CHOICES",
    "EXPERIMENTS",
    "RANGES",
    "REMEDIES",
    "bias_variance",
    "double_descent",
    "fit",
    "preview",
    "remedies",
    "train",
]

RANGES = capacity.RANGES | learning.RANGES | _remedies.RANGES | resampled.RANGES | descents.RANGES
CHOICES = capacity.CHOICES | learning.CHOICES | _remedies.CHOICES


def preview() -> Fit:
    """A record for the home page's card."""
    return fit(degree=15)


EXPERIMENTS = (
    Experiment(
        "A line underfits",
        "Degree 1 bends nowhere: the errors on all three parts are high, and the gap between them is small.",
        "fit",
        {"degree": 1},
    ),
)
