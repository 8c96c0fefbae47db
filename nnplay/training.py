"""The training loop of all topics: nets, data, a loss and an optimizer in; snapshots out.

    nets = Nets(2, (Layer(4, "Tanh"), Layer(1, "Tanh")), seeds=range(64))
    run = Run(nets, Data((x, y), test=(x2, y2)), optimizer="Adam", lr=0.01, epochs=50)
    for snapshot in run.snapshots():
        print(snapshot.epoch, snapshot.values["test"]["loss"].mean())

K nets train at once (`nnplay.batched.Nets`), each from its own seed and, where wanted, with its own
learning rate, L1, L2, optimizer settings or data; any other torch module is one net (`Single`). The
same settings give the same numbers, bit for bit. `Run.state` is all that a run is at a moment:
given to a run of other settings it forks, given back to the same run it rewinds.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from nnplay.batched import Augment, Nets, Single
from nnplay.nets import choose
from nnplay.optim import OPTIMIZERS, PerNet, per_net
from nnplay.records import Table

# --- losses and metrics -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss of (K, outputs, rows) against targets of the same shape, or of one net for all.

    `value(out, y)` is the mean of each net, (K,), differentiable; `gradient(out, y, into)` writes
    its derivative by `out`. `make` is the same in torch.nn. `classes`: the targets are numbers of
    classes, and the outputs their logits.
    """

    make: Callable[[], nn.Module]
    value: Callable[[Tensor, Tensor], Tensor]
    gradient: Callable[[Tensor, Tensor, Tensor], None]
    classes: bool = False

    def encode(self, y: Tensor, outputs: int) -> Tensor:
        """Targets of N rows as (1, outputs, N), or of K nets' own rows as (K, outputs, N).

        y is (N,) or (N, outputs), or (K, N, outputs) where nets differ; numbers of classes are (N,)
        or (K, N, 1). Raises ValueError where they do not fit the nets' outputs.
        """
        y = y[:, None] if y.ndim == 1 else y
        y = y if y.ndim == 3 else y[None]
        if y.shape[2] != (1 if self.classes else outputs):
            raise ValueError(f"The nets have {outputs} outputs, and the targets {y.shape[2]} columns.")
        if not self.classes:
            return y.float().mT.contiguous()
        if y.min() < 0 or y.max() >= outputs:
            raise ValueError(f"With {outputs} outputs the classes must be 0 to {outputs - 1}.")
        return F.one_hot(y[..., 0].long(), outputs).float().mT.contiguous()


def _mean(loss: Tensor) -> Tensor:
    return loss.mean(dim=(1, 2))


def _size(out: Tensor) -> int:
    return out.shape[1] * out.shape[2]


def _mse_gradient(out: Tensor, y: Tensor, into: Tensor) -> None:
    torch.sub(out, y, out=into).mul_(2 / _size(out))


def _mae_gradient(out: Tensor, y: Tensor, into: Tensor) -> None:
    torch.sub(out, y, out=into).sign_().mul_(1 / _size(out))


def _huber(delta: float = 1.0) -> Loss:
    def gradient(out: Tensor, y: Tensor, into: Tensor) -> None:
        torch.sub(out, y, out=into).clamp_(-delta, delta).mul_(1 / _size(out))

    return Loss(
        lambda: nn.HuberLoss(delta=delta),
        lambda out, y: _mean(F.huber_loss(out, y.expand_as(out), reduction="none", delta=delta)),
        gradient,
    )


def _bce_gradient(out: Tensor, y: Tensor, into: Tensor) -> None:
    torch.sigmoid(out, out=into).sub_(y).mul_(1 / _size(out))


def _soft_margin_gradient(out: Tensor, y: Tensor, into: Tensor) -> None:
    torch.mul(out, -y, out=into).sigmoid_().mul_(y).mul_(-1 / _size(out))


def _cross_entropy(label_smoothing: float = 0.0) -> Loss:
    def smooth(out: Tensor, y: Tensor) -> Tensor:
        return y * (1 - label_smoothing) + label_smoothing / out.shape[1] if label_smoothing else y

    def gradient(out: Tensor, y: Tensor, into: Tensor) -> None:
        torch.softmax(out, 1, out=into).sub_(smooth(out, y)).mul_(1 / out.shape[2])

    return Loss(
        lambda: nn.CrossEntropyLoss(label_smoothing=label_smoothing),
        lambda out, y: -(smooth(out, y) * out.log_softmax(1)).sum(1).mean(1),
        gradient,
        classes=True,
    )


