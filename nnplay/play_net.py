"""What the Playground's views share: the settings of a run, and the nets, data and training made of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch.optim import lr_scheduler

from nnplay.batched import FORMULAS, Layer, Nets
from nnplay.limits import SEED, check, choose
from nnplay.nets import ACTIVATIONS, INITIALIZERS
from nnplay.optim import OPTIMIZERS
from nnplay.play_data import DATASETS, Points, points
from nnplay.training import Data, Run

MOST_LAYERS = 6
LAYERS = range(1, MOST_LAYERS + 1)

FEATURES: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "x1": lambda x1, x2: x1,
    "x2": lambda x1, x2: x2,
    "x1²": lambda x1, x2: x1**2,
    "x2²": lambda x1, x2: x2**2,
    "x1x2": lambda x1, x2: x1 * x2,
    "sin x1": lambda x1, x2: np.sin(x1),
    "sin x2": lambda x1, x2: np.sin(x2),
}
"""What the nets may be fed with."""

SCHEDULES: Mapping[str, Callable[[Any, float, int], Any]] = {
    "step": lambda optimizer, lr, epochs: lr_scheduler.StepLR(optimizer, max(1, epochs // 4), 0.3),
    "exponential": lambda optimizer, lr, epochs: lr_scheduler.ExponentialLR(optimizer, 0.01 ** (1 / epochs)),
    "cosine": lambda optimizer, lr, epochs: lr_scheduler.CosineAnnealingLR(optimizer, epochs),
    "onecycle": lambda optimizer, lr, epochs: lr_scheduler.OneCycleLR(
        optimizer, max_lr=lr, total_steps=epochs, cycle_momentum=False
    ),
    "plateau": lambda optimizer, lr, epochs: lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5),
}
"""Schedules of torch.optim.lr_scheduler over the epochs of a run; the learning rate that is set is their
highest. Step: times 0.3 at each quarter. Exponential: down to a hundredth."""

AUTO = "by the data"
LOSSES = {
    2: ("MSELoss", "BCEWithLogitsLoss", "SoftMarginLoss", "L1Loss", "HuberLoss"),
    0: ("MSELoss", "L1Loss", "HuberLoss"),
}
"""The losses of two classes (-1 and 1) and of a regression (0 classes); more classes have softmax's."""
SAME, NONE = "as chosen for all", "none"


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a run is made of. The defaults are TensorFlow Playground's where it has the setting.

    `noise` and `train_share` are percent. `inputs` are names in FEATURES. Layer i of the
    `hidden_layers` has `units_i` units, the `activation` of all or its own `activation_i`, and after
    it the formula `formula_i` of nnplay.batched.FORMULAS, or none. `loss` "by the data" is MSELoss,
    and CrossEntropyLoss for three and more classes. `points` are points that were added, `own` a
    visitor's own data: see nnplay.play_data. `dropout` and `batch_norm` are of the hidden layers.
    Raises ValueError for a name that is unknown or a number out of range.
    """

    dataset: str = "circle"
    noise: float = 0.0
    train_share: int = 50
    samples: int = 500
    data_seed: int = 0
    points: tuple[tuple[float, ...], ...] = ()
    own: tuple[tuple[float, ...], ...] = ()
    inputs: tuple[str, ...] = ("x1", "x2")
    hidden_layers: int = 2
    units_1: int = 4
    units_2: int = 2
    units_3: int = 2
    units_4: int = 2
    units_5: int = 2
    units_6: int = 2
    activation: str = "Tanh"
    activation_1: str = SAME
    activation_2: str = SAME
    activation_3: str = SAME
    activation_4: str = SAME
    activation_5: str = SAME
    activation_6: str = SAME
    formula_1: str = NONE
    formula_2: str = NONE
    formula_3: str = NONE
    formula_4: str = NONE
    formula_5: str = NONE
    formula_6: str = NONE
    batch_norm: bool = False
    dropout: float = 0.0
    initializer: str = "torch_default"
    loss: str = AUTO
    optimizer: str = "SGD"
    lr: float = 0.03
    momentum: float = 0.0
    schedule: str = "constant"
    batch_size: int = 10
    l1: float = 0.0
    l2: float = 0.0
    epochs: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        check({name: getattr(self, name) for name in DEFAULTS}, RANGES, CHOICES)
        for name in self.inputs:
            choose(name, FEATURES, "inputs")
        if not self.inputs:
            raise ValueError("The net needs at least one input.")

    # --- the net ---

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The hidden layers and the output layer."""
        hidden = []
        for i in range(1, self.hidden_layers + 1):
            own, formula = getattr(self, f"activation_{i}"), getattr(self, f"formula_{i}")
            hidden.append(
                Layer(
                    getattr(self, f"units_{i}"),
                    self.activation if own == SAME else own,
                    batch_norm=self.batch_norm,
                    formula="" if formula == NONE else formula,
                    dropout=self.dropout,
                )
            )
        # as in TensorFlow Playground, the output of two classes is squashed to -1 ... 1 before a distance
        squashed = classes == 2 and self.loss_of(classes) in ("MSELoss", "L1Loss", "HuberLoss")
        return (*hidden, Layer(classes if classes > 2 else 1, "Tanh" if squashed else "Identity"))

    def loss_of(self, classes: int) -> str:
        """The loss's name in torch.nn. Raises ValueError where it does not fit the data."""
        allowed = LOSSES.get(classes, ("CrossEntropyLoss",))
        if self.loss == AUTO:
            return allowed[0]
        if self.loss not in allowed:
            what = f"{classes} classes" if classes else "a regression"
            raise ValueError(f"{self.loss} does not fit {what}: choose {' or '.join(allowed)}.")
        return self.loss

    def features(self, x: np.ndarray) -> np.ndarray:
        """(n, 2) -> (n, inputs) float32."""
        return np.stack([FEATURES[name](*x.T) for name in self.inputs], axis=1).astype(np.float32)

    # --- the run ---

    def data(self) -> Points:
        return points(
            self.dataset,
            self.samples,
            self.noise,
            self.train_share,
            self.data_seed,
            self.points,
            self.own,
        )

    def hyper(self) -> dict[str, Any]:
        """`momentum` belongs to SGD and RMSprop."""
        has = "momentum" in OPTIMIZERS[self.optimizer].defaults
        return {"momentum": self.momentum} if has and self.momentum else {}

    def metric(self, classes: int) -> str:
        return "accuracy" if classes else "r2"

    def start(
        self, of: Points, seeds: Sequence[int] = (), callbacks: Sequence[Any] = (), held: str = "test", **kw
    ) -> Run:
        """The run at its start: one net, or one for each of `seeds`. The points that are not trained on are
        the part named `held`."""
        loss = self.loss_of(of.classes)
        nets = Nets(
            len(self.inputs), self.layers(of.classes), seeds or (self.seed,), initializer=self.initializer
        )
        x, y = self.features(of.x), of.y
        if loss == "BCEWithLogitsLoss":
            y = (y + 1) / 2
        elif loss == "CrossEntropyLoss":
            y = y.astype(np.int64)
        parts = {"train": (x[of.train], y[of.train]), held: (x[~of.train], y[~of.train])}
        return Run(
            nets,
            Data(**parts),
            loss=loss,
            metrics=(self.metric(of.classes),),
            callbacks=callbacks,
            **self.training(),
            **kw,
        )

    def training(self) -> dict[str, Any]:
        """The arguments of nnplay.training.Run that a fork may change."""
        make = SCHEDULES.get(self.schedule)
        lr, epochs = self.lr, self.epochs
        return {
            "optimizer": self.optimizer,
            "lr": lr,
            "hyper": self.hyper(),
            "l1": self.l1,
            "l2": self.l2,
            "batch_size": self.batch_size,
            "epochs": epochs,
            "schedule": make and (lambda optimizer: make(optimizer, lr, epochs)),
        }

    def shown(self, out: torch.Tensor, classes: int) -> np.ndarray:
        """Outputs (K, outputs, n) as a picture has them: (K, n), or probabilities (K, classes, n)."""
        if classes > 2:
            return torch.softmax(out, 1).numpy()
        if classes == 2 and self.loss_of(2) in ("BCEWithLogitsLoss", "SoftMarginLoss"):
            out = torch.tanh(out / 2)  # twice the sigmoid, minus one
        return out[:, 0].numpy()


