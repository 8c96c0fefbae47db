"""The update rules of torch.optim for K nets at once: one row of a matrix is one net.

The parameters of all nets stand in one tensor `theta` of shape (K, P), their gradients in another,
so a rule is a handful of operations however many layers and nets there are. Any hyperparameter is
one number for all nets or K numbers, a net each. Names, defaults and arithmetic are those of
torch.optim 2.13 (the tests hold them to it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

PerNet = float | Sequence[float] | np.ndarray | Tensor
"""One number for all nets, or one for each."""


def per_net(value: PerNet, k: int, name: str) -> float | Tensor:
    """`value` as a float, or as a float64 column (K, 1) where it differs between nets.

    Raises ValueError where it holds neither one nor K finite numbers.
    """
    column = np.asarray(value, dtype=np.float64).reshape(-1)
    if len(column) not in (1, k):
        raise ValueError(f"{name} needs one number, or one for each of the {k} nets, not {len(column)}.")
    if not np.isfinite(column).all() or column.min() < 0:
        raise ValueError(f"{name} must be a finite number, not below zero.")
    if (column == column[0]).all():
        return float(column[0])
    return torch.from_numpy(column.copy())[:, None]


def _single(value: float | Tensor) -> float | Tensor:
    """In single precision, to broadcast against (K, P). What leads to it is computed in double."""
    return value.float() if isinstance(value, Tensor) else value


def _factor(value: float | Tensor) -> Tensor:
    """The same, where torch takes only a tensor."""
    return torch.as_tensor(value, dtype=torch.float32)


class Rule:
    """One optimizer at work on `theta`, from the gradient that stands in `grad`, both (K, P).

    `buffers` are what it remembers, by name, each (K, P); `t` counts the steps taken. Both, with
    `theta`, are all of its state. Raises ValueError for a hyperparameter that it does not have.
    """

    defaults: ClassVar[Mapping[str, Any]] = {}
    remembers: ClassVar[tuple[str, ...]] = ()

    def __init__(self, theta: Tensor, grad: Tensor, **hyper: PerNet | bool | tuple[PerNet, PerNet]) -> None:
        name = type(self).__name__
        if unknown := hyper.keys() - self.defaults.keys():
            raise ValueError(
                f"{name} has no setting called {min(unknown)}; it has {', '.join(self.defaults)}."
            )
        self.theta, self.grad, self.t = theta, grad, 0
        self.buffers = {key: torch.zeros_like(theta) for key in self.remembers}
        self._scratch = torch.empty_like(theta)
        for key, value in (self.defaults | hyper).items():
            if isinstance(value, bool):
                setattr(self, key, value)
            elif isinstance(value, tuple) and isinstance(self.defaults[key], tuple):
                setattr(self, key, tuple(per_net(v, len(theta), f"{name}'s {key}") for v in value))
            else:
                setattr(self, key, per_net(value, len(theta), f"{name}'s {key}"))
        decays = [self.rho] if "rho" in self.defaults else self.betas if "betas" in self.defaults else []
        if any(np.any(np.asarray(decay) >= 1) for decay in decays):
            raise ValueError(f"{name}'s averages need a decay below one.")
        self._prepare()

    def _prepare(self) -> None:
        """Factors that stay the same from step to step."""

    def _update(self, lr: Tensor) -> None:
        raise NotImplementedError

    def step(self, lr: Tensor) -> None:
        """One step of size `lr`, (K, 1) or a scalar tensor."""
        self.t += 1
        decay = getattr(self, "weight_decay", 0.0)
        if isinstance(decay, Tensor) or decay:
            self.grad.addcmul_(self.theta, _factor(decay))
        self._update(lr)

    def _average(self, buffer: Tensor, square: Tensor, share: Tensor, rest: Tensor) -> None:
        """buffer = share * buffer + rest * square²."""
        torch.mul(square, square, out=self._scratch)
        buffer.mul_(share).addcmul_(self._scratch, rest)


class SGD(Rule):
    defaults: ClassVar = {"momentum": 0.0, "dampening": 0.0, "nesterov": False, "weight_decay": 0.0}
    remembers = ("momentum_buffer",)

    def _prepare(self) -> None:
        if self.nesterov and (
            np.any(np.asarray(self.momentum) <= 0) or np.any(np.asarray(self.dampening) != 0)
        ):
            raise ValueError("Nesterov's momentum needs a momentum above zero and no dampening.")
        self._plain = isinstance(self.momentum, float) and self.momentum == 0
        self._momentum, self._rest = _factor(self.momentum), _factor(1 - self.dampening)

    def _update(self, lr: Tensor) -> None:
        step = self.grad
        if not self._plain:
            buffer = self.buffers["momentum_buffer"]
            if self.t == 1:
                buffer.copy_(step)
            else:
                buffer.mul_(self._momentum).addcmul_(step, self._rest)
            step = step.addcmul_(buffer, self._momentum) if self.nesterov else buffer
        self.theta.addcmul_(step, lr, value=-1)


class Adagrad(Rule):
    """Duchi and others, 2011."""

    defaults: ClassVar = {
        "lr_decay": 0.0,
        "weight_decay": 0.0,
        "initial_accumulator_value": 0.0,
        "eps": 1e-10,
    }
    remembers = ("sum",)

    def _prepare(self) -> None:
        self.buffers["sum"] += _factor(self.initial_accumulator_value)
        self._eps = _factor(self.eps)

    def _update(self, lr: Tensor) -> None:
        total = self.buffers["sum"].addcmul_(self.grad, self.grad)
        torch.sqrt(total, out=self._scratch).add_(self._eps)
        torch.div(self.grad, self._scratch, out=self._scratch)
        self.theta.addcmul_(self._scratch, lr / _single(1 + (self.t - 1) * self.lr_decay), value=-1)


class Adadelta(Rule):
    """Zeiler, 2012."""

    defaults: ClassVar = {"rho": 0.9, "eps": 1e-6, "weight_decay": 0.0}
    remembers = ("square_avg", "acc_delta")

    def _prepare(self) -> None:
        self._rho, self._rest, self._eps = _factor(self.rho), _factor(1 - self.rho), _factor(self.eps)

    def _update(self, lr: Tensor) -> None:
        square, moved = self.buffers["square_avg"], self.buffers["acc_delta"]
        self._average(square, self.grad, self._rho, self._rest)
        delta = (moved + self._eps).sqrt_().div_((square + self._eps).sqrt_()).mul_(self.grad)
        self._average(moved, delta, self._rho, self._rest)
        self.theta.addcmul_(delta, lr, value=-1)


class RMSprop(Rule):
    """Hinton's lecture 6e, 2012; `centered` is Graves's, 2013."""

    defaults: ClassVar = {"alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0, "centered": False}
    remembers = ("square_avg", "grad_avg", "momentum_buffer")

    def _prepare(self) -> None:
        self._alpha, self._rest, self._eps = _factor(self.alpha), _factor(1 - self.alpha), _factor(self.eps)
        self._plain = isinstance(self.momentum, float) and self.momentum == 0
        self._momentum = _factor(self.momentum)

    def _update(self, lr: Tensor) -> None:
        square = self.buffers["square_avg"]
        self._average(square, self.grad, self._alpha, self._rest)
        if self.centered:
            mean = self.buffers["grad_avg"].lerp_(self.grad, self._rest)
            torch.addcmul(square, mean, mean, value=-1, out=self._scratch).sqrt_()
        else:
            torch.sqrt(square, out=self._scratch)
        step = torch.div(self.grad, self._scratch.add_(self._eps), out=self._scratch)
        if not self._plain:
            step = self.buffers["momentum_buffer"].mul_(self._momentum).add_(step)
        self.theta.addcmul_(step, lr, value=-1)


class Adam(Rule):
    """Kingma and Ba, 2014; `amsgrad` is Reddi and others', 2018."""

    defaults: ClassVar = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False}
    remembers = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def _prepare(self) -> None:
        first, second = self.betas
        self._rest1, self._share2, self._rest2 = _factor(1 - first), _factor(second), _factor(1 - second)
        self._eps = _factor(self.eps)

    def _moments(self) -> tuple[Tensor, Tensor]:
        mean = self.buffers["exp_avg"].lerp_(self.grad, self._rest1)
        self._average(self.buffers["exp_avg_sq"], self.grad, self._share2, self._rest2)
        return mean, self.buffers["exp_avg_sq"]

    def _update(self, lr: Tensor) -> None:
        mean, square = self._moments()
        if self.amsgrad:
            square = torch.maximum(self.buffers["max_exp_avg_sq"], square, out=self.buffers["max_exp_avg_sq"])
        first, second = (1 - beta**self.t for beta in self.betas)
        torch.sqrt(square, out=self._scratch).mul_(_single(second**-0.5)).add_(self._eps)
        torch.div(mean, self._scratch, out=self._scratch)
        self.theta.addcmul_(self._scratch, lr / _single(first), value=-1)


