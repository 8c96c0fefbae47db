"""The update rules against torch.optim, net by net."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nnplay.optim import OPTIMIZERS, per_net

K, P, STEPS = 3, 7, 12
SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)

# For each hyperparameter values that torch accepts; a list of K is one for each net.
VALUES = {
    "momentum": [0.0, 0.9, [0.5, 0.9, 0.99]],
    "dampening": [0.0, 0.3],
    "weight_decay": [0.0, 0.1, [0.0, 0.01, 0.3]],
    "lr_decay": [0.0, 0.1],
    "initial_accumulator_value": [0.0, 0.5],
    "eps": [1e-8, 1e-3, [1e-8, 1e-3, 0.1]],
    "rho": [0.9, [0.5, 0.9, 0.99]],
    "alpha": [0.99, [0.5, 0.9, 0.99]],
    "centered": [False, True],
    "amsgrad": [False, True],
    "betas": [(0.9, 0.999), (0.5, 0.9), ([0.0, 0.5, 0.95], 0.99), (0.9, [0.9, 0.99, 0.999])],
    "momentum_decay": [4e-3, 0.1],
    "etas": [(0.5, 1.2), (0.3, 1.5)],
    "step_sizes": [(1e-6, 50.0), (1e-3, 0.2)],
}


def of_net(value, k: int):
    """What net k gets of a hyperparameter."""
    if isinstance(value, tuple):
        return tuple(of_net(v, k) for v in value)
    return value[k] if isinstance(value, list) else value


@st.composite
def cases(draw):
    name = draw(st.sampled_from(sorted(OPTIMIZERS)))
    hyper = {
        key: draw(st.sampled_from(VALUES[key])) for key in OPTIMIZERS[name].defaults if key != "nesterov"
    }
    if name == "SGD" and hyper["momentum"] != 0.0 and hyper["dampening"] == 0.0:
        hyper["nesterov"] = draw(st.booleans())
    return name, hyper, draw(st.integers(0, 99))


@SETTINGS
@given(cases())
def test_rule_is_the_one_of_torch(case) -> None:
    name, hyper, seed = case
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(K, P, generator=generator)
    gradients = torch.randn(STEPS, K, P, generator=generator)
    lr = [0.1, 0.03, 0.001]
    theta, grad = start.clone(), torch.empty(K, P)
    rule = OPTIMIZERS[name](theta, grad, **hyper)
    for gradient in gradients:
        grad.copy_(gradient)
        rule.step(torch.tensor(lr)[:, None])
    for k in range(K):
        parameter = start[k].clone().requires_grad_()
        theirs = getattr(torch.optim, name)(
            [parameter], lr=lr[k], **{h: of_net(v, k) for h, v in hyper.items()}
        )
        for gradient in gradients:
            parameter.grad = gradient[k].clone()
            theirs.step()
        torch.testing.assert_close(theta[k], parameter.detach(), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_defaults_are_those_of_torch(name: str) -> None:
    theirs = getattr(torch.optim, name)([torch.zeros(1, requires_grad=True)]).defaults
    ours = OPTIMIZERS[name].defaults
    assert {key: theirs[key] for key in ours} == ours


def test_buffers_and_t_are_all_of_its_state() -> None:
    """A rule that gets another's buffers goes on as the other does."""
    generator = torch.Generator().manual_seed(0)
    for name, make in OPTIMIZERS.items():
        hyper = {"momentum": 0.9} if "momentum" in make.defaults else {}
        theta, grad = torch.randn(K, P, generator=generator), torch.zeros(K, P)
        first = make(theta, grad, **hyper)
        for step in range(6):
            if step == 3:
                theta_2, grad_2 = theta.clone(), torch.zeros(K, P)
                second = make(theta_2, grad_2, **hyper)
                second.t = first.t
                for key, buffer in first.buffers.items():
                    second.buffers[key].copy_(buffer)
            gradient = torch.randn(K, P, generator=generator)
            grad.copy_(gradient)
            first.step(torch.tensor(0.1))
            if step >= 3:
                grad_2.copy_(gradient)
                second.step(torch.tensor(0.1))
        assert torch.equal(theta, theta_2), name


def test_per_net() -> None:
    assert per_net(0.5, 3, "lr") == 0.5
    assert per_net([0.5, 0.5, 0.5], 3, "lr") == 0.5
    assert per_net(np.array([1, 2, 3]), 3, "lr").tolist() == [[1], [2], [3]]


@pytest.mark.parametrize("value", [[1, 2], float("nan"), [1, float("inf"), 2], -1.0])
def test_per_net_refuses(value) -> None:
    with pytest.raises(ValueError, match="lr"):
        per_net(value, 3, "lr")


@pytest.mark.parametrize(
    ("name", "hyper"),
    [
        ("SGD", {"betas": (0.9, 0.9)}),
        ("SGD", {"nesterov": True}),
        ("SGD", {"nesterov": True, "momentum": [0.9, 0.0, 0.9]}),
        ("Adam", {"betas": (0.9, 1.0)}),
        ("Adadelta", {"rho": 1.0}),
        ("RMSprop", {"momentum": -0.1}),
    ],
)
def test_bad_settings_are_refused_in_a_sentence(name: str, hyper: dict) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        OPTIMIZERS[name](torch.zeros(K, P), torch.zeros(K, P), **hyper)
