"""Playground: a small net that trains in front of the visitor, and everything about it can be changed.

Of the views `train` is in `nnplay.play_train`, `seeds` in `nnplay.play_seeds`, `curvature` in
`nnplay.play_curvature`, `callbacks` in `nnplay.play_callbacks`. They share the data (`nnplay.play_data`)
and the settings of a run (`nnplay.play_net`).
"""

from __future__ import annotations

from nnplay import play_callbacks, play_net, play_seeds, play_train
from nnplay.play_callbacks import callbacks
from nnplay.play_curvature import curvature
from nnplay.play_data import DATASETS, read_csv
from nnplay.play_net import LOSSES
from nnplay.play_seeds import SOLVED, seeds
from nnplay.play_train import Edit, Training, train
from nnplay.records import Experiment

__all__ = [
    "CHOICES",
    "DATASETS",
    "EXPERIMENTS",
    "LABELS",
    "LOSSES",
    "RANGES",
    "SOLVED",
    "Edit",
    "callbacks",
    "curvature",
    "preview",
    "read_csv",
    "seeds",
    "train",
]

RANGES = {**play_net.RANGES, **play_train.RANGES, **play_seeds.RANGES, **play_callbacks.RANGES}
CHOICES = {**play_net.CHOICES, **play_train.CHOICES, **play_callbacks.CHOICES}
LABELS = {"dataset": {name: kind.title for name, kind in DATASETS.items()}}

EXPERIMENTS = (
    Experiment(
        "XOR needs a hidden layer",
        "Without a hidden layer the border is a straight line, and about a quarter of XOR stays wrong. "
        "Press + above the net to give it a layer.",
        "train",
        {"dataset": "xor", "hidden_layers": 0, "epochs": 100},
    ),
    Experiment(
        "... or the right input",
        "The product x₁x₂ is what XOR asks for: with it as the input no hidden layer is needed.",
        "train",
        {"dataset": "xor", "hidden_layers": 0, "inputs": ("x1x2",), "epochs": 100},
    ),
    Experiment(
        "The spiral needs width",
        "Two layers of eight, and Adam: the border winds. With the four and two units of the other "
        "experiments it does not.",
        "train",
        {"dataset": "spiral", "units_1": 8, "units_2": 8, "optimizer": "Adam"},
    ),
    Experiment(
        "Too high a learning rate",
        "The weights of a ReLU net grow without end and are no longer finite: the run ends, marked. Lower "
        "the learning rate until it does not.",
        "train",
        {"dataset": "plane", "activation": "ReLU", "lr": 3.0},
    ),
    Experiment(
        "Zeros never learn",
        "All weights start at zero: the gradient of every weight is zero, too, and the map stays one color.",
        "train",
        {"initializer": "zeros", "epochs": 100},
    ),
    Experiment(
        "L1 empties edges",
        "A penalty on the size of weights takes those that are not needed to exactly zero: they disappear.",
        "train",
        {"dataset": "gauss", "units_1": 8, "l1": 0.01},
    ),
    Experiment(
        "A lambda layer",
        "The formula sin x stands after the first layer: waves, and the rings are separated by few units.",
        "train",
        {"dataset": "rings", "activation": "Identity", "formula_1": "sin x", "units_1": 8, "units_2": 4},
    ),
    Experiment(
        "A fork",
        "At epoch 20 a second run goes on with ten times the learning rate, from the very same weights.",
        "train",
        {"dataset": "spiral", "units_1": 8, "units_2": 8, "fork": "lr", "fork_at": 20},
    ),
    Experiment(
        "Two units, 32 seeds",
        "With two hidden units the circle is solved from no start at all; with eight from nearly all.",
        "seeds",
        {"hidden_layers": 1, "units_1": 2, "epochs": 200},
    ),
    Experiment(
        "The edge of stability",
        "With all points in one batch the largest curvature rises until it meets 2 / lr, and stays near it.",
        "curvature",
        {"dataset": "spiral", "units_1": 8, "units_2": 8, "lr": 0.3, "epochs": 2000},
    ),
    Experiment(
        "Stopped in time",
        "Noise is learned by heart from some epoch on. Early stopping ends the run, and gives the best "
        "weights back.",
        "callbacks",
        {"noise": 50.0, "units_1": 16, "units_2": 16, "optimizer": "Adam", "train_share": 20},
    ),
)


def preview() -> Training:
    """A small net that has learned the circle."""
    for record in train(epochs=40):  # noqa: B007
        pass
    return record
