"""Settings within their limits: one check and one wording for every compute function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SEED = (0, 9999)


def within(name: str, value: float, limits: tuple[float, float]) -> None:
    """Raises ValueError, with a sentence for the visitor, where `value` is not between the limits."""
    low, high = limits
    if not low <= value <= high:  # also true of NaN
        raise ValueError(f"{name} must lie between {low:g} and {high:g}, not at {value:g}.")


def choose(name: Any, choices: Iterable[Any], what: str) -> None:
    """Raises ValueError, with a sentence for the visitor, where `name` is not one of `choices`."""
    if name not in choices:
        raise ValueError(f"{name!r} is not one of the choices for {what}: {', '.join(map(str, choices))}.")


def check(
    settings: Mapping[str, Any],
    ranges: Mapping[str, tuple[float, float]],
    choices: Mapping[str, Sequence[Any]],
) -> None:
    """`within` or `choose` for every setting that `ranges` or `choices` names; others are not looked at."""
    for name, value in settings.items():
        if name in ranges:
            within(name, value, ranges[name])
        elif name in choices:
            choose(value, choices[name], name)
