"""The drawn network of the Playground: where its units stand, its edges, its marks to click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ACROSS, DOWN = 1000, 920
"""The network's axes: whole units, so that what moves in them is sent as small numbers."""
FEATURES = ("x1", "x2", "x1²", "x2²", "x1x2", "sin x1", "sin x2")
_TOP = 130  # above it stand the marks
_WIDEST = 9.0  # units of an edge's half width at most
_FULL = 2.0  # the weight at which an edge is widest
_MOST_UNITS, _MOST_LAYERS = 16, 6


@dataclass(frozen=True, slots=True)
class Places:
    """Where things stand: `inputs` (7, 2); `units`: an array (n, 2) for each layer, the output's last;
    `tile`, the side of a unit; `input_tile`. Middles, x to the right and y downwards.
    """

    inputs: np.ndarray
    units: tuple[np.ndarray, ...]
    tile: float
    input_tile: float


def places(widths: Sequence[int]) -> Places:
    """`widths`: inputs first, output last. Layers stand evenly, units around the middle."""
    layers = len(widths) - 1
    x = np.linspace(70, ACROSS - 60, layers + 1)
    most = max(widths[1:], default=1)
    middle, room = (_TOP + DOWN) / 2 + 10, DOWN - _TOP - 40
    tile = min(88.0, room / most * 0.72, (x[1] - x[0]) * 0.5)

    def column(at: float, n: int, step: float) -> np.ndarray:
        y = middle + step * (np.arange(n) - (n - 1) / 2)
        return np.stack([np.full(n, at), y], axis=1)

    step = min(125.0, room / most)
    units = tuple(column(at, n, step) for at, n in zip(x[1:], widths[1:]))
    return Places(column(x[0], len(FEATURES), room / len(FEATURES)), units, tile, min(66.0, tile))


def ends(where: Places, inputs: Sequence[str], edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of each edge, (E, 2) each: the border of the tile that it leaves, and that it reaches."""
    chosen = where.inputs[[FEATURES.index(name) for name in inputs]]
    sources = (chosen, *where.units[:-1])
    start = np.array([sources[layer][source] for layer, _, source, _ in edges])
    stop = np.array([where.units[layer][unit] for layer, unit, _, _ in edges])
    first = edges[:, 0] == 0
    start[:, 0] += np.where(first, where.input_tile, where.tile) / 2
    stop[:, 0] -= where.tile / 2
    return start, stop


def ribbons(
    start: np.ndarray, stop: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges as filled strips, as wide as their weight is large: x (5 E,), and y (T, 5 E) int16 of positive
    and of negative ones. A strip of the other sign has no width, and a NaN in x parts the strips.
    """
    n = len(start)
    x = np.full((n, 5), np.nan, np.float32)
    x[:, [0, 3]], x[:, [1, 2]] = start[:, :1], stop[:, :1]
    run, rise = (stop - start).T
    lean = np.hypot(run, rise) / run  # from a width across the edge to one along y
    size = np.clip(np.nan_to_num(weights, posinf=_FULL, neginf=-_FULL) / _FULL, -1, 1)
    half = np.where(size == 0, 0, np.sign(size) * np.maximum(np.abs(size) * _WIDEST, 0.8)) * lean
    middle = np.stack([start[:, 1], stop[:, 1]])
    signed = []
    for sign in (1, -1):
        h = np.maximum(sign * half, 0)
        y = np.zeros((len(weights), n, 5), np.int16)
        for corner, (end, side) in enumerate(((0, -1), (1, -1), (1, 1), (0, 1))):
            y[:, :, corner] = np.rint(middle[end] + side * h)
        signed.append(y.reshape(len(weights), -1))
    return x.ravel(), signed[0], signed[1]


@dataclass(frozen=True, slots=True)
class Mark:
    """A + or a - that a click acts on: on the units of `layer` (from 1), or on the layers where that is 0."""

    text: str
    layer: int
    x: float
    y: float


def marks(where: Places, widths: Sequence[int]) -> list[Mark]:
    """Above each hidden layer one more and one fewer unit; at the top one more and one fewer layer."""
    found = []
    hidden = len(widths) - 2
    for layer in range(1, hidden + 1):
        x = float(where.units[layer - 1][0, 0])
        if widths[layer] < _MOST_UNITS:
            found.append(Mark("+", layer, x - 24, 92))
        if widths[layer] > 1:
            found.append(Mark("−", layer, x + 24, 92))
    middle = (where.inputs[0, 0] + ACROSS) / 2
    if hidden < _MOST_LAYERS:
        found.append(Mark("+", 0, middle - 148, 26))
    if hidden:
        found.append(Mark("−", 0, middle - 100, 26))
    return found
