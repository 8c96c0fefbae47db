"""The Playground's runs against the engine by hand, its data, its files, and what its experiments claim."""

import csv
import io
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as strategy

from nnplay import playground
from nnplay.batched import Layer, Nets
from nnplay.play_data import DATASETS, MOST_CLASSES, OWN, REACH, points, read_csv
from nnplay.play_net import DEFAULTS, FEATURES, Settings
from nnplay.play_train import Edit, as_bytes, classes_as_bytes, read_edits, tile_side
from nnplay.playground import EXPERIMENTS, callbacks, curvature, seeds, train
from nnplay.training import Data, Run

BUILT_IN = [name for name in DATASETS if name != OWN]
TITLES = {experiment.title: experiment for experiment in EXPERIMENTS}


def last(generator):
    record = None
    for record in generator:  # noqa: B007
        pass
    return record


@lru_cache
def experiment(title):
    chosen = TITLES[title]
    return last(getattr(playground, chosen.view)(**chosen.settings))


# --- data -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("noise", [0, 100])
def test_a_set_is_split_and_fits_its_classes(name, noise):
    found = points(name, 200, noise, 30, 1)
    assert found.x.shape == (200, 2)
    assert found.train.sum() == 60
    assert np.isfinite(found.x).all()
    if found.classes == 2:
        assert set(found.y) == {-1, 1}
    elif found.classes:
        assert set(found.y) == set(range(found.classes))
    else:
        assert np.abs(found.y).max() <= 1
        assert len(set(found.y)) > 10


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_seed_is_the_data_and_noise_moves_the_same_points(name):
    a, b, other = (points(name, 100, 0, 50, seed) for seed in (3, 3, 4))
    assert (a.x == b.x).all()
    assert not (a.x == other.x).all()
    near = points(name, 100, 1, 50, 3)
    assert np.abs(near.x - a.x).max() < 0.2


def test_without_noise_the_sets_are_what_they_say():
    circle = points("circle", 300, 0, 50, 0)
    assert ((np.hypot(*circle.x.T) < 2.5) == (circle.y > 0)).all()
    xor = points("xor", 300, 0, 50, 0)
    assert (np.sign(xor.x.prod(1)) == xor.y).all()
    plane = points("plane", 300, 0, 50, 0)
    np.testing.assert_allclose(plane.y, np.clip(plane.x.sum(1) / 10, -1, 1), atol=1e-6)


def test_added_points_are_trained_on():
    found = points("circle", 20, 0, 50, 0, ((1, 2, -1), (0.5, 0, 1)))
    np.testing.assert_array_equal(found.x[-2:], np.float32([[1, 2], [0.5, 0]]))
    assert found.train[-2:].all()
    assert list(found.y[-2:]) == [-1, 1]


@pytest.mark.parametrize(
    ("dataset", "row", "sentence"),
    [
        ("circle", (1, 2), "three numbers"),
        ("circle", (1, 2, 0), "must be one of -1, 1"),
        ("blobs", (1, 2, 3), "must be one of 0, 1, 2"),
        ("plane", (1, 2, 3), "between -1 and 1"),
        ("circle", (7, 2, 1), "between -6 and 6"),
        ("circle", (float("nan"), 2, 1), "between -6 and 6"),
    ],
)
def test_a_point_that_does_not_fit_is_refused(dataset, row, sentence):
    with pytest.raises(ValueError, match=sentence):
        points(dataset, 20, 0, 50, 0, (row,))


# --- a visitor's own table --------------------------------------------------------------------------


def table(*rows, head="a,b,y") -> bytes:
    return "\n".join([head, *rows]).encode()