LOSSES: Mapping[str, Callable[..., Loss]] = {
    "MSELoss": lambda: Loss(nn.MSELoss, lambda out, y: _mean((out - y).square()), _mse_gradient),
    "L1Loss": lambda: Loss(nn.L1Loss, lambda out, y: _mean((out - y).abs()), _mae_gradient),
    "HuberLoss": _huber,
    "CrossEntropyLoss": _cross_entropy,
    "BCEWithLogitsLoss": lambda: Loss(
        nn.BCEWithLogitsLoss,
        lambda out, y: _mean(F.binary_cross_entropy_with_logits(out, y.expand_as(out), reduction="none")),
        _bce_gradient,
    ),
    "SoftMarginLoss": lambda: Loss(
        nn.SoftMarginLoss, lambda out, y: _mean(F.softplus(-y * out)), _soft_margin_gradient
    ),
}
"""By the name of the class in torch.nn. HuberLoss takes `delta`, CrossEntropyLoss `label_smoothing`."""


def accuracy(out: Tensor, y: Tensor) -> Tensor:
    """The share of rows that are right: by the largest output, or by the sign of a single one."""
    right = out.argmax(1) == y.argmax(1) if out.shape[1] > 1 else ((out > 0) == (y > 0))[:, 0]
    return right.float().mean(1)


def r2(out: Tensor, y: Tensor) -> Tensor:
    """1 - squared error / variance, as sklearn.metrics.r2_score: the mean over the outputs."""
    spread = (y - y.mean(2, keepdim=True)).square().sum(2)
    return (1 - (out - y).square().sum(2) / spread).mean(1)


METRICS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "accuracy": accuracy,
    "r2": r2,
    "mae": lambda out, y: _mean((out - y).abs()),
    "rmse": lambda out, y: _mean((out - y).square()).sqrt(),
}
LARGER_IS_BETTER = ("accuracy", "r2")

# --- what goes in and what comes out ----------------------------------------------------------------

Part = tuple[Any, Any]
PARTS = ("train", "validation", "test")


def _tensor(value: Any) -> Tensor:
    """A copy of an array, because cached data is read-only; a tensor as it is."""
    return value.detach() if isinstance(value, Tensor) else torch.from_numpy(np.array(value))


@dataclass(frozen=True, slots=True)
class Data:
    """Inputs and targets of each part, arrays or tensors.

    For `Nets` x is (N, inputs), y (N,) or (N, outputs); where nets have data of their own, x is (K, N,
    inputs) and y (K, N, outputs), with one column for numbers of classes. For a `Single` x is (N, ...).
    """

    train: Part
    validation: Part | None = None
    test: Part | None = None

    def parts(self) -> dict[str, tuple[Tensor, Tensor]]:
        """The parts that there are, as tensors. Raises ValueError for an empty or infinite one."""
        result = {}
        for name in PARTS:
            part = getattr(self, name)
            if part is None:
                continue
            x, y = map(_tensor, part)
            x = x.float()
            if not y.numel():
                raise ValueError(f"There are no points in the {name} data.")
            if not (x.isfinite().all() and y.isfinite().all()):
                raise ValueError(f"The {name} data holds numbers that are missing or infinite.")
            result[name] = x, y
        return result


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at a moment: after `epoch` whole epochs and `row` rows of the next, `step` updates in all.

    `values[part]["loss"]`, and of each metric, is (K,), penalties left out, in evaluation mode. `lr`,
    (K,), is that of the next update. `diverged_at` and `stopped_at`, (K,), are the epochs after
    which a net's numbers were no longer finite, and after which early stopping ended it; NaN
    elsewhere. `weights` are (K, P), where they were asked for.
    """

    epoch: int
    row: int
    step: int
    lr: np.ndarray
    values: Mapping[str, Mapping[str, np.ndarray]]
    diverged_at: np.ndarray
    stopped_at: np.ndarray
    weights: np.ndarray | None = None

    def row_of(self, net: int) -> dict[str, float]:
        """One net's numbers by name, such as `validation_loss`: a row of a history."""
        numbers = {f"{part}_{name}": v for part, vs in self.values.items() for name, v in vs.items()}
        return {name: float(v[net]) for name, v in numbers.items()} | {"lr": float(self.lr[net])}

    def table(self) -> Table:
        """A row for each net."""
        rows = [self.row_of(net) for net in range(len(self.lr))]
        head = {
            "net": list(range(len(rows))),
            "epoch": [self.epoch] * len(rows),
            "step": [self.step] * len(rows),
        }
        return head | {name: [row[name] for row in rows] for name in rows[0]}


