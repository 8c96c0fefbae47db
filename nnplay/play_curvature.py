"""The largest curvature of the loss along the Playground's run, against what the learning rate bears."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnplay.play_net import Settings, takes_settings
from nnplay.records import Table
from nnplay.training import top_eigenvalue

_MOMENTS = 150
_PULSE = 60
_PRODUCTS = 25


@dataclass(frozen=True, slots=True)
class Curvatures:
    """A run at T moments so far; `done` when no more will come.

    `epoch`, `loss` (of the training points), `top`, the largest eigenvalue of the loss's Hessian there, its
    `error`, and `limit`, 2 (1 + momentum) / lr at that moment, all (T,). `plain`: the optimizer is SGD
    without a schedule's or a preconditioner's own scale, so that the limit applies to it. `diverged_at`:
    epoch or NaN.
    """

    settings: Settings
    epoch: np.ndarray
    last_epoch: int
    loss: np.ndarray
    top: np.ndarray
    error: np.ndarray
    limit: np.ndarray
    plain: bool
    diverged_at: float
    done: bool

    def table(self) -> Table:
        return {
            "epoch": self.epoch.tolist(),
            "train loss": self.loss.tolist(),
            "top eigenvalue": self.top.tolist(),
            "known to within": self.error.tolist(),
            "limit": self.limit.tolist(),
        }


@takes_settings
def curvature(*, full_batch: bool = True, **settings: Any) -> Iterator[Curvatures]:
    """Train, and measure the largest eigenvalue of the training loss's Hessian on the way.

    Gradient descent cannot settle where it is above 2 / lr, with momentum above 2 (1 + momentum) / lr. On
    full batches it tends to rise to that limit and to stay there: the edge of stability (Cohen and others,
    2021). `full_batch`: all points in one batch, whatever the `batch_size`. The rest is as in
    nnplay.play_net.Settings. Yields the run so far, at up to 150 moments.
    """
    if full_batch:
        settings["batch_size"] = 2000
    chosen = Settings(**settings)
    points = chosen.data()
    run = chosen.start(points)
    times = np.unique(np.linspace(0, chosen.epochs, min(chosen.epochs, _MOMENTS) + 1).round()).astype(int)
    loss, top, error, limit = np.full((4, len(times)), np.nan)
    name = chosen.loss_of(points.classes)
    x, y = run.data.train
    start, record = None, None
    momentum = chosen.hyper().get("momentum", 0.0)
    for t, time in enumerate(times):
        goal = run.step + (time - run.epoch) * run.steps_per_epoch
        while run.step < goal and not run.done:
            run.advance(min(_PULSE, goal - run.step))
            if record and run.step < goal:
                yield record
        loss[t] = run.snapshot().values["train"]["loss"][0]
        if np.isnan(run.diverged_at[0]):
            found = top_eigenvalue(
                run.nets.sequential(), x, y, name, start=start, seed=chosen.seed, max_products=_PRODUCTS
            )
            start = found.vector if np.isfinite(found.value) else None
            top[t], error[t] = found.value, found.error
        limit[t] = 2 * (1 + momentum) / run.lr[0] if run.lr[0] > 0 else np.inf
        now = slice(t + 1)
        over = bool(time == times[-1] or run.done)
        record = Curvatures(
            chosen,
            times[now],
            chosen.epochs,
            loss[now],
            top[now],
            error[now],
            limit[now],
            chosen.optimizer == "SGD",
            float(run.diverged_at[0]),
            over,
        )
        yield record
        if over:
            return
