"""Every view against an oracle: finite differences, torch's own modules; and what experiments claim."""

import inspect
import math
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nnplay import activations, datasets, nets
from nnplay.activations import EXPERIMENTS, curves, fit, signal, softmax
from nnplay.curves import PARAMETERS
from nnplay.depth import BATCH, _moments
from nnplay.nets import ACTIVATIONS, INITIALIZERS
from nnplay.records import text

ALL = tuple(ACTIVATIONS)
often = settings(deadline=None, derandomize=True, max_examples=25)


def last(run):
    *_, record = run
    return record


def row(record, name):
    return record.names.index(name)


def equal(a, b) -> bool:
    """Records of the same numbers, NaN included."""
    return all(
        np.array_equal(getattr(a, f.name), getattr(b, f.name), equal_nan=True)
        if isinstance(getattr(a, f.name), np.ndarray)
        else getattr(a, f.name) == getattr(b, f.name)
        for f in fields(a)
    )


# --- curves -----------------------------------------------------------------------------------------


def test_defaults_of_the_parameters_are_torchs_own():
    ours = inspect.signature(curves).parameters
    for name, entry in ACTIVATIONS.items():
        for key in entry.parameters:
            assert ours[key].default == inspect.signature(entry.make).parameters[key].default, name
    assert set(PARAMETERS) == set(ours) - {"names", "x"}


@often
@given(
    st.floats(*activations.RANGES["x"]),
    st.fixed_dictionaries({key: st.floats(*limits) for key, limits in PARAMETERS.items()}),
)
def test_slopes_are_finite_differences_but_at_kinks(x, parameters):
    record = curves(names=ALL, x=x, **parameters)
    for i, name in enumerate(record.names):
        own = {key: parameters[key] for key in ACTIVATIONS[name].parameters}
        kinks = {0.0, -3.0, 3.0, 6.0, *own.values(), *(-v for v in own.values())}
        if min(abs(x - kink) for kink in kinks) > 1e-4:
            np.testing.assert_allclose(record.x_difference[i], record.x_slope[i], atol=2e-4, err_msg=name)


def test_values_and_slopes_at_x_are_those_of_the_grid():
    for k in (0, 100, 333, 480):
        record = curves(names=ALL, x=float(curves().grid[k]), alpha=2.0, value=-1.5)
        np.testing.assert_allclose(record.x_value, record.value[:, k], atol=1e-12)
        np.testing.assert_allclose(record.x_slope, record.slope[:, k], atol=1e-12)


def test_tangents_touch_and_have_the_slope():
    record = curves(names=ALL, x=-0.7)
    np.testing.assert_allclose(record.tangent_y.mean(1), record.x_value)
    np.testing.assert_allclose(
        np.diff(record.tangent_y)[:, 0], record.x_slope * np.diff(record.tangent_x)[:, 0]
    )
    length = np.hypot(np.diff(record.tangent_x), np.diff(record.tangent_y))
    np.testing.assert_allclose(length, 4)


def test_where_it_is_saturated_and_where_it_is_dead():
    record = curves(names=ALL)
    x = record.grid
    expected_dead = {
        "ReLU": x <= 0,
        "ReLU6": x <= 0,
        "Hardtanh": np.abs(x) >= 1,
        "Hardsigmoid": np.abs(x) >= 3,
        "Hardswish": x <= -3,
        "Softshrink": np.abs(x) <= 0.5,
        "Hardshrink": np.abs(x) <= 0.5,
        "ReGLU": x <= 0,
    }
    for i, name in enumerate(record.names):
        # a corner of torch's own choice may belong to either side
        wrong = record.dead[i] != expected_dead.get(name, np.zeros_like(x, dtype=bool))
        assert set(np.abs(x[wrong]).round(3)) <= {0.5, 3.0, 1.0, 6.0}, name
    tanh, sigmoid = math.atanh(math.sqrt(0.95)), math.log((1 + math.sqrt(0.8)) / (1 - math.sqrt(0.8)))
    np.testing.assert_array_equal(record.saturated[row(record, "Tanh")], np.abs(x) > tanh)
    np.testing.assert_array_equal(record.saturated[row(record, "Sigmoid")], np.abs(x) > sigmoid)
    np.testing.assert_array_equal(record.saturated[row(record, "ELU")], x < math.log(0.05))
    gelu = record.saturated[row(record, "GELU")]
    assert x[gelu].max() < -2  # the bottom of its dip is flat, but no tail
    for name in ("Identity", "LeakyReLU", "PReLU", "Tanhshrink", "Softshrink", "ReLU", "Hardtanh"):
        assert not record.saturated[row(record, name)].any(), name
    assert not (record.saturated & record.dead).any()


