"""The Confusion matrix page's own controls: files of visitors, and boxes that are chosen and moved."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from test_live import drawn

PAGE = Path(__file__).parents[1] / "pages" / "confusion_matrix.py"
SCORED = b"label,cat,dog\ncat,0.9,0.1\ndog,0.2,0.8\ncat,0.4,0.6\n"
PAIRS = b"label,prediction\ncat,cat\ndog,cat\nbird,dog\n"


def opened(view, **query) -> AppTest:
    at = AppTest.from_file(PAGE, default_timeout=60)
    at.query_params["confusion_matrix_view"] = view
    for name, value in query.items():
        at.query_params[f"confusion_matrix_{name}"] = value
    at.run()
    assert not at.exception
    return at


def uploaded(view, data: bytes, **query) -> AppTest:
    at = opened(view, data="your CSV", **query)
    at.file_uploader(key="confusion_matrix_upload_file").set_value(("mine.csv", data, "text/csv")).run()
    assert not at.exception
    return at


def test_without_a_file_the_page_asks_for_one():
    for view in ("Matrix", "Metrics", "One against the rest", "Average precision"):
        at = opened(view, data="your CSV")
        assert "upload a CSV" in at.warning[0].value


@pytest.mark.parametrize("view", ["Matrix", "Metrics", "One against the rest", "Average precision"])
def test_a_file_with_scores_is_drawn_in_every_view(view):
    at = uploaded(view, SCORED)
    assert not at.warning
    assert "cat" in drawn(at)["figure"]


def test_a_file_of_predictions_has_a_matrix_and_no_curves():
    assert "bird" in drawn(uploaded("Matrix", PAIRS))["figure"]
    assert "needs scores" in uploaded("One against the rest", PAIRS).warning[0].value


def test_a_file_that_is_not_one_is_refused_and_the_page_goes_on():
    at = uploaded("Matrix", b"\x89PNG\r\n\x1a\n")
    assert any("UTF-8" in warning.value for warning in at.warning)
    at.button_group(key="confusion_matrix_data").set_value("digits").run()
    assert not at.warning
    assert not at.exception


def test_a_cell_of_an_earlier_file_does_not_harm_a_smaller_one():
    at = uploaded("Matrix", SCORED, true="9", predicted="7")
    assert at.slider(key="confusion_matrix_true").value == 1
    assert not at.exception


def moved(at: AppTest) -> dict:
    keys = ("x", "y", "width", "height", "score", "kind", "found")
    return {key: at.session_state[f"confusion_matrix_{key}"] for key in keys}


def test_to_choose_another_box_leaves_the_moved_one_where_it_is():
    at = opened("Detection")
    at.slider(key="confusion_matrix_x").set_value(60).run()
    at.button_group(key="confusion_matrix_box").set_value("B").run()
    assert not at.exception
    now = moved(at)
    assert (now["x"], now["y"], now["width"], now["height"], now["kind"]) == (50, 4, 20, 28, "9")
    assert "60 53 20 28 0.75 9" in now["found"]
    at.button_group(key="confusion_matrix_box").set_value("D").run()
    assert moved(at)["x"] == 60


def test_a_new_box_begins_as_a_copy_of_the_last():
    at = opened("Detection")
    at.button_group(key="confusion_matrix_box").set_value("H").run()
    assert moved(at)["x"] == 45
    assert json.loads(drawn(at)["figure"])["data"][2]["text"][7] == "<b>H</b> 4: 0.40"


@pytest.mark.parametrize(
    "text", ["1 2 3", "0 0 0 0 0 0", "1e9 0 9 9 1 4", "0 0 9 9 1 5", "; ".join(["0 0 9 9 1 4"] * 9)]
)
def test_boxes_that_make_no_sense_are_refused_in_a_sentence(text):
    at = opened("Detection", found=text)
    assert at.warning[0].value.endswith((".", "4"))
    assert not at.exception