@dataclass(frozen=True, slots=True)
class Fired:
    """A callback that did something: which, what, after how many epochs, and for which nets."""

    epoch: int
    callback: str
    what: str
    nets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class State:
    """All that a run is at a moment. Tensors have the net as axis 0.

    The generators need no place here: every draw is told by (seed, purpose, epoch).
    """

    epoch: int
    row: int
    step: int
    optimizer: str
    steps_of_optimizer: int
    tensors: Mapping[str, Tensor]
    monitored: Tensor  # (K, n): what a ReduceLROnPlateau has been told
    fired: tuple[Fired, ...] = ()
    callbacks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def take(self, nets: Sequence[int]) -> State:
        """The state of some of the nets, repeated where a number is repeated: for forks side by side."""
        index = list(nets)

        def taken(values: Mapping[str, Any]) -> dict[str, Any]:
            return {k: v[index].clone() if isinstance(v, Tensor) else v for k, v in values.items()}

        fired = (
            replace(f, nets=tuple(i for i, net in enumerate(index) if net in f.nets)) for f in self.fired
        )
        return replace(
            self,
            tensors=taken(self.tensors),
            monitored=self.monitored[index],
            fired=tuple(f for f in fired if f.nets),
            callbacks={name: taken(values) for name, values in self.callbacks.items()},
        )


# --- schedules --------------------------------------------------------------------------------------


class _Schedule:
    """torch's own scheduler on an optimizer that moves nothing: a group of parameters for each rate.

    Only the learning rate is taken from it.
    """

    def __init__(self, make: Callable[[torch.optim.Optimizer], LRScheduler], lr: np.ndarray) -> None:
        rates, self._group = np.unique(lr, return_inverse=True)
        self._runs = [self._start(make, rates)]
        self.needs_metric = isinstance(self._runs[0][1], ReduceLROnPlateau)
        if self.needs_metric:  # then each net has a schedule of its own
            self._runs = [self._start(make, [rate]) for rate in lr]

    @staticmethod
    def _start(make, rates) -> tuple[torch.optim.Optimizer, LRScheduler]:
        groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": float(rate)} for rate in rates]
        optimizer = torch.optim.SGD(groups, momentum=0.9)  # some schedules will also turn a momentum
        return optimizer, make(optimizer)

    def step(self, monitored: Tensor | None = None) -> None:
        for i, (optimizer, scheduler) in enumerate(self._runs):
            optimizer.step()
            if self.needs_metric:
                scheduler.step(float(monitored[i]))
            else:
                scheduler.step()

    def lr(self) -> np.ndarray:
        """(K,)"""
        rates = np.array([group["lr"] for optimizer, _ in self._runs for group in optimizer.param_groups])
        return rates if self.needs_metric else rates[self._group]


# --- the run ----------------------------------------------------------------------------------------