def test_a_table_is_standardized_and_its_last_column_is_the_class():
    rows = [f"{i},{100 - i},{'yes' if i % 3 else 'no'}" for i in range(30)]
    own = np.array(read_csv(table(*rows)))
    np.testing.assert_allclose(own[:, :2].mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(own[:, :2].std(0), 2, atol=1e-5)
    assert (own[:, 2] == [1 if i % 3 else -1 for i in range(30)]).all()
    found = points(OWN, 100, 0, 50, 0, own=tuple(map(tuple, own.tolist())))
    assert (found.classes, len(found.y)) == (2, 30)


@pytest.mark.parametrize(("kinds", "classes"), [(3, 3), (MOST_CLASSES, MOST_CLASSES), (20, 0)])
def test_the_last_column_says_what_is_learned(kinds, classes):
    own = read_csv(table(*[f"{i};{i * i};{i % kinds}" for i in range(40)], head="a;b;c"))
    found = points(OWN, 100, 0, 50, 0, own=own)
    assert found.classes == classes
    assert np.abs(found.x).max() <= REACH


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\xff\xfe\x00", "not a text file"),
        (b"", "at least 3 columns"),
        (b"x" * 2_000_001, "up to 2 MB"),
        (table(*["1,2"] * 20, head="a,b"), "at least 3 columns"),
        (table(*["1,2,3"] * 20), "same number in every row"),
        (table(*[f"{i},{i},x" for i in range(20)]), "nothing to learn"),
        (table(*[f"{i},{i},n{i}" for i in range(20)]), "20 classes"),
        (table(*[f"n{i},{i},1" for i in range(20)]), "two columns of numbers"),
        (table(*[f"{i},nan,{i % 2}" for i in range(20)]), "two columns of numbers"),
        (table(*["1,2,3"] * 10, "1,2"), "another number of columns"),
        (table(*["1,2,3"] * 2001), "more than the 2000 rows"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_reason(data, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_csv(data)


@given(strategy.binary(max_size=300))
def test_no_file_raises_anything_else(data):
    with suppress(ValueError):
        read_csv(data)


# --- runs -------------------------------------------------------------------------------------------

SMALL = {"epochs": 6, "samples": 60}


def by_hand(**changes) -> Run:
    """The run of the settings, without the Playground."""
    chosen = Settings(**{**SMALL, **changes})
    found = points("circle", 60, 0, 50, chosen.data_seed)
    layers = (Layer(4, "Tanh"), Layer(2, "Tanh"), Layer(1, "Tanh"))
    data = Data(
        *((found.x[part], found.y[part]) for part in [found.train]),
        test=(found.x[~found.train], found.y[~found.train]),
    )
    return Run(
        Nets(2, layers, (chosen.seed,)), data, lr=chosen.lr, batch_size=10, epochs=6, metrics=("accuracy",)
    )


def test_a_run_is_the_engines_own():
    record, run = last(train(**SMALL)), by_hand()
    for t, snapshot in enumerate(run.snapshots(weights=True)):
        np.testing.assert_array_equal(record.weights[t], snapshot.weights[0])
        for p, part in enumerate(("train", "test")):
            assert record.loss[0, t, p] == snapshot.values[part]["loss"][0]
            assert record.metric[0, t, p] == snapshot.values[part]["accuracy"][0]
    assert record.times.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert record.done


@settings(max_examples=12, deadline=None)
@given(
    strategy.fixed_dictionaries(
        {},
        optional={
            "dataset": strategy.sampled_from(BUILT_IN),
            "hidden_layers": strategy.integers(0, 3),
            "units_1": strategy.integers(1, 16),
            "activation": strategy.sampled_from(["ReLU", "PReLU", "SwiGLU", "Sigmoid"]),
            "formula_1": strategy.sampled_from(["none", "sin x", "x²"]),
            "batch_norm": strategy.booleans(),
            "dropout": strategy.sampled_from([0.0, 0.3]),
            "optimizer": strategy.sampled_from(["SGD", "Adam", "RMSprop"]),
            "schedule": strategy.sampled_from(["constant", "step", "onecycle", "plateau", "cosine"]),
            "inputs": strategy.sampled_from([("x1x2",), tuple(FEATURES)]),
            "seed": strategy.integers(0, 99),
            "l1": strategy.sampled_from([0.0, 0.01]),
            "l2": strategy.sampled_from([0.0, 0.01]),
        },
    )
)
def test_the_same_settings_give_the_same_run_bit_for_bit(chosen):
    a, b = (last(train(**SMALL, **chosen)) for _ in range(2))
    np.testing.assert_array_equal(a.weights, b.weights)
    np.testing.assert_array_equal(a.loss, b.loss)
    np.testing.assert_array_equal(a.output_maps, b.output_maps)


def test_batches_are_steps_of_the_same_run():
    batches, epochs = last(train(**SMALL, frame="batch")), last(train(**SMALL))
    assert batches.step.tolist() == list(range(19))  # three batches of ten an epoch
    np.testing.assert_array_equal(batches.weights[::3], epochs.weights)


def test_an_edit_is_an_intervention_in_the_engines_run():
    record, run = last(train(**SMALL, edits="2:1.2.1=0.5 4:3.1.b=-1")), by_hand()
    run.advance_epochs(2)
    run.nets.weight(0)[0, 1, 0] = 0.5
    run.advance_epochs(2)
    run.nets.bias(2)[0, 0] = -1
    np.testing.assert_array_equal(record.weights[4], run.nets.theta[0].numpy())
    run.advance_epochs(2)
    np.testing.assert_array_equal(record.weights[6], run.nets.theta[0].numpy())
    assert record.edited_at == (2, 4)
    plain = last(train(**SMALL))
    np.testing.assert_array_equal(record.weights[:2], plain.weights[:2])


def test_the_columns_of_edges_and_biases_are_those_of_the_nets():
    record = last(train(**SMALL, batch_norm=True, activation="PReLU"))
    nets = record.run.nets
    for layer, unit, source, column in record.edges:
        assert record.weights[-1, column] == nets.weight(layer)[0, unit, source]
    for layer, unit, column in record.biases:
        assert record.weights[-1, column] == nets.bias(layer)[0, unit]


@pytest.mark.parametrize(
    ("fork", "value"), [("lr", 0.3), ("optimizer", "Adam"), ("batch_size", 7), ("dropout", 0.5), ("l2", 0.1)]
)
def test_a_fork_goes_on_from_the_same_weights(fork, value):
    record = last(train(**SMALL, fork=fork, fork_at=3, **{f"fork_{fork}": value}))
    plain = last(train(**SMALL))
    np.testing.assert_array_equal(record.loss[0], plain.loss[0])  # the first run does not notice
    assert np.isnan(record.loss[1, :3]).all()
    np.testing.assert_array_equal(record.loss[1, 3], record.loss[0, 3])
    assert (record.loss[1, 4:] != record.loss[0, 4:]).any()


def test_a_fork_is_the_engines_fork():
    record, run = last(train(**SMALL, fork="lr", fork_at=3, fork_lr=0.3)), by_hand()
    run.advance_epochs(3)
    forked = run.fork(lr=0.3)
    forked.advance_epochs(3)
    assert record.loss[1, 6, 0] == forked.snapshot().values["train"]["loss"][0]


def test_a_run_ends_below_a_loss():
    record = last(train(stop_below=0.1))
    assert record.loss[0, -1, 0] < 0.1 <= record.loss[0, :-1, 0].min()
    assert "training loss below 0.1" in record.notes[0]


def test_maps_are_what_the_net_answers():
    record = last(train(**SMALL))
    middles = (np.arange(48) + 0.5) / 4 - REACH
    x1, x2 = np.meshgrid(middles, -middles)
    grid = torch.from_numpy(np.float32(np.stack([x1.ravel(), x2.ravel()], 1)))
    out = record.run.nets.sequential()(grid).detach().numpy()[:, 0]
    assert np.abs(record.output_maps[-1, 0] / 127.0 - 1 - out).max() < 0.005
    tiles = record.unit_maps[-1].reshape(-1, record.side, record.side)
    step = 48 // record.side
    assert (tiles[-1] == record.output_maps[-1, 0].reshape(48, 48)[::step, ::step]).all()


def test_the_confusion_matrix_counts_every_test_point():
    record = last(train(**SMALL, dataset="rings"))
    assert record.confusion[-1].sum() == 30
    assert np.trace(record.confusion[-1]) / 30 == pytest.approx(record.metric[0, -1, 1])


def test_every_loss_that_is_offered_trains():
    for dataset, losses in (("circle", playground.LOSSES[2]), ("plane", playground.LOSSES[0])):
        for loss in losses:
            record = last(train(**SMALL, dataset=dataset, loss=loss, lr=0.1))
            assert record.loss[0, -1, 0] < record.loss[0, 0, 0], loss


@pytest.mark.parametrize("kind", ["rings", "plane"])
def test_a_loss_that_does_not_fit_is_refused(kind):
    with pytest.raises(ValueError, match="does not fit"):
        next(train(dataset=kind, loss="BCEWithLogitsLoss"))


def test_large_nets_keep_fewer_moments_and_every_next_is_short_of_an_epoch():
    wide = {"hidden_layers": 6, **{f"units_{i}": 16 for i in range(1, 7)}}
    record = next(train(**wide))
    assert record.last_time == 300
    assert record.unit_maps.shape[1] == 97 * record.side**2
    assert tile_side(97) == 8


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"lr": float("nan")}, "lr must lie"),
        ({"units_1": 17}, "units_1 must lie"),
        ({"inputs": ()}, "at least one input"),
        ({"inputs": ("x3",)}, "not one of the choices"),
        ({"dataset": OWN}, "CSV file of your own"),
        ({"edits": "12:1.2=3"}, "not an edit"),
        ({"edits": "12:1.2.1=1e9"}, "not an edit"),
        ({"edits": "12:1.9.1=1"}, "does not have"),
        ({"edits": "12:7.1.1=1"}, "does not have"),
        ({"edits": "12:0.1.1=1"}, "does not have"),
        ({"batch_norm": True, "batch_size": 1}, "at least two points"),
        ({"fork": "everything"}, "not one of the choices"),
    ],
)
def test_settings_that_make_no_sense_are_a_sentence(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        next(train(**given))


def test_edits_are_read_as_they_are_written():
    edits = (Edit(3, 1, 2, 0, -0.25), Edit(12, 1, 2, 1, 0.5))
    assert read_edits(" ".join(map(str, edits))) == edits
    assert read_edits("") == ()


@given(strategy.text(max_size=60))
def test_no_edit_raises_anything_else(text):
    with suppress(ValueError):
        read_edits(text)


def test_bytes_of_maps():
    assert as_bytes(np.array([-2, -1, 0, 1, np.nan])).tolist() == [0, 0, 127, 254, 255]
    sure = np.array([[1.0, 0, 1 / 3, np.nan], [0, 0, 1 / 3, 0], [0, 1, 1 / 3, 1]])
    assert classes_as_bytes(sure).tolist() == [84, 254, 0, 255]


def test_tensorflow_playgrounds_limits_are_within_ours():
    """Noise 0-50, share 10-90, batch 1-30, 0-6 layers of 1-8 units, rates 0.00001-10, penalties 0-10."""
    low = {"noise": 0.0, "train_share": 10, "batch_size": 1, "hidden_layers": 0, "units_1": 1, "lr": 1e-5}
    high = {"noise": 50.0, "train_share": 90, "batch_size": 30, "hidden_layers": 6, "units_1": 8, "lr": 10.0}
    for chosen in (low, high, {"l1": 10.0}, {"l2": 10.0}, {"inputs": tuple(FEATURES)}):
        Settings(**chosen)
    wanted = {
        "noise": 0,
        "train_share": 50,
        "batch_size": 10,
        "lr": 0.03,
        "hidden_layers": 2,
        "units_1": 4,
        "units_2": 2,
    }
    assert {name: DEFAULTS[name] for name in wanted} == wanted


# --- files ------------------------------------------------------------------------------------------


def test_weights_load_safely_and_answer_the_same():
    record = last(train(**SMALL))
    files = record.downloads()
    state = torch.load(io.BytesIO(files["weights.pt"]()), weights_only=True)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 4),
        torch.nn.Tanh(),
        torch.nn.Linear(4, 2),
        torch.nn.Tanh(),
        torch.nn.Linear(2, 1),
        torch.nn.Tanh(),
    )
    net.load_state_dict(state)
    x = torch.from_numpy(record.points.x[~record.points.train])
    right = (net(x)[:, 0] > 0).numpy() == (record.points.y[~record.points.train] > 0)
    assert right.mean() == pytest.approx(record.metric[0, -1, 1])
    rows = list(csv.DictReader(io.StringIO(files["history.csv"]())))
    assert [float(row["train_loss"]) for row in rows] == record.loss[0, 1:, 0].tolist()
    assert any("tfevents" in name for name in files)


