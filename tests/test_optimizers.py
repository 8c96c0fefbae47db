import ast
import inspect
import itertools
import math
import pickle
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from torch.optim import lr_scheduler

from nnplay import descent, hyperparameters, minibatches, update_rules
from nnplay import optimizers as page
from nnplay.optimizers import EXPERIMENTS, OPTIMIZERS, SCHEDULES, batches, descend, race, schedule, stability
from nnplay.records import text
from nnplay.surfaces import SURFACES, surface

VIEWS = (race, stability, schedule, batches)
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)

# The same optimizers, written down a second time as torch's manual has them.
TORCH = {
    "sgd": lambda p, v: torch.optim.SGD(p, lr=v["lr"]),
    "momentum": lambda p, v: torch.optim.SGD(p, lr=v["lr"], momentum=v["momentum"]),
    "nesterov": lambda p, v: torch.optim.SGD(p, lr=v["lr"], momentum=v["momentum"], nesterov=True),
    "adagrad": lambda p, v: torch.optim.Adagrad(p, lr=v["lr"], lr_decay=v["lr_decay"]),
    "rmsprop": lambda p, v: torch.optim.RMSprop(p, lr=v["lr"], alpha=v["alpha"], momentum=v["momentum"]),
    "adadelta": lambda p, v: torch.optim.Adadelta(p, lr=v["lr"], rho=v["rho"], eps=v["eps"]),
    "adam": lambda p, v: torch.optim.Adam(
        p, v["lr"], (v["beta1"], v["beta2"]), weight_decay=v["weight_decay"]
    ),
    "adamw": lambda p, v: torch.optim.AdamW(
        p, v["lr"], (v["beta1"], v["beta2"]), weight_decay=v["weight_decay"]
    ),
    "nadam": lambda p, v: torch.optim.NAdam(
        p, v["lr"], (v["beta1"], v["beta2"]), momentum_decay=v["momentum_decay"]
    ),
    "radam": lambda p, v: torch.optim.RAdam(p, v["lr"], (v["beta1"], v["beta2"])),
    "adamax": lambda p, v: torch.optim.Adamax(p, v["lr"], (v["beta1"], v["beta2"])),
    "adafactor": lambda p, v: torch.optim.Adafactor(p, v["lr"], beta2_decay=v["beta2_decay"], d=v["d"]),
    "rprop": lambda p, v: torch.optim.Rprop(p, v["lr"], (v["eta_minus"], v["eta_plus"])),
    "lbfgs": lambda p, v: torch.optim.LBFGS(
        p,
        v["lr"],
        max_iter=1,
        max_eval=26,
        tolerance_change=0,
        history_size=v["history_size"],
        line_search_fn="strong_wolfe" if v["strong_wolfe"] else None,
    ),
}


def by_torch(name, values, chosen, start, steps):
    """Positions (steps + 1, 2), the gradient by autograd."""
    point = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer = TORCH[name]([point], values)

    def closure():
        optimizer.zero_grad()
        loss = chosen.loss(*point.unbind())
        loss.backward()
        return loss

    positions = [point.tolist()]
    for _ in range(steps):
        optimizer.step(closure)
        positions.append(point.tolist())
    return np.array(positions)


def number(text_):
    """What a filled-in line says: its expression evaluated, tuples as arrays."""

    class Arrays(ast.NodeTransformer):
        def visit_Tuple(self, node):
            items = ast.List([self.visit(item) for item in node.elts], ast.Load())
            return ast.Call(ast.Name("array", ast.Load()), [items], [])

    tree = ast.fix_missing_locations(Arrays().visit(ast.parse(text_, mode="eval")))
    return eval(compile(tree, "line", "eval"), {"array": np.array, **update_rules._SPACE})


def assert_rule_is_the_step(path, step):
    update = path.update(step, digits=17)
    size = np.abs(path.position[step - 1]).max() * 1e-15  # a position's own rounding
    np.testing.assert_allclose(update.by_hand, update.by_torch, rtol=1e-6, atol=10 * size)
    said = [number(line.split(" = ")[0].removeprefix("= ")) for line in update.filled]
    for value, result in zip(said, update.results.values()):
        np.testing.assert_allclose(value, result, rtol=1e-9, atol=1e-300)
    for letter, rows in path.state.items():
        if letter == "b" and path.values["momentum"] == 0:
            continue  # torch keeps no buffer then
        np.testing.assert_allclose(update.results[letter], rows[step], rtol=1e-6, atol=1e-12)


