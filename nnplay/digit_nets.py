"""Small convolutional nets on the handwritten digits, K of them trained as one.

The 8 x 8 digits are drawn at 12 x 12 in the middle of 16 x 16 pixels, so that they can be turned and shifted
without being cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnplay import images
from nnplay.vision import v2

SIDE = 16
CHANNELS = (8, 16)
HELD_OUT = 400
"""Digits that no net here is trained on."""


@lru_cache(maxsize=1)
def digits() -> tuple[Tensor, Tensor]:
    """All digits, uint8 (1797, 1, 16, 16), and their labels (1797,). Shared: do not write."""
    data = images.load("digits")
    larger = v2.functional.resize(torch.tensor(data.pixels), [12, 12], antialias=True)
    return v2.functional.pad(larger, [2, 2, 2, 2]), torch.tensor(data.labels)


@lru_cache(maxsize=1)
def split() -> tuple[Tensor, Tensor]:
    """The digits' numbers in an order that is always the same: those to train on, and the held out ones."""
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(digits()[1])))
    return order[HELD_OUT:], order[:HELD_OUT]


def few(per_class: int, seed: int) -> Tensor:
    """Numbers of so many training digits of each class, (10 * per_class,), class by class."""
    random, (train, _) = np.random.default_rng(seed), split()
    labels = digits()[1][train].numpy()
    chosen = [random.choice(np.flatnonzero(labels == digit), per_class, replace=False) for digit in range(10)]
    return train[torch.from_numpy(np.concatenate(chosen))]


def sequential() -> nn.Sequential:
    """One of these nets in torch's own layers, with weights that nobody has set."""
    one, two = CHANNELS
    return nn.Sequential(
        nn.utils.skip_init(nn.Conv2d, 1, one, 3, 2, 1),
        nn.ReLU(),
        nn.utils.skip_init(nn.Conv2d, one, two, 3, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.utils.skip_init(nn.Linear, two * (SIDE // 4) ** 2, 10),
    )


@lru_cache(maxsize=1)
def _names() -> tuple[str, ...]:
    return tuple(sequential().state_dict())


class Nets:
    """K nets of two convolutions (3 x 3, stride 2, ReLU) and a linear layer; He initialization.

    Net k begins as `seeds[k]` says; equal seeds are equal nets. As one grouped convolution they cost little
    more than one net.
    """

    def __init__(self, seeds: list[int]) -> None:
        starts = {seed: self._start(seed) for seed in set(seeds)}
        self.count = len(seeds)
        first, second, last = (
            torch.stack(parts) for parts in zip(*(starts[seed] for seed in seeds), strict=True)
        )
        self.parameters = [
            first.flatten(0, 1),
            torch.zeros(self.count * CHANNELS[0]),
            second.flatten(0, 1),
            torch.zeros(self.count * CHANNELS[1]),
            last,
            torch.zeros(self.count, 1, 10),
        ]
        for parameter in self.parameters:
            parameter.requires_grad_()

    @staticmethod
    def _start(seed: int) -> tuple[Tensor, Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        one, two = CHANNELS
        pixels = two * (SIDE // 4) ** 2
        shapes = (((one, 1, 3, 3), 9), ((two, one, 3, 3), 9 * one), ((pixels, 10), pixels))
        return tuple(
            torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5 for shape, fan_in in shapes
        )

    def __call__(self, x: Tensor) -> Tensor:
        """x (n, 1 or K, 16, 16) from 0 to 1, the same for all nets or each its own: logits (K, n, 10)."""
        w1, b1, w2, b2, w3, b3 = self.parameters
        x = x.expand(-1, self.count, -1, -1)
        for weight, bias in ((w1, b1), (w2, b2)):
            x = F.relu(F.conv2d(x, weight, bias, stride=2, padding=1, groups=self.count))
        return torch.baddbmm(b3, x.reshape(len(x), self.count, -1).transpose(0, 1), w3)

    def state(self, net: int) -> dict[str, Tensor]:
        """The weights of one net, by the names that they have in `sequential`."""
        first, second, last = self.parameters[::2]
        own = [
            *(each.view(self.count, -1, *each.shape[1:])[net] for each in (first, self.parameters[1])),
            *(each.view(self.count, -1, *each.shape[1:])[net] for each in (second, self.parameters[3])),
            last[net].T,
            self.parameters[5][net, 0],
        ]
        return dict(zip(_names(), (each.detach().clone() for each in own)))

    @torch.no_grad()
    def probabilities(self, pixels: Tensor) -> Tensor:
        """pixels uint8 (n, 1, 16, 16): (K, n, 10)."""
        return torch.cat([self(part / 255).softmax(-1) for part in pixels.split(500)], 1)

    def accuracy(self, pixels: Tensor, labels: Tensor) -> np.ndarray:
        """Of each net, (K,), 0 to 1."""
        return (self.probabilities(pixels).argmax(-1) == labels).float().mean(1).numpy()


def train(
    nets: Nets,
    batches: Callable[[int], Iterator[tuple[Tensor, Tensor]]],
    steps: int,
    epochs: int,
    lr: float,
) -> Iterator[tuple[int, np.ndarray]]:
    """Train by Adam under a one-cycle learning rate, whose peak is `lr`.

    `batches(epoch)` yields so many `steps` times pixels (n, 1 or K, 16, 16) from 0 to 1 and targets
    (1 or K, n, 10), probabilities. Yields after each step its number, from 1 on, and each net's mean
    cross-entropy on the batch, (K,).
    """
    optimizer = torch.optim.Adam(nets.parameters, lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps * epochs)
    batch_of_all = (batch for epoch in range(1, epochs + 1) for batch in batches(epoch))
    for step, (x, y) in enumerate(batch_of_all, 1):
        loss = -(y * nets(x).log_softmax(-1)).sum(-1).mean(1)
        optimizer.zero_grad()
        loss.sum().backward()  # no two nets share a weight: each has its own gradient
        optimizer.step()
        schedule.step()
        yield step, loss.detach().numpy()


@lru_cache(maxsize=1)
def reader() -> Nets:
    """A net that has learned all training digits, turned and shifted a little: it says what a digit looks
    like. Half a second at its first call."""
    pixels, labels = digits()
    numbers = split()[0]
    x, y = pixels[numbers], F.one_hot(labels[numbers], 10).float()

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        random = np.random.default_rng(epoch)
        for rows in torch.from_numpy(random.permutation(len(x))).split(32):
            yield torch.cat([_moved(x[part], random) for part in rows.split(16)]) / 255, y[rows][None]

    nets = Nets([0])
    for _ in train(nets, batches, -(-len(x) // 32), 8, 0.02):
        pass
    for parameter in nets.parameters:
        parameter.requires_grad_(False)
    return nets


def _moved(pixels: Tensor, random: np.random.Generator) -> Tensor:
    angle, shift = float(random.uniform(-15, 15)), random.integers(-1, 2, 2).tolist()
    bilinear = v2.InterpolationMode.BILINEAR
    return v2.functional.affine(pixels, angle, shift, 1.0, [0.0], interpolation=bilinear)
