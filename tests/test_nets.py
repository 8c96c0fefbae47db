"""Activations against their formulas, initializers against their theory, nets against torch."""

import inspect
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nnplay import limits, nets

X = torch.linspace(-8, 8, 321, dtype=torch.float64)


def phi(x):
    return 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def sigma(x):
    return 1 / (1 + torch.exp(-x))


def elu(x, alpha=1.0, inside=1.0):
    return torch.where(x > 0, x, alpha * (torch.exp(x / inside) - 1))


FORMULAS = {
    "Identity": lambda x: x,
    "Sigmoid": sigma,
    "Tanh": lambda x: 1 - 2 / (torch.exp(2 * x) + 1),
    "Hardsigmoid": lambda x: ((x + 3) / 6).clip(0, 1),
    "Hardtanh": lambda x: x.clip(-1, 1),
    "Softsign": lambda x: x / (1 + x.abs()),
    "ReLU": lambda x: x.clip(min=0),
    "ReLU6": lambda x: x.clip(0, 6),
    "LeakyReLU": lambda x: x.clip(min=0) + 0.01 * x.clip(max=0),
    "PReLU": lambda x: x.clip(min=0) + 0.25 * x.clip(max=0),
    "ELU": elu,
    "CELU": elu,
    "SELU": lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
    "GELU": lambda x: x * phi(x),
    "GELUTanh": lambda x: x / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "SiLU": lambda x: x * sigma(x),
    "Mish": lambda x: x * torch.tanh(torch.log1p(torch.exp(x))),
    "Softplus": lambda x: torch.log1p(torch.exp(x)),
    "Hardswish": lambda x: x * ((x + 3) / 6).clip(0, 1),
    "LogSigmoid": lambda x: torch.log(sigma(x)),
    "Tanhshrink": lambda x: x - torch.tanh(x),
    "Softshrink": lambda x: x.sign() * (x.abs() - 0.5).clip(min=0),
    "Hardshrink": lambda x: torch.where(x.abs() > 0.5, x, 0),
}
GATES = {
    "GLU": sigma,
    "ReGLU": lambda x: x.clip(min=0),
    "GEGLU": lambda x: x * phi(x),
    "SwiGLU": FORMULAS["SiLU"],
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_catalogue_is_covered_here():
    gated = {name for name, entry in nets.ACTIVATIONS.items() if entry.gated}
    assert gated == set(GATES)
    assert set(nets.ACTIVATIONS) == set(FORMULAS) | gated
    assert len(nets.ACTIVATIONS) >= 18


@pytest.mark.parametrize("name", FORMULAS)
def test_an_activation_is_its_formula(name):
    torch.testing.assert_close(nets.activation(name).double()(X).detach(), FORMULAS[name](X))


@pytest.mark.parametrize("name", GATES)
def test_a_gate_opens_for_the_first_half(name):
    value, gate = torch.randn(7, 5, generator=generator()), torch.randn(7, 5, generator=generator(1))
    out = nets.activation(name)(torch.cat([value, gate], dim=1))
    torch.testing.assert_close(out, value * GATES[name](gate))


def test_our_gate_is_torchs_glu():
    x = torch.randn(3, 4, 6, generator=generator())
    torch.testing.assert_close(nets.Gated(torch.sigmoid)(x), F.glu(x))


@pytest.mark.parametrize("name", nets.ACTIVATIONS)
def test_parameters_are_torchs_own_and_matter(name):
    entry = nets.ACTIVATIONS[name]
    if hasattr(nn, name):
        assert type(nets.activation(name)) is getattr(nn, name)
    for key in entry.parameters:
        assert key in inspect.signature(entry.make).parameters
        low, high = (nets.activation(name, {key: limit}).double()(X) for limit in nets.PARAMETERS[key])
        assert not torch.allclose(low, high)
        torch.testing.assert_close(
            nets.activation(name, {"nobody": 1.0}).double()(X), nets.activation(name).double()(X)
        )


def test_no_parameter_range_is_left_over():
    assert set(nets.PARAMETERS) == {key for entry in nets.ACTIVATIONS.values() for key in entry.parameters}


@pytest.mark.parametrize("name", nets.INITIALIZERS)
@pytest.mark.parametrize(("fan_in", "fan_out"), [(400, 100), (100, 400), (200, 200)])
def test_weights_have_the_variance_of_theory(name, fan_in, fan_out):
    weight = nets.weight(name, fan_in, fan_out, generator(), 0.07)
    assert weight.shape == (fan_out, fan_in)
    theory = nets.INITIALIZERS[name].variance(fan_in, fan_out, 0.07)
    np.testing.assert_allclose(weight.var().item(), theory, rtol=0.05)
    assert abs(weight.mean().item()) <= 0.02 * math.sqrt(theory)


def test_orthogonal_keeps_lengths():
    w = nets.weight("orthogonal", 40, 90, generator(), 1.0)
    torch.testing.assert_close(w.T @ w, torch.eye(40), atol=1e-5, rtol=0)


def test_the_default_is_the_one_of_linear():
    torch.manual_seed(3)
    linear = nn.Linear(30, 20)
    torch.testing.assert_close(
        nets.weight("torch_default", 30, 20, generator(3), 1.0), linear.weight.detach()
    )


@pytest.mark.parametrize("name", nets.INITIALIZERS)
def test_weights_come_from_the_generator_alone(name):
    before = torch.get_rng_state()
    first, second = (nets.weight(name, 6, 5, generator(4), 0.1) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)
    if name != "zeros":
        assert not torch.equal(first, nets.weight(name, 6, 5, generator(5), 0.1))


@pytest.mark.parametrize("name", nets.ACTIVATIONS)
def test_nets_of_any_activation_start_alike(name):
    plain = nets.mlp([3, 8, 8, 2], "ReLU", "kaiming_normal", generator(), 0.1)
    net = nets.mlp([3, 8, 8, 2], name, "kaiming_normal", generator(), 0.1)
    assert net(torch.zeros(5, 3)).shape == (5, 2)
    assert len(net) == 5
    for ours, theirs in zip(net[::2], plain[::2]):
        rows = len(theirs.weight)
        assert torch.equal(ours.weight[:rows], theirs.weight)
        assert torch.equal(ours.bias[:rows], theirs.bias)
    doubled = nets.ACTIVATIONS[name].gated
    assert len(net[0].weight) == (16 if doubled else 8)
    assert len(net[-1].weight) == 2
    assert all(p.requires_grad for p in net.parameters())


def test_zeros_are_zero_biases_too():
    net = nets.mlp([2, 4, 1], "Tanh", "zeros", generator(), 0.1)
    assert not torch.cat([p.flatten() for p in net.parameters()]).any()


def test_biases_are_those_of_linear():
    bias = nets.mlp([16, 4000, 1], "Tanh", "normal", generator(), 0.1)[0].bias
    assert bias.abs().max() <= 0.25
    np.testing.assert_allclose(bias.var().item(), 0.25**2 / 3, rtol=0.05)


def test_bad_arguments_are_told_in_a_sentence():
    with pytest.raises(ValueError, match=r"'Relu' is not one of the choices for activation: Identity, .*\."):
        nets.activation("Relu")
    for bad in (3.1, -0.1, math.nan):
        with pytest.raises(ValueError, match="alpha must lie between 0 and 3"):
            limits.within("alpha", bad, (0.0, 3.0))
    limits.within("alpha", 3.0, (0.0, 3.0))
