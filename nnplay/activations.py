"""Activations: what they do to a number, to its gradient, to a deep net's signal, and to a fit.

Four views, each a function of what its controls hold, each in a module of its own.
"""

from __future__ import annotations

from nnplay import curves as _curves
from nnplay import depth, fits
from nnplay import softmax as _softmax
from nnplay.curves import Curves, curves, parameters
from nnplay.depth import signal
from nnplay.fits import fit
from nnplay.nets import STD
from nnplay.records import Experiment
from nnplay.softmax import softmax

__all__ = ["CHOICES", "EXPERIMENTS", "RANGES", "curves", "fit", "parameters", "preview", "signal", "softmax"]

RANGES = {
    "x": _curves.X,
    **_curves.PARAMETERS,
    **{f"logit_{i}": _softmax.LOGIT for i in range(1, 6)},
    "temperature": _softmax.TEMPERATURE,
    "shift": _softmax.SHIFT,
    "depth": depth.DEPTH,
    "width": depth.WIDTH,
    "std": STD,
    "hidden_layers": fits.HIDDEN_LAYERS,
    "units": fits.UNITS,
    "lr": fits.LR,
    "epochs": fits.EPOCHS,
    "noise": fits.NOISE,
}
CHOICES = {"source": depth.SOURCES, "optimizer": fits.OPTIMIZERS}


def preview() -> Curves:
    """A record for the home page's card."""
    return curves(names=("Sigmoid", "Tanh", "ReLU", "GELU"), x=1.0)


EXPERIMENTS = (
    Experiment(
        "Half of ReLU is dead",
        "Left of zero its slope is exactly 0, and no gradient passes. LeakyReLU, here with a slope of 0.1, "
        "lets a tenth of it through.",
        "curves",
        {"names": ("ReLU", "LeakyReLU"), "x": -2.0, "negative_slope": 0.1},
    ),
    Experiment(
        "GELU, SiLU and Mish turn back",
        "At x = -2 their slopes are negative: a larger input gives a smaller output. ReLU's never is.",
        "curves",
        {"names": ("ReLU", "GELU", "SiLU", "Mish"), "x": -2.0},
    ),
    Experiment(
        "A cold softmax is an argmax",
        "At temperature 0.05 the largest logit takes all. Raise the temperature to 10: all come close "
        "to one fifth.",
        "softmax",
        {"temperature": 0.05},
    ),
    Experiment(
        "A constant changes nothing, yet the naive formula breaks",
        "With 100 added to every logit the probabilities are the same. But exp(102) is too large for "
        "float32, and inf / inf is nan.",
        "softmax",
        {"shift": 100.0},
    ),
    Experiment(
        "Sigmoid in 20 layers: the gradient vanishes",
        "Sigmoid's slope is a quarter at best, so every layer takes its share. The first layer gets less "
        "than a billionth of what the last one has.",
        "signal",
        {"activation": "Sigmoid", "initializer": "xavier_uniform"},
    ),
    Experiment(
        "Batch normalization brings the gradient back",
        "The same sigmoid and the same weights, each layer normalized: the gradient reaches the first layer.",
        "signal",
        {"activation": "Sigmoid", "initializer": "xavier_uniform", "batch_norm": True},
    ),
    Experiment(
        "He's weights rescue ReLU",
        "ReLU halves the signal, He's weights double it: it passes 30 layers. Choose xavier_normal, "
        "and it is gone.",
        "signal",
        {"depth": 30},
    ),
    Experiment(
        "SELU normalizes itself",
        "No batch normalization, 50 layers: mean near 0 and variance near 1 in every one of them.",
        "signal",
        {"activation": "SELU", "initializer": "lecun_normal", "depth": 50},
    ),
    Experiment(
        "Weights too large: tanh saturates",
        "Most values sit close to -1 or 1, in the flat tails. What slope is left meets large weights: "
        "the gradient explodes.",
        "signal",
        {"activation": "Tanh", "initializer": "normal", "std": 0.5},
    ),
    Experiment(
        "Without activations, layers add nothing",
        "Three linear layers, and the fit is a straight line. Tanh bends.",
        "fit",
        {"names": ("Identity", "Tanh")},
    ),
    Experiment(
        "ReLU dies at a high learning rate",
        "Most of its units are dead after a few large steps, and its fit stays a flat line (so it ends "
        "for most seeds). LeakyReLU has no dead units and moves on.",
        "fit",
        {"names": ("ReLU", "LeakyReLU"), "hidden_layers": 3, "lr": 0.3},
    ),
    Experiment(
        "Zeros never break the symmetry",
        "All 16 units start equal, get equal gradients and stay equal: the net is as good as one unit. "
        "The units of Tanh and ReLU put out 0, so both nets learn the same constant.",
        "fit",
        {"names": ("Sigmoid", "Tanh", "ReLU"), "initializer": "zeros", "hidden_layers": 1, "lr": 0.03},
    ),
)
