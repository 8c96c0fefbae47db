"""Settings within their limits: one check and one wording for every compute function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def check(
    settings: Mapping[str, Any],
    ranges: Mapping[str, tuple[float, float]],
    choices: Mapping[str, Sequence[Any]],
) -> None:
    """Raises ValueError, with a sentence for the visitor, where a setting lies outside what is allowed.

    `ranges` maps a name to its smallest and largest value (both allowed),
    `choices` to its allowed values; other settings are not looked at.
    """
    for name, value in settings.items():
        if name in ranges:
            low, high = ranges[name]
            if not low <= value <= high:  # also true of NaN
                raise ValueError(f"{name} must lie between {low} and {high}; {value} does not.")
        elif name in choices and value not in choices[name]:
            raise ValueError(f"{name} must be one of {', '.join(map(str, choices[name]))}; {value!r} is not.")
