"""Least squares with an L2 penalty in closed form, on features of one variable."""

from __future__ import annotations

import numpy as np

from nnplay.datasets import DOMAIN


def solve(features: np.ndarray, y: np.ndarray, alpha: float = 0.0) -> np.ndarray:
    """The weights w that minimize |features w - y|² + alpha |w|²; with alpha 0 the shortest of the best ones.

    features: (..., n, p), y: (..., n, m) -> (..., p, m), by a singular value decomposition; the smallest
    singular values count as zero as in numpy.linalg.pinv (relative 1e-15). The penalty is that of
    sklearn.linear_model.Ridge.
    """
    u, s, vt = np.linalg.svd(features, full_matrices=False)
    return vt.mT @ (shrunk(s, alpha)[..., None] * (u.mT @ y))


def shrunk(s: np.ndarray, alpha: float) -> np.ndarray:
    """What stands for 1 / s in the solution: s / (s² + alpha), and 0 for singular values that are zero."""
    kept = s > 1e-15 * s.max(-1, keepdims=True)
    return np.where(kept, s / np.where(kept, s * s + alpha, 1), 0)


def legendre(x: np.ndarray, degree: int) -> np.ndarray:
    """The Legendre polynomials of degree 1 to `degree` on DOMAIN: (..., n) -> (..., n, degree).

    They are orthogonal, and scaled to a mean square of 1, so a penalty means the same for each of them.
    """
    low, high = DOMAIN
    powers = np.polynomial.legendre.legvander((2 * x - low - high) / (high - low), degree)
    return powers[..., 1:] * np.sqrt(2 * np.arange(1, degree + 1) + 1)


def polynomial(x: np.ndarray, y: np.ndarray, degree: int, alpha: float, at: np.ndarray) -> np.ndarray:
    """What the ridge regression of y (n,) on the Legendre polynomials of x (n,) says at `at` (m,).

    As in sklearn.linear_model.Ridge the constant is not penalized.
    """
    if not degree:
        return np.full(len(at), y.mean())
    basis, there = legendre(x, degree), legendre(at, degree)
    middle = basis.mean(0)
    return y.mean() + (there - middle) @ solve(basis - middle, (y - y.mean())[:, None], alpha)[:, 0]


def stratified(random: np.random.Generator, *shape: int) -> np.ndarray:
    """(..., n) places on DOMAIN, one at random in each of n equal cells: no large gaps, no crowds."""
    low, high = DOMAIN
    return low + (high - low) / shape[-1] * (np.arange(shape[-1]) + random.random(shape))