# --- many seeds, curvature, callbacks ---------------------------------------------------------------


def test_many_seeds_are_the_runs_of_each_seed():
    record = last(seeds(nets=3, seed=5, **SMALL))
    for k, seed in enumerate(record.seeds):
        one = last(train(**SMALL, seed=int(seed)))
        np.testing.assert_allclose(record.loss[:, k], one.loss[0], atol=1e-5)
    assert record.share == np.mean([metric >= 0.95 for metric in record.metric[-1, :, 1]])
    ranked = record.metric[-1, record.examples, 1]
    assert ranked[0] == record.metric[-1, :, 1].max()
    assert ranked[2] == record.metric[-1, :, 1].min()


def test_the_curvature_is_the_hessians_largest_eigenvalue():
    record = last(curvature(epochs=3, samples=40))
    run = replace(record.settings, epochs=3).start(record.settings.data())
    net = run.nets.sequential()
    x, y = (torch.from_numpy(each) for each in run.data.train)
    flat = torch.nn.utils.parameters_to_vector(net.parameters()).detach()
    names = [name for name, _ in net.named_parameters()]
    shapes = [p.shape for p in net.parameters()]

    def loss(vector):
        parts = vector.split([shape.numel() for shape in shapes])
        named = {n: part.view(shape) for n, part, shape in zip(names, parts, shapes)}
        return torch.nn.functional.mse_loss(torch.func.functional_call(net, named, x)[:, 0], y)

    exact = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, flat))[-1]
    assert record.top[0] == pytest.approx(float(exact), rel=5e-3)
    assert record.limit[0] == pytest.approx(2 / 0.03)


