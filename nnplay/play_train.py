"""The Playground's run: one net, drawn from moment to moment, with edited weights and a fork where wanted."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from nnplay.batched import Nets
from nnplay.callbacks import Callback, TensorBoard
from nnplay.limits import check
from nnplay.play_data import REACH, Points
from nnplay.play_net import CHOICES as SHARED_CHOICES
from nnplay.play_net import FEATURES, Settings, takes_settings
from nnplay.play_net import RANGES as SHARED_RANGES
from nnplay.records import Table
from nnplay.training import Run, Snapshot

SIDE = 48
"""Pixels along a side of the output's map."""
HOLE = 255
"""The byte of a map where there is no number."""
_MOMENTS = (60, 300)  # fewest and most that are kept of a run
_BYTES = 2_500_000  # that the moments of a run may take
_PULSE = 60  # updates between two looks at the clock

FORKS = ("lr", "optimizer", "momentum", "batch_size", "schedule", "l1", "l2", "dropout")
"""What the second run of a fork may do otherwise."""
RANGES = {
    "fork_at": (0, SHARED_RANGES["epochs"][1]),
    "stop_below": (0.0, 10.0),
    **{f"fork_{name}": SHARED_RANGES[name] for name in FORKS if name in SHARED_RANGES},
}
CHOICES = {
    "frame": ("epoch", "batch"),
    "fork": ("none", *FORKS),
    **{f"fork_{name}": SHARED_CHOICES[name] for name in FORKS if name in SHARED_CHOICES},
}


# --- edited weights ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edit:
    """At `time`, layer `layer`'s unit `unit` gets this weight from `input`, or, where that is 0, this bias.

    All three are counted from 1.
    """

    time: int
    layer: int
    unit: int
    input: int
    value: float

    def __str__(self) -> str:
        return f"{self.time}:{self.layer}.{self.unit}.{self.input or 'b'}={self.value:g}"


_EDIT = re.compile(r"(\d{1,6}):(\d{1,2})\.(\d{1,2})\.(\d{1,2}|b)=([-+.\deE]{1,24})")


def read_edits(text: str) -> tuple[Edit, ...]:
    """Edits such as "12:1.2.1=0.5 30:3.1.b=0": at epoch 12, layer 1, unit 2, input 1; a bias at epoch 30.

    Raises ValueError for anything else.
    """
    edits = []
    for part in re.split(r"[\s;,]+", text.strip()):
        if not part:
            continue
        found = _EDIT.fullmatch(part)
        try:
            value = float(found[5]) if found else math.nan
        except ValueError:
            value = math.nan
        if not abs(value) <= 1000:
            raise ValueError(
                f'"{part[:40]}" is not an edit of a weight. Write, for example, 12:1.2.1=0.5: at epoch 12, '
                "layer 1, unit 2, input 1 (b for the bias), a value from -1000 to 1000."
            )
        time, layer, unit = (int(found[i]) for i in (1, 2, 3))
        edits.append(Edit(time, layer, unit, 0 if found[4] == "b" else int(found[4]), value))
    return tuple(sorted(edits, key=lambda edit: edit.time))


def _apply(edit: Edit, nets: Nets) -> None:
    layer = edit.layer - 1
    try:
        if min(edit.layer, edit.unit) < 1 or edit.unit > nets.layers[layer].units:
            raise IndexError
        values = nets.weight(layer)[:, edit.unit - 1] if edit.input else nets.bias(layer)
        values[:, (edit.input or edit.unit) - 1] = edit.value
    except IndexError:
        raise ValueError(f"The edit {edit} names a weight that this net does not have.") from None


class StopBelow(Callback):
    """Ends a net's run after the first epoch whose training loss is below `limit`."""

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def epoch(self, run: Run, snapshot: Snapshot) -> None:
        below = (snapshot.values["train"]["loss"] < self.limit) & ~run.finished
        if below.any():
            run.stop(below)
            run.note("StopBelow", f"training loss below {self.limit:g}", np.flatnonzero(below))


# --- what is drawn ----------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def plane(side: int) -> np.ndarray:
    """(side², 2): the middles of a map's pixels, row by row from the upper left corner."""
    middles = (np.arange(side) + 0.5) / side * 2 * REACH - REACH
    x1, x2 = np.meshgrid(middles, -middles)
    return np.stack([x1.ravel(), x2.ravel()], axis=1)


