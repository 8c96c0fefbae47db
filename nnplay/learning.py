"""Training: a net that learns its points epoch by epoch, and what it says of points that it has not seen."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nnplay import parts, planes
from nnplay.batched import Layer, Nets
from nnplay.callbacks import Checkpoint
from nnplay.datasets import DIGIT_CLASSES, digits
from nnplay.limits import SEED, check
from nnplay.parts import PARTS
from nnplay.records import Table
from nnplay.training import Data, Run, Snapshot

RANGES = {
    "examples": (40, 400),
    "label_noise": (0.0, 0.5),
    "spread": (0.0, 1.0),
    "hidden_layers": (1, 4),
    "width": (1, 64),
    "lr": (0.0001, 1.0),
    "epochs": (20, 1000),
    "seed": SEED,
    **parts.SHARES,
}
ACTIVATIONS = ("Tanh", "ReLU")
CHOICES = {"data": (*planes.SETS, "digits"), "activation": ACTIVATIONS}
BATCH = 16
SIDE = 45
"""Cells along each side of the map of what a net says."""
MOMENTS = 100


def grid(side: int) -> tuple[np.ndarray, torch.Tensor]:
    """Places along an axis (side,), and all of the plane (side², 2), row by row from below."""
    axis = np.linspace(-planes.REACH, planes.REACH, side, dtype=np.float32)
    return axis, torch.from_numpy(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2))


def moments_of(epochs: int, most: int) -> np.ndarray:
    """The epochs at which the picture is taken: 0 and the last among them."""
    return np.unique(np.linspace(0, epochs, min(epochs, most) + 1).round().astype(int))


def state_dict(inputs: int, layers: Sequence[Layer], theta: np.ndarray) -> bytes:
    """The file that torch.save makes of a net's state_dict; `theta` (P,) as in `Nets`."""
    nets = Nets(inputs, layers, theta=torch.from_numpy(theta)[None])
    file = io.BytesIO()
    torch.save(nets.sequential().state_dict(), file)
    return file.getvalue()


def hidden(layers: int, width: int, activation: str, outputs: int) -> tuple[Layer, ...]:
    return (*[Layer(width, activation)] * layers, Layer(outputs))


@dataclass(frozen=True, slots=True)
class Training:
    """A run after E of `epochs` epochs.

    `points`: for each of train, validation, test x (n, 2 or 64) and y (n,), as the net is given them; `wrong`
    (train n,): which training labels were flipped. `loss`, `accuracy`: of each part after every epoch,
    (E+1,), in evaluation mode. `moments` (t,): epochs at which `maps` (t, SIDE, SIDE) were taken: the
    probability of class 1 over the plane, whose axes are `axis` (SIDE,); for digits there is no map. As it
    stood at each moment: `best` (t,), the epoch of the lowest validation loss, whose weights are kept;
    `verdicts`, t arrays (epochs until then,), by the rule of `nnplay.parts`. `diverged_at`: the epoch after
    which the numbers were no longer finite, or None. `inputs`, `layers`, `kept` (P,), `last` (P,): the net,
    with the best and the latest weights.
    """

    data: str
    epochs: int
    points: Mapping[str, tuple[np.ndarray, np.ndarray]]
    wrong: np.ndarray
    loss: Mapping[str, np.ndarray]
    accuracy: Mapping[str, np.ndarray]
    moments: np.ndarray
    axis: np.ndarray
    maps: np.ndarray
    best: np.ndarray
    verdicts: tuple[np.ndarray, ...]
    diverged_at: int | None
    inputs: int
    layers: tuple[Layer, ...]
    kept: np.ndarray
    last: np.ndarray

    @property
    def says(self) -> list[str]:
        """What the rule says of every epoch so far, in words."""
        return [parts.VERDICTS[int(verdict)] for verdict in self.verdicts[-1]]

    @property
    def digits(self) -> bool:
        return self.data == "digits"

    @property
    def done(self) -> bool:
        return self.diverged_at is not None or int(self.moments[-1]) == self.epochs

    def table(self) -> Table:
        rows = self.moments
        return {
            "epoch": rows,
            **{f"{part} loss": self.loss[part][rows] for part in PARTS},
            **{f"{part} accuracy": self.accuracy[part][rows] for part in PARTS},
            "by the rule": [self.says[row] for row in rows],
        }

    def downloads(self) -> dict[str, Callable[[], bytes]]:
        """The net's weights, of its best epoch and of the last, as torch.save writes a state_dict."""
        return {
            "best.pt": lambda: state_dict(self.inputs, self.layers, self.kept),
            "last.pt": lambda: state_dict(self.inputs, self.layers, self.last),
        }