class Run:
    """Training of `nets` on `data`, which it changes in place.

    - `loss`: a name in LOSSES, or a Loss; `metrics`: names in METRICS.
    - `optimizer`: a name in OPTIMIZERS; `hyper`: its settings by torch's names. `lr`, `l1`, `l2` and
      what is in `hyper` are one number, or K, a net each.
    - `l2` adds l2 * w to the gradient of each weight w, as the penalty l2/2 * w² does. `l1` moves it
      by lr * l1 towards zero after each step and stops there: torch's softshrink, the proximal
      step of l1 * |w|, so that weights become exactly zero. `weight_decay` in `hyper` is torch's.
    - `schedule`: makes a scheduler of torch.optim.lr_scheduler for the optimizer it is given; it steps
      after each epoch, or with `schedule_every="step"` after each update. ReduceLROnPlateau watches
      the validation loss, or the training loss where there is none.
    - `augment(x, generator)` changes the training rows of one net anew in each epoch.
    - `callbacks`: see `nnplay.callbacks`. `state`: where to go on from, see `Run.restore`.

    A net whose loss (of the epoch's last batch) or weights are NaN or infinite at the end of an
    epoch has diverged: its run ends, the others go on.
    The last batch of an epoch is smaller where the rows do not divide; batch norm cannot take a
    batch of one row, so that one is left out. Raises ValueError for settings that make no sense.
    """

    def __init__(
        self,
        nets: Nets | Single,
        data: Data,
        *,
        loss: str | Loss = "MSELoss",
        optimizer: str = "SGD",
        lr: PerNet = 0.03,
        hyper: Mapping[str, Any] | None = None,
        l1: PerNet = 0.0,
        l2: PerNet = 0.0,
        batch_size: int = 10,
        epochs: int = 100,
        schedule: Callable[[torch.optim.Optimizer], LRScheduler] | None = None,
        schedule_every: str = "epoch",
        metrics: Sequence[str] = (),
        augment: Augment | None = None,
        callbacks: Sequence[Any] = (),
        state: State | None = None,
    ) -> None:
        self.settings = {k: v for k, v in locals().items() if k not in ("self", "nets", "data", "state")}
        choose(optimizer, OPTIMIZERS, "optimizer")
        choose(schedule_every, ("epoch", "step"), "when the schedule steps")
        for metric in metrics:
            choose(metric, METRICS, "metric")
        if isinstance(loss, str):
            choose(loss, LOSSES, "loss")
            loss = LOSSES[loss]()
        self.nets, self.data, self.loss, self.callbacks = nets, data, loss, tuple(callbacks)
        self.batch_size, self.epochs = int(batch_size), int(epochs)
        if self.batch_size < 1:
            raise ValueError(f"A batch needs at least one point, not {batch_size}.")

        k = nets.k
        self._lr = np.broadcast_to(np.asarray(per_net(lr, k, "lr")).reshape(-1), (k,)).copy()
        self._l1, self._l2 = (
            _column(per_net(value, k, name)) * nets.penalized for name, value in (("l1", l1), ("l2", l2))
        )
        self._shrinks, self._decays = bool(self._l1.any()), bool(self._l2.any())
        self.optimizer_name = optimizer
        self.optimizer = OPTIMIZERS[optimizer](nets.theta, nets.grad, **(hyper or {}))

        self.metrics = {name: METRICS[name] for name in metrics}
        self._parts = {}
        for name, (x, y) in data.parts().items():
            placed = nets.place(x)
            with torch.no_grad():
                _, outputs, rows = nets.outputs_of(placed).shape
            target = loss.encode(y, outputs)
            if target.shape[2] != rows or target.shape[0] not in (1, k):
                raise ValueError(f"The {name} data has {rows} inputs, and targets of shape {tuple(y.shape)}.")
            self._parts[name] = placed, target
            if name == "train":
                self._feed, self.rows = nets.feed(x, target, augment), rows
        if nets.needs_pairs and min(self.batch_size, self.rows) < 2:
            raise ValueError("Batch normalization needs at least two points in a batch.")

        self._generator = torch.Generator()
        self._shuffled = -1  # the epoch whose order the feed holds
        self._make_schedule, self._each_step = schedule, schedule_every == "step"
        self.epoch = self.row = self.step = 0
        self.fired: list[Fired] = []
        self._monitored: list[Tensor] = []
        self.diverged_at, self.stopped_at = np.full(k, np.nan), np.full(k, np.nan)
        self._held: dict[str, Tensor] = {}
        self._all_ended = False
        self._schedule_again()
        for callback in self.callbacks:
            callback.start(self)
        if state is not None:
            self.restore(state)

    # --- where it is ---

    @property
    def steps_per_epoch(self) -> int:
        last = self.rows - self.rows % self.batch_size
        return math.ceil(self.rows / self.batch_size) - self._leaves_out(last)

    @property
    def finished(self) -> np.ndarray:
        """(K,): which nets have diverged or were stopped."""
        return ~(np.isnan(self.diverged_at) & np.isnan(self.stopped_at))

    @property
    def done(self) -> bool:
        return self.epoch >= self.epochs or self._all_ended

    @property
    def lr(self) -> np.ndarray:
        """(K,): the learning rate of the next update."""
        return self._lr if self._schedule is None else self._schedule.lr()

    @property
    def masks(self) -> Mapping[int, Tensor]:
        """Of `Nets` with dropout: what the outputs of a layer were multiplied with in the latest epoch begun.

        (K, units, rows), 0 or 1 / (1 - share), a column for each row in the order of that epoch.
        """
        return self._feed.masks

    def tensors(self) -> dict[str, Tensor]:
        """What training changes, by name; the net is axis 0."""
        named = {"theta": self.nets.theta}
        named |= {f"nets.{name}": buffer for name, buffer in self.nets.buffers.items()}
        return named | {f"optimizer.{name}": buffer for name, buffer in self.optimizer.buffers.items()}

    def state(self) -> State:
        """A copy of all that the run is now."""
        tensors = {name: tensor.clone() for name, tensor in self.tensors().items()}
        tensors |= {
            "diverged_at": torch.tensor(self.diverged_at),
            "stopped_at": torch.tensor(self.stopped_at),
        }
        tensors |= {f"held.{name}": tensor.clone() for name, tensor in self._held.items()}
        callbacks = {name: copy.deepcopy(c.state()) for name, c in self._named_callbacks().items()}
        return State(
            self.epoch,
            self.row,
            self.step,
            self.optimizer_name,
            self.optimizer.t,
            tensors,
            self._told(),
            tuple(self.fired),
            callbacks,
        )

    def _named_callbacks(self) -> dict[str, Any]:
        """By the name of the class, and for those after the first of a class its place among them."""
        named: dict[str, Any] = {}
        for callback in self.callbacks:
            name = type(callback).__name__
            same = sum(key.partition(" ")[0] == name for key in named)
            named[f"{name} {same}" if same else name] = callback
        return named

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Go on from there: nets, optimizer, schedule and callbacks as they were then.

        With other settings this is a fork. The new settings hold from here on: another optimizer
        starts without memory, a schedule is where it would have been, and a larger patience lets
        nothing rise that has been stopped. Raises ValueError where the nets have another shape.
        """
        old = state.tensors
        if old["theta"].shape != self.nets.theta.shape:
            raise ValueError("This state belongs to nets of another shape or number.")
        kept = state.optimizer == self.optimizer_name
        for name, tensor in self.tensors().items():
            if name in old and (kept or not name.startswith("optimizer.")):
                tensor.copy_(old[name])
        self.optimizer.t = state.steps_of_optimizer if kept else 0
        self.epoch, self.row, self.step = state.epoch, state.row, state.step
        self.diverged_at, self.stopped_at = (
            old[name].numpy().copy() for name in ("diverged_at", "stopped_at")
        )
        self._held = {name[5:]: tensor.clone() for name, tensor in old.items() if name.startswith("held.")}
        self._hold()
        self._monitored = list(state.monitored.T)
        self.fired = list(state.fired)
        self._shuffled = -1
        self._schedule_again()
        for name, callback in self._named_callbacks().items():
            if name in state.callbacks:
                callback.restore(copy.deepcopy(state.callbacks[name]))

    def fork(self, **changes: Any) -> Run:
        """A run of its own that goes on from here with some settings changed; unchanged, it does the same."""
        settings = self.settings | changes
        if "callbacks" not in changes:
            settings["callbacks"] = copy.deepcopy(self.callbacks)
        return Run(self.nets.copy(), self.data, **settings, state=self.state())

    def _told(self) -> Tensor:
        return torch.stack(self._monitored, 1) if self._monitored else torch.empty(self.nets.k, 0)

    def _schedule_again(self) -> None:
        """A schedule that has taken the steps of the run so far."""
        self._schedule = None
        if self._make_schedule:
            self._schedule = _Schedule(self._make_schedule, self._lr)
            if self._schedule.needs_metric:
                for monitored in self._monitored:
                    self._schedule.step(monitored)
            else:
                for _ in range(self.step if self._each_step else self.epoch):
                    self._schedule.step()
        self._set_lr()

    def _set_lr(self) -> None:
        self._step_size = torch.from_numpy(self.lr).float()[:, None]
        if self._shrinks:
            self._shrink = self._step_size * self._l1

    # --- going on ---

    def advance(self, steps: int = 1) -> None:
        """Take up to `steps` updates; what ends on the way (an epoch, a net's run) is seen to."""
        self._advance(steps, self.epochs)

    def advance_epochs(self, epochs: int = 1) -> None:
        """Train to the end of this epoch, or of that many."""
        self._advance(math.inf, self.epoch + epochs)

    @torch.no_grad()
    def _advance(self, steps: float, epoch: int) -> None:
        """Until so many steps are taken, or so many epochs are done in all, or the run is done."""
        goal = self.step + steps
        with np.errstate(all="ignore"):  # a net that diverges is no reason for warnings
            while self.step < goal and self.epoch < epoch and not self.done:
                self._update()
                if self.row == 0:
                    self._end_epoch()

    def snapshots(
        self, every: int = 1, unit: str = "epoch", *, weights: bool = False, pulse: int | None = None
    ) -> Iterator[Snapshot | None]:
        """Train until all is done; yields the present, then again after every so many epochs or steps.

        The last snapshot is the end of the run. With `pulse` it also yields None after each so many
        steps without a snapshot, for a caller who watches the clock. Nothing is computed between
        two calls of next().
        """
        choose(unit, ("epoch", "step"), "the unit of snapshots")
        yield self.snapshot(weights)
        while not self.done:
            epoch = self.epoch + every if unit == "epoch" else self.epochs
            step = self.step + every if unit == "step" else math.inf
            self._advance(min(step - self.step, pulse or math.inf), epoch)
            while self.epoch < epoch and self.step < step and not self.done:
                yield None
                self._advance(min(step - self.step, pulse or math.inf), epoch)
            yield self.snapshot(weights)

    def _leaves_out(self, start: int) -> bool:
        return self.nets.needs_pairs and self.rows - start == 1

    def _update(self) -> None:
        if self._shuffled != self.epoch:
            self._feed.shuffle(self.epoch, self._generator)
            self._shuffled = self.epoch
        stop = min(self.row + self.batch_size, self.rows)
        nets = self.nets
        self._feed.gradient(self.row, stop, self.loss)
        if self._decays:
            nets.grad.addcmul_(nets.theta, self._l2)
        self.optimizer.step(self._step_size)
        if self._shrinks:
            nets.theta.sub_(nets.theta.clamp(-self._shrink, self._shrink))
        self.step += 1
        self.row = 0 if stop == self.rows or self._leaves_out(stop) else stop
        if self._schedule and self._each_step and not self._schedule.needs_metric:
            self._schedule.step()
            self._set_lr()

    def _end_epoch(self) -> None:
        self.epoch += 1
        self._hold()
        loss = self.loss.value(*self._feed.last)
        self._end_diverged(~(loss + self.nets.theta.sum(1)).isfinite().numpy())
        steps_now = self._schedule and (self._schedule.needs_metric or not self._each_step)
        watches = self._schedule and self._schedule.needs_metric
        if self.callbacks or watches:
            snapshot = self.snapshot()
            for callback in self.callbacks:
                callback.epoch(self, snapshot)
            if watches:
                part = "validation" if "validation" in self._parts else "train"
                self._monitored.append(torch.from_numpy(snapshot.values[part]["loss"]))
        if steps_now:
            before = self.lr
            self._schedule.step(self._monitored[-1] if watches else None)
            self._set_lr()
            if (changed := np.flatnonzero(self.lr != before)).size:
                self.note(
                    "Schedule", f"learning rate {before[changed[0]]:g} -> {self.lr[changed[0]]:g}", changed
                )

    # --- looking ---

    @torch.no_grad()
    def snapshot(self, weights: bool = False) -> Snapshot:
        """The present: every part evaluated. A view of the run, which it does not change."""
        self._hold()
        values = {}
        for name, (x, y) in self._parts.items():
            out = self.nets.outputs_of(x)
            named = {"loss": self.loss.value(out, y)} | {m: f(out, y) for m, f in self.metrics.items()}
            values[name] = {key: value.double().numpy() for key, value in named.items()}
        return Snapshot(
            self.epoch,
            self.row,
            self.step,
            self.lr.copy(),
            values,
            self.diverged_at.copy(),
            self.stopped_at.copy(),
            self.nets.theta.numpy().copy() if weights else None,
        )

    def _end_diverged(self, gone: np.ndarray) -> None:
        new = gone & ~self.finished
        if new.any():
            self.diverged_at[new] = self.epoch
            self.note("Run", "diverged", np.flatnonzero(new))
            self._keep(new, self.tensors())

    def stop(self, nets: np.ndarray, tensors: Mapping[str, Tensor] | None = None) -> None:
        """End the runs of those nets, a mask (K,); with `tensors` they return to what they were there."""
        new = nets & ~self.finished
        self.stopped_at[new] = self.epoch
        self._keep(new, self.tensors() | dict(tensors or {}))

    def _keep(self, nets: np.ndarray, tensors: Mapping[str, Tensor]) -> None:
        for name, tensor in self.tensors().items():
            held = self._held.setdefault(name, torch.zeros_like(tensor))
            held[torch.from_numpy(nets)] = tensors[name][torch.from_numpy(nets)]
        self._hold()

    def _hold(self) -> None:
        """Nets whose run has ended are computed along with the others, and set back to how they ended."""
        ended = torch.from_numpy(self.finished)
        self._all_ended = bool(ended.all())
        if self._held:
            for name, tensor in self.tensors().items():
                if name in self._held:  # after a fork to another optimizer its memory is not
                    tensor[ended] = self._held[name][ended]

    def note(self, callback: str, what: str, nets: np.ndarray | Sequence[int]) -> None:
        """Write down in `fired` that a callback did something now."""
        self.fired.append(Fired(self.epoch, callback, what, tuple(int(net) for net in nets)))


def _column(value: float | Tensor) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float32).reshape(-1, 1)


