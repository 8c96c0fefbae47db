"""Data that several topics compute with. All of it is here: nothing is downloaded.

What is cached is shared by all visitors, so it is read-only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from nnplay import images

DIGIT_SIDE = 8
DIGIT_CLASSES = 10


@lru_cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's 1797 handwritten digits, every pixel standardized to mean 0 and variance 1.

    Returns (pixels, labels): float32 (1797, 64) and int64 (1797,). Pixels that are the same in all
    images (the corners) are 0.
    """
    pixels = images.digits().reshape(-1, DIGIT_SIDE**2)
    spread = pixels.std(axis=0)
    pixels = (pixels - pixels.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return _frozen(pixels.astype(np.float32)), images.load("digits").labels


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def gaussian_noise(n: int, features: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs from N(0, 1), with labels that mean nothing: float32 (n, features) and int64 (n,)."""
    random = np.random.default_rng(seed)
    return random.standard_normal((n, features), dtype=np.float32), random.integers(classes, size=n)


# --- functions of one variable ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Function:
    """A function of one variable on `DOMAIN`, with values within -1.1..1.1, and its formula (LaTeX)."""

    of: Callable[[np.ndarray], np.ndarray]
    formula: str


DOMAIN = (-2.0, 2.0)

FUNCTIONS: Mapping[str, Function] = {
    "sine": Function(lambda x: np.sin(np.pi * x), r"\sin \pi x"),
    "step": Function(lambda x: np.where(x < 0, -0.8, 0.8), r"0.8\operatorname{sign} x"),
    "abs": Function(lambda x: np.abs(x) - 1, r"|x| - 1"),
    "bump": Function(lambda x: 1.6 * np.exp(-6 * x**2) - 0.8, r"1.6\,e^{-6x^2} - 0.8"),
    "mixture": Function(lambda x: 0.6 * np.sin(1.5 * x) + 0.4 * np.sin(7 * x), r"0.6\sin 1.5x + 0.4\sin 7x"),
    "sawtooth": Function(lambda x: 2 * (x - np.floor(x)) - 1, r"2(x - \lfloor x \rfloor) - 1"),
    "parabola": Function(lambda x: x**2 / 2 - 1, r"x^2/2 - 1"),
    "line": Function(lambda x: x / 2, r"x/2"),
}


def samples(function: str, n: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`n` points (x, y): x uniform on `DOMAIN`, sorted; y the function plus normal noise of that std.

    float32, shape (n,) each. With another `noise` the same points move along the same directions.
    """
    random = np.random.default_rng(seed)
    x = np.sort(random.uniform(*DOMAIN, n))
    y = FUNCTIONS[function].of(x) + noise * random.standard_normal(n)
    return x.astype(np.float32), y.astype(np.float32)