def test_a_leak_is_not_a_saturated_tail_but_none_is_dead():
    assert not curves(names=("LeakyReLU",), negative_slope=0.04).saturated.any()
    assert curves(names=("LeakyReLU",), negative_slope=0.0).dead[0, 0]


@pytest.mark.parametrize(
    ("name", "x", "status"),
    [
        ("ReLU", -0.5, "dead"),
        ("ReLU", 0.0, "dead"),
        ("ReLU", 0.5, "active"),
        ("Tanh", 2.5, "saturated"),
        ("Tanh", 2.0, "active"),
        ("Sigmoid", -6.0, "saturated"),
        ("Hardtanh", 6.0, "dead"),
        ("Hardswish", -1.5, "active"),  # the slope is exactly zero, but only there
        ("GELU", -0.75, "active"),
        ("SwiGLU", -6.0, "saturated"),
    ],
)
def test_status(name, x, status):
    assert curves(names=(name,), x=x).status == (status,)


def test_a_gate_takes_x_and_multiplies_the_value():
    record = curves(names=("GLU", "SwiGLU", "Sigmoid", "SiLU"), x=0.3, value=-2.5)
    np.testing.assert_allclose(record.value[:2], -2.5 * record.value[2:])
    np.testing.assert_allclose(record.x_slope[:2], -2.5 * record.x_slope[2:])


def test_no_activation_is_no_error_and_twice_is_once():
    empty = curves(names=())
    assert empty.value.shape == empty.dead.shape == (0, empty.grid.size)
    assert empty.tangent_x.shape == (0, 2)
    assert list(empty.table()["status"]) == []
    assert curves(names=("ReLU", "Tanh", "ReLU")).names == ("ReLU", "Tanh")


def test_only_the_parameters_in_use_are_named():
    assert activations.parameters(("ReLU", "Tanh")) == ()
    assert set(activations.parameters(("ELU", "CELU", "SwiGLU"))) == {"alpha", "value"}
    for name in ALL:
        base = curves(names=(name,))
        for key, (low, _) in PARAMETERS.items():
            changed = not np.array_equal(curves(names=(name,), **{key: low}).value, base.value)
            assert changed == (key in activations.parameters((name,))), (name, key)


# --- softmax ----------------------------------------------------------------------------------------

logits = st.fixed_dictionaries(
    {f"logit_{i}": st.floats(*activations.RANGES["logit_1"], width=32) for i in range(1, 6)}
)


@often
@given(logits, st.floats(*activations.RANGES["temperature"]), st.floats(*activations.RANGES["shift"]))
def test_softmax_is_torchs(five, temperature, shift):
    record = softmax(**five, temperature=temperature, shift=shift)
    np.testing.assert_allclose(record.stable, record.torch, atol=1e-6)
    np.testing.assert_allclose(record.stable.sum(), 1, atol=1e-6)
    np.testing.assert_allclose(record.jacobian, record.jacobian_formula, atol=1e-12)
    np.testing.assert_allclose(record.jacobian.sum(1), 0, atol=1e-12)
    z = torch.tensor(record.logits) / temperature
    entropy = torch.distributions.Categorical(logits=z).entropy().item()
    np.testing.assert_allclose(record.entropy, entropy, atol=1e-6)
    # float32 has 24 bits for (z + shift) / temperature: what the shift may change, and no more
    assert record.changed_by_shift <= 2 * np.abs(record.scaled).max() * 2.0**-22 + 1e-6
    finite = np.isfinite(record.naive).all()
    assert finite == (record.naive_fails == "")
    if finite and np.abs(record.scaled).max() < 80:
        np.testing.assert_allclose(record.naive, record.stable, atol=1e-5)


