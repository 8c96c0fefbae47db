"""What a chain of transforms is worth: equal nets from the same start, with and without it, on few digits."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nnplay import chains, digit_nets
from nnplay.drawn import global_generator
from nnplay.limits import SEED, check
from nnplay.records import Table
from nnplay.vision import v2

ARMS = ("without", "with")
TESTS = ("clean", "rotated", "shifted", "noisy")
TURN, SHIFT, NOISE = 45, 2, 0.3
"""What the test digits went through: up to so many degrees, so many of 16 pixels, noise of that sigma."""

ANGLES = np.arange(-180, 181, 15)
ANGLE_DIGITS = 150
GROUP = 10
"""Digits that share what is drawn, anew in each epoch: that costs a tenth of drawing for each."""

BATCH = 25
MOMENTS = 20
PICTURES = 800
"""A run is at most about so many pictures long."""

RANGES = {
    "per_class": (2, 40),
    "seeds": (2, 8),
    "epochs": (10, 200),
    "lr": (0.0001, 0.1),
    "seed": SEED,
}


@dataclass(frozen=True, slots=True)
class Payoff:
    """Two nets for each of S seeds, without and with the chain: axis `arm` as `ARMS`.

    `epochs` (T,): how far the run was at each picture, in epochs, of `of`; 0 first. `loss` (T, arm, S): of
    training, the mean over the batches of the epoch that ends there; NaN at 0. `moments` (M,): epochs at
    which the nets were tested, 0 among them; `tested` (T,): which of these was the last; `accuracy` (M, arm,
    S, test), 0 to 1, as `TESTS`; `by_angle` (M, arm, S, angle): on digits all turned by each of `angles`
    degrees, NaN at moments without that test. `shown` uint8 (M, 10, 16, 16): training digits as the nets with
    the chain saw them last, one of each class.
    `weights`: of the first seed's two nets, for `nnplay.digit_nets.sequential`.
    """

    of: int
    epochs: np.ndarray
    loss: np.ndarray
    moments: np.ndarray
    tested: np.ndarray
    accuracy: np.ndarray
    angles: np.ndarray
    by_angle: np.ndarray
    shown: np.ndarray
    weights: tuple[Mapping[str, Tensor], Mapping[str, Tensor]]
    chain: tuple[chains.Stage, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the transforms in the chain."""
        return tuple(stage.transform.label for stage in self.chain)

    def gain(self, test: str) -> np.ndarray:
        """Accuracy with less that without the chain at the last moment, (S,)."""
        with_and_without = self.accuracy[-1, :, :, TESTS.index(test)]
        return with_and_without[1] - with_and_without[0]

    def table(self) -> Table:
        """Accuracies at the last moment: mean, least and most of the seeds."""
        last = self.accuracy[-1]
        rows = [(test, arm, last[i, :, j]) for j, test in enumerate(TESTS) for i, arm in enumerate(ARMS)]
        angles = [
            (f"turned by {angle}°", arm, self.by_angle[-1, i, :, j])
            for j, angle in enumerate(self.angles)
            for i, arm in enumerate(ARMS)
            if np.isfinite(self.by_angle[-1]).all()
        ]
        rows += angles
        return {
            "test digits": [test for test, _, _ in rows],
            "chain": [arm for _, arm, _ in rows],
            "mean accuracy": [float(values.mean()) for _, _, values in rows],
            "least": [float(values.min()) for _, _, values in rows],
            "most": [float(values.max()) for _, _, values in rows],
        }

    def script(self) -> str:
        return chains.script(self.chain, (digit_nets.SIDE,) * 2, 1)

    def downloads(self) -> Mapping[str, Callable[[], bytes | str]]:
        weights = {f"{arm}.pt": partial(_file, state) for arm, state in zip(ARMS, self.weights)}
        return {"chain.py": self.script, **weights}


