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
    Experiment(
        "The sweet spot",
        "Degree 8 has what the sine needs. On points that it has not seen the error is nearly the noise, "
        "and nothing can be below that.",
        "fit",
        {"points": 200},
    ),
    Experiment(
        "Too many degrees for few points",
        "Degree 12 nearly passes through the 17 training points and misses what lies between: a tiny "
        "training error, a huge gap. More points close it.",
        "fit",
        {"degree": 12, "points": 40},
    ),
    Experiment(
        "A memorized spiral",
        "42 points of a spiral, every one of them right in the end. But the validation loss turns long "
        "before: the net draws borders that are its own.",
        "train",
        {"data": "spiral", "label_noise": 0.0, "width": 64},
    ),
    Experiment(
        "Noise labels learned by heart",
        "Labels that mean nothing: the net learns nine in ten or more of them, and on new points it is as "
        "good as a coin.",
        "train",
        {"data": "random labels", "width": 64, "hidden_layers": 3, "lr": 0.003, "epochs": 600},
    ),
    Experiment(
        "Few real digits",
        "42 handwritten digits are learned to the last one within a few epochs. Of the test digits "
        "many are still wrong.",
        "train",
        {"data": "digits", "label_noise": 0.0},
    ),
    Experiment(
        "Patience too short",
        "After two epochs without progress it ends, within 25 epochs. The same net left alone (first column) "
        "has a lower validation loss at its star.",
        "remedies",
        {"patience": 2},
    ),
    Experiment(
        "L1 empties the net",
        "More than nine in ten weights are exactly zero, and the validation loss ends below that of the net "
        "without remedy, or near it. L2 makes weights small, and none of them zero.",
        "remedies",
        {"l1": 0.2},
    ),
    Experiment(
        "A supple model has variance",
        "At degree 13 the mean of the fits is right, and each single fit far off. Raise the points to 40, or "
        "alpha to 0.5: the variance falls to a fifth or less.",
        "bias_variance",
        {"degree": 13},
    ),
    Experiment(
        "A stiff model has bias",
        "At degree 2 all fits agree, and all are wrong in the same way. No amount of data helps.",
        "bias_variance",
        {"degree": 2},
    ),
    Experiment(
        "The peak of double descent",
        "As many features as points: one wild curve through all of them. Drag the features on to 300, and "
        "the error falls to half of this or less.",
        "double_descent",
        {"features": 25},
    ),
    Experiment(
        "L2 tames the peak",
        "The same 25 features with alpha 0.05: the weights are shorter, and the peak is gone "
        "(dashed: without the penalty).",
        "double_descent",
        {"features": 25, "alpha": 0.05},
    ),
    Experiment(
        "Without decay no second descent",
        "Where fast cosines cost no more than slow ones, the shortest fit is zero but for spikes at "
        "its points.",
        "double_descent",
        {"features": 300, "decay": 0.0},
    ),
)