def test_jacobian_is_a_finite_difference():
    base, h = {"logit_1": 1.5, "logit_3": -2.0}, 1e-5
    record = softmax(**base, temperature=0.7)
    up, down = (softmax(**base, logit_2=1.0 + d, temperature=0.7) for d in (h, -h))
    at = np.abs(record.temperatures - 0.7).argmin()
    slope = (up.by_temperature - down.by_temperature)[:, at] / (2 * h)
    there = softmax(**base, temperature=float(record.temperatures[at]))
    np.testing.assert_allclose(there.jacobian[:, 1], slope, atol=1e-8)


def test_temperature_curve_is_softmax_at_each_temperature():
    record = softmax(logit_2=4.0)
    for i in (0, 60, 120):
        at = softmax(logit_2=4.0, temperature=float(record.temperatures[i]))
        np.testing.assert_allclose(record.by_temperature[:, i], at.stable, atol=1e-6)
    np.testing.assert_allclose(record.temperatures[[0, -1]], activations.RANGES["temperature"])
    assert record.argmax == 1


def test_the_naive_formula_fails_at_both_ends():
    up, down = softmax(shift=1000.0), softmax(shift=-1000.0)
    assert (up.naive_fails, down.naive_fails) == ("overflow", "underflow")
    assert np.isinf(up.exponential).all()
    assert not down.exponential.any()
    for record in (up, down):
        assert np.isnan(record.naive).all()
        np.testing.assert_allclose(record.stable, softmax().stable, atol=1e-4)


# --- signal -----------------------------------------------------------------------------------------