def as_bytes(values: np.ndarray) -> np.ndarray:
    """Numbers from -1 to 1, others cut, as bytes 0 to 254; NaN is HOLE."""
    scaled = np.rint(np.clip(values, -1, 1) * 127 + 127)
    return np.where(np.isnan(scaled), HOLE, np.nan_to_num(scaled)).astype(np.uint8)


def class_levels(classes: int) -> int:
    """How many bytes each class has on its map."""
    return 255 // classes


def classes_as_bytes(probabilities: np.ndarray) -> np.ndarray:
    """(classes, n) -> (n,): each class has its own bytes, from undecided to certain."""
    classes, levels = len(probabilities), class_levels(len(probabilities))
    best = probabilities.argmax(0)
    certain = np.clip((probabilities.max(0) * classes - 1) / (classes - 1), 0, 1)
    lost = np.isnan(probabilities).any(0)
    whole = best * levels + np.rint(np.nan_to_num(certain) * (levels - 1))
    return np.where(lost, HOLE, whole).astype(np.uint8)


def tile_side(units: int) -> int:
    """Pixels along a side of a unit's map: fewer where there are many."""
    return next(side for side in (24, 16, 12, 8) if units * side**2 <= 4200 or side == 8)


@dataclass(frozen=True, slots=True)
class Training:
    """A run at T moments so far, or R = 2 runs from `fork_at` on; `done` when no more will come.

    `times` (T,): moments in epochs, or in batches where `frame` is "batch"; `epoch`, `step` (T,). `loss` and
    `metric` (R, T, 2): of the training and the test points, in evaluation mode and without penalties;
    the metric is accuracy, or R² of a regression; NaN before the fork. Of the first run: `weights`
    (T, P), and `confusion` (T, C, C), test points by true class (row) and given class. Bytes:
    `unit_maps` (T, units * side²), a tile for each unit, layer after layer, over the plane from the
    upper left corner; `input_maps` (7, side²), all of FEATURES; `output_maps` (T, R, SIDE²), -1 to 1 as 0
    to 254, or for three and more classes by `classes_as_bytes`. `edges` (E, 4): layer, unit, input, each
    from 0, and the column in `weights`; `biases` (B, 3) the same without input. `ended` (R,): the epoch
    at which a run diverged, or NaN. `notes`: what ended or changed it. `at`: the moments at which
    weights were edited.
    """

    settings: Settings
    points: Points
    frame: str
    loss_name: str
    metric_name: str
    widths: tuple[int, ...]
    parameters: int
    times: np.ndarray
    last_time: int
    epoch: np.ndarray
    step: np.ndarray
    loss: np.ndarray
    metric: np.ndarray
    weights: np.ndarray
    confusion: np.ndarray
    unit_maps: np.ndarray
    input_maps: np.ndarray
    output_maps: np.ndarray
    side: int
    edges: np.ndarray
    biases: np.ndarray
    ended: np.ndarray
    notes: tuple[str, ...]
    edited_at: tuple[int, ...]
    fork_at: int | None
    fork: str
    fork_value: Any
    done: bool
    run: Run

    def table(self) -> Table:
        """A row for each moment."""
        head: dict[str, Sequence[Any]] = {"epoch": self.epoch.tolist(), "step": self.step.tolist()}
        for r, run in enumerate(("", "fork ")[: len(self.loss)]):
            for p, part in enumerate(("train", "test")):
                head[f"{run}{part} loss"] = self.loss[r, :, p].tolist()
                head[f"{run}{part} {self.metric_name}"] = self.metric[r, :, p].tolist()
        return head

    def downloads(self) -> Mapping[str, Callable[[], bytes | str]]:
        """Files by name: weights as they are now (`torch.load`, weights_only), and the history of the run."""
        history = self.run.callbacks[0]

        def weights() -> bytes:
            into = io.BytesIO()
            torch.save(self.run.nets.sequential().state_dict(), into)
            return into.getvalue()

        return {
            "weights.pt": weights,
            "history.csv": history.csv,
            history.file_name(): history.events,
        }


# --- the run ----------------------------------------------------------------------------------------


