"""Pictures of the records of `nnplay.confusion_matrix`."""

from nnplay.figures.confusions import MATRIX_TRACE, PAIRS_TRACE, matrix, preview
from nnplay.figures.detection import NAMES_TRACE, SCENE_TRACE, detect
from nnplay.figures.judged import METRICS_TRACE, metrics
from nnplay.figures.retrieval import AP_TRACE, average_precision
from nnplay.figures.thresholds import one_vs_rest

__all__ = [
    "AP_TRACE",
    "MATRIX_TRACE",
    "METRICS_TRACE",
    "NAMES_TRACE",
    "PAIRS_TRACE",
    "SCENE_TRACE",
    "average_precision",
    "detect",
    "matrix",
    "metrics",
    "one_vs_rest",
    "preview",
]
