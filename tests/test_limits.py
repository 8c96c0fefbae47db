import math

import pytest

from nnplay.limits import check


def test_settings_within_their_limits_pass():
    check({"size": 3, "mode": "a", "other": object()}, {"size": (1, 3)}, {"mode": ("a", "b")})


@pytest.mark.parametrize("size", [0, 4, math.nan, math.inf])
def test_a_number_outside_is_named_with_its_range(size):
    with pytest.raises(ValueError, match="size must lie between 1 and 3, not at"):
        check({"size": size}, {"size": (1, 3)}, {})


def test_an_unknown_choice_is_named_with_the_choices():
    with pytest.raises(ValueError, match="'c' is not one of the choices for mode: a, b"):
        check({"mode": "c"}, {}, {"mode": ("a", "b")})
