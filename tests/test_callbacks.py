"""Callbacks against their rules spelled out, and event files against TensorBoard's own reader."""

from __future__ import annotations

import csv
import io
import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from nnplay.batched import Layer, Nets
from nnplay.callbacks import Callback, Checkpoint, EarlyStopping, History, TensorBoard, TextLog, _masked_crc
from nnplay.training import Data, Run


def points(rows: int = 20, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 2, generator=generator)
    return x, torch.sign(x[:, :1] * x[:, 1:] + 0.5 * torch.randn(rows, 1, generator=generator))


DATA = Data(points(), validation=points(15, 1))


def run_with(*callbacks: Callback, seeds=range(4), lr=0.05, epochs: int = 40, **more) -> Run:
    """Nets that overfit, so that the validation loss turns."""
    nets = Nets(2, [Layer(12, "Tanh", batch_norm=True), Layer(1)], seeds)
    return Run(nets, DATA, optimizer="Adam", lr=lr, epochs=epochs, callbacks=callbacks, **more)


def curves(run: Run, part: str = "validation", metric: str = "loss") -> tuple[np.ndarray, list[dict]]:
    """(K, epochs) of a metric, and all tensors of the run at the end of each epoch, without callbacks."""
    values, tensors = [], []
    while not run.done:
        run.advance_epochs()
        values.append(run.snapshot().values[part][metric])
        tensors.append({name: tensor.clone() for name, tensor in run.tensors().items()})
    return np.array(values).T, tensors


@pytest.fixture(scope="module")
def plain():
    return curves(run_with())


@pytest.mark.parametrize(
    ("patience", "min_delta", "late"), [(1, 0.0, 0), (3, 0.0, 0), (3, 0.05, 0), (2, 0.0, 6)]
)
def test_early_stopping_stops_by_its_rule_and_restores_the_best(plain, patience, min_delta, late) -> None:
    losses, tensors = plain
    stopping = EarlyStopping(patience, min_delta=min_delta, start_from_epoch=late)
    run = run_with(stopping)
    last = list(run.snapshots(weights=True))[-1]
    for k, curve in enumerate(losses):
        best, at, wait, stop = np.inf, 0, 0, None
        for epoch, value in enumerate(curve, 1):  # Keras's rule, a net at a time
            if epoch <= late:
                continue
            wait += 1
            if value < best - min_delta:
                best, at, wait = value, epoch, 0
            if wait >= patience:
                stop = epoch
                break
        assert stop is not None
        assert last.stopped_at[k] == stop
        assert (stopping.at[k], stopping.value[k]) == (at, best)
        assert last.values["validation"]["loss"][k] == best
        for name, tensor in run.tensors().items():
            assert torch.equal(tensor[k], tensors[at - 1][name][k]), name
    assert run.done
    assert last.epoch == last.stopped_at.max()
    assert {f.what for f in run.fired if f.callback == "EarlyStopping"} >= {"best weights restored"}


def test_without_restoring_a_net_stays_as_it_was_when_it_stopped(plain) -> None:
    _, tensors = plain
    run = run_with(EarlyStopping(2, restore_best=False))
    last = list(run.snapshots(weights=True))[-1]
    assert len(set(last.stopped_at)) > 1  # some stood still while others went on
    for k, epoch in enumerate(last.stopped_at.astype(int)):
        assert np.array_equal(last.weights[k], tensors[epoch - 1]["theta"][k].numpy())


def test_checkpoint_keeps_the_best_and_changes_nothing(plain) -> None:
    losses, tensors = plain
    kept = Checkpoint()
    run = run_with(kept)
    run.advance_epochs(40)
    assert np.array_equal(kept.at, losses.argmin(1) + 1)
    assert np.array_equal(kept.value, losses.min(1))
    for k, at in enumerate(kept.at):
        assert torch.equal(kept.tensors["theta"][k], tensors[at - 1]["theta"][k])
    assert torch.equal(run.nets.theta, tensors[-1]["theta"])
    fired = {(f.epoch, k) for f in run.fired for k in f.nets}
    better = losses < np.minimum.accumulate(np.c_[np.full(4, np.inf), losses], 1)[:, :-1]
    assert fired == {(epoch + 1, k) for k, epoch in zip(*np.nonzero(better))}


def test_what_is_better_depends_on_the_metric() -> None:
    accuracies, _ = curves(run_with(metrics=("accuracy",), epochs=12), metric="accuracy")
    kept = Checkpoint("accuracy")
    run = run_with(kept, metrics=("accuracy",), epochs=12)
    run.advance_epochs(12)
    assert np.array_equal(kept.value, accuracies.max(1))
    assert np.array_equal(kept.at, accuracies.argmax(1) + 1)
    with pytest.raises(ValueError, match="does not compute accuracy"):
        run_with(Checkpoint("accuracy")).advance_epochs(1)