@takes_settings
def train(
    *,
    frame: str = "epoch",
    edits: str = "",
    fork: str = "none",
    fork_at: int = 50,
    fork_lr: float = 0.3,
    fork_optimizer: str = "Adam",
    fork_momentum: float = 0.9,
    fork_batch_size: int = 50,
    fork_schedule: str = "cosine",
    fork_l1: float = 0.01,
    fork_l2: float = 0.01,
    fork_dropout: float = 0.2,
    stop_below: float = 0.0,
    **settings: Any,
) -> Iterator[Training]:
    """A net on its way, by the settings of nnplay.play_net.Settings. Yields the run so far.

    Up to 300 moments are kept, fewer of large nets: evenly spaced over the epochs, or with `frame`
    "batch" the first ones, after each batch. `edits`: weights set on the way, see `read_edits`, whose
    times, like `fork_at`, are in epochs, or in batches where `frame` says so. With `fork` a second run goes
    on from `fork_at` with that one setting at its `fork_...` value. Both end after `epochs`, or where the
    training loss falls below `stop_below`, or where numbers are no longer finite. Raises ValueError for
    settings that make no sense.
    """
    given = {name: value for name, value in locals().items() if name in RANGES or name in CHOICES}
    check(given, RANGES, CHOICES)
    chosen = Settings(**settings)
    changes = read_edits(edits)
    value = None if fork == "none" else given[f"fork_{fork}"]
    yield from _Course(chosen, frame, changes, fork, fork_at, value, stop_below).records()


