"""The line past the script: a dragged slider's picture is the one that the page draws once it is let go."""

import gc
import json
import math

import pytest
from test_pages import VIEWS, opened

from nnplay.ui.live import Line, _picture


def drawn(at) -> dict:
    """The data of the page's first live chart."""
    for element in at.get("bidi_component"):
        data = json.loads(element.proto.json or "{}")
        if "figure" in data:
            return data
    raise AssertionError("no chart on the page")


def ladder(at, key: str) -> list:
    return next((w.options for w in at.select_slider if w.key == key), [])


@pytest.mark.parametrize(("slug", "label"), VIEWS)
def test_the_line_draws_what_the_page_draws(slug, label):
    at = opened(slug, label)
    line = at.session_state[f"{slug}-line"]
    if drawn(at)["of_run"]:
        assert line.moved({at.slider[0].key: at.slider[0].value}) is None  # another setting is another run
        return
    own = [w for w in [*at.slider, *at.select_slider] if w.key.startswith(f"{slug}_")]
    for slider in own[:3]:
        rungs = ladder(at, slider.key)
        value = rungs[-1] if rungs else slider.max
        raw = len(rungs) - 1 if rungs else value
        answer = line.moved({slider.key: raw})
        there = opened(slug, label, **{slider.key: str(value)})
        if answer is None:
            assert there.warning  # refused: the page says why
            continue
        picture = drawn(there)
        assert json.loads(answer["figure"]) == json.loads(picture["figure"]), slider.key
        assert (answer["alt"], answer["at"]) == (picture["alt"], picture["at"])


def test_questions_that_make_no_sense_are_answered_by_null():
    line = Line(lambda moves: {"figure": str(moves)})
    ask = {"line": line.token, "moves": {"x": 1, "y": 2.5}}
    assert json.loads(_picture(json.dumps(ask))) == {"figure": "{'x': 1, 'y': 2.5}"}
    for wrong in ("", "[1", "[]", json.dumps(ask | {"line": "elsewhere"})):
        assert _picture(wrong) == "null"
    for moves in ({}, [], "xy", {"x": "1"}, {"x": 1, "y": None}, {"x": math.nan}, {"x": -math.inf}):
        assert _picture(json.dumps(ask | {"moves": moves})) == "null"


def test_the_line_brings_the_rest_of_a_run():
    at = opened("activations", "Training", activations_epochs="60")
    first, line = drawn(at), at.session_state["activations-line"]
    run, have = first["frames"]["run"], len(first["frames"]["labels"])
    assert line.more("another", have) is None
    growing = first["frames"]["growing"]
    while growing:
        chunk = line.more(run, have)["frames"]
        assert (chunk["run"], chunk["start"]) == (run, have)
        have += len(chunk["labels"])
        growing = chunk["growing"]
    assert have == 61  # the start, and every epoch
    assert line.more(run, have)["frames"]["labels"] == []


def test_a_line_is_closed_with_the_session_that_holds_it():
    line = Line(lambda moves: {})
    token = line.token
    del line
    gc.collect()
    assert _picture(json.dumps({"line": token, "moves": {"x": 1}})) == "null"


def test_two_sliders_may_move_at_once():
    at = opened("confusion_matrix", "Detection")
    line = at.session_state["confusion_matrix-line"]
    moved = line.moved({"confusion_matrix_x": 40, "confusion_matrix_y": 20})
    there = opened("confusion_matrix", "Detection", confusion_matrix_x="40", confusion_matrix_y="20")
    assert json.loads(moved["figure"]) == json.loads(drawn(there)["figure"])
    assert line.moved({"confusion_matrix_x": 1, "elsewhere": 2}) is None
