"""Pictures of the records of `nnplay.overfitting`."""

from nnplay.figures.errors import ERROR_TRACES, bias_variance, double_descent, fit, preview
from nnplay.figures.learning import train
from nnplay.figures.remedies import remedies

__all__ = [
    "ERROR_TRACES",
    "bias_variance",
    "double_descent",
    "fit",
    "preview",
    "remedies",
    "train",
]