class _Course:
    """A run, or two, from moment to moment."""

    def __init__(self, settings, frame, edits, fork, fork_at, value, stop_below) -> None:
        self.settings, self.frame, self.edits, self.fork, self.value = settings, frame, edits, fork, value
        self.points = settings.data()
        callbacks = [TensorBoard(), *([StopBelow(stop_below)] if stop_below else [])]
        run = settings.start(self.points, callbacks=callbacks)
        self.runs = [run]
        for edit in edits:
            _apply(replace(edit, value=0.0), run.nets.copy())  # whether there is such a weight
        nets = run.nets
        self.widths = (nets.inputs, *(layer.units for layer in nets.layers))
        self.edges, self.biases = _columns(nets)
        self.side = tile_side(sum(self.widths[1:]))
        self._grid = settings.features(plane(SIDE))
        self._test = settings.features(self.points.x[~self.points.train])
        moments = self._most_moments()
        end = settings.epochs * (run.steps_per_epoch if frame == "batch" else 1)
        self.last = min(end, moments) if frame == "batch" else end
        times = np.linspace(0, self.last, min(self.last, moments) + 1).round()
        marks = [edit.time for edit in edits if edit.time <= self.last]
        self.fork_at = fork_at if fork != "none" and fork_at < self.last else None
        self.times = np.unique([*times, *marks, *([] if self.fork_at is None else [self.fork_at])]).astype(
            int
        )
        self._make_room(1 if self.fork_at is None else 2)

    def _most_moments(self) -> int:
        each = sum(self.widths[1:]) * self.side**2 + 2 * SIDE**2 + 24 * len(self.edges)
        return int(np.clip(_BYTES // each, *_MOMENTS))

    def _make_room(self, runs: int) -> None:
        t, nets, classes = len(self.times), self.runs[0].nets, self.points.classes
        self.epoch, self.step = np.zeros(t, int), np.zeros(t, int)
        self.loss, self.metric = np.full((2, runs, t, 2), np.nan)
        self.weights = np.zeros((t, nets.theta.shape[1]), np.float32)
        self.confusion = np.zeros((t, classes, classes), int)
        self.unit_maps = np.zeros((t, sum(self.widths[1:]) * self.side**2), np.uint8)
        self.output_maps = np.full((t, runs, SIDE**2), HOLE, np.uint8)
        self.input_maps = np.stack([as_bytes(f(*plane(self.side).T)) for f in FEATURES.values()])

    def records(self) -> Iterator[Training]:
        record = None
        for t, time in enumerate(self.times):
            for run in self.runs:
                goal = time if self.frame == "batch" else run.step + (time - run.epoch) * run.steps_per_epoch
                while run.step < goal and not run.done:
                    run.advance(min(_PULSE, goal - run.step))
                    if record and run.step < goal:
                        yield record
            for edit in self.edits:
                if edit.time == time:
                    for run in self.runs:
                        _apply(edit, run.nets)
            if time == self.fork_at:
                self.runs.append(self._forked())
            over = time == self.last or all(run.done for run in self.runs)
            self._look(t)
            record = self._record(t + 1, over)
            yield record
            if over:
                return

    def _forked(self) -> Run:
        """The second run: as the first is now, with one setting changed."""
        first, changed = self.runs[0], replace(self.settings, **{self.fork: self.value})
        layers = changed.layers(self.points.classes)
        nets = Nets(first.nets.inputs, layers, first.nets.seeds, theta=first.nets.theta)
        callbacks = [StopBelow(c.limit) for c in first.callbacks[1:]]
        again = {name: first.settings[name] for name in ("loss", "metrics")}
        return Run(nets, first.data, **again, **changed.training(), callbacks=callbacks, state=first.state())

    def _look(self, t: int) -> None:
        """Draw the present of all runs into moment t."""
        settings, classes = self.settings, self.points.classes
        for r, run in enumerate(self.runs):
            values = run.snapshot().values
            self.loss[r, t] = [values[part]["loss"][0] for part in ("train", "test")]
            metric = settings.metric(classes)
            self.metric[r, t] = [values[part][metric][0] for part in ("train", "test")]
            if r:
                out = run.nets.predict(torch.from_numpy(self._grid)).mT
            else:
                *hidden, out = run.nets.units(torch.from_numpy(self._grid))
                step = SIDE // self.side
                tiles = [layer[0].view(-1, SIDE, SIDE)[:, ::step, ::step] for layer in (*hidden, out)]
                self.unit_maps[t] = as_bytes(torch.cat(tiles).numpy()).ravel()
            shown = settings.shown(out, classes)[0]
            self.output_maps[t, r] = classes_as_bytes(shown) if classes > 2 else as_bytes(shown)
        first = self.runs[0]
        self.epoch[t], self.step[t], self.weights[t] = first.epoch, first.step, first.nets.theta[0].numpy()
        if classes:
            out = first.nets.predict(torch.from_numpy(self._test))[0].numpy()
            truth = self.points.y[~self.points.train].astype(int)
            given = out.argmax(1) if classes > 2 else (out[:, 0] > 0).astype(int)
            np.add.at(self.confusion[t], (truth if classes > 2 else (truth > 0).astype(int), given), 1)

    def _record(self, t: int, done: bool) -> Training:
        now, first = slice(t), self.runs[0]
        ended = np.full(len(self.loss), np.nan)
        ended[: len(self.runs)] = [run.diverged_at[0] for run in self.runs]
        return Training(
            settings=self.settings,
            points=self.points,
            frame=self.frame,
            loss_name=first.settings["loss"],
            metric_name=self.settings.metric(self.points.classes),
            widths=self.widths,
            parameters=first.nets.theta.shape[1],
            times=self.times[now],
            last_time=self.last,
            epoch=self.epoch[now],
            step=self.step[now],
            loss=self.loss[:, now],
            metric=self.metric[:, now],
            weights=self.weights[now],
            confusion=self.confusion[now],
            unit_maps=self.unit_maps[now],
            input_maps=self.input_maps,
            output_maps=self.output_maps[now],
            side=self.side,
            edges=self.edges,
            biases=self.biases,
            ended=ended,
            notes=tuple(self._notes()) if done else (),
            edited_at=tuple(edit.time for edit in self.edits if edit.time <= self.times[t - 1]),
            fork_at=self.fork_at,
            fork=self.fork,
            fork_value=self.value,
            done=done,
            run=first,
        )

    def _notes(self) -> Iterator[str]:
        for run, name in zip(self.runs, ("The run", "The fork")):
            for fired in run.fired:
                if fired.callback == "Run":
                    yield f"{name} diverged in epoch {fired.epoch}: its numbers are no longer finite."
                elif fired.callback == "StopBelow":
                    yield f"{name} ended after epoch {fired.epoch}: {fired.what}."


def _columns(nets: Nets) -> tuple[np.ndarray, np.ndarray]:
    """`edges` and `biases` of `Training`: which column of theta holds what. Of gated units: the values."""
    numbered = nets.copy()
    numbered.theta.copy_(torch.arange(nets.theta.shape[1]).float())
    edges, biases = [], []
    for i, layer in enumerate(nets.layers):
        weight, bias = numbered.weight(i)[0, : layer.units], numbered.bias(i)[0, : layer.units]
        for unit in range(layer.units):
            edges += [(i, unit, j, int(column)) for j, column in enumerate(weight[unit])]
            biases.append((i, unit, int(bias[unit])))
    return np.array(edges), np.array(biases)
