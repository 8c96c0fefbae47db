"""The Playground's data: twelve sets of points in the plane, points that were added, and a visitor's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from nnplay import uploads

REACH = 6.0
"""Points and pictures lie within -REACH ... REACH along both inputs."""
OWN = "own"
MOST_OWN = 2000
MOST_COLUMNS = 50
MOST_CLASSES = 6

Sample = tuple[np.ndarray, np.ndarray]
"""Inputs (n, 2) and targets (n,)."""


# --- the sets ---------------------------------------------------------------------------------------
# Each draws the same numbers whatever the noise (0 to 1), so that with another noise the same points move
# along the same directions. Circle, xor, gauss, spiral, plane and hills are of TensorFlow Playground's kind.


def _turned(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)


def _circle(n: int, noise: float, random: np.random.Generator) -> Sample:
    """Inside or outside; noise moves the border for each point, not the point."""
    inside = np.arange(n) % 2 == 0
    share = random.uniform(size=n)
    radius = 5 * np.where(inside, 0.5 * share, 0.7 + 0.3 * share)
    x = _turned(radius, random.uniform(0, 2 * np.pi, n))
    seen = x + 5 * noise * random.uniform(-1, 1, (n, 2))
    return x, np.where(np.hypot(*seen.T) < 2.5, 1, -1)


def _xor(n: int, noise: float, random: np.random.Generator) -> Sample:
    x = random.uniform(-5, 5, (n, 2))
    x += 0.3 * np.sign(x)
    seen = x + 5 * noise * random.uniform(-1, 1, (n, 2))
    return x, np.where(seen.prod(1) >= 0, 1, -1)


def _around(centers: np.ndarray, n: int, noise: float, random: np.random.Generator) -> Sample:
    """Normal clouds; their standard deviation grows from 0.7 to 2.8."""
    label = np.arange(n) % len(centers)
    return centers[label] + (0.7 + 2.1 * noise) * random.standard_normal((n, 2)), label


def _gauss(n: int, noise: float, random: np.random.Generator) -> Sample:
    x, label = _around(np.array([[2.0, 2.0], [-2.0, -2.0]]), n, noise, random)
    return x, 1 - 2 * label


def _spirals(arms: int, n: int, noise: float, random: np.random.Generator) -> Sample:
    label = np.arange(n) % arms
    share = (np.arange(n) // arms) / (n / arms)
    x = _turned(5 * share, 1.75 * 2 * np.pi * share + 2 * np.pi * label / arms)
    return x + 2 * noise * random.uniform(-1, 1, (n, 2)), label


def _spiral(n: int, noise: float, random: np.random.Generator) -> Sample:
    x, label = _spirals(2, n, noise, random)
    return x, 1 - 2 * label


def _moons(n: int, noise: float, random: np.random.Generator) -> Sample:
    upper = np.arange(n) % 2 == 0
    angle = np.pi * random.uniform(size=n)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.where(upper, 1, -1)[:, None]
    x += np.where(upper, -0.5, 0.5)[:, None] * [1, 0.5]
    return 3 * x + 1.5 * noise * random.standard_normal((n, 2)), np.where(upper, 1, -1)


def _blobs(n: int, noise: float, random: np.random.Generator) -> Sample:
    return _around(_turned(np.full(3, 3.2), 2 * np.pi * np.arange(3) / 3), n, noise, random)


def _corners(n: int, noise: float, random: np.random.Generator) -> Sample:
    return _around(np.array([[-3.0, 3.0], [3.0, 3.0], [-3.0, -3.0], [3.0, -3.0]]), n, noise, random)


def _rings(n: int, noise: float, random: np.random.Generator) -> Sample:
    label = np.arange(n) % 3
    radius = 2.0 * label + 0.6 + 0.8 * random.uniform(size=n) + 1.5 * noise * random.uniform(-1, 1, n)
    return _turned(radius, random.uniform(0, 2 * np.pi, n)), label


def _plane(n: int, noise: float, random: np.random.Generator) -> Sample:
    x = random.uniform(-REACH, REACH, (n, 2))
    seen = x + REACH * noise * random.uniform(-1, 1, (n, 2))
    return x, np.clip(seen.sum(1) / 10, -1, 1)


_HILLS = np.array([[-4, 2.5], [0, 2.5], [4, 2.5], [-4, -2.5], [0, -2.5], [4, -2.5]])
_SIGNS = np.array([1, -1, 1, -1, 1, -1])


def _hills(n: int, noise: float, random: np.random.Generator) -> Sample:
    x = random.uniform(-REACH, REACH, (n, 2))
    seen = x + REACH * noise * random.uniform(-1, 1, (n, 2))
    height = np.maximum(0, 1 - np.linalg.norm(seen[:, None] - _HILLS, axis=2) / 2)
    nearest = height.argmax(1)
    return x, _SIGNS[nearest] * height[np.arange(n), nearest]


@dataclass(frozen=True, slots=True)
class Kind:
    """A data set: what the visitor reads, how it is drawn, and its number of classes (0: a regression)."""

    title: str
    draw: Callable[[int, float, np.random.Generator], Sample] | None
    classes: int


DATASETS: Mapping[str, Kind] = {
    "circle": Kind("Circle", _circle, 2),
    "xor": Kind("XOR", _xor, 2),
    "gauss": Kind("Gauss", _gauss, 2),
    "spiral": Kind("Spiral", _spiral, 2),
    "moons": Kind("Moons", _moons, 2),
    "blobs": Kind("Three clouds", _blobs, 3),
    "rings": Kind("Three rings", _rings, 3),
    "spirals": Kind("Three spirals", lambda *given: _spirals(3, *given), 3),
    "corners": Kind("Four corners", _corners, 4),
    "plane": Kind("Plane (regression)", _plane, 0),
    "hills": Kind("Hills (regression)", _hills, 0),
    OWN: Kind("Your own (CSV)", None, 2),
}


# --- the points of a run ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Points:
    """What is learned: `x` (N, 2) and `y` (N,) float32, and which points are for training, `train` (N,).

    `classes` is 0 for a regression. Two classes are -1 and 1, more are 0, 1, 2, ...; `names` are what
    they are called. The points that were added come last.
    """

    x: np.ndarray
    y: np.ndarray
    train: np.ndarray
    classes: int
    names: tuple[str, ...]


def points(
    dataset: str,
    samples: int,
    noise: float,
    train_share: float,
    data_seed: int,
    added: tuple[tuple[float, ...], ...] = (),
    own: tuple[tuple[float, ...], ...] = (),
) -> Points:
    """The set, shuffled and split, with the points `added`: rows (x1, x2, y), all of them for training.

    y of an added point is its class (two classes: -1 or 1) or its value, -1 to 1. `own` are rows of
    the same kind, as `read_csv` gives them, for the set "own". noise: 0 to 100; train_share: percent.
    Raises ValueError for a point that does not fit, and where nothing is left to train or to test on.
    """
    random = np.random.default_rng(data_seed)
    classes = DATASETS[dataset].classes
    if dataset == OWN:
        if not own:
            raise ValueError("Choose a CSV file of your own first: two columns of numbers and a target.")
        rows = np.array(own, dtype=np.float64)
        x, y = rows[:, :2], rows[:, 2]
        whole = y == np.round(y)
        classes = 2 if set(y) == {-1, 1} else int(y.max()) + 1 if whole.all() and y.min() == 0 else 0
        x = x + 0.02 * noise * random.standard_normal(x.shape)
    else:
        x, y = DATASETS[dataset].draw(samples, noise / 100, random)
    order = random.permutation(len(x))
    x, y = x[order], y[order].astype(np.float64)
    train = np.arange(len(x)) < round(len(x) * train_share / 100)
    if added:
        new = _added(added, classes)
        x, y = np.concatenate([x, new[:, :2]]), np.concatenate([y, new[:, 2]])
        train = np.concatenate([train, np.ones(len(new), bool)])
    if train.all() or not train.any():
        raise ValueError("There must be at least one point to train on and one to test on.")
    names = ("-1", "1") if classes == 2 else tuple(map(str, range(classes)))
    return Points(x.astype(np.float32), y.astype(np.float32), train, classes, names)


def _added(rows: tuple[tuple[float, ...], ...], classes: int) -> np.ndarray:
    if any(len(row) != 3 for row in rows):
        raise ValueError("An added point is three numbers: x1, x2 and its class or value.")
    new = np.array(rows, dtype=np.float64)
    if not (np.isfinite(new).all() and (np.abs(new[:, :2]) <= REACH).all()):
        raise ValueError(f"An added point must lie between -{REACH:g} and {REACH:g}.")
    allowed = (-1, 1) if classes == 2 else range(classes)
    if classes and not np.isin(new[:, 2], list(allowed)).all():
        raise ValueError(f"The class of an added point must be one of {', '.join(map(str, allowed))}.")
    if not classes and (np.abs(new[:, 2]) > 1).any():
        raise ValueError("The value of an added point must lie between -1 and 1.")
    return new


# --- a file of the visitor's own --------------------------------------------------------------------


def read_csv(data: bytes) -> tuple[tuple[float, float, float], ...]:
    """Rows (x1, x2, y) of a CSV file with a head: its first two columns of numbers, and its last column.

    The inputs are standardized, then doubled and cut at REACH, to fill the picture. A last column of at most
    MOST_CLASSES different values is a class (two: -1 and 1, in sorted order); otherwise it is a value,
    scaled to -1 ... 1. Raises ValueError, with a sentence for the visitor, for anything else.
    """
    table = uploads.table(data, rows=(10, MOST_OWN), columns=(3, MOST_COLUMNS))
    columns = table.columns
    inputs = [numbers for column in columns[:-1] if (numbers := uploads.numbers(column)) is not None][:2]
    if len(inputs) < 2:
        raise ValueError("The file needs two columns of numbers before its last one, without gaps.")
    x = np.stack(inputs, axis=1)
    if (x.std(0) == 0).any():
        raise ValueError("A column of inputs holds the same number in every row.")
    x = np.clip(2 * (x - x.mean(0)) / x.std(0), -REACH, REACH)
    return tuple(map(tuple, np.column_stack([x, _target(columns[-1])]).round(6).tolist()))


def _target(column: tuple[str, ...]) -> np.ndarray:
    kinds = sorted(set(column), key=lambda cell: (uploads.numbers((cell,)) is None, _value(cell), cell))
    if len(kinds) == 1:
        raise ValueError("The last column holds the same value in every row: there is nothing to learn.")
    if len(kinds) <= MOST_CLASSES:
        label = np.array([kinds.index(cell) for cell in column], dtype=np.float64)
        return 2 * label - 1 if len(kinds) == 2 else label
    values = uploads.numbers(column)
    if values is None:
        raise ValueError(f"The last column has {len(kinds)} classes; up to {MOST_CLASSES} can be drawn.")
    low, high = values.min(), values.max()
    return 2 * (values - low) / (high - low) - 1


def _value(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        return math.inf
    return value if math.isfinite(value) else math.inf