# --- race -------------------------------------------------------------------------------------------------


@every_optimizer
@pytest.mark.parametrize("where", ["quadratic", "himmelblau", "saddle", "net"])
def test_a_path_is_the_one_that_torch_takes(name, where):
    chosen = surface(where)
    steps = 10 if where == "net" else 30
    path = descend(
        name, surface=where, start=chosen.start, steps=steps, **({"lr": 0.02} if name != "lbfgs" else {})
    )
    expected = by_torch(name, path.values, chosen, chosen.start, path.steps)
    np.testing.assert_allclose(path.position, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(path.loss, chosen.loss(*torch.from_numpy(path.position).unbind(1)))
    np.testing.assert_allclose(path.gradient[-1], chosen.gradient(*path.position[-1].tolist()))
    np.testing.assert_allclose(path.step.sum(0), path.position[-1] - path.position[0], atol=1e-12)


@every_optimizer
def test_the_rule_with_its_numbers_gives_the_step_that_torch_took(name):
    path = descend(name, steps=30)
    for step in range(1, path.steps + 1):
        assert_rule_is_the_step(path, step)


@every_optimizer
@settings(max_examples=8, deadline=None, derandomize=True)
@given(data=st.data())
def test_path_and_rule_hold_for_any_hyperparameters(name, data):
    values = {
        key: data.draw(
            st.sampled_from(p.choices)
            if p.choices
            else st.integers(int(p.low), int(p.high))
            if isinstance(p.default, int)
            else st.floats(p.low, p.high)
        )
        for key, p in OPTIMIZERS[name].params.items()
    }
    start = (data.draw(st.floats(-2, 2)), data.draw(st.floats(0.5, 2)))
    path = descend(name, surface="saddle", start=start, steps=6, **values)
    expected = by_torch(name, path.values, path.surface, start, path.steps)
    np.testing.assert_allclose(path.position, expected, rtol=1e-6, atol=1e-9)
    for step in range(1, path.steps + 1):
        assert_rule_is_the_step(path, step)


def test_the_text_of_an_update():
    update = descend("momentum", surface="quadratic", start=(1.0, 0.1), steps=2, lr=0.1, momentum=0.5).update(
        2
    )
    assert update.text == (
        "b = momentum*b + g\n"
        "  = 0.5*(1, 1) + (0.9, 0) = (1.4, 0.5)\n"
        "step = -lr*b\n"
        "     = -0.1*(1.4, 0.5) = (-0.14, -0.05)\n"
        "x + step = (0.76, -0.05)\n"
        "by torch = (0.76, -0.05)"
    )
    assert update.table()["x"] == pytest.approx([-0.14, -0.14])
    with pytest.raises(ValueError, match="steps 1 to 2"):
        descend("sgd", steps=2).update(3)


def test_what_an_optimizer_remembers():
    adam, sgd, adagrad = (descend(name, steps=5) for name in ("adam", "sgd", "adagrad"))
    assert adam.first_moment.shape == adam.second_moment.shape == (6, 2)
    assert not adam.first_moment[0].any()
    np.testing.assert_allclose(adam.first_moment[1], 0.1 * adam.gradient[0])
    assert sgd.first_moment is None
    np.testing.assert_allclose(adagrad.second_moment[-1], (adagrad.gradient[:-1] ** 2).sum(0))
    assert (adam.evaluations, descend("lbfgs", steps=5).evaluations > 5) == (5, True)


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov"])
def test_divergence_is_cut_off_and_marked(name):
    path = descend(name, surface="quadratic", start=(3.0, 2.0), steps=100, lr=0.9)
    assert path.diverged_at == path.steps < 100
    assert np.isfinite(path.position).all()
    assert np.isfinite(path.loss).all()
    assert np.abs(path.position[:-1]).max() <= descent.FAR * 4 < np.abs(path.position[-1]).max()
    assert max(map(abs, path.left_at)) == pytest.approx(4)
    assert path.distance[-1] > path.distance[0]


def test_a_run_that_meets_no_number_stops_there(monkeypatch):
    broken = surface("quadratic")
    broken = type(broken)(
        **{field: getattr(broken, field) for field in broken.__slots__}
        | {"gradient": lambda x, y: (x, y if x > 2.5 else math.nan)}
    )
    monkeypatch.setattr(descent, "find_surface", lambda *_: broken)
    descent._descend.cache_clear()
    path = descend("sgd", surface="quadratic", start=(3.0, 1.0), steps=50, lr=0.05)
    descent._descend.cache_clear()
    assert path.diverged_at == path.steps + 1 == 5
    assert np.isfinite(path.position).all()
    assert path.left_at.tolist() == path.position[-1].tolist()


def hessian(chosen, at) -> np.ndarray:
    """The eigenvalues of the Hessian at one point, as torch makes it."""
    matrix = torch.autograd.functional.hessian(lambda point: chosen.loss(*point), torch.tensor(at))
    return torch.linalg.eigvalsh(matrix).numpy()


def test_sharpness_is_the_largest_curvature_along_the_path():
    path = descend("momentum", steps=40, lr=0.01, momentum=0.5)
    np.testing.assert_allclose(
        path.sharpness, [hessian(path.surface, at)[1] for at in path.position[path.sharpness_at]], rtol=1e-9
    )
    assert (path.sharpness_at[0], path.sharpness_at[-1]) == (0, 40)
    assert path.sharpness_limit == pytest.approx(2 * 1.5 / 0.01)
    assert descend("sgd", steps=1, lr=0.5).sharpness_limit == 4
    assert descend("adam", steps=1).sharpness_limit is None


def test_a_race():
    record = race(steps=20)
    assert [path.optimizer for path in record.paths] == ["sgd", "momentum", "rmsprop", "adam"]
    assert all(path.steps == 20 for path in record.paths)
    table = record.table()
    assert table["loss"] == [path.loss[-1] for path in record.paths]
    minima = np.array(record.landscape.surface.minima)
    last = record.paths[0].position[-1]
    assert table["distance to a minimum"][0] == pytest.approx(np.linalg.norm(minima - last, axis=1).min())
    path, at = record.paths[0], race(optimizers=("sgd",)).table()["99 % down at step"][0]
    assert descend("sgd").loss[at] <= 0.01 * path.loss[0] < descend("sgd").loss[at - 1]
    assert math.isnan(race(steps=1).table()["99 % down at step"][0])
    assert math.isnan(table["diverged at step"][0])
    np.testing.assert_allclose(record.curvature, hessian(surface("himmelblau"), record.start), rtol=1e-9)
    assert record.path("momentum") is record.paths[1]
    assert record.path("adamw") is None


def test_the_limit_of_the_learning_rate_at_the_start():
    assert race(surface="quadratic", condition_number=8.0, steps=1).limit == pytest.approx(0.25)
    assert race(surface="saddle", start_x=0.0, start_y=0.0, steps=1).limit == pytest.approx(2)
    assert race(surface="rastrigin", start_x=0.5, start_y=0.5, steps=1).limit is None  # the top of a bump


def test_changing_one_optimizer_leaves_the_others_alone():
    before, after = race(steps=10), race(steps=10, adam_lr=0.3)
    assert before.paths[0] is after.paths[0]
    assert before.paths[3].loss[-1] != after.paths[3].loss[-1]
    assert after.paths[3].values["lr"] == 0.3


def test_a_race_without_runners_and_a_start_outside():
    assert race(optimizers=()).table()["loss"] == []
    assert race(surface="saddle", start_x=-6.0, start_y=5.0, steps=1).start.tolist() == [-2, 2]
    assert 0 < race(surface="net", start_x=1.0, start_y=1.0, optimizers=("sgd",), steps=1).visible < 1


@pytest.mark.parametrize("name", SURFACES)
def test_suggested_settings_bring_plain_gradient_descent_down(name):
    record = race(**page.suggested(name), optimizers=("sgd", "adam"))
    for path in record.paths:
        assert path.diverged_at is None
        assert path.loss[-1] < path.loss[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"surface": "moon"},
        {"optimizers": ("sgd", "sgdd")},
        {"steps": 0},
        {"steps": 501},
        {"start_x": math.nan},
        {"adam_lr": -1.0},
        {"nesterov_momentum": 0.0},
        {"lbfgs_strong_wolfe": 2},
    ],
)
def test_a_race_refuses_what_torch_would_not_take(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        race(**wrong)
    with pytest.raises(TypeError, match="adam_speed"):
        race(adam_speed=3)


def test_every_optimizer_of_torch_is_raced_or_accounted_for():
    there = {
        name for name, item in vars(torch.optim).items() if inspect.isclass(item) and name != "Optimizer"
    }
    raced = {method.torch.__name__ for method in OPTIMIZERS.values()}
    assert raced | set(page.NOT_RACED) == there
    with pytest.raises(ValueError, match="only supports 2D"):
        torch.optim.Muon([torch.nn.Parameter(torch.zeros(2))])


# --- stability --------------------------------------------------------------------------------------------

condition_numbers = st.floats(1, 100)
momenta = st.floats(0, 0.95)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(lr=st.floats(0.001, 3), momentum=momenta, steepness=condition_numbers)
def test_spectral_radius_is_the_iteration_matrix_largest_eigenvalue(lr, momentum, steepness):
    matrix = [[1 - lr * steepness, -lr * momentum], [steepness, momentum]]
    expected = np.abs(np.linalg.eigvals(matrix)).max()
    assert page.spectral_radius(lr, momentum, steepness) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(steepness=condition_numbers, momentum=momenta)
def test_the_limit_parts_convergence_from_divergence(steepness, momentum):
    def run(share):
        lr = min(share * 2 * (1 + momentum) / steepness, 3.0)
        return stability(condition_number=steepness, momentum=momentum, lr=lr, steps=500)

    below, above = run(0.97), run(1.03)
    assert below.limit == pytest.approx(2 * (1 + momentum) / steepness)
    assert below.path.diverged_at is None
    assert below.rate.max() < 1
    if above.lr > above.limit:  # the slider ends at 3
        assert above.rate.max() > 1
        assert above.path.loss[-1] > above.path.loss[0]


@pytest.mark.parametrize("steepness", [1.0, 10.0, 80.0])
def test_the_plane_in_closed_form_agrees_with_runs(steepness):
    record = stability(condition_number=steepness)
    gap = np.abs(record.rates - record.rates_measured)
    assert gap.max() < 0.06  # where both roots coincide, 120 steps have not forgotten the start
    assert np.median(gap) < 0.005
    assert record.best[2] <= record.rates.min() + 1e-6
    at_best = page.spectral_radius(record.best[0], record.best[1], np.array([1, steepness]))
    assert at_best.max() == pytest.approx(record.best[2], abs=1e-6)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(lr=st.floats(0.005, 0.19), momentum=st.floats(0, 0.9))
def test_the_measured_rates_agree_with_theory(lr, momentum):
    record = stability(lr=lr, momentum=momentum)
    np.testing.assert_allclose(record.measured, record.rate, atol=0.05)


def test_a_direction_that_is_there_at_once_has_rate_zero():
    record = stability(lr=0.1)  # 0.1 times the curvature 10 is 1
    assert record.rate[1] == pytest.approx(0, abs=1e-12)
    assert record.measured[1] == 0
    assert math.isnan(stability(steps=1).measured[0])


def test_stability_is_torch():
    record = stability(lr=0.05, momentum=0.8, steps=40)
    expected = by_torch("momentum", {"lr": 0.05, "momentum": 0.8}, surface("quadratic"), (-3.5, 2.0), 40)
    np.testing.assert_allclose(record.path.position, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "wrong", [{"lr": 5.0}, {"momentum": 1.0}, {"condition_number": 0.0}, {"steps": 1000}]
)
def test_stability_refuses(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        stability(**wrong)


# --- schedule ---------------------------------------------------------------------------------------------


def rates_by_torch(make, lr, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler, rates = make(optimizer), []
    for _ in range(steps):
        rates += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("name", "hyper", "make"),
    [
        ("constant", {}, lambda o: lr_scheduler.LambdaLR(o, lambda _: 1.0)),
        (
            "step",
            {"step_step_size": 20, "step_gamma": 0.5},
            lambda o: lr_scheduler.StepLR(o, 20, 0.5),
        ),
        ("exponential", {"exponential_gamma": 0.95}, lambda o: lr_scheduler.ExponentialLR(o, 0.95)),
        ("polynomial", {"polynomial_power": 2.0}, lambda o: lr_scheduler.PolynomialLR(o, 90, 2.0)),
        ("cosine", {"cosine_eta_min": 0.01}, lambda o: lr_scheduler.CosineAnnealingLR(o, 90, 0.01)),
        (
            "restarts",
            {"restarts_T_0": 10, "restarts_T_mult": 3, "restarts_eta_min": 0.001},
            lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 10, 3, 0.001),
        ),
        (
            "onecycle",
            {"onecycle_max_lr": 0.18, "onecycle_pct_start": 0.5},
            lambda o: lr_scheduler.OneCycleLR(o, 0.18, 91, pct_start=0.5, cycle_momentum=False),
        ),
        (
            "warmup",
            {"warmup_total_iters": 30, "warmup_start_factor": 0.1, "warmup_then": "exponential"},
            lambda o: lr_scheduler.SequentialLR(
                o,
                [lr_scheduler.LinearLR(o, 0.1, total_iters=30), lr_scheduler.ExponentialLR(o, 0.98)],
                [30],
            ),
        ),
    ],
)
def test_a_schedule_is_torch_s(name, hyper, make):
    record = schedule(schedule=name, steps=90, lr=0.1, **hyper)
    expected = rates_by_torch(make, 0.1, 90)
    if name == "onecycle":  # torch's own loop steps once too often for total_steps=90
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        cycle = lr_scheduler.OneCycleLR(optimizer, 0.18, 90, pct_start=0.5, cycle_momentum=False)
        expected = []
        for t in range(90):
            expected += cycle.get_last_lr()
            optimizer.step()
            if t < 89:
                cycle.step()
    np.testing.assert_allclose(record.lr[1], expected, rtol=1e-12)
    np.testing.assert_allclose(record.lr[0], 0.1)


@pytest.mark.parametrize("then", SCHEDULES["warmup"].params["then"].choices)
def test_a_warm_up_can_be_followed_by_another(then):
    rates = schedule(schedule="warmup", warmup_then=then, warmup_total_iters=20).lr[1]
    assert (np.diff(rates[:20]) > 0).all()
    assert rates[20] == pytest.approx(0.05)
    assert (rates[21:] <= 0.05 + 1e-12).all()
    long = schedule(schedule="warmup", warmup_then=then, warmup_total_iters=250, steps=50).lr[1]
    assert (np.diff(long) > 0).all()


def test_on_plateau_the_rate_drops_when_the_loss_has_stopped_falling():
    record = schedule(schedule="plateau", steps=200)
    drops = np.flatnonzero(np.diff(record.lr[1]))
    assert len(drops) >= 2
    np.testing.assert_allclose(record.lr[1][drops + 1], 0.5 * record.lr[1][drops])
    before = record.loss[1][: drops[0] + 2]  # the losses that the scheduler had seen: of 1, 2, ... steps
    assert before[-11:].min() > 0.99 * before[:-11].min()
    assert before[:-11].min() < 0.1 * before[0]


def test_both_rows_have_the_same_noise_and_are_torch_s_sgd():
    record = schedule(schedule="exponential", steps=25, seed=5, noise=1.5)
    generator = torch.Generator().manual_seed(5)
    shakes = 1.5 * torch.randn(25, 32, 2, generator=generator, dtype=torch.float64)
    for row, gamma in enumerate((1.0, 0.98)):
        point = torch.nn.Parameter(torch.tensor([-3.5, 2.0], dtype=torch.float64))
        optimizer = torch.optim.SGD([point], lr=0.05)
        scheduler = lr_scheduler.ExponentialLR(optimizer, gamma)
        for t in range(25):
            optimizer.zero_grad()
            surface("quadratic").loss(*point.unbind()).backward()
            point.grad += shakes[t, 0]
            optimizer.step()
            scheduler.step()
            np.testing.assert_allclose(record.paths[row, t + 1], point.detach(), rtol=1e-9)
    np.testing.assert_allclose(record.ends[:, 0], record.paths[:, -1])
    np.testing.assert_allclose(record.distance[:, :, -1], np.linalg.norm(record.ends, axis=2), rtol=1e-6)
    assert record.table()["distance at the end, mean"] == pytest.approx(record.distance[:, :, -1].mean(1))


def test_without_noise_the_constant_row_is_plain_gradient_descent():
    record = schedule(schedule="constant", noise=0.0, steps=30)
    path = descend("sgd", surface="quadratic", start=(-3.5, 2.0), steps=30, lr=0.05)
    np.testing.assert_allclose(record.paths[0], path.position, rtol=1e-9)
    np.testing.assert_allclose(record.loss[0], path.loss, rtol=1e-9)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_diverging_schedule_is_held_where_it_left(name):
    record = schedule(schedule=name, lr=3.0, condition_number=100.0, onecycle_max_lr=3.0, steps=60)
    assert record.diverged_at[0] is not None
    for field in ("paths", "ends", "distance", "loss", "lr"):
        assert np.isfinite(getattr(record, field)).all()
    assert (record.paths[0, record.diverged_at[0] :] == record.paths[0, -1]).all()


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("name", SCHEDULES)
def test_the_shortest_runs(name, steps):
    assert schedule(schedule=name, steps=steps).lr.shape == (2, steps)


@pytest.mark.parametrize(
    "wrong", [{"schedule": "lunar"}, {"noise": -1.0}, {"warmup_then": "plateau"}, {"restarts_T_0": 0}]
)
def test_a_schedule_refuses(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        schedule(**wrong)


# --- batches ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 50, 442])
def test_batches_are_torch_s_sgd_on_a_linear_layer(batch_size):
    record = batches(batch_size=batch_size, lr=0.1, epochs=2, seed=3)
    inputs, target = minibatches._patients()
    layer = torch.nn.Linear(2, 1, bias=False).double()
    layer.weight.data[:] = torch.tensor([[-1.2, 1.2]], dtype=torch.float64)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    generator = torch.Generator().manual_seed(3)
    points = [layer.weight[0].tolist()]
    for _ in range(2):
        order = torch.randperm(442, generator=generator)
        for rows in order.split(batch_size):
            optimizer.zero_grad()
            (torch.nn.functional.mse_loss(layer(inputs[rows])[:, 0], target[rows]) / 2).backward()
            optimizer.step()
            points.append(layer.weight[0].tolist())
    np.testing.assert_allclose(record.path, points, rtol=1e-9, atol=1e-12)
    whole = torch.nn.functional.mse_loss(layer(inputs)[:, 0], target).item() / 2
    assert record.loss[-1] == pytest.approx(whole)
    assert len(record.path) - 1 == 2 * record.steps_per_epoch == 2 * math.ceil(442 / batch_size)
    assert (record.epoch[0], record.epoch[record.steps_per_epoch], record.epoch[-1]) == (0, 1, 2)


def test_the_minimum_is_the_least_squares_solution():
    inputs, target = minibatches._patients()
    fitted = LinearRegression(fit_intercept=False).fit(inputs.numpy(), target.numpy())
    np.testing.assert_allclose(minibatches.regression().surface.minima[0], fitted.coef_, rtol=1e-9)
    assert float(inputs.mean()) == pytest.approx(0, abs=1e-12)


def test_the_variance_of_a_batch_is_exact():
    """All 97 461 pairs of patients: their gradients' spread is sigma^2 / B with the correction."""
    record = batches(batch_size=2)
    each = minibatches._each(tuple(record.at))
    pairs = np.array([(each[i] + each[j]) / 2 for i, j in itertools.combinations(range(442), 2)])
    exact = np.sqrt(((pairs - record.gradient) ** 2).sum(1).mean())
    assert record.noise_theory[list(record.sizes).index(2)] == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("at", ["start", "minimum"])
@pytest.mark.parametrize("batch_size", [1, 7, 100, 441, 442])
def test_the_measured_noise_agrees_with_the_closed_form(batch_size, at):
    record = batches(batch_size=batch_size, at=at, seed=1)
    np.testing.assert_allclose(record.noise, record.noise_theory, rtol=0.15, atol=1e-12)
    np.testing.assert_allclose(record.cloud.mean(0), record.gradient, atol=1e-12)
    assert record.noise[0] == pytest.approx(record.noise_theory[0])  # all patients, one by one
    assert batch_size in record.sizes
    expected = np.sqrt(((record.cloud - record.gradient) ** 2).sum(1).mean())
    table = dict(zip(*record.table().values()))
    assert table["gradient noise, measured"] == pytest.approx(expected)
    assert table["steps an epoch"] == math.ceil(442 / batch_size)


def test_all_data_in_a_batch_has_no_noise_and_is_the_reference():
    record = batches(batch_size=442)
    assert record.noise_theory[-1] == 0
    assert np.abs(record.cloud - record.gradient).max() < 1e-12
    np.testing.assert_array_equal(record.path, record.full_path)


def test_batches_that_diverge_are_cut_off():
    record = batches(batch_size=1, lr=3.0)
    assert record.diverged_at == len(record.path) - 1 < 442
    assert np.isfinite(record.path).all()
    assert np.isfinite(record.loss).all()


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"batch_size": 443}, {"epochs": 11}, {"at": "end"}])
def test_batches_refuse(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        batches(**wrong)


# --- what holds for all views -----------------------------------------------------------------------------


def test_a_name_means_the_same_in_every_view():
    defaults = {}
    for view in VIEWS:
        for name, parameter in inspect.signature(view).parameters.items():
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
            assert defaults.setdefault(name, parameter.default) == parameter.default
            hash(parameter.default)
    assert set(defaults) == set(page.RANGES) | set(page.CHOICES)
    for name, (low, high) in page.RANGES.items():
        assert low <= defaults[name] <= high
    for name, allowed in page.CHOICES.items():
        chosen = defaults[name] if name == "optimizers" else (defaults[name],)
        assert set(chosen) <= set(allowed)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_records_can_be_pickled_and_printed(view):
    record = view()
    again = pickle.loads(pickle.dumps(record))
    assert text(again.table()) == text(record.table())
    assert len({len(column) for column in record.table().values()}) == 1


def test_views_do_not_touch_the_global_generator():
    before = torch.get_rng_state()
    for view in VIEWS:
        view()
    assert torch.equal(before, torch.get_rng_state())


def test_hyperparameters_are_settled_by_name():
    known = hyperparameters.named(OPTIMIZERS)
    assert known["adam_beta2"].default == 0.999
    settled = hyperparameters.settle(OPTIMIZERS, {"adam_lr": 0.5})
    assert settled["adam"]["lr"] == 0.5
    assert settled["adamw"]["lr"] == known["adamw_lr"].default
    assert all(re.fullmatch(r"[a-z]+_\w+", name) for name in known)


def test_every_name_that_an_argument_takes_has_a_label_of_its_own():
    assert {"surface", "optimizers", "schedule", "warmup_then", "at"} == set(page.LABELS)
    for argument, labels in page.LABELS.items():
        assert set(page.CHOICES[argument]) <= set(labels)
        assert len(set(labels.values())) == len(labels)


def test_controls_go_through_every_default_and_both_ends():
    assert hyperparameters.ladder(0.08, 0.12) == (
        0.08,
        0.081,
        *(k / 1000 for k in range(82, 100)),
        0.1,
        0.11,
        0.12,
    )
    assert hyperparameters.nines(0.992) == (
        *(k / 10 for k in range(10)),
        *(k / 100 for k in range(91, 100)),
        0.991,
        0.992,
    )
    for catalogue in (OPTIMIZERS, SCHEDULES):
        for param in hyperparameters.named(catalogue).values():
            if param.rungs:
                assert (param.rungs[0], param.rungs[-1]) == (param.low, param.high)
                assert param.default in param.rungs
                assert list(param.rungs) == sorted(set(param.rungs))
            elif not param.choices:
                steps = (param.default - param.low) / param.step
                assert steps == pytest.approx(round(steps), abs=1e-6)
                assert isinstance(param.step, int) == isinstance(param.default, int)


# --- experiments ------------------------------------------------------------------------------------------


def run(title):
    (experiment,) = (e for e in EXPERIMENTS if e.title.startswith(title))
    return getattr(page, experiment.view)(**experiment.settings)


def named(record):
    return {path.optimizer: path for path in record.paths}


def test_momentum_keeps_its_speed_in_a_ravine():
    paths = named(run("A ravine"))
    assert paths["sgd"].values["lr"] == paths["momentum"].values["lr"]
    assert paths["momentum"].loss[-1] < 1e-3 * paths["sgd"].loss[-1]


def test_nesterov_overshoots_less():
    paths = named(run("Nesterov"))
    over = {name: path.position[:, 0].max() for name, path in paths.items()}
    assert 0 < over["nesterov"] < 0.8 * over["momentum"]
    assert paths["nesterov"].loss[-1] < 0.1 * paths["momentum"].loss[-1]


def test_a_saddle_holds_sgd_up():
    down = dict(zip(("sgd", "momentum", "adam"), run("A saddle").table()["99 % down at step"]))
    assert 2.5 * down["adam"] < down["sgd"]
    assert down["adam"] < down["momentum"] < down["sgd"]


def test_only_adaptive_optimizers_leave_a_plateau():
    paths = named(run("On a plateau"))
    assert np.linalg.norm(paths["adam"].gradient[0]) < 1e-3
    for name, path in paths.items():
        if name in ("sgd", "momentum"):
            assert np.linalg.norm(path.position[-1] - path.position[0]) < 0.2
        else:
            assert path.distance[-1] < 0.01


def test_on_rastrigin_the_start_decides():
    record = run("Rastrigin")
    dent = np.round(record.start)
    for path in record.paths:
        assert np.linalg.norm(path.position[-1] - dent) < 0.1
        assert path.distance[-1] > 4
    near = race(surface="rastrigin", start_x=0.4, start_y=-0.3, sgd_lr=0.002, momentum_lr=0.002)
    assert all(path.distance[-1] < 0.1 for path in near.paths)


def test_one_start_leads_to_two_trained_nets():
    record = run("One start")
    minima = np.array(record.landscape.surface.minima)
    ends = {
        name: int(np.linalg.norm(minima - path.position[-1], axis=1).argmin())
        for name, path in named(record).items()
    }
    assert all(path.distance[-1] < 0.1 for path in record.paths)
    assert ends.pop("rmsprop") not in ends.values()
    assert len(set(ends.values())) == 1


def test_past_the_limit_each_step_lands_farther_out():
    record = run("Past 2")
    assert record.plain_limit == pytest.approx(0.2)
    assert record.lr > record.plain_limit
    assert record.path.diverged_at
    assert record.rate == pytest.approx([0.79, 1.1])
    assert (np.diff(np.abs(record.path.position[:, 1])) > 0).all()
    assert (np.diff(np.abs(record.path.position[:, 0])) < 0).all()


def test_the_fastest_pair_slows_both_directions_alike():
    record = run("The fastest pair")
    assert (record.lr, record.momentum) == pytest.approx(record.best[:2])
    np.testing.assert_allclose(record.rate, 4 / 5, atol=1e-6)
    assert record.rates.min() > 4 / 5 - 1e-6


def test_a_schedule_lands():
    record = run("A schedule lands")
    constant, cosine = record.distance[:, :, -1].mean(1)
    assert cosine < 0.5 * constant
    assert record.lr[1, -1] < 1e-3 * record.lr[0, -1]


def test_batch_size_one_is_fast_and_restless():
    record, whole = run("Batch size 1"), batches(batch_size=442)
    lowest = record.landscape.surface.lowest
    down = (record.loss - lowest) / (record.loss[0] - lowest)
    assert down[442] < 0.1
    assert (whole.loss[1] - lowest) / (whole.loss[0] - lowest) > 0.9
    assert record.jitter > 0.1
    assert np.ptp(record.path[-442:], axis=0).min() > 0.3


def test_at_the_minimum_only_the_full_gradient_is_zero():
    record = run("At the minimum")
    assert np.abs(record.gradient).max() < 1e-12
    assert np.linalg.norm(record.cloud, axis=1).mean() > 0.5


def test_every_experiment_is_tested():
    source = inspect.getsource(inspect.getmodule(run))
    tested = re.findall(r'run\("([^"]+)"\)', source)
    for experiment in EXPERIMENTS:
        assert any(experiment.title.startswith(title) for title in tested), experiment.title


def test_preview_is_small_and_fast():
    assert page.preview().steps == 60
