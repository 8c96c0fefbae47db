"""One small net per activation, all from the same start, on the way to the same function of one variable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from nnplay import datasets, nets
from nnplay.depth import dead_units
from nnplay.limits import SEED, choose, within
from nnplay.nets import ACTIVATIONS, INITIALIZERS, STD
from nnplay.records import Table

HIDDEN_LAYERS = (1, 3)
UNITS = (2, 64)
EPOCHS = (10, 1000)
NOISE = (0.0, 0.5)
LR = (1e-4, 10.0)
OPTIMIZERS = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam")  # of torch.optim
NETS = (1, 9)  # how many activations at once: as many as there are colors to tell apart
POINTS = 64  # to train on, and as many held out

DIVERGED = 1e6
"""A net has diverged when its loss is more than this, or not a number."""

_FRAMES = 300


@dataclass(frozen=True, slots=True)
class Fit:
    """n nets on the way to the same function, at t moments so far; `done` when no more will come.

    `x` (g,), `target` (g,): the function itself. `train_x`, `train_y`, `held_x`, `held_y` (p,):
    noisy points to train on, and held out. Per moment: `epoch` (t,), from 0; `prediction` (t, n, g);
    `train_loss`, `held_loss` (t, n), mean squared errors; `dead` (t, n), the share of hidden units
    whose slope is exactly zero on every training point; `distinct` (t, n), how many units of the
    first hidden layer differ from each other. `diverged_at` (n,): the epoch after which the
    net's loss was not a number or more than `DIVERGED`, else -1; from there on it holds NaN.
    """

    names: tuple[str, ...]
    epochs: int
    units: int
    x: np.ndarray
    target: np.ndarray
    train_x: np.ndarray
    train_y: np.ndarray
    held_x: np.ndarray
    held_y: np.ndarray
    epoch: np.ndarray
    prediction: np.ndarray
    train_loss: np.ndarray
    held_loss: np.ndarray
    dead: np.ndarray
    distinct: np.ndarray
    diverged_at: np.ndarray

    @property
    def done(self) -> bool:
        return bool(self.epoch[-1] == self.epochs)

    def table(self) -> Table:
        return {
            "activation": self.names,
            "epoch": [int(self.epoch[-1])] * len(self.names),
            "train loss": self.train_loss[-1],
            "held-out loss": self.held_loss[-1],
            "dead units": self.dead[-1],
            "distinct units": self.distinct[-1],
            "diverged at": ["" if at < 0 else int(at) for at in self.diverged_at],
        }


def fit(
    *,
    names: Sequence[str] = ("Sigmoid", "Tanh", "ReLU", "GELU"),
    function: str = "sine",
    hidden_layers: int = 2,
    units: int = 16,
    initializer: str = "kaiming_normal",
    std: float = 0.1,
    optimizer: str = "Adam",
    lr: float = 0.01,
    epochs: int = 200,
    noise: float = 0.1,
    seed: int = 0,
) -> Iterator[Fit]:
    """One small net per activation, all from the same weights, trained on the same noisy points.

    Full-batch training on the mean squared error. Yields the record so far at up to 300 moments,
    evenly spaced, and at last the complete one.

    Raises ValueError for an unknown name, a number out of its range (`HIDDEN_LAYERS`, `UNITS`, `STD`,
    `LR`, `EPOCHS`, `NOISE`, `SEED`), or too few or too many activations (`NETS`).
    """
    names = tuple(dict.fromkeys(names))
    if not NETS[0] <= len(names) <= NETS[1]:
        raise ValueError(f"Choose between {NETS[0]} and {NETS[1]} activations to train, not {len(names)}.")
    for name in names:
        choose(name, ACTIVATIONS, "activation")
    choose(function, datasets.FUNCTIONS, "function")
    choose(initializer, INITIALIZERS, "initializer")
    choose(optimizer, OPTIMIZERS, "optimizer")
    for name, number, limits in (
        ("hidden_layers", hidden_layers, HIDDEN_LAYERS),
        ("units", units, UNITS),
        ("std", std, STD),
        ("lr", lr, LR),
        ("epochs", epochs, EPOCHS),
        ("noise", noise, NOISE),
        ("seed", seed, SEED),
    ):
        within(name, number, limits)
    yield from _train(
        names, function, hidden_layers, units, initializer, std, optimizer, lr, epochs, noise, seed
    )


def _train(
    names, function, hidden_layers, units, initializer, std, optimizer, lr, epochs, noise, seed
) -> Iterator[Fit]:
    x = np.linspace(*datasets.DOMAIN, 201)
    points_x, points_y = datasets.samples(function, 2 * POINTS, noise, seed)
    train, held = (points_x[::2], points_y[::2]), (points_x[1::2], points_y[1::2])
    inputs, targets = (torch.tensor(v)[:, None] for v in train)
    everything = torch.tensor(np.concatenate([*train[:1], *held[:1], x]), dtype=torch.float32)[:, None]

    sizes = [1, *[units] * hidden_layers, 1]
    models = [nets.mlp(sizes, name, initializer, torch.Generator().manual_seed(seed), std) for name in names]
    optimizers = [getattr(torch.optim, optimizer)(model.parameters(), lr=lr) for model in models]

    moments = np.unique(np.linspace(0, epochs, min(epochs, _FRAMES) + 1).round().astype(int))
    shape = (moments.size, len(names))
    prediction = np.full((*shape, x.size), np.nan, dtype=np.float32)
    train_loss, held_loss, dead, distinct = (np.full(shape, np.nan) for _ in range(4))
    diverged_at = np.full(len(names), -1)
    for t, epoch in enumerate(moments):
        for i, (name, model) in enumerate(zip(names, models)):
            if diverged_at[i] >= 0:
                continue
            for step in range(moments[t - 1] if t else 0, epoch):
                optimizers[i].zero_grad()
                loss = F.mse_loss(model(inputs), targets)
                if not loss.item() < DIVERGED:
                    diverged_at[i] = step
                    break
                loss.backward()
                optimizers[i].step()
            y, dead_share = _look(model, everything, ACTIVATIONS[name].gated)
            losses = [((y[rows] - v.astype(float)) ** 2).mean() for rows, (_, v) in zip(_ROWS, (train, held))]
            if diverged_at[i] < 0 and not max(losses) < DIVERGED:
                diverged_at[i] = epoch
            if diverged_at[i] >= 0:
                continue
            prediction[t, i], (train_loss[t, i], held_loss[t, i]) = y[2 * POINTS :], losses
            dead[t, i], distinct[t, i] = dead_share, _distinct(model[0])
        now = slice(t + 1)
        yield Fit(
            names=names,
            epochs=epochs,
            units=units,
            x=x,
            target=datasets.FUNCTIONS[function].of(x),
            train_x=train[0],
            train_y=train[1],
            held_x=held[0],
            held_y=held[1],
            epoch=moments[now],
            prediction=prediction[now],
            train_loss=train_loss[now],
            held_loss=held_loss[now],
            dead=dead[now],
            distinct=distinct[now],
            diverged_at=diverged_at.copy(),
        )


_ROWS = slice(POINTS), slice(POINTS, 2 * POINTS)


def _look(model: nn.Sequential, x: torch.Tensor, gated: bool) -> tuple[np.ndarray, float]:
    """The net's output at x (n, 1), as (n,), and the share of hidden units dead on the training points."""
    dead = []
    for linear, module in zip(model[:-1:2], model[1::2]):
        z = linear(x).detach()
        dead.append(dead_units(module, z[_ROWS[0]], gated))
        x = module(z).detach()
    return model[-1](x).detach().numpy()[:, 0], torch.cat(dead).float().mean().item()


def _distinct(linear: nn.Linear) -> int:
    """How many units have weights of their own (to five digits)."""
    own = torch.cat([linear.weight, linear.bias[:, None]], dim=1).detach().numpy()
    return len(np.unique(own.round(5), axis=0))
