"""64 nets at once against the same 64 one by one: model-epochs a second, the floor measured in the same run.

    python benchmarks/training.py [--rounds 21] [--all]

The floor is plain torch: nn.Sequential, an nn loss and torch.optim; the data is shuffled each epoch
and cut into batches of 10 of its 250 points. Both start from the same weights and see the same
batches; the last column says how far apart their training losses are after three epochs. On one
torch thread. Rounds of the two alternate, so that a busy machine slows both, and the ratio is that of
a round. `--all` adds other activations, optimizers and layers, of which nothing is promised.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from nnplay.batched import Layer, Nets, reseed
from nnplay.training import Data, Run

NETS, ROWS, BATCH, PROMISE = 64, 250, 10, 100
EPOCHS = 20  # of the nets at once, in a round
FEW = 4  # nets that the floor trains in a round, two epochs each; the next round takes the next ones

SHAPES = {"2-4-2-1": (4, 2), "2-8-8-8-1": (8, 8, 8)}
LR = {"SGD": 0.03, "Adam": 0.003, "RMSprop": 0.003, "Adagrad": 0.01}
CASES: list[tuple[str, str, str, dict[str, Any]]] = [
    (shape, optimizer, "Tanh", {}) for shape in SHAPES for optimizer in ("SGD", "Adam")
]
MORE = [
    ("2-8-8-8-1", "RMSprop", "Tanh", {}),
    ("2-8-8-8-1", "Adagrad", "Tanh", {}),
    ("2-8-8-8-1", "SGD", "ReLU", {}),
    ("2-8-8-8-1", "SGD", "GELU", {}),
    ("2-8-8-8-1", "SGD", "Mish", {}),  # an activation that goes through autograd
    ("2-8-8-8-1", "SGD", "Tanh", {"batch_norm": True}),
    ("2-8-8-8-1", "SGD", "Tanh", {"dropout": 0.2}),
]


def data() -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.rand(ROWS, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return x, torch.sign(x[:, :1] * x[:, 1:])


class OneByOne:
    """The floor: each net as a torch user would train it."""

    def __init__(self, nets: Nets, optimizer: str) -> None:
        self.x, self.y = data()
        self.seeds, self.loss, self.generator = nets.seeds, torch.nn.MSELoss(), torch.Generator()
        self.modules = [nets.sequential(k).train() for k in range(nets.k)]
        self.optimizers = [
            getattr(torch.optim, optimizer)(m.parameters(), lr=LR[optimizer]) for m in self.modules
        ]

    def epoch(self, epoch: int, nets: range) -> None:
        for k in nets:
            module, optimizer = self.modules[k], self.optimizers[k]
            order = torch.randperm(ROWS, generator=reseed(self.generator, self.seeds[k], "order", epoch))
            x, y = self.x[order], self.y[order]
            for x_batch, y_batch in zip(x.split(BATCH), y.split(BATCH)):
                optimizer.zero_grad()
                self.loss(module(x_batch), y_batch).backward()
                optimizer.step()


def build(nets: int, shape: str, activation: str, extra: dict[str, Any]) -> Nets:
    layers = [*(Layer(units, activation, **extra) for units in SHAPES[shape]), Layer(1, activation)]
    return Nets(2, layers, range(nets))


def at_once(nets: Nets, optimizer: str) -> Run:
    return Run(nets, Data(data()), optimizer=optimizer, lr=LR[optimizer], batch_size=BATCH, epochs=10**6)


def measure(rounds: int, shape: str, optimizer: str, activation: str, extra: dict[str, Any]) -> np.ndarray:
    """Model-epochs a second of 64 nets at once, of one net in the same way and of the floor: (3, rounds)."""
    start = build(NETS, shape, activation, extra)
    many, one, floor = (
        at_once(start.copy(), optimizer),
        at_once(start.take([0]), optimizer),
        OneByOne(start, optimizer),
    )
    found = np.empty((3, rounds))
    for i in range(-1, rounds):  # the first round warms up
        nets = range(i * FEW % NETS, i * FEW % NETS + FEW)
        times = [time.perf_counter()]
        many.advance_epochs(EPOCHS)
        times.append(time.perf_counter())
        one.advance_epochs(EPOCHS)
        times.append(time.perf_counter())
        for epoch in range(2):
            floor.epoch(epoch, nets)
        times.append(time.perf_counter())
        found[:, i] = np.array([NETS * EPOCHS, EPOCHS, 2 * FEW]) / np.diff(times)
    return found


def apart(shape: str, optimizer: str, activation: str, extra: dict[str, Any]) -> str:
    """The largest distance of training losses of 8 nets after three epochs, at once and one by one."""
    if "dropout" in extra:
        return "-"  # torch's own dropout draws masks of its own
    nets = build(8, shape, activation, extra)
    floor, run = OneByOne(nets, optimizer), at_once(nets, optimizer)
    for epoch in range(3):
        floor.epoch(epoch, range(nets.k))
    run.advance_epochs(3)
    with torch.no_grad():
        theirs = [float(floor.loss(module.eval()(floor.x), floor.y)) for module in floor.modules]
    return f"{np.abs(run.snapshot().values['train']['loss'] - theirs).max():.0e}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--all", action="store_true", help="other activations, optimizers and layers too")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"| {NETS} nets at once | model-epochs/s p50, p5 | one by one p50, p95 | ratio p50, p5 | promise "
          "| one net alone | losses apart |")  # fmt: skip
    print("| --- | --- | --- | --- | --- | --- | --- |")
    missed = False
    for case in CASES + (MORE if arguments.all else []):
        many, one, floor = measure(arguments.rounds, *case)
        ratio, low = np.percentile(many / floor, [50, 5])
        promise = f"{PROMISE}x" if case in CASES else "-"
        missed |= case in CASES and ratio < PROMISE
        shape, optimizer, activation, extra = case
        name = " ".join([shape, optimizer, activation, *(f"{k}={v}" for k, v in extra.items())])
        cells = [
            name,
            "{:.0f}, {:.0f}".format(*np.percentile(many, [50, 5])),
            "{:.0f}, {:.0f}".format(*np.percentile(floor, [50, 95])),
            f"{ratio:.0f}x, {low:.0f}x",
            promise,
            f"{np.median(one / floor):.1f}x",
            apart(*case),
        ]
        print(f"| {' | '.join(cells)} |", flush=True)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
