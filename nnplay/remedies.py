"""Remedies against overfitting, side by side: one start, one sample, and what each of them changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from nnplay import parts, planes
from nnplay.batched import Dropout, Layer, Nets, reseed
from nnplay.callbacks import Checkpoint, EarlyStopping
from nnplay.learning import ACTIVATIONS, BATCH, grid, hidden, moments_of, state_dict
from nnplay.learning import RANGES as _SHARED
from nnplay.limits import check
from nnplay.parts import PARTS
from nnplay.records import Table
from nnplay.training import LOSSES, Data, Run

REMEDIES = ("none", "L2", "L1", "dropout", "batch norm", "early stopping", "more data", "augmentation")
RANGES = {
    **{name: _SHARED[name] for name in ("examples", "label_noise", "spread", "hidden_layers", "width", "lr")},
    **{name: _SHARED[name] for name in ("epochs", "seed")},
    "l2": (0.0, 1.0),
    "l1": (0.0, 1.0),
    "dropout": (0.0, 0.9),
    "patience": (1, 200),
    "times": (2, 8),
    "jitter": (0.0, 1.0),
}
CHOICES = {"plane": tuple(planes.SETS), "activation": ACTIVATIONS}
SIDE = 28
MOMENTS = 60
EDGES = np.linspace(-1.6, 1.6, 42)
"""Between the bars of the weights' histogram; what lies beyond counts in the last bar."""


@dataclass(frozen=True, slots=True)
class Remedies:
    """R = 8 nets after E of `epochs` epochs, in the order of REMEDIES, all from the same start.

    `points`: for each of train, validation, test x (n, 2) and y (n,), and `more`, the larger training set.
    `loss`, `accuracy`: for each part (E+1, R), in evaluation mode; `train_mode` (t, R): the training loss in
    training mode, which differs with dropout and batch norm. `zeros` (E+1, R): weights that are exactly
    zero, of `weights`. At `moments` (t,): `maps` (t, R, SIDE, SIDE), the probability of class 1 over the
    plane, whose axes are `axis` (SIDE,); `histogram` (t, R, bars): the share of weights between `edges`;
    `kept` (t, hidden layers, width): which units dropout kept for the first row of that epoch; `best` (t, R):
    the epoch of the lowest validation loss so far. `stopped`: the epoch after which early stopping ended its
    run and restored the weights of its best epoch, or None. `diverged_at` (R,): NaN but for nets that
    diverged. `files`: what `downloads` offers.
    """

    epochs: int
    points: Mapping[str, tuple[np.ndarray, np.ndarray]]
    loss: Mapping[str, np.ndarray]
    accuracy: Mapping[str, np.ndarray]
    train_mode: np.ndarray
    zeros: np.ndarray
    weights: int
    moments: np.ndarray
    axis: np.ndarray
    maps: np.ndarray
    histogram: np.ndarray
    kept: np.ndarray
    best: np.ndarray
    stopped: int | None
    diverged_at: np.ndarray
    files: Mapping[str, Callable[[], bytes]]

    @property
    def edges(self) -> np.ndarray:
        return EDGES

    @property
    def names(self) -> tuple[str, ...]:
        return REMEDIES

    @property
    def done(self) -> bool:
        return int(self.moments[-1]) == self.epochs

    def table(self) -> Table:
        rows = range(len(REMEDIES))
        return {
            "remedy": REMEDIES,
            **{f"{part} loss": self.loss[part][-1] for part in PARTS},
            **{f"{part} accuracy": self.accuracy[part][-1] for part in PARTS},
            "train loss, training mode": self.train_mode[-1],
            "best epoch": self.best[-1],
            "validation loss then": [float(self.loss["validation"][self.best[-1, i], i]) for i in rows],
            "weights at zero": self.zeros[-1],
            "of": [self.weights] * len(REMEDIES),
        }

    def downloads(self) -> Mapping[str, Callable[[], bytes]]:
        """Weights as torch.save writes a state_dict: without remedy, of the best epoch and of the last; and
        those that early stopping leaves."""
        return self.files


