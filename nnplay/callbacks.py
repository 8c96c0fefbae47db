"""What can be hung into a training run: `Checkpoint`, `EarlyStopping`, `History`, `TensorBoard`, `TextLog`.

A callback is told of the end of each epoch, `epoch(run, snapshot)`, and writes into `run.fired` when
it does something. `state()` and `restore()` let a run be rewound and forked.
"""

from __future__ import annotations

import csv
import io
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnplay.training import LARGER_IS_BETTER, Run, Snapshot


class Callback:
    """Does nothing."""

    def start(self, run: Run) -> None:
        """The run begins, and nothing has been trained."""

    def epoch(self, run: Run, snapshot: Snapshot) -> None:
        """An epoch has ended; the schedule has not stepped yet."""

    def state(self) -> dict[str, Any]:
        """What must come along when the run is forked; tensors have the net as axis 0."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave."""


class Checkpoint(Callback):
    """Keeps the best epoch of every net: `value` and `at` (K,), and `tensors`, the state of it then.

    `metric` is "loss" or one of the run's metrics, of `part`; where the run has no such part, of
    "train". An epoch is better if it improves on the best by more than `min_delta`.
    """

    def __init__(self, metric: str = "loss", part: str = "validation", min_delta: float = 0.0) -> None:
        self.metric, self.part, self.min_delta = metric, part, min_delta

    def start(self, run: Run) -> None:
        self._sign = -1.0 if self.metric in LARGER_IS_BETTER else 1.0
        self._lowest = torch.full((run.nets.k,), torch.inf, dtype=torch.float64)
        self._at = torch.zeros(run.nets.k, dtype=torch.int64)
        self.tensors = {name: tensor.clone() for name, tensor in run.tensors().items()}

    @property
    def value(self) -> np.ndarray:
        return (self._sign * self._lowest).numpy()

    @property
    def at(self) -> np.ndarray:
        """The epoch of the best value."""
        return self._at.numpy()

    def epoch(self, run: Run, snapshot: Snapshot) -> None:
        part = snapshot.values.get(self.part, snapshot.values["train"])
        if self.metric not in part:
            raise ValueError(f"The run does not compute {self.metric}; give it to the run as a metric.")
        now = self._sign * torch.from_numpy(part[self.metric])
        better = (now < self._lowest - self.min_delta) & torch.from_numpy(~run.finished)
        if better.any():
            self._lowest[better] = now[better]
            self._at[better] = run.epoch
            for name, tensor in run.tensors().items():
                self.tensors[name][better] = tensor[better]
            run.note(type(self).__name__, "best so far", np.flatnonzero(better))

    def state(self) -> dict[str, Any]:
        return {"lowest": self._lowest, "at": self._at} | {f"best.{k}": v for k, v in self.tensors.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._lowest, self._at = state["lowest"], state["at"]
        for name in self.tensors.keys() & {key[5:] for key in state if key.startswith("best.")}:
            self.tensors[name] = state[f"best.{name}"]


class EarlyStopping(Checkpoint):
    """Ends a net's run after `patience` epochs without a better one, and gives it its best weights back.

    As in Keras: the count starts after `start_from_epoch` epochs; with `restore_best` off the net
    stays as the last epoch left it.
    """

    def __init__(
        self,
        patience: int = 10,
        metric: str = "loss",
        part: str = "validation",
        min_delta: float = 0.0,
        restore_best: bool = True,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(metric, part, min_delta)
        if patience < 1:
            raise ValueError("The patience must be at least one epoch.")
        self.patience, self.restore_best, self.start_from_epoch = patience, restore_best, start_from_epoch

    def epoch(self, run: Run, snapshot: Snapshot) -> None:
        if run.epoch <= self.start_from_epoch:
            return
        super().epoch(run, snapshot)
        waited = run.epoch - np.maximum(self.at, self.start_from_epoch)
        ends = (waited >= self.patience) & ~run.finished
        if ends.any():
            best = ends & np.isfinite(self.value) & self.restore_best
            run.stop(best, self.tensors)
            run.stop(ends & ~best)
            what = f"stopped after {self.patience} epochs without a better {self.metric}"
            run.note("EarlyStopping", what, np.flatnonzero(ends))
            if best.any():
                run.note("EarlyStopping", "best weights restored", np.flatnonzero(best))


class History(Callback):
    """Every number of every epoch: `columns` by name, `rows` (K, epochs, columns), and `csv()`."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.columns: tuple[str, ...] = ()
        self._clock, self._rows = clock, []

    def start(self, run: Run) -> None:
        self._nets, self._rows = run.nets.k, []

    def epoch(self, run: Run, snapshot: Snapshot) -> None:
        rows = [snapshot.row_of(net) for net in range(run.nets.k)]
        columns = ("epoch", "step", "time", *rows[0])
        if columns != self.columns:  # the first epoch, or a fork with other metrics
            self.columns, self._rows = columns, []
        head = (snapshot.epoch, snapshot.step, self._clock())
        self._rows.append(torch.tensor([[*head, *row.values()] for row in rows], dtype=torch.float64))

    @property
    def rows(self) -> np.ndarray:
        return self._table().numpy()

    def _table(self) -> Tensor:
        return torch.stack(self._rows, 1) if self._rows else torch.empty(self._nets, 0, len(self.columns))

    def csv(self) -> str:
        """A line for each epoch of each net, with a head; nets are numbered from 0."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        shown = [i for i, name in enumerate(self.columns) if name != "time"]
        writer.writerow(["net", *(self.columns[i] for i in shown)])
        for net, rows in enumerate(self.rows):
            writer.writerows(
                [net, int(row[0]), int(row[1]), *(row[i] for i in shown[2:])] for row in rows.tolist()
            )
        return text.getvalue()

    def state(self) -> dict[str, Any]:
        return {"columns": self.columns, "rows": self._table()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.columns, self._rows = state["columns"], list(state["rows"].unbind(1))


class TensorBoard(History):
    """A history as TensorBoard reads it: `events(net)` is an event file, one for each net."""

    def events(self, net: int = 0) -> bytes:
        """The scalars of a net, tagged `loss/train`, `loss/validation`, `lr` and so on, by epoch.

        Save it under `file_name()`, in a folder for each net, and point `tensorboard --logdir` at it.
        """
        rows = self.rows[net].tolist() if self._rows else []
        first = rows[0][2] if rows else float(self._clock())
        records = [_field(1, first) + _field(3, b"brain.Event:2")]
        for epoch, _, when, *numbers in rows:
            values = b"".join(
                _field(1, _field(1, _tag(name)) + _field(2, np.float32(number)))
                for name, number in zip(self.columns[3:], numbers)
            )
            records.append(_field(1, when) + _field(2, int(epoch)) + _field(5, values))
        return b"".join(map(_framed, records))

    def file_name(self) -> str:
        """TensorBoard looks for files whose name holds `tfevents`."""
        first = self.rows[0][0][2] if self._rows else self._clock()
        return f"events.out.tfevents.{int(first)}.nnplay"


def _tag(column: str) -> bytes:
    part, _, name = column.partition("_")
    return f"{name}/{part}".encode() if name else column.encode()


# An event file is a TFRecord of `Event` messages. The wire format of protocol buffers: a field is its
# number and type, then a varint (an int), 8 or 4 bytes (a double, a float), or a length and bytes.
# Event: 1 wall_time, 2 step, 3 file_version, 5 summary; Summary: 1 value; Value: 1 tag, 2 simple_value.


def _field(number: int, value: float | bytes | np.float32) -> bytes:
    match value:
        case bytes():
            return _varint(number << 3 | 2) + _varint(len(value)) + value
        case int():
            return _varint(number << 3) + _varint(value)
        case np.float32():
            return _varint(number << 3 | 5) + struct.pack("<f", value)
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the top bit says that more follow."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC32C = _crc_table()


def _masked_crc(data: bytes) -> bytes:
    """CRC-32C (Castagnoli) as TFRecord stores it: turned by 15 bits, plus a constant."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC32C[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _framed(record: bytes) -> bytes:
    """A TFRecord: length, its checksum, the record, its checksum."""
    length = struct.pack("<Q", len(record))
    return length + _masked_crc(length) + record + _masked_crc(record)


class TextLog(Callback):
    """The run in words, as Keras prints it: `lines`.

    `verbose` 0 says nothing, 1 draws a bar of the steps of each epoch, 2 writes one line an epoch.
    Of many nets it gives the median of those still running.
    """

    WIDTH = 20

    def __init__(self, verbose: int = 2) -> None:
        if verbose not in (0, 1, 2):
            raise ValueError("verbose is 0 (silent), 1 (a bar) or 2 (a line for each epoch).")
        self.verbose, self.lines = verbose, []

    def start(self, run: Run) -> None:
        self.lines = []

    def epoch(self, run: Run, snapshot: Snapshot) -> None:
        if not self.verbose:
            return
        going = ~run.finished if not run.finished.all() else np.ones(run.nets.k, bool)
        numbers = {
            ("" if part == "train" else f"{part}_") + name: np.median(values[going])
            for part, named in snapshot.values.items()
            for name, values in named.items()
        }
        text = "".join(f" - {name}: {value:.4f}" for name, value in numbers.items())
        text += f" - lr: {np.median(snapshot.lr[going]):.4g}"
        head = f"Epoch {run.epoch}/{run.epochs}"
        if self.verbose == 1:
            self.lines += [head, f"{self.bar(1, run.steps_per_epoch)}{text}"]
        else:
            self.lines.append(head + text)

    def bar(self, share: float, steps: int) -> str:
        """Keras's progress bar: `12/25 [=========>..........]`."""
        filled = int(share * self.WIDTH)
        tip = ">" if filled < self.WIDTH else ""
        drawn = "=" * filled + tip
        return f"{round(share * steps)}/{steps} [{drawn:.<{self.WIDTH}}]"

    def now(self, run: Run) -> list[str]:
        """The lines, with the bar of the epoch that is on its way."""
        if self.verbose != 1 or run.row == 0:
            return list(self.lines)
        return [
            *self.lines,
            f"Epoch {run.epoch + 1}/{run.epochs}",
            self.bar(run.row / run.rows, run.steps_per_epoch),
        ]

    def state(self) -> dict[str, Any]:
        return {"lines": list(self.lines)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.lines = list(state["lines"])
