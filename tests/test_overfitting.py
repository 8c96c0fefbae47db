"""Fits, remedies, bias and variance, double descent: against scikit-learn, torch, NumPy and closed forms."""

import inspect
import io
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from torch import nn

from nnplay import capacity, descents, learning, overfitting, parts, planes, remedies, resampled, ridge
from nnplay.datasets import DOMAIN, FUNCTIONS
from nnplay.overfitting import EXPERIMENTS, bias_variance, double_descent, fit, train
from nnplay.parts import PARTS

VIEWS = (fit, train, overfitting.remedies, bias_variance, double_descent)


def last(steps):
    for record in steps:  # noqa: B007
        pass
    return record


def first(view, **given):
    found = view(**given)
    return next(found) if inspect.isgenerator(found) else found


@lru_cache
def run(title: str, seed: int = 0):
    """The last record of an experiment, from another seed where one is given."""
    experiment = next(each for each in EXPERIMENTS if each.title == title)
    found = getattr(overfitting, experiment.view)(**experiment.settings, seed=seed)
    return last(found) if inspect.isgenerator(found) else found


seeds = pytest.mark.parametrize("seed", range(5))


# --- parts and the rule ----------------------------------------------------------------------------------


@given(
    st.integers(20, 400),
    st.floats(*parts.SHARE),
    st.floats(*parts.SHARE),
)
def test_the_parts_are_whole_and_none_is_empty(n, test_size, validation_split):
    counts = parts.sizes(n, test_size, validation_split)
    assert sum(counts.values()) == n
    assert min(counts.values()) >= 1
    taken = np.concatenate(
        [np.arange(n)[part] for part in parts.slices(n, test_size, validation_split).values()]
    )
    np.testing.assert_array_equal(taken, np.arange(n))


def test_the_rule_names_under_and_overfitting():
    errors = np.array([3.0, 1.5, 1.05, 1.0, 1.09, 1.2, 1.08, np.nan])
    assert parts.sweet_spot(errors) == 2
    np.testing.assert_array_equal(parts.verdicts(errors), [-1, -1, 0, 0, 0, 1, 0, 1])
    np.testing.assert_array_equal(parts.verdicts(np.array([np.inf, np.nan, 1.0])), [-1, -1, 0])
    np.testing.assert_array_equal(parts.verdicts(np.array([2.0])), [0])


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30))
def test_before_the_sweet_spot_all_underfits_and_nothing_after_it(errors):
    verdicts, spot = parts.verdicts(np.array(errors)), parts.sweet_spot(np.array(errors))
    assert (verdicts[:spot] == -1).all()
    assert verdicts[spot] == 0
    assert (verdicts[spot:] >= 0).all()


# --- ridge ---------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 30), st.integers(1, 12), st.sampled_from([1e-4, 0.1, 3.0, 100.0]), st.integers(0, 99))
def test_the_polynomial_is_scikit_learn_s_ridge(n, degree, alpha, seed):
    random = np.random.default_rng(seed)
    x, y, at = random.uniform(*DOMAIN, n), random.standard_normal(n), np.linspace(*DOMAIN, 7)
    model = Ridge(alpha=alpha, solver="svd").fit(ridge.legendre(x, degree), y)
    expected = model.predict(ridge.legendre(at, degree))
    np.testing.assert_allclose(ridge.polynomial(x, y, degree, alpha, at), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("n", "p"), [(10, 4), (10, 10), (10, 40)])
