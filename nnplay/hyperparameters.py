"""Catalogues of things with hyperparameters (optimizers, schedules), and functions that take them by name.

An entry of a catalogue has `params`. A function that takes a whole catalogue
has a keyword argument `<entry>_<param>` for each, such as `adam_lr`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from nnplay.limits import check

Value = float | int | bool | str

LR = (0.001, 3.0)
"""Range of a learning rate that belongs to no optimizer in particular."""


def ladder(low: float, high: float) -> tuple[float, ...]:
    """Every number from `low` to `high` with two significant digits: 0.01, 0.011, ..., 0.1, 0.11, ..."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    numbers = (float(f"{digits}e{decade - 1}") for decade in decades for digits in range(10, 100))
    return tuple(number for number in numbers if low <= number <= high)


def nines(high: float) -> tuple[float, ...]:
    """0, 0.1, ..., 0.9, 0.91, ..., 0.99, 0.991, ... up to `high`: even steps in the nines of a decay."""
    numbers = (1 - float(f"{digits}e-{nth}") for nth in range(1, 6) for digits in range(10, 0, -1))
    return tuple(dict.fromkeys(rounded for number in numbers if (rounded := round(number, 6)) <= high))


@dataclass(frozen=True, slots=True)
class Param:
    """A hyperparameter: its default and its range, or its `choices`.

    `log`: a control should step it by factors. The default's type (float, int,
    bool, str) is the parameter's. `label` says what it does.
    """

    default: Value
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    label: str = ""
    choices: tuple[Value, ...] = ()

    @property
    def rungs(self) -> tuple[float, ...]:
        """What a control goes through where even steps would be too coarse at one end; else empty."""
        if self.log:
            return ladder(self.low, self.high)
        return nines(self.high) if 0.99 < self.high < 1 else ()

    @property
    def step(self) -> float:
        """What a control goes by, where there are no rungs."""
        width = self.high - self.low
        return 1 if isinstance(self.default, int) else 0.001 if width < 0.3 else 0.01 if width < 3 else 0.1


class Entry(Protocol):
    params: Mapping[str, Param]


Catalogue = Mapping[str, Entry]


def named(catalogue: Catalogue) -> dict[str, Param]:
    """Every parameter of a catalogue by `<entry>_<param>`."""
    return {f"{entry}_{name}": p for entry, item in catalogue.items() for name, p in item.params.items()}


def ranges(catalogue: Catalogue) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of every parameter that has a range."""
    return {name: (param.low, param.high) for name, param in named(catalogue).items() if not param.choices}


def choices(catalogue: Catalogue) -> dict[str, tuple[Value, ...]]:
    """The values of every parameter that is a choice."""
    return {name: param.choices for name, param in named(catalogue).items() if param.choices}


def takes(catalogue: Catalogue) -> Callable:
    """Decorator: a function's `**hyper` are the catalogue's parameters, with their defaults."""

    def mark(function: Callable) -> Callable:
        own = inspect.signature(function)
        kept = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=param.default)
            for name, param in named(catalogue).items()
        ]
        function.__signature__ = own.replace(parameters=[*kept, *more])
        return function

    return mark


def settle(catalogue: Catalogue, hyper: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
    """The value of every parameter, by entry and name: what is given in `hyper`, else the default.

    Raises TypeError for a name that is not in the catalogue, ValueError for a
    value out of its range.
    """
    known = named(catalogue)
    for name in hyper:
        if name not in known:
            raise TypeError(f"there is no hyperparameter {name!r}")
    check(hyper, ranges(catalogue), choices(catalogue))
    return {
        entry: {name: hyper.get(f"{entry}_{name}", param.default) for name, param in item.params.items()}
        for entry, item in catalogue.items()
    }
