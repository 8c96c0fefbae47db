"""Points of two classes in the plane, and labels that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

REACH = 3.0
"""All sets lie within -REACH ... REACH, but for their noise."""


def _spiral(u: np.ndarray, side: np.ndarray) -> np.ndarray:
    radius = 0.3 + 2.4 * u[:, 0]
    angle = 2.6 * radius + np.pi * side
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)


def _moons(u: np.ndarray, side: np.ndarray) -> np.ndarray:
    angle, sign = np.pi * u[:, 0], 1 - 2 * side
    return np.stack([1.6 * np.cos(angle) * sign - 0.8 * sign, 1.6 * np.sin(angle) * sign - 0.4 * sign], 1)


def _circle(u: np.ndarray, side: np.ndarray) -> np.ndarray:
    radius = np.where(side, 1.2 * np.sqrt(u[:, 0]), 1.7 + u[:, 0])
    angle = 2 * np.pi * u[:, 1]
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)


def _xor(u: np.ndarray, side: np.ndarray) -> np.ndarray:
    across, up = 2 * u.T - 1
    up = np.where((across * up > 0) == side, up, -up)
    return 2.6 * np.stack([across, up], 1)


def _anywhere(u: np.ndarray, side: np.ndarray) -> np.ndarray:
    return 2.7 * (2 * u - 1)


SETS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "spiral": _spiral,
    "moons": _moons,
    "circle": _circle,
    "xor": _xor,
    "random labels": _anywhere,
}
"""Two uniform numbers (n, 2), class (n,) 0 or 1 -> places (n, 2), which in the last know nothing of it."""

_MOST = 4000


def points(name: str, n: int, spread: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """x (n, 2) float32 and classes (n,) float32, 0 or 1, of one of SETS; `spread` is the std of normal noise
    on x.

    Each is drawn by itself: more points leave those that are there where they are.
    """
    random = np.random.default_rng(seed)
    side = (random.random(_MOST) < 0.5)[:n]
    u = random.random((_MOST, 2))[:n]
    noise = random.standard_normal((_MOST, 2))[:n]
    return (SETS[name](u, side) + spread * noise).astype(np.float32), side.astype(np.float32)


def flipped(y: np.ndarray, share: float, classes: int, seed: int) -> np.ndarray:
    """The classes y (n,), of which about this share is another one, drawn at random."""
    random = np.random.default_rng((seed, 1))
    wrong = random.random(_MOST)[: len(y)] < share
    other = (y + random.integers(1, classes, _MOST)[: len(y)]) % classes
    return np.where(wrong, other, y).astype(y.dtype)