def test_without_validation_data_the_training_data_is_watched() -> None:
    nets = Nets(2, [Layer(1)], [0])
    kept = Checkpoint()
    run = Run(nets, Data(points()), epochs=3, callbacks=[kept])
    run.advance_epochs(3)
    assert kept.value == run.snapshot().values["train"]["loss"]


def test_a_diverging_net_is_no_matter_for_early_stopping() -> None:
    run = run_with(EarlyStopping(3), lr=[0.05, 1e30, 0.05, 0.05])
    run.advance_epochs(40)
    last = run.snapshot()
    assert (
        np.isnan(last.stopped_at).tolist()
        == np.isfinite(last.diverged_at).tolist()
        == [False, True, False, False]
    )
    assert run.nets.theta[[0, 2, 3]].isfinite().all()


def test_a_fork_with_more_patience_goes_on_counting() -> None:
    run = run_with(EarlyStopping(2), seeds=[0])
    run.advance_epochs(2)
    long = run.fork(callbacks=[EarlyStopping(5)])
    fresh = run_with(EarlyStopping(5), seeds=[0])
    for each in (long, fresh):
        each.advance_epochs(40)
    assert long.stopped_at == fresh.stopped_at
    assert torch.equal(long.nets.theta, fresh.nets.theta)


def test_what_has_stopped_stays_so_in_a_fork_to_another_optimizer() -> None:
    run = run_with(EarlyStopping(2))
    while not run.finished.any():
        run.advance_epochs(1)
    stopped = torch.from_numpy(run.finished)
    fork = run.fork(optimizer="SGD")
    fork.advance_epochs(2)
    assert torch.equal(fork.nets.theta[stopped], run.nets.theta[stopped])
    assert not torch.equal(fork.nets.theta[~stopped], run.nets.theta[~stopped])


# --- history, event files, log ----------------------------------------------------------------------


def clock():
    return iter(range(100, 400)).__next__


def test_history_as_csv() -> None:
    history = History()
    run = run_with(
        history, metrics=("accuracy",), epochs=3, schedule=lambda o: lr_scheduler.StepLR(o, 1, 0.5)
    )
    snapshots = list(run.snapshots())[1:]
    rows = list(csv.DictReader(io.StringIO(history.csv())))
    assert len(rows) == 4 * 3
    parts = [f"{part}_{name}" for part in ("train", "validation") for name in ("loss", "accuracy")]
    assert list(rows[0]) == ["net", "epoch", "step", *parts, "lr"]
    for i, row in enumerate(rows):
        net, epoch = divmod(i, 3)
        assert (int(row["net"]), int(row["epoch"]), int(row["step"])) == (net, epoch + 1, 2 * (epoch + 1))
        assert float(row["validation_loss"]) == snapshots[epoch].values["validation"]["loss"][net]
        assert float(row["lr"]) == 0.05 * 0.5**epoch  # what the epoch was trained with


def test_history_follows_forks_and_rewinds() -> None:
    history = History()
    run = run_with(history, epochs=6)
    run.advance_epochs(3)
    state = run.state()
    fork = run.fork(callbacks=[History()], lr=0.2)
    fork.advance_epochs(3)
    run.advance_epochs(3)
    ours, theirs = history.rows, fork.callbacks[0].rows
    assert ours.shape == theirs.shape == (4, 6, 6)
    assert np.array_equal(ours[:, :3], theirs[:, :3])
    assert not np.array_equal(ours[:, 5], theirs[:, 5])
    run.restore(state)
    assert history.rows.shape == (4, 3, 6)
    pair = Run(run.nets.take([2, 2]), DATA, epochs=6, callbacks=[History()], state=state.take([2, 2]))
    assert np.array_equal(pair.callbacks[0].rows, ours[[2, 2], :3])
    other = run.fork(metrics=("r2",))
    other.advance_epochs(1)
    assert other.callbacks[0].rows.shape == (4, 1, 8)