class AdamW(Adam):
    """Adam whose weight decay acts on the parameters, not the moments. Loshchilov and Hutter, 2017."""

    defaults: ClassVar = Adam.defaults | {"weight_decay": 0.01}

    def step(self, lr: Tensor) -> None:
        self.t += 1
        self.theta.mul_(1 - lr * _single(self.weight_decay))
        self._update(lr)


class Adamax(Adam):
    """Adam with the largest gradient in place of the mean square. Kingma and Ba, 2014."""

    defaults: ClassVar = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}
    remembers = ("exp_avg", "exp_inf")

    def _update(self, lr: Tensor) -> None:
        mean, largest = self.buffers["exp_avg"].lerp_(self.grad, self._rest1), self.buffers["exp_inf"]
        torch.abs(self.grad, out=self._scratch).add_(self._eps)
        torch.maximum(largest.mul_(self._share2), self._scratch, out=largest)
        torch.div(mean, largest, out=self._scratch)
        self.theta.addcmul_(self._scratch, lr / _single(1 - self.betas[0] ** self.t), value=-1)


class NAdam(Adam):
    """Adam with Nesterov's momentum. Dozat, 2016."""

    defaults: ClassVar = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "momentum_decay": 0.004}
    remembers = ("exp_avg", "exp_avg_sq", "mu_product")

    def _prepare(self) -> None:
        super()._prepare()
        self.buffers["mu_product"] += 1

    def _mu(self, t: int) -> float | Tensor:
        return self.betas[0] * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))

    def _update(self, lr: Tensor) -> None:
        mean, square = self._moments()
        mu, ahead = _single(self._mu(self.t)), _single(self._mu(self.t + 1))
        # one number a net, held for each parameter so that all of the state has one shape
        product = self.buffers["mu_product"].mul_(mu)[:, :1]
        second = 1 - self.betas[1] ** self.t
        torch.sqrt(square, out=self._scratch).mul_(_single(second**-0.5)).add_(self._eps)
        self.theta.addcmul_(self.grad / self._scratch, lr * (1 - mu) / (1 - product), value=-1)
        torch.div(mean, self._scratch, out=self._scratch)
        self.theta.addcmul_(self._scratch, lr * ahead / (1 - product * ahead), value=-1)