DEFAULTS = {field.name: field.default for field in fields(Settings)}
RANGES = {
    "noise": (0.0, 100.0),
    "train_share": (10, 90),
    "samples": (20, 2000),
    "data_seed": SEED,
    "hidden_layers": (0, MOST_LAYERS),
    **{f"units_{i}": (1, 16) for i in LAYERS},
    "dropout": (0.0, 0.9),
    "lr": (1e-5, 10.0),
    "momentum": (0.0, 0.99),
    "batch_size": (1, 2000),
    "l1": (0.0, 10.0),
    "l2": (0.0, 10.0),
    "epochs": (1, 5000),
    "seed": SEED,
}
CHOICES = {
    "dataset": tuple(DATASETS),
    "activation": tuple(ACTIVATIONS),
    **{f"activation_{i}": (SAME, *ACTIVATIONS) for i in LAYERS},
    **{f"formula_{i}": (NONE, *FORMULAS) for i in LAYERS},
    "initializer": tuple(INITIALIZERS),
    "loss": (AUTO, *LOSSES[2], "CrossEntropyLoss"),
    "optimizer": tuple(OPTIMIZERS),
    "schedule": ("constant", *SCHEDULES),
}


def takes_settings(function: Callable) -> Callable:
    """Decorator: a function's `**settings` are those of `Settings`, with their defaults."""
    own = inspect.signature(function)
    kept = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value)
        for name, value in DEFAULTS.items()
    ]
    function.__signature__ = own.replace(parameters=[*kept, *more])
    return function