# --- curvature --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Curvature:
    """The largest eigenvalue of a loss's Hessian, with its vector (P,), known to within `error`.

    Gradient descent with a step size lr cannot settle where the value is above 2 / lr.
    """

    value: float
    vector: np.ndarray
    error: float
    products: int


def top_eigenvalue(
    module: nn.Module,
    x: Any,
    y: Any,
    loss: str | Loss = "MSELoss",
    *,
    start: np.ndarray | None = None,
    seed: int = 0,
    tolerance: float = 1e-3,
    max_products: int = 60,
) -> Curvature:
    """The largest (most positive) eigenvalue of the Hessian of the mean loss by the module's parameters.

    Lanczos's iteration: the power iteration that keeps all of its vectors, so that it needs a tenth
    of the products, takes no eigenvalue of the other sign for the largest, and knows its error. The
    products with the Hessian are Pearlmutter's (1994), the Hessian is never written out. It ends
    when `error` is at most `tolerance` of the value. x: (N, ...), y as in `Data`, in evaluation mode.
    `start`: the vector of an earlier call with nearly the same weights saves most of the products.
    """
    loss = LOSSES[loss]() if isinstance(loss, str) else loss
    parameters = [p for p in module.parameters() if p.requires_grad]
    training = module.training
    module.eval()
    with torch.enable_grad():
        out = module(_tensor(x).float()).flatten(1).T[None]
        value = loss.value(out, loss.encode(_tensor(y), out.shape[1])).sum()
        parts = torch.autograd.grad(value, parameters, create_graph=True, materialize_grads=True)
        gradient = torch.cat([part.flatten() for part in parts])
    module.train(training)

    def product(v: Tensor) -> Tensor:
        if not gradient.requires_grad:  # a linear loss of linear layers
            return torch.zeros_like(v)
        parts = torch.autograd.grad(gradient, parameters, v, retain_graph=True, materialize_grads=True)
        return torch.cat([part.flatten() for part in parts]).double()

    if start is None:
        v = torch.randn(len(gradient), generator=torch.Generator().manual_seed(seed))
    else:
        v = torch.as_tensor(start)
    v = v.double() / v.norm()
    basis, diagonal, beside = [], [], []
    for _ in range(min(max_products, len(gradient))):
        basis.append(v)
        w = product(v.float())
        diagonal.append(float(v @ w))
        vectors = torch.stack(basis)
        for _ in range(2):  # once is not enough against rounding
            w = w - vectors.T @ (vectors @ w)
        beside.append(float(w.norm()))
        if not math.isfinite(beside[-1]):
            return Curvature(math.nan, v.float().numpy(), math.nan, len(basis))
        small = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
        values, turns = np.linalg.eigh(small)
        error = abs(beside[-1] * turns[-1, -1])
        if error <= tolerance * abs(values[-1]) or beside[-1] < 1e-12:
            break
        v = w / beside[-1]
    vector = torch.from_numpy(turns[:, -1]) @ torch.stack(basis)
    return Curvature(float(values[-1]), vector.float().numpy(), error, len(basis))