def test_empty_history() -> None:
    board = TensorBoard(clock())
    Run(Nets(2, [Layer(1)], [0]), DATA, callbacks=[board])
    assert board.csv() == "net\n"
    assert len(board.events()) == 12 + 24 + 4  # the head alone
    assert board.file_name() == "events.out.tfevents.101.nnplay"


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_reads_the_event_file(tmp_path) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    board = TensorBoard(clock())
    run = run_with(board, metrics=("accuracy",), epochs=5)
    snapshots = list(run.snapshots())[1:]
    (tmp_path / board.file_name()).write_bytes(board.events(2))
    events = reader.EventAccumulator(str(tmp_path))
    events.Reload()
    tags = ["loss/train", "accuracy/train", "loss/validation", "accuracy/validation", "lr"]
    assert sorted(events.Tags()["scalars"]) == sorted(tags)
    for name in ("loss", "accuracy"):
        for part in ("train", "validation"):
            found = events.Scalars(f"{name}/{part}")
            assert [event.step for event in found] == [1, 2, 3, 4, 5]
            assert [event.wall_time for event in found] == [100, 101, 102, 103, 104]
            assert [event.value for event in found] == [
                np.float32(s.values[part][name][2]) for s in snapshots
            ]


def read_records(data: bytes) -> list[bytes]:
    """The records of a TFRecord file; fails where a checksum is wrong."""
    records, at = [], 0
    while at < len(data):
        length = data[at : at + 8]
        (size,) = struct.unpack("<Q", length)
        record = data[at + 12 : at + 12 + size]
        assert data[at + 8 : at + 12] == _masked_crc(length)
        assert data[at + 12 + size : at + 16 + size] == _masked_crc(record)
        records.append(record)
        at += 16 + size
    return records


def test_event_file_is_framed() -> None:
    board = TensorBoard(clock())
    run_with(board, epochs=200, seeds=[0]).advance_epochs(200)  # steps past 127 take two bytes
    records = read_records(board.events())
    assert len(records) == 1 + 200
    assert records[0] == b"\x09" + struct.pack("<d", 100) + b"\x1a\x0dbrain.Event:2"


@pytest.mark.parametrize(
    ("data", "crc"),
    [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)],
)
def test_checksum_is_castagnolis(data: bytes, crc: int) -> None:
    """The check value of the CRC catalogue and vectors of RFC 3720, B.4."""
    (masked,) = struct.unpack("<I", _masked_crc(data))
    turned = (masked - 0xA282EAD8) & 0xFFFFFFFF
    assert (turned >> 17 | turned << 15) & 0xFFFFFFFF == crc


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 2**40), st.floats(allow_nan=False, width=32))
def test_fields_are_read_by_protocol_buffers(step: int, value: float) -> None:
    event = pytest.importorskip("tensorboard.compat.proto.event_pb2")
    from nnplay.callbacks import _field

    data = _field(1, 2.5) + _field(2, step) + _field(
        5, _field(1, _field(1, "löss".encode()) + _field(2, np.float32(value)))
    )  # fmt: skip
    found = event.Event.FromString(data)
    assert (found.wall_time, found.step) == (2.5, step)
    assert [(v.tag, v.simple_value) for v in found.summary.value] == [("löss", value)]


def test_log_levels() -> None:
    logs = [TextLog(verbose) for verbose in (0, 1, 2)]
    run = run_with(*logs, epochs=2)
    run.advance()
    assert [log.now(run) for log in logs] == [[], ["Epoch 1/2", "1/2 [==========>.........]"], []]
    run.advance_epochs(2)
    loss, validation = (np.median(run.snapshot().values[part]["loss"]) for part in ("train", "validation"))
    numbers = f" - loss: {loss:.4f} - validation_loss: {validation:.4f} - lr: 0.05"
    assert logs[0].lines == []
    assert logs[1].lines[2:] == ["Epoch 2/2", "2/2 [====================]" + numbers]
    assert logs[2].lines[1:] == ["Epoch 2/2" + numbers]
    assert len(logs[2].lines) == 2


def test_log_is_cut_when_the_run_is_rewound() -> None:
    log = TextLog()
    run = run_with(log, epochs=4)
    run.advance_epochs(1)
    state = run.state()
    run.advance_epochs(3)
    lines = list(log.lines)
    run.restore(state)
    assert log.lines == lines[:1]
    run.advance_epochs(3)
    assert log.lines == lines


def test_two_of_a_kind_keep_apart() -> None:
    kinds = (Checkpoint(), Checkpoint("loss", "train"))
    run = run_with(*kinds, epochs=10)
    run.advance_epochs(10)
    fork = run.fork()
    for ours, theirs in zip(kinds, fork.callbacks):
        assert np.array_equal(ours.value, theirs.value)
    assert not np.array_equal(kinds[0].value, kinds[1].value)


@pytest.mark.parametrize("wrong", [lambda: EarlyStopping(0), lambda: TextLog(3)])
def test_nonsense_is_refused_in_a_sentence(wrong) -> None:
    with pytest.raises(ValueError, match=r"[.]$"):
        wrong()