def test_callbacks_can_be_left_out():
    everything = last(callbacks(**SMALL))
    assert {"weights.pt", "best-weights.pt", "history.csv", "log.txt"} < set(everything.downloads())
    assert len(everything.lines) == 6
    nothing = last(callbacks(**SMALL, early_stopping=False, checkpoint=False, logger=False, verbose=0))
    assert (nothing.fired, nothing.lines, set(nothing.downloads())) == ((), (), {"weights.pt"})
    np.testing.assert_array_equal(nothing.loss, everything.loss)  # callbacks only look


def test_the_verbose_log_draws_a_bar():
    record = last(callbacks(**SMALL, verbose=1))
    assert record.lines[0] == "Epoch 1/6"
    assert record.lines[1].startswith("3/3 [====")


# --- what the experiments claim ---------------------------------------------------------------------


def test_xor_needs_a_hidden_layer_or_the_product():
    assert experiment("XOR needs a hidden layer").metric[0, -1, 1] < 0.8
    assert experiment("... or the right input").metric[0, -1, 1] > 0.98
    assert last(train(dataset="xor", hidden_layers=1, epochs=200)).metric[0, -1, 1] > 0.9


def test_the_spiral_needs_width():
    assert experiment("The spiral needs width").metric[0, -1, 1] > 0.9
    assert last(train(dataset="spiral", optimizer="Adam")).metric[0, -1, 1] < 0.8