def remedies(
    *,
    plane: str = "circle",
    label_noise: float = 0.15,
    l2: float = 0.03,
    l1: float = 0.03,
    dropout: float = 0.3,
    patience: int = 20,
    times: int = 4,
    jitter: float = 0.3,
    examples: int = 100,
    spread: float = 0.3,
    width: int = 32,
    hidden_layers: int = 2,
    activation: str = "ReLU",
    lr: float = 0.01,
    epochs: int = 300,
    seed: int = 0,
) -> Iterator[Remedies]:
    """Eight nets from one start, trained by Adam in batches of 16; yields the run so far after every epoch.

    - L2, L1: penalties on the weights, with the strengths `l2` and `l1` as in `nnplay.training.Run`.
    - dropout: each hidden unit is left out with the probability `dropout`, anew for every row.
    - batch norm: after each hidden layer's linear part.
    - early stopping: ends after `patience` epochs without a lower validation loss, with the best weights.
    - more data: `times` as many training points.
    - augmentation: normal noise of std `jitter` on the training inputs, drawn anew in every epoch.

    Of `examples` points half are for training and a quarter each for validation and test; `label_noise` is
    the share of training labels that are flipped. A record is new at up to 60 moments, and the same again in
    between. Raises ValueError for settings out of range.
    """
    check(locals(), RANGES, CHOICES)
    named = _points(plane, examples, times, spread, label_noise, seed)
    small = Data(**{part: named[part] for part in PARTS})
    large = replace(small, train=named["more"])
    plain = hidden(hidden_layers, width, activation, 1)
    dropped = tuple(replace(layer, dropout=dropout) for layer in plain[:-1]) + plain[-1:]
    normed = tuple(replace(layer, batch_norm=True) for layer in plain[:-1]) + plain[-1:]
    stopping = EarlyStopping(patience)

    def run(layers: tuple[Layer, ...], data: Data = small, nets: int = 1, **more) -> Run:
        more = {"callbacks": (Checkpoint(),)} | more
        how = {"loss": "BCEWithLogitsLoss", "optimizer": "Adam", "lr": lr, "batch_size": BATCH}
        start = Nets(2, layers, (seed,) * nets)
        return Run(start, data, epochs=epochs, metrics=("accuracy",), **how, **more)

    def jittered(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return x + jitter * torch.randn(x.shape, generator=generator)

    runs = (
        run(plain, nets=3, l2=(0.0, l2, 0.0), l1=(0.0, 0.0, l1)),
        run(dropped),
        run(normed),
        run(plain, callbacks=(stopping,)),
        run(plain, large),
        run(plain, augment=jittered),
    )
    yield from _watched(runs, named, plain, stopping, epochs, seed)


def _points(
    plane: str, examples: int, times: int, spread: float, label_noise: float, seed: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    places = parts.slices(examples, 0.25, 1 / 3)
    train = places["train"].stop
    x, y = planes.points(plane, examples + (times - 1) * train, spread, seed)
    taught = planes.flipped(y, label_noise, 2, seed)
    named = {part: (x[where], y[where]) for part, where in places.items()}
    more = np.r_[:train, examples : len(x)]
    return named | {"train": (x[:train], taught[:train]), "more": (x[more], taught[more])}


def _watched(runs, named, plain, stopping, epochs, seed) -> Iterator[Remedies]:
    """All runs, an epoch at a time, and what there is to see of them."""
    axis, plane = grid(SIDE)
    moments = moments_of(epochs, MOMENTS)
    penalized = [run.nets.penalized.bool() for run in runs]
    loss, accuracy = ({part: [] for part in PARTS} for _ in range(2))
    zeros, taken, best = [], [], []
    record = None
    for epoch in range(epochs + 1):  # not run.snapshots(): a run that has ended waits for the others
        if epoch:
            for run in runs:
                run.advance_epochs()
        snapshots = [run.snapshot() for run in runs]
        for part in PARTS:
            for into, name in ((loss, "loss"), (accuracy, "accuracy")):
                into[part].append(np.concatenate([shot.values[part][name] for shot in snapshots]))
        weights = [run.nets.theta[:, mask] for run, mask in zip(runs, penalized)]
        zeros.append(np.concatenate([(w == 0).sum(1).numpy() for w in weights]))
        if epoch in moments:
            taken.append(_taken(runs, weights, plane, named, epoch, seed))
            maps, histogram, kept, train_mode = map(np.stack, zip(*taken))
            stopped = runs[3].stopped_at[0]
            best.append(np.concatenate([run.callbacks[0].at for run in runs]))
            record = Remedies(
                epochs,
                named,
                {part: np.stack(values) for part, values in loss.items()},
                {part: np.stack(values) for part, values in accuracy.items()},
                train_mode,
                np.stack(zeros),
                weights[0].shape[1],
                moments[moments <= epoch],
                axis,
                maps,
                histogram,
                kept,
                np.stack(best),
                None if np.isnan(stopped) else int(stopped),
                np.concatenate([run.diverged_at for run in runs]),
                _files(runs, plain, stopping),
            )
        yield record


def _files(runs, plain, stopping) -> dict[str, Callable[[], bytes]]:
    held = {
        "best.pt": runs[0].callbacks[0].tensors["theta"][0],
        "last.pt": runs[0].nets.theta[0],
        "early-stopping.pt": runs[3].nets.theta[0],
    }
    copies = {name: theta.numpy().copy() for name, theta in held.items()}
    return {name: lambda theta=theta: state_dict(2, plain, theta) for name, theta in copies.items()}


@torch.no_grad()
def _taken(runs, weights, plane, named, epoch, seed) -> tuple[np.ndarray, ...]:
    """Maps (R, SIDE, SIDE), histogram (R, bars), kept units (layers, width) and training-mode losses (R,)."""
    says = torch.cat([run.nets.predict(plane)[..., 0] for run in runs]).sigmoid()
    width = EDGES[1] - EDGES[0]
    clipped = torch.cat(weights).nan_to_num().clamp(EDGES[0] + width / 2, EDGES[-1] - width / 2).numpy()
    shares = np.stack([np.histogram(row, EDGES)[0] / len(row) for row in clipped])
    drops = runs[1].nets
    hidden_layers = len(drops.layers) - 1
    if epoch and drops.layers[0].dropout:
        kept = np.stack([runs[1].masks[i][0, :, 0].numpy() > 0 for i in range(hidden_layers)])
    else:
        kept = np.ones((hidden_layers, drops.layers[0].units), bool)
    train_mode = [
        _train_mode_loss(run.nets, net, *named["more" if i == 4 else "train"], epoch, seed)
        for i, run in enumerate(runs)
        for net in range(run.nets.k)
    ]
    return says.numpy().reshape(-1, SIDE, SIDE), shares.astype(np.float32), kept, np.array(train_mode)


def _train_mode_loss(nets: Nets, net: int, x: np.ndarray, y: np.ndarray, epoch: int, seed: int) -> float:
    """The loss of all rows with units dropped, and with the batch's own mean and variance in batch norm."""
    generator = reseed(torch.Generator(), seed, "training mode", epoch)
    modules = []
    for module in nets.sequential(net).train():
        if isinstance(module, nn.Dropout):
            module = Dropout(module.p)
            module.generator = generator
        modules.append(module)
    out = nn.Sequential(*modules)(torch.from_numpy(x)).T[None]
    return float(LOSSES["BCEWithLogitsLoss"]().value(out, torch.from_numpy(y)[None, None])[0])
