"""A sample in three parts, and the rule by which a page says underfitting and overfitting."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

PARTS = ("train", "validation", "test")
SHARE = (0.1, 0.6)
"""What `test_size` and `validation_split` may be: then every part of 20 points or more has some."""
SHARES = {"test_size": SHARE, "validation_split": SHARE}

TOLERANCE = 0.1
"""A validation error that is up to a tenth above the lowest is as good as that."""
VERDICTS = {-1: "underfits", 0: "fits", 1: "overfits"}


def sizes(n: int, test_size: float, validation_split: float) -> dict[str, int]:
    """How many of `n` points are in each part.

    `test_size`, as in scikit-learn's train_test_split, is a share of all; `validation_split`, as in Keras,
    one of what is left.
    """
    test = max(1, round(n * test_size))
    validation = max(1, round((n - test) * validation_split))
    return {"train": n - test - validation, "validation": validation, "test": test}


def slices(n: int, test_size: float, validation_split: float) -> dict[str, slice]:
    """The same, as slices of points in random order: moving a share moves only those at its border."""
    return dict(_slices(sizes(n, test_size, validation_split)))


def _slices(counts: dict[str, int]) -> Iterator[tuple[str, slice]]:
    start = 0
    for name, count in counts.items():
        yield name, slice(start, start + count)
        start += count


def sweet_spot(validation: np.ndarray) -> int:
    """Where the validation error is first as good as its lowest value: within TOLERANCE of it."""
    return int(np.argmax(_good(validation)))


def verdicts(validation: np.ndarray) -> np.ndarray:
    """(n,) of -1, 0, 1 (see VERDICTS) for the validation errors (n,) along a growing capacity, or epochs.

    A model underfits before the sweet spot; past it, it overfits where its validation error is more than
    TOLERANCE above the lowest. NaN, a run that has diverged, counts as high.
    """
    good, place = _good(validation), np.arange(len(validation))
    return np.where(good, 0, np.where(place < sweet_spot(validation), -1, 1))


def _good(validation: np.ndarray) -> np.ndarray:
    errors = np.where(np.isfinite(validation), validation, np.inf)
    return errors <= (1 + TOLERANCE) * errors.min()
