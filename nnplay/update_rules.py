"""The optimizers of torch.optim that can be raced over two parameters, and the rule that each one follows.

A rule is a few lines of Python. They are shown as they stand, shown with the
numbers of a step filled in, and evaluated: what is read is what is computed,
and the tests hold it to the step that torch took.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.optim import Optimizer

from nnplay.hyperparameters import Param, Value


@dataclass(frozen=True, slots=True)
class Method:
    """One optimizer.

    `rule`: lines `name = expression` over the position x, the gradient g, the
    step's number t (from 1), the hyperparameters and the state before the
    step; the last line gives `step`. `state` names torch's state in the rule's
    letters; it starts at zero unless `begins` names a number or a
    hyperparameter. `first` and
    `second` are the letters of the momentum (or average gradient) and of the
    average squared gradient, where there are such.
    """

    title: str
    torch: type[Optimizer]
    params: Mapping[str, Param]
    rule: tuple[str, ...]
    source: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    begins: Mapping[str, float | str] = field(default_factory=dict)
    first: str = ""
    second: str = ""

    def make(self, parameter: torch.Tensor, values: Mapping[str, Value]) -> Optimizer:
        """The torch optimizer of `parameter`."""
        arguments = dict(values) | self.fixed
        if "beta1" in arguments:
            arguments["betas"] = (arguments.pop("beta1"), arguments.pop("beta2"))
        if "eta_minus" in arguments:
            arguments["etas"] = (arguments.pop("eta_minus"), arguments.pop("eta_plus"))
        if "strong_wolfe" in arguments:
            arguments["line_search_fn"] = "strong_wolfe" if arguments.pop("strong_wolfe") else None
        return self.torch([parameter], **arguments)


def _lr(default: float, high: float = 1.0) -> Param:
    return Param(default, 1e-5, high, log=True, label="learning rate")


_BETA1 = Param(0.9, 0.0, 0.999, label="decay of the average gradient")
_BETA2 = Param(0.999, 0.0, 0.9999, label="decay of the average squared gradient")
_MOMENTUM = Param(0.9, 0.0, 0.99, label="share of the last step that is kept")
_AVERAGES = {"exp_avg": "m", "exp_avg_sq": "v"}
_PLAIN = {"foreach": False}  # one tensor of two numbers: torch's loop over lists of tensors only costs time
_M = "m = beta1*m + (1 - beta1)*g"
_V = "v = beta2*v + (1 - beta2)*g**2"
_HATS = ("m_hat = m/(1 - beta1**t)", "v_hat = v/(1 - beta2**t)")

OPTIMIZERS: dict[str, Method] = {
    "sgd": Method(
        "SGD",
        torch.optim.SGD,
        {"lr": _lr(0.005, 3.0)},
        ("step = -lr*g",),
        "Robbins & Monro 1951",
        _PLAIN,
    ),
    "momentum": Method(
        "Momentum",
        torch.optim.SGD,
        {"lr": _lr(0.005, 3.0), "momentum": _MOMENTUM},
        ("b = momentum*b + g", "step = -lr*b"),
        "Polyak 1964",
        _PLAIN,
        {"momentum_buffer": "b"},
        first="b",
    ),
    "nesterov": Method(
        "Nesterov",
        torch.optim.SGD,
        {"lr": _lr(0.005, 3.0), "momentum": Param(0.9, 0.01, 0.99, label=_MOMENTUM.label)},
        ("b = momentum*b + g", "step = -lr*(g + momentum*b)"),
        "Nesterov 1983, Sutskever et al. 2013",
        _PLAIN | {"nesterov": True},
        {"momentum_buffer": "b"},
        first="b",
    ),
    "adagrad": Method(
        "Adagrad",
        torch.optim.Adagrad,
        {"lr": _lr(0.3, 3.0), "lr_decay": Param(0.0, 0.0, 0.1, label="decay of the learning rate")},
        ("s = s + g**2", "step = -lr/(1 + (t - 1)*lr_decay)*g/(sqrt(s) + eps)"),
        "Duchi et al. 2011",
        _PLAIN | {"eps": 1e-10},
        {"sum": "s"},
        second="s",
    ),
    "rmsprop": Method(
        "RMSprop",
        torch.optim.RMSprop,
        {
            "lr": _lr(0.03),
            "alpha": Param(0.99, 0.0, 0.999, label="decay of the average squared gradient"),
            "momentum": Param(0.0, 0.0, 0.99, label=_MOMENTUM.label),
        },
        ("v = alpha*v + (1 - alpha)*g**2", "b = momentum*b + g/(sqrt(v) + eps)", "step = -lr*b"),
        "Hinton 2012, lecture 6e",
        _PLAIN | {"eps": 1e-8},
        {"square_avg": "v", "momentum_buffer": "b"},
        first="b",
        second="v",
    ),
    "adadelta": Method(
        "Adadelta",
        torch.optim.Adadelta,
        {
            "lr": _lr(1.0, 10.0),
            "rho": Param(0.9, 0.0, 0.999, label="decay of both averages"),
            "eps": Param(1e-3, 1e-8, 0.1, log=True, label="sets how large the first steps are"),
        },
        (
            "v = rho*v + (1 - rho)*g**2",
            "delta = sqrt(u + eps)/sqrt(v + eps)*g",
            "u = rho*u + (1 - rho)*delta**2",
            "step = -lr*delta",
        ),
        "Zeiler 2012",
        _PLAIN,
        {"square_avg": "v", "acc_delta": "u"},
        second="v",
    ),
    "adam": Method(
        "Adam",
        torch.optim.Adam,
        {
            "lr": _lr(0.1),
            "beta1": _BETA1,
            "beta2": _BETA2,
            "weight_decay": Param(0.0, 0.0, 1.0, label="added to the gradient"),
        },
        (
            "g = g + weight_decay*x",
            _M,
            _V,
            *_HATS,
            "step = -lr*m_hat/(sqrt(v_hat) + eps)",
        ),
        "Kingma & Ba 2015",
        _PLAIN | {"eps": 1e-8},
        _AVERAGES,
        first="m",
        second="v",
    ),
    "adamw": Method(
        "AdamW",
        torch.optim.AdamW,
        {
            "lr": _lr(0.1),
            "beta1": _BETA1,
            "beta2": _BETA2,
            "weight_decay": Param(0.01, 0.0, 1.0, label="shrinks the weights, apart from the gradient"),
        },
        (_M, _V, *_HATS, "step = -lr*weight_decay*x - lr*m_hat/(sqrt(v_hat) + eps)"),
        "Loshchilov & Hutter 2019",
        _PLAIN | {"eps": 1e-8},
        _AVERAGES,
        first="m",
        second="v",
    ),
    "nadam": Method(
        "NAdam",
        torch.optim.NAdam,
        {
            "lr": _lr(0.1),
            "beta1": _BETA1,
            "beta2": _BETA2,
            "momentum_decay": Param(0.004, 0.0, 0.1, label="how fast the momentum warms up"),
        },
        (
            "mu = beta1*(1 - 0.5*0.96**(t*momentum_decay))",
            "mu_next = beta1*(1 - 0.5*0.96**((t + 1)*momentum_decay))",
            "mu_product = mu_product*mu",
            _M,
            _V,
            "v_hat = v/(1 - beta2**t)",
            "look = (1 - mu)/(1 - mu_product)*g + mu_next/(1 - mu_product*mu_next)*m",
            "step = -lr*look/(sqrt(v_hat) + eps)",
        ),
        "Dozat 2016",
        _PLAIN | {"eps": 1e-8},
        _AVERAGES | {"mu_product": "mu_product"},
        {"mu_product": 1.0},
        first="m",
        second="v",
    ),
    "radam": Method(
        "RAdam",
        torch.optim.RAdam,
        {"lr": _lr(0.02), "beta1": _BETA1, "beta2": _BETA2},
        (
            _M,
            _V,
            "m_hat = m/(1 - beta1**t)",
            "rho_inf = 2/(1 - beta2) - 1",
            "rho = rho_inf - 2*t*beta2**t/(1 - beta2**t)",
            "r = sqrt((rho - 4)*(rho - 2)*rho_inf/((rho_inf - 4)*(rho_inf - 2)*rho)) if rho > 5 else 0.0",
            "step = -lr*m_hat*r*sqrt(1 - beta2**t)/(sqrt(v) + eps) if rho > 5 else -lr*m_hat",
        ),
        "Liu et al. 2020",
        _PLAIN | {"eps": 1e-8},
        _AVERAGES,
        first="m",
        second="v",
    ),
    "adamax": Method(
        "Adamax",
        torch.optim.Adamax,
        {"lr": _lr(0.1), "beta1": _BETA1, "beta2": _BETA2},
        (_M, "u = maximum(beta2*u, abs(g) + eps)", "step = -lr/(1 - beta1**t)*m/u"),
        "Kingma & Ba 2015, section 7",
        _PLAIN | {"eps": 1e-8},
        {"exp_avg": "m", "exp_inf": "u"},
        first="m",
    ),
    "adafactor": Method(
        "Adafactor",
        torch.optim.Adafactor,
        {
            "lr": _lr(0.1),
            "beta2_decay": Param(-0.8, -1.0, -0.1, label="power of t by which the average slows"),
            "d": Param(1.0, 1.0, 10.0, label="steps are cut at this root mean square"),
        },
        (
            "rho = minimum(lr, 1/sqrt(t))",
            "scale = maximum(eps2, rms(x))*rho",
            "v = v + t**beta2_decay*(g**2 - v)",
            "u = g/sqrt(maximum(v, eps1**2))",
            "step = -scale*u/maximum(1, rms(u)/d)",
        ),
        "Shazeer & Stern 2018 (a vector's average is not factored)",
        _PLAIN | {"eps": (2.220446049250313e-16, 1e-3)},
        {"variance": "v"},
        second="v",
    ),
    "rprop": Method(
        "Rprop",
        torch.optim.Rprop,
        {
            "lr": Param(0.1, 1e-5, 1.0, log=True, label="first step"),
            "eta_minus": Param(0.5, 0.1, 0.9, label="factor where the gradient's sign flips"),
            "eta_plus": Param(1.2, 1.01, 2.0, label="factor where it does not"),
        },
        (
            "factor = where(g*last > 0, eta_plus, where(g*last < 0, eta_minus, 1))",
            "size = clip(size*factor, 1e-06, 50)",
            "last = where(g*last < 0, 0, g)",
            "step = -size*sign(last)",
        ),
        "Riedmiller & Braun 1993",
        _PLAIN,
        {"prev": "last", "step_size": "size"},
        {"size": "lr"},
    ),
    "lbfgs": Method(
        "L-BFGS",
        torch.optim.LBFGS,
        {
            "lr": _lr(1.0, 3.0),
            "history_size": Param(10, 1, 20, label="gradient differences that are kept"),
            "strong_wolfe": Param(
                True, choices=(True, False), label="line search: several evaluations a step"
            ),
        },
        ("d = -H @ g", "step = a*d"),
        "Liu & Nocedal 1989",
        {"max_iter": 1, "max_eval": 26, "tolerance_change": 0.0},
    ),
}

NOT_RACED = {
    "Muon": "orthogonalizes the update of a weight matrix; two loose numbers are not a matrix.",
    "SparseAdam": "takes sparse gradients only.",
    "ASGD": "is SGD until it averages, and its average is not the point that moves.",
}
"""What else torch.optim has, and why it does not run here."""

_NAME = re.compile(r"[A-Za-z_]\w*")
_SPACE = {
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sign": np.sign,
    "where": np.where,
    "clip": np.clip,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "rms": lambda a: np.sqrt(np.mean(np.square(a))),
}


@dataclass(frozen=True, slots=True)
class Update:
    """One step from the position `x` (2,), spelled out.

    `rule`: the lines; `filled`: the same with numbers for names;
    `results`: what each line gives, by its name. `by_hand` (2,) is the rule's
    step, `by_torch` (2,) the one that torch took.
    """

    x: np.ndarray
    rule: tuple[str, ...]
    filled: tuple[str, ...]
    results: Mapping[str, np.ndarray]
    by_hand: np.ndarray
    by_torch: np.ndarray

    @property
    def text(self) -> str:
        """Each line of the rule and below it its numbers; last the new x, by the rule and by torch."""
        lines = zip(self.rule, self.filled, strict=True)
        by_hand = (f"{line}\n{' ' * line.index('=')}{filled}" for line, filled in lines)
        new, torch_s = (written(self.x + step, 8) for step in (self.by_hand, self.by_torch))
        return "\n".join([*by_hand, f"x + step = {new}", f"by torch = {torch_s}"])

    def table(self) -> dict[str, list]:
        return {"of": ["by hand", "by torch"], "x": [self.by_hand[0], self.by_torch[0]],
                "y": [self.by_hand[1], self.by_torch[1]]}  # fmt: skip


def written(value: float | np.ndarray, digits: int = 5) -> str:
    """A number, vector or matrix with that many significant digits, as Python would read it."""
    array = np.asarray(value)
    if array.ndim:
        return "(" + ", ".join(written(part, digits) for part in array) + ")"
    return f"{float(array):.{digits}g}"


def apply_rule(
    rule: tuple[str, ...], names: Mapping[str, Any], by_torch: np.ndarray, digits: int = 5
) -> Update:
    """Evaluate `rule` where `names` holds x, g, t, the hyperparameters and the state before the step."""
    known = {name: np.asarray(value, dtype=float) for name, value in names.items()}
    filled, results = [], {}
    for line in rule:
        name, expression = line.split(" = ", 1)
        value = np.asarray(eval(expression, {"__builtins__": {}}, _SPACE | known))
        shown = _NAME.sub(lambda n: written(known[n[0]], digits) if n[0] in known else n[0], expression)
        filled.append(f"= {shown} = {written(value, digits)}")
        known[name] = results[name] = value
    return Update(known["x"], rule, tuple(filled), results, results["step"], np.asarray(by_torch))
