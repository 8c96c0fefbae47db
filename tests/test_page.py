"""The frame of a page: dragging, clicks that move controls, runs from pass to pass, refusals."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from nnplay.ui.controls import _snap
from nnplay.ui.page import _csv
from nnplay.ui.run import Run

PAGE = Path(__file__).parents[1] / "pages" / "activations.py"
CHART = "activations-curves-chart-0"


def opened(**state) -> AppTest:
    """The page of activations with its code in sight, and this in the session."""
    at = AppTest.from_file(PAGE, default_timeout=60)
    at.query_params["activations_below"] = "Code"
    for key, value in state.items():
        at.session_state[key] = value
    at.run()
    assert not at.exception
    return at


def drag(key, value) -> AppTest:
    return opened(**{CHART: {"drag": {"key": key, "value": value}}})


@pytest.mark.parametrize(("pointer", "x"), [(-2.0041, -2.0), (99, 6.0), (-99, -6.0)])
def test_the_picture_follows_a_dragged_slider_on_its_grid(pointer, x):
    at = drag("activations_x", pointer)
    assert f"x={x}," in at.code[0].value
    assert at.slider(key="activations_x").value == 1.0  # the slider itself is still held


@pytest.mark.parametrize(
    ("key", "value"), [("activations_x", "left"), ("elsewhere", 2.0), (7, 7), (None, None)]
)
def test_a_drag_that_makes_no_sense_changes_nothing(key, value):
    assert "x=1.0," in drag(key, value).code[0].value


def test_a_ladder_is_dragged_by_its_rungs():
    at = AppTest.from_file(PAGE, default_timeout=60)
    at.query_params["activations_view"] = "Softmax"
    at.query_params["activations_below"] = "Code"
    at.session_state["activations-softmax-chart-0"] = {"drag": {"key": "activations_temperature", "value": 0}}
    at.run()
    assert "temperature=0.05," in at.code[0].value


def test_a_click_moves_a_control():
    at = opened()
    at.session_state["activations-moves"] = {"activations_x": -3.0}
    at.run()
    assert at.slider(key="activations_x").value == -3.0
    assert "x=-3.0," in at.code[0].value


def test_settings_that_compute_refuses_are_a_sentence():
    at = AppTest.from_file(PAGE, default_timeout=60)
    at.query_params["activations_view"] = "Training"
    at.run()
    at.button_group(key="activations_names").set_value([])
    at.run()
    assert not at.exception
    assert "activations to train" in at.warning[0].value


def test_a_grid_keeps_whole_numbers_whole():
    assert _snap(2.6, 0, 1) == 3
    assert isinstance(_snap(2.6, 0, 1), int)
    assert _snap(0.1234, 0.0, 0.01) == 0.12


def counter(n):
    yield from range(1, n + 1)


def test_a_run_goes_on_from_pass_to_pass_and_ends():
    run = Run({}, counter(3))
    run.advance(0)  # no time at all is still one step
    assert (run.record, run.done) == (1, False)
    run.advance(60)
    assert (run.record, run.done, run.stopped) == (3, True, False)


def test_a_stopped_run_stands_still_until_it_is_resumed():
    run = Run({}, counter(1000))
    run.advance(0)
    run._stop()
    run.advance(60)
    assert (run.record, run.done) == (1, True)
    run._resume()
    run.advance(60)
    assert (run.record, run.done) == (1000, True)


def refused():
    yield 1
    raise ValueError("Not so.")


def test_a_run_that_is_refused_is_over():
    run = Run({}, refused())
    with pytest.raises(ValueError, match="Not so"):
        run.advance(60)
    assert run.over


def test_texts_in_the_numbers_to_take_home_are_no_formulas():
    record = SimpleNamespace(table=lambda: {"=class": ["@a", "b"], "n": [-1, 2.5]})
    assert _csv(record).split() == ["'=class,n", "'@a,-1.0", "b,2.5"]
