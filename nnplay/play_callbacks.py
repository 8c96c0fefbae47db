"""The Playground's callbacks: what is hung into a run, and when each of them does something."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nnplay.callbacks import Checkpoint, EarlyStopping, TensorBoard, TextLog
from nnplay.limits import check
from nnplay.play_net import Settings, takes_settings
from nnplay.records import Table
from nnplay.training import Fired, Run

RANGES = {"patience": (1, 200), "verbose": (0, 2)}
CHOICES = {"monitor": ("loss", "accuracy")}
_MOMENTS = 300
_PULSE = 60


@dataclass(frozen=True, slots=True)
class Watched:
    """A run at T moments so far, epoch by epoch unless there are many; `done` when no more will come.

    `epoch`, `lr` (T,); `loss`, `metric` (T, 2): of the training points and the held-out ones, which are for
    validation here. `fired`: what the callbacks did, with the epoch. `lines`: the text log so far. `best_at`:
    the epoch that the checkpoint holds, or None.
    """

    settings: Settings
    metric_name: str
    epoch: np.ndarray
    last_epoch: int
    lr: np.ndarray
    loss: np.ndarray
    metric: np.ndarray
    fired: tuple[Fired, ...]
    lines: tuple[str, ...]
    best_at: int | None
    done: bool
    run: Run

    def table(self) -> Table:
        """A row for each time that a callback did something."""
        return {
            "epoch": [fired.epoch for fired in self.fired],
            "callback": [fired.callback for fired in self.fired],
            "what": [fired.what for fired in self.fired],
        }

    def downloads(self) -> Mapping[str, Callable[[], bytes | str]]:
        """Files by name: the weights at the end, and of the callbacks that there are what they keep."""
        files: dict[str, Callable[[], bytes | str]] = {"weights.pt": lambda: _weights(self.run)}
        for callback in self.run.callbacks:
            if type(callback) is Checkpoint:
                files["best-weights.pt"] = lambda c=callback: _weights(self.run, c.tensors)
            elif isinstance(callback, TensorBoard):
                files |= {"history.csv": callback.csv, callback.file_name(): callback.events}
            elif isinstance(callback, TextLog) and callback.verbose:
                files["log.txt"] = lambda c=callback: "\n".join(c.lines)
        return files


def _weights(run: Run, tensors: Mapping[str, torch.Tensor] | None = None) -> bytes:
    """The state_dict of the net, of now or of a checkpoint, for torch.load(..., weights_only=True)."""
    nets = run.nets.copy()
    if tensors:
        nets.theta.copy_(tensors["theta"])
        for name, buffer in nets.buffers.items():
            buffer.copy_(tensors[f"nets.{name}"])
    into = io.BytesIO()
    torch.save(nets.sequential().state_dict(), into)
    return into.getvalue()


@takes_settings
def callbacks(
    *,
    early_stopping: bool = True,
    patience: int = 20,
    restore_best: bool = True,
    checkpoint: bool = True,
    logger: bool = True,
    verbose: int = 2,
    monitor: str = "loss",
    **settings: Any,
) -> Iterator[Watched]:
    """A run with callbacks of nnplay.callbacks, each there or not; the held-out points are for validation.

    `monitor`: what early stopping and the checkpoint watch on them. `verbose` is that of the text log. The
    rest is as in nnplay.play_net.Settings. Yields the run so far.
    """
    check({"patience": patience, "verbose": verbose, "monitor": monitor}, RANGES, CHOICES)
    chosen = Settings(**settings)
    points = chosen.data()
    name = chosen.metric(points.classes)
    metric = "loss" if monitor == "loss" else name
    log = TextLog(verbose)
    hung = [log]
    if checkpoint:
        hung.append(Checkpoint(metric))
    if early_stopping:
        hung.append(EarlyStopping(patience, metric, restore_best=restore_best))
    if logger:
        hung.append(TensorBoard())
    run = chosen.start(points, callbacks=hung, held="validation")
    times = np.unique(np.linspace(0, chosen.epochs, min(chosen.epochs, _MOMENTS) + 1).round()).astype(int)
    losses, metrics = np.full((2, len(times), 2), np.nan)
    lr, epoch, record = np.zeros(len(times)), np.zeros(len(times), int), None
    for t, time in enumerate(times):
        goal = run.step + (time - run.epoch) * run.steps_per_epoch
        while run.step < goal and not run.done:
            run.advance(min(_PULSE, goal - run.step))
            if record and run.step < goal and not run.done:
                yield record
        values = run.snapshot().values
        losses[t] = [values[part]["loss"][0] for part in ("train", "validation")]
        metrics[t] = [values[part][name][0] for part in ("train", "validation")]
        lr[t], epoch[t] = run.lr[0], run.epoch
        now = slice(t + 1)
        over = bool(time == times[-1] or run.done)
        record = Watched(
            chosen,
            name,
            epoch[now],
            chosen.epochs,
            lr[now],
            losses[now],
            metrics[now],
            tuple(run.fired),
            tuple(log.now(run)),
            int(hung[1].at[0]) if checkpoint else None,
            over,
            run,
        )
        yield record
        if over:
            return
