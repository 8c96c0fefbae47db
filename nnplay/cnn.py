"""A small convolutional network on the digits: trained in half a second, and looked into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from nnplay import pictures
from nnplay.limits import check
from nnplay.records import Table

EPOCHS = 8
BATCH = 32
LR = 0.02
HELD_OUT = 360  # digits that the network never trains on
LAYERS = ("conv1", "relu1", "pool1", "conv2", "relu2", "pool2")
RANGES = {
    "sample": pictures.SAMPLE,
    "unit_channel": (0, 15),
    "unit_row": (0, 7),
    "unit_col": (0, 7),
    "seed": pictures.SEED,
}
CHOICES = {"layer_name": LAYERS}


@dataclass(frozen=True, slots=True)
class Training:
    """After `epoch` passes over the training digits: mean loss of the pass, held-out accuracy (0 to 1)."""

    epoch: int
    loss: float
    accuracy: float
    net: nn.Sequential


def build(generator: torch.Generator) -> nn.Sequential:
    """Two blocks of convolution, batch norm, ReLU and max pooling, then a linear layer; He initialization."""
    parts = {}
    for block, (ins, outs) in enumerate(((1, 8), (8, 16)), start=1):
        # Batch norm brings the bias. skip_init leaves the global generator alone.
        parts[f"conv{block}"] = nn.utils.skip_init(nn.Conv2d, ins, outs, 3, padding=1, bias=False)
        parts[f"norm{block}"] = nn.BatchNorm2d(outs)
        parts[f"relu{block}"] = nn.ReLU()
        parts[f"pool{block}"] = nn.MaxPool2d(2)
    parts["flat"] = nn.Flatten()
    parts["linear"] = nn.utils.skip_init(nn.Linear, 16 * 2 * 2, 10)
    for part in parts.values():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=generator)
    nn.init.zeros_(parts["linear"].bias)
    net = nn.Sequential()
    for name, part in parts.items():
        net.add_module(name, part)
    return net


@lru_cache(maxsize=8)
def split(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The digits' numbers, shuffled: those to train on and the `HELD_OUT` ones."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(pictures.digits()[1]), generator=generator)
    return order[HELD_OUT:], order[:HELD_OUT]


def train_cnn(*, seed: int = 0) -> Iterator[Training]:
    """Train the network by Adam under a one-cycle learning rate; yields after each of `EPOCHS` passes."""
    check(locals(), RANGES, CHOICES)
    images, labels = pictures.digits()
    x, y = torch.from_numpy(images)[:, None], torch.tensor(labels)
    train, held_out = split(seed)
    generator = torch.Generator().manual_seed(seed)
    net = build(generator)
    optimizer = torch.optim.Adam(net.parameters(), lr=LR)
    batches = -(-len(train) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=EPOCHS * batches)
    for epoch in range(1, EPOCHS + 1):
        net.train()
        total = 0.0
        for batch in train[torch.randperm(len(train), generator=generator)].split(BATCH):
            loss = F.cross_entropy(net(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        net.eval()
        with torch.no_grad():
            accuracy = (net(x[held_out]).argmax(1) == y[held_out]).float().mean().item()
        yield Training(epoch, total / len(train), accuracy, net)


@lru_cache(maxsize=16)
def trained(seed: int) -> tuple[Training, ...]:
    """The finished course of `train_cnn`, kept: all visitors look into one network, and none changes it."""
    course = tuple(train_cnn(seed=seed))
    course[-1].net.requires_grad_(False)
    return course


@dataclass(frozen=True, slots=True)
class Field:
    """The receptive field of a layer's units, in pixels of the input (the same along both axes).

    Unit i reads `size` pixels, from `start + i * jump` on (below 0: padding).
    """

    layer: str
    kernel: int
    stride: int
    size: int
    jump: int
    start: int


def fields(net: nn.Sequential) -> dict[str, Field]:
    """The receptive field after each layer, by recursion (Araujo et al. 2019, "Computing Receptive Fields").

    A layer with kernel k, stride s and padding p reads (k - 1) * jump pixels
    more, begins p * jump earlier, and makes the jump s times as large.
    """
    size, jump, start = 1, 1, 0
    result = {}
    for name, part in net.named_children():
        k, s, p = 1, 1, 0
        if isinstance(part, nn.Conv2d):
            k, s, p = part.kernel_size[0], part.stride[0], part.padding[0]
        elif isinstance(part, nn.MaxPool2d):
            k, s, p = part.kernel_size, part.stride, part.padding
        elif isinstance(part, nn.Flatten):
            break
        size, start, jump = size + (k - 1) * jump, start - p * jump, jump * s
        result[name] = Field(name, k, s, size, jump, start)
    return result


@dataclass(frozen=True, slots=True)
class Features:
    """What the trained network sees in a digit, float32.

    digit (8, 8); maps: by layer, (channels, rows, columns); probabilities (10,);
    label: what it is; held_out: whether the network never trained on it. For
    the chosen unit, (channel, row, column) of `layer`: box, the first and last
    input row, first and last input column that it reads (inclusive; outside
    the picture is padding); gradient (8, 8) of the unit by the pixels of
    this digit; effective (8, 8), the mean absolute gradient over the held-out
    digits. loss and accuracy (EPOCHS,) of the training.
    """

    digit: np.ndarray
    label: int
    held_out: bool
    maps: dict[str, np.ndarray]
    probabilities: np.ndarray
    layer: str
    unit: tuple[int, int, int]
    fields: dict[str, Field]
    box: tuple[int, int, int, int]
    gradient: np.ndarray
    effective: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray

    def table(self) -> Table:
        """Layer by layer, what a unit reads."""
        chosen = [self.fields[layer] for layer in LAYERS]
        return {
            "layer": list(LAYERS),
            "channels": [len(self.maps[layer]) for layer in LAYERS],
            "map": [f"{self.maps[layer].shape[1]} × {self.maps[layer].shape[2]}" for layer in LAYERS],
            "kernel": [field.kernel for field in chosen],
            "stride": [field.stride for field in chosen],
            "receptive field": [f"{field.size} × {field.size}" for field in chosen],
            "jump": [field.jump for field in chosen],
        }


def features(
    *,
    sample: int = 0,
    layer_name: str = "conv2",
    unit_channel: int = 0,
    unit_row: int = 1,
    unit_col: int = 1,
    seed: int = 0,
) -> Features:
    """Feature maps of the small network for a digit, and the receptive field of one unit.

    The first call for a `seed` trains the network (see `train_cnn`). A unit
    that the layer does not have moves to the nearest that it has.
    """
    check(locals(), RANGES, CHOICES)
    course = trained(seed)
    net = course[-1].net
    images, labels = pictures.digits()
    held_out = split(seed)[1]
    x = torch.from_numpy(images[sample])[None, None]
    maps = {}
    with torch.no_grad():
        for name, part in net.named_children():
            x = part(x)
            if name in LAYERS:
                maps[name] = x[0].numpy()
    shape = maps[layer_name].shape
    unit = tuple(min(i, n - 1) for i, n in zip((unit_channel, unit_row, unit_col), shape, strict=True))
    known = fields(net)
    field = known[layer_name]
    first = [field.start + i * field.jump for i in unit[1:]]
    batch = torch.from_numpy(np.concatenate([images[sample : sample + 1], images[held_out.numpy()]]))
    gradients = unit_gradient(net, layer_name, unit, batch[:, None])
    return Features(
        digit=images[sample],
        label=int(labels[sample]),
        held_out=bool((held_out == sample).any()),
        maps=maps,
        probabilities=x.softmax(1)[0].numpy(),
        layer=layer_name,
        unit=unit,
        fields=known,
        box=(first[0], first[0] + field.size - 1, first[1], first[1] + field.size - 1),
        gradient=gradients[0],
        effective=np.abs(gradients[1:]).mean(0),
        loss=np.array([state.loss for state in course]),
        accuracy=np.array([state.accuracy for state in course]),
    )


def unit_gradient(
    net: nn.Sequential, layer: str, unit: tuple[int, int, int], batch: torch.Tensor
) -> np.ndarray:
    """The gradient of a layer's unit (channel, row, column) by the pixels of each picture.

    `batch` is (n, 1, height, width), the result (n, height, width).
    """
    pixels = batch.clone().requires_grad_()
    x = pixels
    for name, part in net.named_children():
        x = part(x)
        if name == layer:
            break
    channel, row, column = unit
    return torch.autograd.grad(x[:, channel, row, column].sum(), pixels)[0][:, 0].numpy()