def test_without_a_penalty_it_is_the_shortest_of_the_best(n, p):
    random = np.random.default_rng(1)
    features, y = random.standard_normal((2, n, p)), random.standard_normal((2, n, 1))
    found = ridge.solve(features, y)
    for a, b, w in zip(features, y, found, strict=True):
        np.testing.assert_allclose(w, np.linalg.lstsq(a, b, rcond=None)[0], rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(w, np.linalg.pinv(a) @ b, rtol=1e-8, atol=1e-10)


def test_the_legendre_polynomials_are_orthonormal():
    x, weights = np.polynomial.legendre.leggauss(40)
    basis = ridge.legendre(2 * x, 15)
    np.testing.assert_allclose((basis.T * weights / 2) @ basis, np.eye(15), atol=1e-12)


def test_stratified_places_stand_in_a_cell_each():
    x = ridge.stratified(np.random.default_rng(0), 7, 20)
    cells = np.floor((x - DOMAIN[0]) / (DOMAIN[1] - DOMAIN[0]) * 20)
    np.testing.assert_array_equal(cells, np.tile(np.arange(20), (7, 1)))


# --- capacity -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{}, {"alpha": 0.5, "degree": 15}, {"points": 20, "degree": 12}])
def test_fit_is_scikit_learn_s_on_the_training_points(given):
    record = fit(**given)
    degree, alpha = record.degree, max(given.get("alpha", 0), 1e-10)
    x, y = record.points["train"]
    model = Ridge(alpha=alpha, solver="svd").fit(ridge.legendre(x, degree), y)
    near = slice(np.searchsorted(record.x, x.min()), np.searchsorted(record.x, x.max()))
    expected = model.predict(ridge.legendre(record.x, degree))
    if len(x) > degree + 1:
        np.testing.assert_allclose(record.prediction[near], expected[near], rtol=1e-3, atol=1e-3)
    for part in PARTS:
        px, py = record.points[part]
        fitted = ridge.polynomial(x, y, degree, given.get("alpha", 0), px)
        assert record.error[part][degree] == pytest.approx(((fitted - py) ** 2).mean(), rel=1e-9)


def test_the_training_error_falls_with_the_degree():
    for seed in range(4):
        error = fit(seed=seed).error["train"]
        assert (np.diff(error) <= 1e-12).all()


def test_more_points_and_more_noise_leave_places():
    few, more, noisy = fit(points=40), fit(points=80), fit(points=40, noise=0.6)
    every = np.concatenate([few.points[part][0] for part in PARTS])
    assert set(every) <= set(np.concatenate([more.points[part][0] for part in PARTS]))
    for part in PARTS:
        x, y = few.points[part]
        truth = FUNCTIONS["sine"].of(x)
        np.testing.assert_allclose(noisy.points[part][1] - truth, 2 * (y - truth), rtol=1e-9)
    assert sum(more.sizes.values()) == 80


# --- bias and variance ----------------------------------------------------------------------------------


def test_a_resampled_fit_is_scikit_learn_s():
    for alpha in (0.01, 3.0):
        record = bias_variance(degree=9, alpha=alpha)
        for i in (0, 42):
            model = Ridge(alpha=alpha, solver="svd").fit(
                ridge.legendre(record.train_x[i], 9), record.train_y[i]
            )
            np.testing.assert_allclose(
                record.fits[i], model.predict(ridge.legendre(record.x, 9)), rtol=1e-6, atol=1e-8
            )


def test_bias_variance_and_noise_add_up():
    """To the measured error, within five standard errors of its noise; without noise exactly."""
    for seed in range(4):
        record = bias_variance(resamples=200, seed=seed)
        spread = 2 * np.sqrt((record.bias2 + record.variance + record.noise2) * record.noise2)
        standard_error = np.hypot(spread, np.sqrt(2) * record.noise2) / np.sqrt(200 * len(record.x))
        assert (np.abs(record.sum - record.error) < 5 * standard_error).all()
    record = bias_variance(noise=0.0)
    np.testing.assert_allclose(record.bias2 + record.variance, record.error, rtol=1e-9)


def test_bias_and_variance_are_what_the_fits_say():
    record = bias_variance(degree=6)
    truth = FUNCTIONS["sine"].of(record.x)
    assert record.bias2[6] == pytest.approx(((record.fits.mean(0) - truth) ** 2).mean())
    assert record.variance[6] == pytest.approx(((record.fits - record.fits.mean(0)) ** 2).mean())


def test_the_variance_of_a_constant_is_known():
    """Degree 0 is a mean of n values: the variance of the noise and of the line within a cell, over n."""
    record = bias_variance(resamples=200, samples=40, function="line", noise=0.5)
    cell = (DOMAIN[1] - DOMAIN[0]) / 40
    expected = (0.25 + 0.25 * cell**2 / 12) / 40
    assert record.variance[0] == pytest.approx(expected, rel=0.35)


# --- double descent ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{}, {"features": 7}, {"features": 25}, {"features": 40, "alpha": 0.2}])
def test_the_curve_is_lstsq_or_ridge_at_each_number_of_features(given):
    record = double_descent(**given)
    x, y, alpha = record.train_x, record.train_y, given.get("alpha", 0.0)
    for i, count in enumerate(record.counts):
        a, there = descents.cosines(x, count, 1.0), descents.cosines(record.x, count, 1.0)
        if alpha:
            w = Ridge(alpha=alpha, fit_intercept=False, solver="svd").fit(a, y).coef_
        else:
            w = np.linalg.lstsq(a, y, rcond=None)[0]
        assert record.test[i, 0] == pytest.approx(((there @ w - record.truth) ** 2).mean(), rel=1e-4)
        assert record.train[i, 0] == pytest.approx(((a @ w - y) ** 2).mean(), rel=1e-4, abs=1e-9)
    w = ridge.solve(descents.cosines(x, record.features, 1.0), y[:, None], alpha)
    np.testing.assert_allclose(record.prediction, descents.cosines(record.x, record.features, 1.0) @ w[:, 0])
    assert record.norm == pytest.approx(np.linalg.norm(w))
    assert record.counts[record.at] == record.features


def test_the_unpenalized_curve_is_that_of_alpha_zero():
    record, bare = double_descent(alpha=0.3, features=33), double_descent(features=33)
    np.testing.assert_allclose(record.unpenalized, bare.median, rtol=1e-9)
    np.testing.assert_allclose(bare.unpenalized, bare.median, rtol=1e-12)


@pytest.mark.parametrize("samples", [20, 30, 40])
def test_the_peak_moves_with_the_points_and_grows_with_the_noise(samples):
    for seed in range(4):
        quiet, loud = (double_descent(samples=samples, noise=noise, seed=seed) for noise in (0.1, 0.5))
        assert abs(quiet.peak - samples) <= 2
        assert abs(loud.peak - samples) <= 2
        assert loud.median.max() > 4 * quiet.median[np.flatnonzero(quiet.counts == quiet.peak)[0]]
        through = loud.counts >= samples  # with as many features as points every fit passes through all
        assert loud.train[through].max() < 1e-12


# --- points in the plane ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", planes.SETS)
def test_planes_hold_two_classes_and_stay_where_they_are(name):
    x, y = planes.points(name, 300, 0.0, 3)
    assert x.dtype == y.dtype == np.float32
    assert np.abs(x).max() <= planes.REACH
    assert 0.35 < y.mean() < 0.65
    fewer, _ = planes.points(name, 100, 0.0, 3)
    np.testing.assert_array_equal(fewer, x[:100])


@pytest.mark.parametrize("classes", [2, 10])
def test_flipped_labels_are_other_ones_about_as_many_as_asked_for(classes):
    y = np.arange(2000) % classes
    taught = planes.flipped(y, 0.3, classes, 0)
    assert 0.26 < (taught != y).mean() < 0.34
    assert set(taught) == set(y)
    assert not (planes.flipped(y, 0.0, classes, 0) != y).any()
    assert (planes.flipped(y, 0.1, classes, 0) != y)[
        taught == y
    ].sum() == 0  # more noise keeps what is flipped


# --- training --------------------------------------------------------------------------------------------


def logits(layers, state: bytes, x):
    """What torch says with the weights of a file."""
    sizes = [x.shape[1], *(layer.units for layer in layers)]
    modules = [part for a, b in pairwise(sizes[:-1]) for part in (nn.Linear(a, b), nn.ReLU())]
    net = nn.Sequential(*modules, nn.Linear(*sizes[-2:]))
    net.load_state_dict(torch.load(io.BytesIO(state), weights_only=True))
    with torch.no_grad():
        return net(torch.from_numpy(x))


@pytest.mark.parametrize("data", ["circle", "digits"])
def test_the_files_hold_the_best_and_the_last_weights(data):
    record = last(train(data=data, epochs=40))
    loss = nn.CrossEntropyLoss() if data == "digits" else nn.BCEWithLogitsLoss()
    x, y = record.points["validation"]
    y = torch.from_numpy(y)
    for name, epoch in (("best.pt", record.best[-1]), ("last.pt", 40)):
        out = logits(record.layers, record.downloads()[name](), x)
        value = loss(out if data == "digits" else out[:, 0], y)
        assert float(value) == pytest.approx(record.loss["validation"][epoch], rel=1e-4)
    assert record.best[-1] == 1 + np.argmin(record.loss["validation"][1:])


def test_a_run_yields_after_every_epoch_and_the_same_again_in_between():
    records = list(train(epochs=250))
    assert len(records) == 251
    assert len({id(record) for record in records}) == len(records[-1].moments) == 101
    assert records[0].moments.tolist() == [0]
    assert records[-1].done
    assert not records[0].done
    assert records[-1].maps.shape == (101, learning.SIDE, learning.SIDE)
    for known, moment in zip(records[-1].verdicts, records[-1].moments, strict=True):
        assert len(known) == moment + 1


def test_only_training_labels_are_wrong_and_they_are_marked():
    clean, noisy = next(train(label_noise=0.0)), next(train(label_noise=0.4))
    assert not clean.wrong.any()
    np.testing.assert_array_equal(clean.points["train"][1] != noisy.points["train"][1], noisy.wrong)
    for part in ("validation", "test"):
        np.testing.assert_array_equal(clean.points[part][1], noisy.points[part][1])


def test_the_same_settings_give_the_same_numbers():
    a, b = (last(train(epochs=20)) for _ in range(2))
    for part in PARTS:
        np.testing.assert_array_equal(a.loss[part], b.loss[part])


def test_a_run_that_diverges_ends_with_a_record(monkeypatch):
    monkeypatch.setitem(learning.RANGES, "lr", (0, 1e30))
    record = last(train(lr=1e30, epochs=50))
    assert record.diverged_at is not None
    assert record.done
    assert len(record.moments) == len(record.maps) == len(record.best)
    record.table()


# --- remedies ---------------------------------------------------------------------------------------------


@lru_cache
def remedied(seed=0):
    return last(overfitting.remedies(epochs=120, seed=seed))


def place(name: str) -> int:
    return remedies.REMEDIES.index(name)


def test_all_start_alike():
    record = next(overfitting.remedies())
    plain = [i for i in range(8) if i != place("batch norm")]
    for part in ("validation", "test"):
        np.testing.assert_allclose(record.loss[part][0, plain], record.loss[part][0, 0], rtol=1e-5)


def test_early_stopping_is_the_net_without_remedy_until_it_stops_and_restores_the_kept_weights():
    for seed in range(3):
        record = remedied(seed)
        none, early = place("none"), place("early stopping")
        stopped, best = record.stopped, record.best[-1, early]
        assert stopped == best + 20  # the patience
        loss = record.loss["validation"]
        np.testing.assert_allclose(loss[:stopped, early], loss[:stopped, none], rtol=1e-4)
        assert best == 1 + np.argmin(loss[1:stopped, none])
        np.testing.assert_allclose(loss[stopped:, early], loss[best, none], rtol=1e-4)


def test_the_restored_weights_are_the_checkpointed_ones():
    """The run without remedy is ended where early stopping ends: then the best epoch of both is the same."""
    stopped = remedied().stopped
    record = last(overfitting.remedies(epochs=stopped))
    files = {
        name: torch.load(io.BytesIO(data()), weights_only=True) for name, data in record.downloads().items()
    }
    for name, value in files["best.pt"].items():
        torch.testing.assert_close(files["early-stopping.pt"][name], value, rtol=1e-4, atol=1e-6)
    assert any(not torch.equal(files["best.pt"][name], files["last.pt"][name]) for name in files["best.pt"])


def test_weights_and_modes():
    record = remedied()
    assert record.weights == 2 * 32 + 32 * 32 + 32
    np.testing.assert_allclose(record.histogram.sum(-1), 1, rtol=1e-5)
    ordinary = [i for i, name in enumerate(remedies.REMEDIES) if name not in ("dropout", "batch norm")]
    trained = record.loss["train"][record.moments]
    np.testing.assert_allclose(record.train_mode[:, ordinary], trained[:, ordinary], rtol=1e-4)
    assert record.train_mode[-1, place("dropout")] != pytest.approx(trained[-1, place("dropout")], rel=1e-3)
    assert record.kept[0].all()
    assert 0.6 < record.kept[1:].mean() < 0.8  # dropout of 0.3
    assert last(overfitting.remedies(dropout=0.0, epochs=20)).kept.all()


def test_more_data_begins_with_the_training_points():
    record = next(overfitting.remedies(times=3))
    (x, y), (more, labels) = record.points["train"], record.points["more"]
    assert len(more) == 3 * len(x)
    np.testing.assert_array_equal(more[: len(x)], x)
    np.testing.assert_array_equal(labels[: len(x)], y)
    held = np.concatenate([record.points[part][0] for part in ("validation", "test")])
    assert not (more[:, None] == held[None]).all(-1).any()


# --- bad settings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_settings_out_of_range_are_refused_with_a_sentence(view):
    for name, parameter in inspect.signature(view).parameters.items():
        wrong = "nothing" if isinstance(parameter.default, str) else -1
        with pytest.raises(ValueError, match=name):
            first(view, **{name: wrong})


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_every_limit_can_be_set(view):
    module = {fit: capacity, train: learning, bias_variance: resampled, double_descent: descents}.get(
        view, remedies
    )
    for name in inspect.signature(view).parameters:
        if name in module.RANGES and name != "epochs":
            for value in module.RANGES[name]:
                short = {"epochs": 20} if "epochs" in module.RANGES else {}
                assert first(view, **{name: value}, **short).table()


# --- what the experiments claim -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_a_line_underfits(seed):
    record = run("A line underfits", seed)
    errors = [record.error[part][1] for part in PARTS]
    assert record.verdict == "underfits"
    assert min(errors) > 3 * record.noise**2
    assert max(errors) < 2.5 * min(errors)


@pytest.mark.parametrize("seed", range(10))
def test_the_sweet_spot(seed):
    record = run("The sweet spot", seed)
    assert 5 <= record.best <= 8
    for part in ("validation", "test"):
        assert record.error[part][8] < 1.65 * record.noise**2
    if seed == 0:
        assert record.verdict == "fits"


@pytest.mark.parametrize("seed", range(10))
def test_too_many_degrees_for_few_points(seed):
    record = run("Too many degrees for few points", seed)
    assert record.sizes["train"] == 17
    assert record.error["train"][12] < 0.4 * record.noise**2
    assert record.error["validation"][12] > 5 * record.error["train"][12]
    more = fit(degree=12, points=300, seed=seed)
    assert more.error["validation"][12] < 2 * more.error["train"][12]
    if seed == 0:
        assert record.verdict == "overfits"


@seeds
def test_a_memorized_spiral(seed):
    record = run("A memorized spiral", seed)
    assert len(record.points["train"][1]) == 42
    assert record.accuracy["train"][-1] == 1
    assert record.best[-1] < 100
    assert record.loss["validation"][-1] > 1.3 * record.loss["validation"][record.best[-1]]
    assert record.says[-1] == "overfits"


@seeds
def test_noise_labels_learned_by_heart(seed):
    record = run("Noise labels learned by heart", seed)
    assert record.accuracy["train"][-1] >= 0.9
    assert 0.3 <= record.accuracy["test"][-1] <= 0.7
    assert record.loss["validation"][-1] > 2


@seeds
def test_few_real_digits(seed):
    record = run("Few real digits", seed)
    assert record.accuracy["train"][30] == 1
    assert record.accuracy["test"][-1] < 0.9


@seeds
def test_patience_too_short(seed):
    record = run("Patience too short", seed)
    none, early = place("none"), place("early stopping")
    assert record.stopped < 25
    loss = record.loss["validation"]
    assert loss[record.best[-1, none], none] < loss[-1, early]


@seeds
def test_l1_empties_the_net(seed):
    record = run("L1 empties the net", seed)
    assert record.zeros[-1, place("L1")] > 0.9 * record.weights
    assert record.zeros[-1, [place("none"), place("L2")]].max() == 0
    loss = record.loss["validation"][-1]
    assert loss[place("L1")] < 1.1 * loss[place("none")]


@seeds
def test_a_supple_model_has_variance(seed):
    record = run("A supple model has variance", seed)
    assert record.variance[13] > 10 * record.bias2[13]
    assert bias_variance(degree=13, samples=40, seed=seed).variance[13] < record.variance[13] / 5
    assert bias_variance(degree=13, alpha=0.5, seed=seed).variance[13] < record.variance[13] / 5


@seeds
def test_a_stiff_model_has_bias(seed):
    record = run("A stiff model has bias", seed)
    assert record.bias2[2] > 10 * record.variance[2]
    assert bias_variance(degree=2, samples=40, seed=seed).bias2[2] > 0.95 * record.bias2[2]


@pytest.mark.parametrize("seed", range(8))
def test_double_descent(seed):
    record = run("The peak of double descent", seed)
    assert abs(record.peak - 25) <= 1
    at_most = {25: record.median[record.at], 300: record.median[-1], "least": record.median.min()}
    assert at_most[25] > 3 * at_most["least"]
    assert at_most[300] <= at_most[25] / 2
    tamed = run("L2 tames the peak", seed)
    assert tamed.norm < record.norm
    assert tamed.median[tamed.at] < at_most[25] / 2
    assert tamed.median[tamed.counts >= 10].max() < 2 * tamed.median.min()


@pytest.mark.parametrize("seed", range(8))
def test_without_decay_no_second_descent(seed):
    record = run("Without decay no second descent", seed)
    peak = record.median[np.flatnonzero(record.counts == 25)[0]]
    assert record.median[-1] > peak
    assert np.abs(np.median(record.prediction)) < 0.1
    assert record.train[-1].max() < 1e-12