@chains.takes_parameters
def payoff(
    *,
    chain: str = chains.DEFAULT,
    per_class: int = 10,
    seeds: int = 5,
    epochs: int = 60,
    lr: float = 0.01,
    seed: int = 0,
    **parameters: float,
) -> Iterator[Payoff]:
    """Train `seeds` pairs of equal nets on so many digits of each class: as they are, and through the chain.

    Both of a pair have the same start, the same digits and the same order of batches; pairs differ in all
    three. Yields after each batch, or where these are more than `PICTURES` after each second, third, ...
    Raises ValueError, with a sentence for the visitor, for what makes no sense.
    """
    check(locals(), RANGES, {})
    stages = chains.stages(chain, parameters)
    starts = [seed * 1000 + i for i in range(seeds)]
    pixels, labels = digit_nets.digits()
    chosen = torch.stack([digit_nets.few(per_class, start) for start in starts])
    x, y = pixels[chosen], F.one_hot(labels[chosen], 10).float()  # (S, n, 1, 16, 16), (S, n, 10)
    nets = digit_nets.Nets(starts * 2)
    rows = x.shape[1]
    seen = x

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        nonlocal seen
        orders = np.stack([np.random.default_rng([start, epoch]).permutation(rows) for start in starts])
        order = torch.from_numpy(orders)[..., None]
        along = torch.arange(seeds)[:, None]
        shuffled, targets = x[along, order[..., 0]], y[along, order[..., 0]]
        changed = chains.batch(stages, shuffled.flatten(0, 1), (seed, epoch), GROUP).view_as(shuffled)
        seen = torch.zeros_like(x)
        seen[along, order[..., 0]] = changed
        for i, start in enumerate(range(0, rows, BATCH)):
            part = slice(start, start + BATCH)
            mixed = [
                chains.mix(stages, changed[s, part] / 255, targets[s, part], (seed, epoch, i, s))
                for s in range(seeds)
            ]
            with_x, with_y = (torch.stack(each) for each in zip(*mixed))
            both = torch.cat([shuffled[:, part] / 255, with_x])
            yield both[:, :, 0].transpose(0, 1), torch.cat([targets[:, part], with_y])

    steps = -(-rows // BATCH)  # of an epoch
    every = -(-steps * epochs // PICTURES)
    test_at = set(np.unique(np.linspace(1, epochs, min(epochs, MOMENTS)).round().astype(int)).tolist())
    at, losses, tested = [0.0], [np.full((2, seeds), np.nan, np.float32)], [0]
    recent: deque[np.ndarray] = deque(maxlen=steps)
    moments, accuracy, shown = [0], [_tested(nets, seeds)], [seen[0, ::per_class, 0].numpy()]
    by_angle = [np.full((2, seeds, len(ANGLES)), np.nan, np.float32)]

    def record() -> Payoff:
        lists = (at, losses, moments, tested, accuracy)
        series = (np.array(each) for each in lists)
        told = np.array(by_angle), np.array(shown)
        return Payoff(epochs, *series, ANGLES, *told, (nets.state(0), nets.state(seeds)), stages)

    yield record()
    for step, loss in digit_nets.train(nets, batches, steps, epochs, lr):
        recent.append(loss.reshape(2, seeds))
        epoch, rest = divmod(step, steps)
        if testing := not rest and epoch in test_at:
            turned = len(moments) % 5 == 0 or epoch == epochs
            by_angle.append(_turned(nets, seeds) if turned else by_angle[0])
            moments.append(epoch)
            accuracy.append(_tested(nets, seeds))
            shown.append(seen[0, ::per_class, 0].numpy())
        if testing or step % every == 0:
            at.append(step / steps)
            losses.append(np.mean(recent, axis=0))
            tested.append(len(moments) - 1)
            yield record()


def _file(state: Mapping[str, Tensor]) -> bytes:
    into = io.BytesIO()
    torch.save(dict(state), into)
    return into.getvalue()


def _tested(nets: digit_nets.Nets, seeds: int) -> np.ndarray:
    """(arm, S, test)."""
    labels = digit_nets.digits()[1][digit_nets.split()[1]]
    return np.stack([nets.accuracy(tests()[test], labels).reshape(2, seeds) for test in TESTS], -1)


def _turned(nets: digit_nets.Nets, seeds: int) -> np.ndarray:
    """(arm, S, angle)."""
    labels = digit_nets.digits()[1][digit_nets.split()[1][:ANGLE_DIGITS]]
    said = nets.probabilities(turned().flatten(0, 1)).argmax(-1).view(2 * seeds, len(ANGLES), -1)
    return (said == labels).float().mean(-1).numpy().reshape(2, seeds, -1)


@lru_cache(maxsize=1)
def tests() -> dict[str, Tensor]:
    """The held out digits as they are, turned, shifted and noisy: uint8 (400, 1, 16, 16) each."""
    clean = digit_nets.digits()[0][digit_nets.split()[1]]
    random = np.random.default_rng(1)
    angles = random.uniform(-TURN, TURN, len(clean)).tolist()
    shifts = random.integers(-SHIFT, SHIFT + 1, (len(clean), 2)).tolist()
    moves = {
        "rotated": [_turn(digit, angle) for digit, angle in zip(clean, angles)],
        "shifted": [v2.functional.affine(d, 0.0, by, 1.0, [0.0]) for d, by in zip(clean, shifts)],
    }
    with global_generator() as generator:
        generator.manual_seed(1)
        noisy = v2.functional.gaussian_noise(clean, sigma=NOISE)
    return {"clean": clean, **{name: torch.stack(each) for name, each in moves.items()}, "noisy": noisy}


@lru_cache(maxsize=1)
def turned() -> Tensor:
    """`ANGLE_DIGITS` held out digits at each of `ANGLES`: uint8 (angle, digit, 1, 16, 16)."""
    digits = digit_nets.digits()[0][digit_nets.split()[1][:ANGLE_DIGITS]]
    return torch.stack([_turn(digits, float(angle)) for angle in ANGLES])


def _turn(pixels: Tensor, angle: float) -> Tensor:
    return v2.functional.rotate(pixels, angle, interpolation=v2.InterpolationMode.BILINEAR)