def by_modules(activation, initializer, depth, width, batch_norm, seed=0, std=0.1):
    """The same net from nn.Linear, nn.BatchNorm1d and hooks: (outputs, their gradients, inputs before f)."""
    generator = torch.Generator().manual_seed(seed)
    pixels, labels = datasets.digits()
    rows = torch.randperm(len(labels), generator=generator)[:BATCH].numpy()
    head = nn.Linear(width, 10, bias=False)
    head.weight.data = nets.weight(initializer, width, 10, generator, std)
    net, fan_in, seen, before = nn.Sequential(), 64, [], []
    gated = ACTIVATIONS[activation].gated
    for _ in range(depth):
        halves = [nets.weight(initializer, fan_in, width, generator, std) for _ in range(1 + gated)]
        linear = nn.Linear(fan_in, width * (1 + gated), bias=False)
        linear.weight.data = torch.cat(halves)
        net.append(linear)
        if batch_norm:
            net.append(nn.BatchNorm1d(width * (1 + gated)))
        module = nets.activation(activation)
        module.register_forward_hook(
            lambda m, i, o: (before.append(i[0].detach()), o.retain_grad(), seen.append(o))[0]
        )
        net.append(module)
        fan_in = width
    F.cross_entropy(
        head(net(torch.tensor(pixels[rows]))), torch.tensor(labels[rows]), reduction="sum"
    ).backward()
    return [h.detach() for h in seen], [h.grad for h in seen], before


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", ["ReLU", "Tanh", "PReLU", "Hardtanh", "SwiGLU"])
def test_signal_is_what_torchs_modules_do(activation, batch_norm):
    record = signal(
        activation=activation, initializer="xavier_normal", depth=4, width=32, batch_norm=batch_norm
    )
    outputs, gradients, before = by_modules(activation, "xavier_normal", 4, 32, batch_norm)
    for layer, (h, g) in enumerate(zip(outputs, gradients)):
        np.testing.assert_allclose(record.mean[layer], h.mean().item(), rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(record.variance[layer], h.var(correction=0).item(), rtol=1e-4)
        np.testing.assert_allclose(record.gradient[layer], g.square().mean().sqrt().item(), rtol=1e-3)
        counts = np.histogram(h.numpy().clip(-3.999, 3.999), record.values)[0]
        # in pairs, so that a value a rounding beside 0, which is an edge, may fall to either side
        pairs = [v[1:-1].reshape(-1, 2).sum(1) for v in (record.density[layer], counts / h.numel())]
        np.testing.assert_allclose(*pairs, atol=2e-3)
    if activation == "Hardtanh":
        flat = torch.stack(before).abs() >= 1
        np.testing.assert_allclose(record.dead, flat.all(1).float().mean(1), atol=1e-6)
        np.testing.assert_allclose(record.saturated, flat.flatten(1).float().mean(1), atol=1e-3)


def test_densities_are_shares():
    for activation in ALL:
        record = signal(activation=activation, depth=3, width=16, initializer="lecun_normal")
        for density in (record.density, record.gradient_density):
            np.testing.assert_allclose(density.sum(1), 1, atol=1e-5, err_msg=activation)
            assert density.min() >= 0


def test_gradients_of_zero_lie_in_the_lowest_decade():
    record = signal(initializer="zeros", depth=2)
    np.testing.assert_array_equal(record.gradient_density[:, 0], 1)
    assert not record.gradient.any()


ROOT = math.sqrt(2 * math.pi)
MOMENTS = {
    "Identity": lambda q: (0, q, 1),
    "ReLU": lambda q: (math.sqrt(q) / ROOT, q / 2 - q / ROOT**2, 0.5),
    "LeakyReLU": lambda q: (
        0.99 * math.sqrt(q) / ROOT,
        q * (1 + 1e-4) / 2 - q * (0.99 / ROOT) ** 2,
        (1 + 1e-4) / 2,
    ),
    "ReGLU": lambda q: (0, q * q / 2, q / 2 + q / 2),
    "Hardtanh": lambda q: (
        0,
        math.erfc(1 / math.sqrt(2 * q))
        + q * (math.erf(1 / math.sqrt(2 * q)) - 2 / math.sqrt(2 * math.pi * q) * math.exp(-1 / (2 * q))),
        math.erf(1 / math.sqrt(2 * q)),
    ),
}


@pytest.mark.parametrize("q", [1e-30, 1e-3, 0.13, 1.0, 7.7, 300.0, 1e30])
@pytest.mark.parametrize("name", MOMENTS)
def test_moments_have_their_closed_forms(name, q):
    if name == "Hardtanh" and q < 1e-20:
        pytest.skip("the closed form cancels there")
    ours = [float(v) for v in _moments(name)(np.array(q))]
    np.testing.assert_allclose(ours, MOMENTS[name](q), rtol=0.01, atol=1e-12 * math.sqrt(q))


@pytest.mark.parametrize("name", ["Sigmoid", "Tanh", "GELU", "SiLU", "ELU", "Softplus", "Mish"])
@pytest.mark.parametrize("q", [1e-4, 0.5, 1.0, 4.0])
def test_moments_are_those_of_gauss_and_hermite(name, q):
    z, weight = np.polynomial.hermite_e.hermegauss(120)
    x = torch.tensor(math.sqrt(q) * z, requires_grad=True)
    y = nets.activation(name).double()(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    y, slope, weight = y.detach().numpy(), slope.numpy(), weight / weight.sum()
    mean = y @ weight
    ours = [float(v) for v in _moments(name)(np.array(q))]
    np.testing.assert_allclose(
        ours, [mean, (y - mean) ** 2 @ weight, slope**2 @ weight], rtol=0.01, atol=1e-3 * math.sqrt(q)
    )


# Activations whose input stays close to normal, in nets that neither vanish nor explode.
@pytest.mark.parametrize("source", activations.CHOICES["source"])
@pytest.mark.parametrize(
    ("activation", "initializer"),
    [
        ("ReLU", "kaiming_normal"),
        ("ReLU", "kaiming_uniform"),
        ("ReLU", "xavier_uniform"),
        ("ReLU", "torch_default"),
        ("Tanh", "xavier_normal"),
        ("Tanh", "orthogonal"),
        ("Tanh", "normal"),
        ("Tanh", "uniform"),
        ("Sigmoid", "xavier_normal"),
        ("SELU", "lecun_normal"),
        ("GELU", "kaiming_normal"),
        ("GLU", "kaiming_normal"),
    ],
)
def test_theory_predicts_wide_nets(activation, initializer, source):
    record = signal(activation=activation, initializer=initializer, source=source, depth=8, width=256)
    np.testing.assert_allclose(record.variance, record.predicted_variance, rtol=0.5)
    np.testing.assert_allclose(record.gradient, record.predicted_gradient, rtol=0.5)
    assert record.predicted_gradient[-1] == pytest.approx(record.gradient[-1])


@pytest.mark.parametrize("activation", ["ReLU", "Tanh", "Sigmoid", "SELU", "SiLU"])
@pytest.mark.parametrize("std", [0.001, 0.05, 1.0])
def test_theory_predicts_normalized_nets_whatever_the_weights(activation, std):
    record = signal(
        activation=activation,
        initializer="normal",
        std=std,
        batch_norm=True,
        source="noise",
        depth=8,
        width=256,
    )
    np.testing.assert_allclose(record.variance, record.predicted_variance, rtol=0.1)
    np.testing.assert_allclose(record.gradient, record.predicted_gradient, rtol=0.25)


def test_batch_norm_costs_relu_pi_over_pi_minus_one_a_layer():
    record = signal(batch_norm=True, depth=6, width=64, source="noise")
    ratio = (record.predicted_gradient[:-1] / record.predicted_gradient[1:]) ** 2
    np.testing.assert_allclose(ratio, math.pi / (math.pi - 1), rtol=1e-3)


def test_behind_gates_with_batch_norm_no_prediction_is_made():
    record = signal(activation="SwiGLU", batch_norm=True, depth=3)
    assert np.isnan([record.predicted_variance, record.predicted_gradient]).all()
    assert np.isfinite([record.variance, record.gradient]).all()


def test_one_layer_more_leaves_the_others_as_they_were():
    np.testing.assert_array_equal(signal(depth=9).variance, signal(depth=10).variance[:9])


def test_the_verdict_names_the_first_layer_beyond_the_limit():
    record = signal(activation="Sigmoid", initializer="xavier_uniform")
    relative = record.gradient / record.gradient[-1]
    assert (record.backward, record.backward_layer) == ("vanishes", 1 + np.flatnonzero(relative < 1e-4).max())
    record = signal(initializer="normal", std=0.01)
    assert (record.forward, record.forward_layer) == (
        "vanishes",
        1 + np.flatnonzero(record.variance < 0.9e-8).min(),
    )
    record = signal(initializer="normal", std=1.0)
    assert (record.forward, record.backward) == ("explodes", "explodes")


def test_overflow_is_cut_off_and_marked():
    record = signal(initializer="normal", std=1.0, depth=50, width=256)
    at = record.overflow_layer
    assert 5 < at < 50
    assert np.isfinite(record.variance[: at - 1]).all()
    for array in (record.variance, record.mean, record.dead, record.saturated, record.density[:, 0]):
        assert np.isnan(array[at - 1 :]).all()
    assert np.isnan(record.gradient).all()
    assert record.backward == "overflows"
    assert not math.isfinite(record.loss)
    assert signal().overflow_layer == 0


@pytest.mark.parametrize("initializer", INITIALIZERS)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_every_setting_gives_a_picture(initializer, batch_norm):
    for activation in ALL:
        for std in activations.RANGES["std"]:
            record = signal(
                activation=activation,
                initializer=initializer,
                std=std,
                depth=3,
                width=16,
                batch_norm=batch_norm,
            )
            assert len({len(column) for column in record.table().values()}) == 1
            assert {record.forward, record.backward} <= {"passes", "vanishes", "explodes", "overflows"}


# --- fit --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("name", ["Tanh", "PReLU", "GLU"])
def test_fit_is_a_plain_training_loop(name, optimizer):
    record = last(fit(names=("ReLU", name), optimizer=optimizer, lr=0.002, epochs=30, seed=5, noise=0.3))
    model = nets.mlp([1, 16, 16, 1], name, "kaiming_normal", torch.Generator().manual_seed(5), 0.1)
    step = getattr(torch.optim, optimizer)(model.parameters(), lr=0.002)
    x, y = (torch.tensor(v)[:, None] for v in (record.train_x, record.train_y))
    for epoch in range(31):
        loss = F.mse_loss(model(x), y)
        np.testing.assert_allclose(record.train_loss[epoch, 1], loss.item(), rtol=1e-4)
        if epoch < 30:
            step.zero_grad()
            loss.backward()
            step.step()
    grid = torch.tensor(record.x, dtype=torch.float32)[:, None]
    np.testing.assert_allclose(record.prediction[-1, 1], model(grid).detach()[:, 0], atol=1e-4)
    held = F.mse_loss(
        model(torch.tensor(record.held_x)[:, None]), torch.tensor(record.held_y)[:, None]
    ).item()
    np.testing.assert_allclose(record.held_loss[-1, 1], held, rtol=1e-4)


@pytest.mark.parametrize("epochs", [10, 73, 200, 1000])
def test_records_grow_to_the_complete_one(epochs):
    records = list(fit(names=("ReLU",), units=2, hidden_layers=1, epochs=epochs))
    final = records[-1]
    assert [record.done for record in records] == [False] * (len(records) - 1) + [True]
    assert len(records) == min(epochs, 300) + 1
    assert (final.epoch[0], final.epoch[-1]) == (0, epochs)
    assert (np.diff(final.epoch) > 0).all()
    for t, record in enumerate(records, 1):
        for name in ("epoch", "prediction", "train_loss", "held_loss", "dead", "distinct"):
            np.testing.assert_array_equal(getattr(record, name), getattr(final, name)[:t])


def test_dead_units_are_those_without_any_slope():
    record = last(
        fit(names=("ReLU", "Tanh"), hidden_layers=1, initializer="uniform", std=1.0, epochs=10, seed=2)
    )
    model = nets.mlp([1, 16, 1], "ReLU", "uniform", torch.Generator().manual_seed(2), 1.0)
    out = model[0](torch.tensor(record.train_x)[:, None]).relu()
    np.testing.assert_allclose(record.dead[0], [(out == 0).all(0).float().mean().item(), 0])
    assert record.dead[0, 0] > 0


def test_divergence_is_dated_to_the_epoch_between_frames_too():
    names = ("ReLU", "GELU", "ELU", "SwiGLU", "Identity")
    every, tenth = (last(fit(names=names, optimizer="SGD", lr=0.5, epochs=epochs)) for epochs in (50, 1000))
    np.testing.assert_array_equal(every.diverged_at, tenth.diverged_at)
    assert (every.diverged_at > 0).all()


def test_divergence_is_cut_off_and_marked():
    record = last(fit(names=("ReLU", "Sigmoid"), optimizer="SGD", lr=1.0, epochs=50))
    diverged, survivor = record.diverged_at
    assert 0 < diverged < 10
    assert survivor == -1
    late = record.epoch >= diverged
    for array in (
        record.prediction[:, 0, 0],
        record.train_loss[:, 0],
        record.held_loss[:, 0],
        record.dead[:, 0],
    ):
        assert np.isnan(array[late]).all()
        assert np.isfinite(array[~late]).all()
    assert np.isfinite(record.train_loss[:, 1]).all()
    assert record.done
    assert list(record.table()["diverged at"]) == [diverged, ""]


@pytest.mark.parametrize("optimizer", activations.CHOICES["optimizer"])
def test_the_largest_learning_rate_is_no_error(optimizer):
    record = last(fit(names=("ReLU", "Hardshrink", "GEGLU"), optimizer=optimizer, lr=10.0, epochs=20))
    assert ((record.diverged_at >= 0) == np.isnan(record.train_loss[-1])).all()


# --- for all views ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "bad", "sentence"),
    [
        (curves, {"names": ("Relu",)}, "'Relu' is not one of the choices for activation"),
        (curves, {"x": 6.1}, "x must lie between -6 and 6"),
        (curves, {"beta": 0.0}, "beta must lie between"),
        (softmax, {"temperature": 0.0}, "temperature must lie between"),
        (softmax, {"logit_3": math.nan}, "logit_3 must lie between"),
        (softmax, {"shift": 1001.0}, "shift must lie between"),
        (signal, {"activation": "relu"}, "is not one of the choices for activation"),
        (signal, {"initializer": "he"}, "is not one of the choices for initializer"),
        (signal, {"source": "cats"}, "is not one of the choices for source: digits, noise"),
        (signal, {"depth": 51}, "depth must lie between 1 and 50"),
        (signal, {"width": 8}, "width must lie between 16 and 256"),
        (signal, {"std": 0.0}, "std must lie between"),
        (signal, {"seed": -1}, "seed must lie between"),
        (fit, {"names": ()}, "Choose between 1 and 9 activations to train, not 0"),
        (fit, {"names": ALL}, "Choose between 1 and 9 activations to train, not 27"),
        (fit, {"names": ("ReLU", "")}, "is not one of the choices for activation"),
        (fit, {"function": "cosine"}, "is not one of the choices for function"),
        (fit, {"initializer": ""}, "is not one of the choices for initializer"),
        (fit, {"optimizer": "LBFGS"}, "is not one of the choices for optimizer"),
        (fit, {"lr": 0.0}, "lr must lie between"),
        (fit, {"epochs": 100000}, "epochs must lie between"),
        (fit, {"units": 1}, "units must lie between"),
        (fit, {"hidden_layers": 0}, "hidden_layers must lie between"),
        (fit, {"noise": -0.1}, "noise must lie between"),
    ],
)
def test_bad_settings_are_told_in_a_sentence(view, bad, sentence):
    with pytest.raises(ValueError, match=sentence):
        last(view(**bad)) if view is fit else view(**bad)


@pytest.mark.parametrize("call", [signal, softmax, lambda **k: last(fit(epochs=10, **k)), curves])
def test_the_same_settings_give_the_same_numbers_and_leave_torchs_randomness_alone(call):
    before = torch.get_rng_state()
    first = call()
    assert equal(first, call())
    assert torch.equal(torch.get_rng_state(), before)
    assert is_dataclass(first)
    if call not in (softmax, curves):
        assert not equal(first, call(seed=1))


@pytest.mark.parametrize(
    "record", [curves(), softmax(), signal(), last(fit(epochs=10))], ids=lambda r: type(r).__name__
)
def test_tables_have_columns_of_equal_length(record):
    table = record.table()
    assert len({len(column) for column in table.values()}) == 1
    assert text(table).count("\n") == len(next(iter(table.values())))


def test_a_control_that_two_views_share_means_the_same():
    defaults = {}
    for view in (curves, softmax, signal, fit):
        for name, parameter in inspect.signature(view).parameters.items():
            assert defaults.setdefault(name, parameter.default) == parameter.default, name


def test_the_preview_is_a_record_of_curves():
    assert len(activations.preview().names) == 4


# --- what the experiments claim ---------------------------------------------------------------------


def half_of_relu_is_dead(record):
    relu, leaky = record.names.index("ReLU"), record.names.index("LeakyReLU")
    assert record.dead[relu][record.grid <= 0].all()
    assert record.x_slope[relu] == 0
    assert record.x_slope[leaky] == pytest.approx(0.1)
    assert not record.dead[leaky].any()


def gelu_silu_and_mish_turn_back(record):
    assert record.x == -2
    slopes = dict(zip(record.names, record.x_slope))
    assert slopes.pop("ReLU") == 0
    assert max(slopes.values()) < 0
    assert record.slope[row(record, "ReLU")].min() == 0


def a_cold_softmax_is_an_argmax(record):
    assert record.stable[record.argmax] > 0.999
    assert record.temperatures[-1] == pytest.approx(10)
    np.testing.assert_allclose(record.by_temperature[:, -1], 0.2, atol=0.04)
    assert softmax(temperature=10.0).entropy > 0.99 * math.log(5)


def a_constant_changes_nothing_yet_the_naive_formula_breaks(record):
    assert record.shift == 100
    assert record.changed_by_shift < 1e-5
    assert record.naive_fails == "overflow"
    assert np.isinf(record.exponential[record.argmax])
    assert np.isnan(record.naive[record.argmax])


def sigmoid_in_20_layers_the_gradient_vanishes(record):
    assert len(record.layer) == 20
    assert record.backward == "vanishes"
    assert record.gradient[0] / record.gradient[-1] < 1e-9


def batch_normalization_brings_the_gradient_back(record):
    without = signal(activation="Sigmoid", initializer="xavier_uniform")
    assert without.backward == "vanishes"
    assert record.backward == "passes"
    assert record.gradient[0] > record.gradient[-1]


def hes_weights_rescue_relu(record):
    assert len(record.layer) == 30
    assert (record.forward, record.backward) == ("passes", "passes")
    assert 0.1 < record.variance[-1] / record.variance[0] < 10
    xavier = signal(depth=30, initializer="xavier_normal")
    assert xavier.backward == "vanishes"
    assert xavier.variance[-1] < 1e-7


def selu_normalizes_itself(record):
    assert len(record.layer) == 50
    assert np.abs(record.mean).max() < 0.15
    assert 0.7 < record.variance.min() <= record.variance.max() < 1.4


def weights_too_large_tanh_saturates(record):
    assert record.saturated.min() > 0.5
    near_one = np.abs(record.values[:-1] + record.values[1:]) / 2 > 0.9
    assert record.density[:, near_one].sum(1).min() > 0.5
    assert record.backward == "explodes"


def without_activations_layers_add_nothing(record):
    line, tanh = record.prediction[-1, row(record, "Identity")], record.prediction[-1, row(record, "Tanh")]
    assert np.abs(np.diff(line, 2)).max() < 1e-5
    assert np.ptp(line) > 0.1
    assert np.abs(np.diff(tanh, 2)).max() > 1e-3
    assert record.train_loss[-1, 1] < record.train_loss[-1, 0] / 3


def relu_dies_at_a_high_learning_rate(record):
    relu, leaky = row(record, "ReLU"), row(record, "LeakyReLU")
    early = record.epoch <= 20
    assert record.dead[early, relu].max() > 0.5
    assert np.ptp(record.prediction[-1, relu]) < 1e-6
    assert not record.dead[:, leaky].any()
    assert record.train_loss[-1, leaky] < 0.7 * record.train_loss[-1, relu]
    ends = [
        last(fit(names=("ReLU",), hidden_layers=3, lr=0.3, epochs=100, seed=s)).prediction[-1, 0]
        for s in range(7)
    ]
    assert sum(np.ptp(end) < 1e-6 for end in ends) >= 4


def zeros_never_break_the_symmetry(record):
    assert record.units == 16
    np.testing.assert_array_equal(record.distinct, 1)
    sigmoid = record.prediction[-1, row(record, "Sigmoid")]
    assert (np.diff(sigmoid) > 0).all() or (np.diff(sigmoid) < 0).all()  # as one sigmoid is
    tanh, relu = (record.prediction[-1, row(record, name)] for name in ("Tanh", "ReLU"))
    assert max(np.ptp(tanh), np.ptp(relu)) < 1e-6
    np.testing.assert_allclose(tanh, relu, atol=1e-6)
    assert last(fit(names=("Sigmoid",), hidden_layers=1, lr=0.03, epochs=10)).distinct[-1, 0] == 16


CLAIMS = (
    half_of_relu_is_dead,
    gelu_silu_and_mish_turn_back,
    a_cold_softmax_is_an_argmax,
    a_constant_changes_nothing_yet_the_naive_formula_breaks,
    sigmoid_in_20_layers_the_gradient_vanishes,
    batch_normalization_brings_the_gradient_back,
    hes_weights_rescue_relu,
    selu_normalizes_itself,
    weights_too_large_tanh_saturates,
    without_activations_layers_add_nothing,
    relu_dies_at_a_high_learning_rate,
    zeros_never_break_the_symmetry,
)


@pytest.mark.parametrize(
    ("experiment", "claim"),
    list(zip(EXPERIMENTS, CLAIMS, strict=True)),
    ids=lambda v: getattr(v, "title", ""),
)
def test_what_an_experiment_claims(experiment, claim):
    words = "".join(
        c if c.isalnum() else "_"
        for c in experiment.title.lower().replace("'", "").replace(",", "").replace(":", "")
    )
    assert words == claim.__name__
    result = getattr(activations, experiment.view)(**experiment.settings)
    claim(last(result) if experiment.view == "fit" else result)
