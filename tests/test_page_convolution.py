"""The convolution page's own controls: cells that are typed, height and width together or apart."""

import io
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from nnplay.ui import page

PAGE = Path(__file__).parents[1] / "pages" / "convolution.py"


def opened(**query) -> AppTest:
    at = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in query.items():
        at.query_params[f"convolution_{name}"] = value
    at.query_params["convolution_below"] = "Code"
    at.run()
    assert not at.exception
    return at


def call(at: AppTest) -> dict:
    """The arguments of the call that the page made, as its code panel has them."""
    code = at.code[0].value
    found = {}
    exec(f"def kernel(**given): return given\nrecord = {code.split('record = ')[1].split('print')[0]}", found)
    return found["record"]


def test_typed_cells_reach_the_computation_and_a_preset_undoes_them():
    at = opened(kernel_cells="1 0 -1; 2.5 0", input_cells="0 1;1 0", height="2", width="2", padding="full")
    assert call(at)["kernel_cells"] == ((1, 0, -1), (2.5, 0))
    assert call(at)["input_cells"] == ((0, 1), (1, 0))
    at.selectbox(key="convolution_weights").select("emboss").run()
    assert call(at)["kernel_cells"] == ()
    assert call(at)["input_cells"] == ((0, 1), (1, 0))
    at.selectbox(key="convolution_image").select("impulse").run()
    assert call(at)["input_cells"] == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 two 3", "Write numbers"),
        ("1; 0x2", "Write numbers"),
        ("nan", "Every cell must hold a number"),
        ("1 1e9", "Every cell must hold a number"),
    ],
)
def test_cells_that_are_no_numbers_are_refused_in_a_sentence(text, said):
    at = opened(kernel_cells=text)
    assert len(at.warning) == 1
    assert said in at.warning[0].value


@pytest.mark.parametrize("text", ["", "   ", ";;;", "9" * 4000])
def test_empty_and_overlong_cells_harm_nothing(text):
    assert not opened(kernel_cells=text).exception


def test_width_follows_height_until_they_are_apart():
    at = opened(height="5", kernel_height="2")
    assert call(at)["width"] == 5
    assert call(at)["kernel_width"] == 2
    at.toggle(key="convolution_apart").set_value(True).run()
    at.slider(key="convolution_width").set_value(9).run()
    at.toggle(key="convolution_apart").set_value(True).run()
    assert (call(at)["height"], call(at)["width"]) == (5, 9)
    at.toggle(key="convolution_apart").set_value(False).run()
    assert (call(at)["height"], call(at)["width"]) == (5, 5)


def picture(color: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (30, 20), color).save(data, "PNG")
    return data.getvalue()


def test_an_upload_is_in_no_cache_that_visitors_share_and_is_gone_when_taken_away(monkeypatch):
    def shared(*_):
        raise AssertionError("kept where other visitors' results are")

    at = opened(view="Images", source="upload")
    assert "There is no picture yet" in at.warning[0].value
    monkeypatch.setattr(page, "_computed", shared)
    at.file_uploader[0].set_value(("mine.png", picture("red"), "image/png")).run()
    assert not at.warning
    assert r"\x89PNG" in at.code[0].value
    at.slider(key="convolution_kernel_height").set_value(5).run()
    assert not at.exception
    at.file_uploader[0].set_value(("mine.png", b"MZ no picture", "image/png")).run()
    assert [warning.value.split(":")[0] for warning in at.warning] == ["This is no picture that can be read"]
    at.file_uploader[0].set_value([]).run()
    assert "convolution-upload-read" not in at.session_state