def sample(
    data: str,
    examples: int,
    spread: float,
    label_noise: float,
    test_size: float,
    validation_split: float,
    seed,
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Points of the three parts, and which labels of the training part were flipped."""
    if data == "digits":
        pixels, labels = digits()
        chosen = np.random.default_rng(seed).permutation(len(labels))[:examples]
        x, y = pixels[chosen], labels[chosen]
    else:
        x, y = planes.points(data, examples, spread, seed)
    named = {
        name: (x[part], y[part]) for name, part in parts.slices(examples, test_size, validation_split).items()
    }
    x, y = named["train"]
    taught = planes.flipped(y, label_noise, DIGIT_CLASSES if data == "digits" else 2, seed)
    return named | {"train": (x, taught)}, taught != y


def train(
    *,
    data: str = "circle",
    width: int = 32,
    hidden_layers: int = 2,
    examples: int = 100,
    label_noise: float = 0.15,
    spread: float = 0.3,
    test_size: float = 0.3,
    validation_split: float = 0.4,
    lr: float = 0.01,
    epochs: int = 300,
    activation: str = "ReLU",
    seed: int = 0,
) -> Iterator[Training]:
    """A multilayer perceptron trained by Adam in batches of 16; yields the run so far after every epoch.

    A record is new at up to 100 moments, and the same again in between, so that the caller can watch the
    clock.

    `label_noise`: the share of training labels that are flipped; validation and test stay clean, so that
    their accuracy says what is true. Data of `nnplay.planes` are learned with BCEWithLogitsLoss, the digits
    with CrossEntropyLoss. Raises ValueError for settings out of range.
    """
    check(locals(), RANGES, CHOICES)
    named, wrong = sample(data, examples, spread, label_noise, test_size, validation_split, seed)
    inputs, outputs = (64, DIGIT_CLASSES) if data == "digits" else (2, 1)
    nets = Nets(inputs, hidden(hidden_layers, width, activation, outputs), (seed,))
    best = Checkpoint()
    run = Run(
        nets,
        Data(**named),
        loss="CrossEntropyLoss" if data == "digits" else "BCEWithLogitsLoss",
        optimizer="Adam",
        lr=lr,
        batch_size=BATCH,
        epochs=epochs,
        metrics=("accuracy",),
        callbacks=(best,),
    )
    axis, plane = grid(SIDE)
    moments, maps, seen = moments_of(epochs, MOMENTS), [], []
    bests, verdicts = [], []
    record = None
    for snapshot in run.snapshots():
        seen.append(snapshot)
        if not (snapshot.epoch in moments or run.done):
            yield record
            continue
        if data != "digits":
            maps.append(nets.predict(plane)[0, :, 0].sigmoid().numpy().reshape(SIDE, SIDE))
        loss = curves(seen, "loss")
        bests.append(int(best.at[0]))
        verdicts.append(parts.verdicts(loss["validation"]))
        gone = run.diverged_at[0]
        record = Training(
            data,
            epochs,
            named,
            wrong,
            loss,
            curves(seen, "accuracy"),
            np.append(moments[moments < snapshot.epoch], snapshot.epoch),
            axis,
            np.stack(maps) if maps else np.empty((0, SIDE, SIDE), np.float32),
            np.array(bests),
            tuple(verdicts),
            None if np.isnan(gone) else int(gone),
            inputs,
            nets.layers,
            best.tensors["theta"][0].numpy().copy(),
            nets.theta[0].numpy().copy(),
        )
        yield record


def curves(seen: Sequence[Snapshot], name: str, net: int = 0) -> dict[str, np.ndarray]:
    """One number of one net along the snapshots, for each part."""
    return {part: np.array([snapshot.values[part][name][net] for snapshot in seen]) for part in PARTS}
