"""The Playground's nets from many seeds at once: what of a run is the setting, and what is the start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nnplay.limits import check
from nnplay.play_data import Points
from nnplay.play_net import Settings, takes_settings
from nnplay.play_train import SIDE, as_bytes, classes_as_bytes, plane
from nnplay.records import Table

RANGES = {"nets": (2, 64)}
SOLVED = 0.95
"""A net has solved its task where its accuracy, or R², on the test points is at least this at the end."""
_MOMENTS = 100
_PULSE = 10  # updates of all nets between two looks at the clock


@dataclass(frozen=True, slots=True)
class Seeds:
    """K nets of the same settings, from seeds `seeds` (K,), at T moments so far; `done` when no more will
    come.

    `epoch` (T,); `loss`, `metric` (T, K, 2): of training and test points, NaN once a net has diverged.
    `solved` (K,): see SOLVED, at the last moment. `examples` (3,): the best, the median and the worst
    net by the test metric, and `maps` (3, SIDE²) their outputs as bytes.
    """

    settings: Settings
    points: Points
    metric_name: str
    seeds: np.ndarray
    epoch: np.ndarray
    loss: np.ndarray
    metric: np.ndarray
    solved: np.ndarray
    examples: np.ndarray
    maps: np.ndarray
    done: bool

    @property
    def share(self) -> float:
        """Of the nets that have solved it."""
        return float(self.solved.mean())

    def table(self) -> Table:
        """A row for each net."""
        return {
            "seed": self.seeds.tolist(),
            "train loss": self.loss[-1, :, 0].tolist(),
            "test loss": self.loss[-1, :, 1].tolist(),
            f"test {self.metric_name}": self.metric[-1, :, 1].tolist(),
            "solved": self.solved.tolist(),
        }


@takes_settings
def seeds(*, nets: int = 32, **settings: Any) -> Iterator[Seeds]:
    """`nets` nets with the seeds seed, seed + 1, ..., trained as one computation on the same points.

    The rest is as in nnplay.play_net.Settings. Yields the runs so far, at up to 100 moments. Raises
    ValueError for settings that make no sense.
    """
    check({"nets": nets}, RANGES, {})
    chosen = Settings(**settings)
    points = chosen.data()
    numbers = np.arange(chosen.seed, chosen.seed + nets)
    run = chosen.start(points, numbers.tolist())
    times = np.unique(np.linspace(0, chosen.epochs, min(chosen.epochs, _MOMENTS) + 1).round()).astype(int)
    loss, metric = np.full((2, len(times), nets, 2), np.nan)
    name = chosen.metric(points.classes)
    grid = torch.from_numpy(chosen.features(plane(SIDE)))
    record = None
    for t, time in enumerate(times):
        goal = run.step + (time - run.epoch) * run.steps_per_epoch
        while run.step < goal and not run.done:
            run.advance(min(_PULSE, goal - run.step))
            if record and run.step < goal:
                yield record
        values = run.snapshot().values
        going = np.isnan(run.diverged_at)
        for p, part in enumerate(("train", "test")):
            loss[t, going, p] = values[part]["loss"][going]
            metric[t, going, p] = values[part][name][going]
        over = bool(time == times[-1] or run.done)
        ranked = np.argsort(-np.nan_to_num(metric[t, :, 1], nan=-np.inf), kind="stable")
        examples = ranked[[0, nets // 2, -1]]
        shown = chosen.shown(run.nets.take(examples).predict(grid).mT, points.classes)
        maps = [classes_as_bytes(each) if points.classes > 2 else as_bytes(each) for each in shown]
        record = Seeds(
            chosen,
            points,
            name,
            numbers,
            times[: t + 1],
            loss[: t + 1],
            metric[: t + 1],
            metric[t, :, 1] >= SOLVED,
            examples,
            np.stack(maps),
            over,
        )
        yield record
        if over:
            return