class RAdam(Adam):
    """Adam that takes plain momentum steps until its mean square can be trusted. Liu and others, 2019."""

    defaults: ClassVar = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}
    remembers = ("exp_avg", "exp_avg_sq")

    def _update(self, lr: Tensor) -> None:
        mean, square = self._moments()
        first, second = (torch.as_tensor(beta, dtype=torch.float64) for beta in self.betas)
        correction = 1 - second**self.t
        longest = 2 / (1 - second) - 1
        length = longest - 2 * self.t * second**self.t / correction
        trusted = length > 5
        size = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length) * correction
        adapted = size.clamp(min=0).sqrt().float() / (square.sqrt() + self._eps)
        step = torch.where(trusted, adapted, torch.ones_like(adapted)).mul_(mean)
        self.theta.addcmul_(step, lr / (1 - first**self.t).float(), value=-1)


class Rprop(Rule):
    """Steps by the sign of the gradient alone; meant for full batches. Riedmiller and Braun, 1993."""

    defaults: ClassVar = {"etas": (0.5, 1.2), "step_sizes": (1e-6, 50.0)}
    remembers = ("prev", "step_size")

    def _prepare(self) -> None:
        self._shrink, self._grow = map(_factor, self.etas)
        self._low, self._high = map(_factor, self.step_sizes)

    def _update(self, lr: Tensor) -> None:
        prev, size = self.buffers["prev"], self.buffers["step_size"]
        if self.t == 1:
            size += lr
        torch.mul(self.grad, prev, out=self._scratch)
        turned = self._scratch < 0
        size.mul_(torch.where(turned, self._shrink, torch.where(self._scratch > 0, self._grow, 1.0)))
        torch.clamp(size, self._low, self._high, out=size)
        prev.copy_(self.grad).masked_fill_(turned, 0)
        self.theta.addcmul_(prev.sign(), size, value=-1)


OPTIMIZERS: Mapping[str, type[Rule]] = {
    rule.__name__: rule
    for rule in (SGD, Adagrad, Adadelta, RMSprop, Adam, AdamW, Adamax, NAdam, RAdam, Rprop)
}
"""By the name of the class in torch.optim."""
