"""The loss of a small net on planes through its weights: what a picture of a "loss landscape" is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from sklearn.datasets import load_iris
from torch import Tensor

HIDDEN = 6
WEIGHT_DECAY = 1e-3
_SHAPES = ((HIDDEN, 4), (HIDDEN,), (3, HIDDEN), (3,))
_SIZES = [math.prod(shape) for shape in _SHAPES]
_ENDS = np.cumsum(_SIZES)[:-1]
WEIGHTS = sum(_SIZES)
"""Weights and biases of the net: its loss surface has this many dimensions."""


@lru_cache(maxsize=1)
def _iris() -> tuple[Tensor, Tensor]:
    """The 150 flowers: measurements (150, 4) with mean 0 and variance 1, and their kind (150,)."""
    data = load_iris()
    inputs = (data.data - data.data.mean(0)) / data.data.std(0)
    return torch.from_numpy(inputs), torch.from_numpy(data.target)


def net_loss(weights: Tensor) -> Tensor:
    """Loss on iris of a net 4-6-3 (tanh) for flat weights (..., 51): shape (...).

    Mean cross-entropy plus WEIGHT_DECAY / 2 times the sum of squares: without
    the second term the loss would have no minimum, the weights would grow for ever.
    """
    inputs, kind = _iris()
    parts = weights.split(_SIZES, -1)
    w1, b1, w2, b2 = (part.unflatten(-1, shape) for part, shape in zip(parts, _SHAPES))
    hidden = torch.tanh(inputs @ w1.mT + b1.unsqueeze(-2))
    logits = hidden @ w2.mT + b2.unsqueeze(-2)
    picked = logits.gather(-1, kind.expand(logits.shape[:-1]).unsqueeze(-1)).squeeze(-1)
    return (logits.logsumexp(-1) - picked).mean(-1) + WEIGHT_DECAY / 2 * (weights**2).sum(-1)


def net_gradient(weights: np.ndarray) -> np.ndarray:
    """Gradient (51,) of `net_loss` for one net (51,), backpropagated by hand: five times as fast."""
    inputs, kind = (part.numpy() for part in _iris())
    w1, b1, w2, b2 = (part.reshape(s) for part, s in zip(np.split(weights, _ENDS), _SHAPES))
    hidden = np.tanh(inputs @ w1.T + b1)
    logits = hidden @ w2.T + b2
    error = np.exp(logits - logits.max(1, keepdims=True))
    error /= error.sum(1, keepdims=True)
    error[np.arange(len(kind)), kind] -= 1
    error /= len(kind)
    before = (error @ w2) * (1 - hidden * hidden)
    parts = (before.T @ inputs, before.sum(0), error.T @ hidden, error.sum(0))
    return np.concatenate([part.ravel() for part in parts]) + WEIGHT_DECAY * weights


@lru_cache(maxsize=4)
def trained(seed: int) -> Tensor:
    """Flat weights (51,) of the net, trained by L-BFGS to a minimum from the random start `seed`."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(WEIGHTS, generator=generator, dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [weights], max_iter=400, tolerance_grad=1e-6, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure():
        loss = net_loss(weights)
        (weights.grad,) = torch.autograd.grad(loss, weights)
        return loss

    optimizer.step(closure)
    return weights.detach()


@dataclass(frozen=True, slots=True)
class Slice:
    """The plane origin + a * first + b * second through the net's weights; all (51,) float64."""

    origin: Tensor
    first: Tensor
    second: Tensor

    def weights(self, a: Tensor, b: Tensor) -> Tensor:
        return self.origin + a.unsqueeze(-1) * self.first + b.unsqueeze(-1) * self.second

    def loss(self, a: Tensor, b: Tensor) -> Tensor:
        return net_loss(self.weights(a, b))

    def whole_gradient(self, a: float, b: float) -> np.ndarray:
        """Of the net's loss in all its weights, at a point of the plane."""
        return net_gradient(self.origin.numpy() + a * self.first.numpy() + b * self.second.numpy())

    def gradient(self, a: float, b: float) -> tuple[float, float]:
        """The net's gradient, projected on the two directions: the derivative with respect to a and b."""
        whole = self.whole_gradient(a, b)
        return float(whole @ self.first.numpy()), float(whole @ self.second.numpy())

    def coordinates(self, weights: Tensor) -> tuple[float, float]:
        """(a, b) of weights that lie in the plane."""
        basis = torch.stack([self.first, self.second], 1)
        a, b = torch.linalg.lstsq(basis, (weights - self.origin)[:, None]).solution[:, 0].tolist()
        return a, b

    def visible(self, a: float, b: float) -> float:
        """The share (0 to 1) of the length of the net's whole gradient that lies in the plane."""
        whole = self.whole_gradient(a, b)
        basis, _ = np.linalg.qr(np.stack([self.first.numpy(), self.second.numpy()], 1))
        return float(np.linalg.norm(basis.T @ whole) / max(np.linalg.norm(whole), 1e-300))


def filter_normalized(direction: Tensor, weights: Tensor) -> Tensor:
    """`direction` (51,), each neuron's part scaled to the norm of that neuron's weights, biases zero.

    Li et al., "Visualizing the loss landscape of neural nets" (2018), section 4.
    """
    parts = []
    for part, own, shape in zip(direction.split(_SIZES), weights.split(_SIZES), _SHAPES):
        rows, own_rows = part.reshape(shape), own.reshape(shape)
        if len(shape) == 1:
            parts.append(torch.zeros_like(part))
        else:
            parts.append(
                (rows * own_rows.norm(dim=1, keepdim=True) / rows.norm(dim=1, keepdim=True)).flatten()
            )
    return torch.cat(parts)


HIDES = (
    f"The net has {WEIGHTS} weights, the picture two of its directions. A step here is the true gradient, "
    "projected on the plane. The other directions, where there may be a way around a wall, are not seen, "
    "and a minimum of the plane need not be one of the net."
)
"""What such a picture does not show."""


@lru_cache(maxsize=1)
def random_plane() -> Slice:
    """Through the first trained net, along two random directions, filter-normalized."""
    origin = trained(0)
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, WEIGHTS, generator=generator, dtype=torch.float64)
    return Slice(origin, filter_normalized(first, origin), filter_normalized(second, origin))


@lru_cache(maxsize=1)
def three_point_plane() -> Slice:
    """Through three trained nets: the second is at (1, 0); the directions are orthogonal and equally long."""
    origin = trained(0)
    first, second = trained(1) - origin, trained(2) - origin
    second = second - first * (second @ first) / (first @ first)
    return Slice(origin, first, second * first.norm() / second.norm())


def lowest(nets: int) -> float:
    """The smallest loss of the first so many trained nets."""
    return min(float(net_loss(trained(seed))) for seed in range(nets))