def test_too_high_a_learning_rate_is_marked():
    record = experiment("Too high a learning rate")
    assert not np.isnan(record.ended[0])
    assert record.done
    assert "no longer finite" in record.notes[0]
    assert np.isnan(last(train(dataset="plane", activation="ReLU", lr=0.03, epochs=20)).ended[0])


def test_zeros_never_learn():
    record = experiment("Zeros never learn")
    assert (record.weights[:, record.edges[:, 3]] == 0).all()
    assert len(set(record.output_maps[-1, 0])) == 1
    assert record.metric[0, -1, 1] < 0.6


def test_l1_empties_edges():
    record = experiment("L1 empties edges")
    weights = record.weights[-1, record.edges[:, 3]]
    assert (weights == 0).mean() > 0.5
    assert record.metric[0, -1, 1] > 0.95
    plain = last(train(**{**TITLES["L1 empties edges"].settings, "l1": 0.0}))
    assert (plain.weights[-1, plain.edges[:, 3]] != 0).all()


def test_a_lambda_layer_separates_rings():
    assert experiment("A lambda layer").metric[0, -1, 1] > 0.95
    straight = {**TITLES["A lambda layer"].settings, "formula_1": "none"}
    assert last(train(**straight)).metric[0, -1, 1] < 0.7


def test_the_fork_differs():
    record = experiment("A fork")
    assert record.fork_at == 20
    there = list(record.times).index(20)
    assert (record.loss[0, there] == record.loss[1, there]).all()
    assert abs(record.loss[0, -1, 0] - record.loss[1, -1, 0]) > 0.01


def test_two_units_never_solve_the_circle_and_eight_nearly_always_do():
    assert experiment("Two units, 32 seeds").share == 0
    wide = {**TITLES["Two units, 32 seeds"].settings, "units_1": 8}
    assert last(seeds(**wide)).share > 0.9


def test_the_curvature_meets_its_limit():
    record = experiment("The edge of stability")
    ratio = record.top / record.limit
    assert ratio[0] < 0.7
    assert 0.7 < np.median(ratio[len(ratio) // 3 :]) < 1.8
    assert record.loss[-1] < 0.2 * record.loss[0]


def test_early_stopping_ends_in_time():
    record = experiment("Stopped in time")
    assert record.epoch[-1] < 300
    assert any("restored" in fired.what for fired in record.fired)
    on = last(callbacks(**{**TITLES["Stopped in time"].settings, "early_stopping": False}))
    assert on.loss[-1, 1] > 1.2 * record.loss[-1, 1]
    assert on.loss[-1, 0] < record.loss[-1, 0]


def test_the_preview_has_learned():
    assert playground.preview().metric[0, -1, 1] > 0.9
