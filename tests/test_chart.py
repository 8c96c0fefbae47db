"""The Python half of the live chart: what it sends, and how it takes whatever a browser sends back."""

import base64
import json

import numpy as np
import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as strategy

from nnplay.figures import rasters, theme
from nnplay.figures.frames import Frames
from nnplay.ui import chart

anything = strategy.recursive(
    strategy.none() | strategy.booleans() | strategy.integers() | strategy.floats() | strategy.text(),
    lambda inner: strategy.lists(inner) | strategy.dictionaries(strategy.text(), inner),
)


def decode(packed) -> np.ndarray:
    shape = [int(n) for n in packed["shape"].split(",")]
    return np.frombuffer(base64.b64decode(packed["bdata"]), packed["dtype"]).reshape(shape)


@pytest.fixture(autouse=True)
def session(monkeypatch):
    held = {}
    monkeypatch.setattr(st, "session_state", held)
    return held


def frames(length: int) -> Frames:
    z = np.arange(length * 6.0).reshape(length, 2, 3)
    return Frames(
        [f"epoch {i}" for i in range(length)], {1: {"z": z}}, {"title.text": list("abcdefgh"[:length])}
    )


@given(anything)
def test_nothing_that_a_browser_sends_raises(value):
    assert chart._dragged(value) is None or isinstance(value, dict)
    assert chart._click(value) is None or isinstance(value, dict)
    assert chart._dropped(value) is None or isinstance(value, dict)


@given(anything, anything)
def test_half_right_events_are_half_wrong(a, b):
    for held in ({"key": a, "value": b}, {"trace": a, "index": b}, {"trace": 0, "index": [a], "at": [a, b]}):
        chart._dragged(held), chart._click(held), chart._dropped({"moves": [a, held, b]})


def test_events_that_are_right():
    assert chart._dragged({"key": "topic_x", "value": 2}) == ("topic_x", 2.0)
    assert chart._dragged({"key": "topic_x", "value": float("nan")}) is None
    assert chart._click({"trace": 2, "index": [3, 4], "at": [0.5, 1]}) == chart.Click(2, (3, 4), (0.5, 1.0))
    assert chart._click({"trace": 2, "index": [3], "at": None}) == chart.Click(2, (3,), None)


def sent(moments: Frames, **kw) -> dict:
    return chart.picture_data(theme.figure(), alt="", frames=moments, **kw)["frames"]


def chunk(moments: Frames, run: str, need: str | None = None, more: str | None = None) -> dict:
    return sent(moments, run=run, start=chart._sent("c", run, len(moments), 0, {"need": need, "more": more}))


def test_frames_arrive_whole_and_in_single_precision():
    packed = sent(frames(3))
    assert packed["start"] == 0
    assert packed["labels"] == ["epoch 0", "epoch 1", "epoch 2"]
    assert packed["layout"] == {"title.text": ["a", "b", "c"]}
    z = packed["traces"][1]["z"]
    assert z["dtype"] == "f4"
    np.testing.assert_array_equal(decode(z), frames(3).traces[1]["z"])


def test_a_line_that_grows_is_sent_once():
    line = np.linspace(0, 1, 50)
    growing = Frames(["a", "b", "c"], {}, grow={0: {"y": line}}, upto=[1, 25, 50])
    packed = sent(growing)
    assert packed["upto"] == [1, 25, 50]
    np.testing.assert_array_equal(decode(packed["grow"][0]["y"]), line.astype("f4"))
    with pytest.raises(ValueError, match="differ in length"):
        Frames(["a", "b"], {}, grow={0: {"y": line}}, upto=[1])


def test_lines_may_grow_each_at_its_own_pace():
    lines = {0: {"y": np.arange(3.0)}, 1: {"y": np.arange(6.0)}}
    moments = Frames(["a", "b", "c"], {}, grow=lines, upto={0: [1, 1, 2], 1: np.array([2, 4, 6])})
    assert sent(moments, run="run", start=1)["upto"] == {0: [1, 2], 1: [4, 6]}
    with pytest.raises(ValueError, match="differ in length"):
        Frames(["a", "b"], {}, grow=lines, upto={0: [1, 2], 1: [1]})


def plain(node):
    """What Plotly's JSON stands for, in lists and numbers."""
    match node:
        case {"bdata": _, "dtype": dtype}:
            return decode(
                {"shape": str(len(base64.b64decode(node["bdata"])) // int(dtype[1])), **node}
            ).tolist()
        case dict():
            return {key: plain(value) for key, value in node.items()}
        case list():
            return [plain(value) for value in node]
    return node


@pytest.mark.parametrize("y", [np.arange(6, dtype=np.uint8), [1, None, 2.5], [0.5, float("nan")], ["a", "b"]])
def test_a_figure_is_written_as_plotly_writes_it(y):
    figure = theme.figure(
        [
            {"type": "scatter", "x": np.linspace(0, 1, 6), "y": y, "text": np.array(["a", "b"], object)},
            {"type": "heatmap", "z": np.eye(3, dtype=np.float32), "zmin": np.float32(0), "x0": np.int64(2)},
            {"type": "image", "source": "data:,", "dx": np.float64(0.5), "visible": np.True_},
        ],
        xaxis={"range": (0, 1), "title": {"text": "é <b>"}},
        narrow={"xaxis.domain": (0, 0.5)},
        shapes=[{"type": "path", "path": "M0,0"}],
    )
    assert plain(json.loads(chart._text(figure))) == plain(json.loads(figure.to_json()))


def test_pixels_that_the_browser_paints_are_not_sent_beside_their_bytes():
    entry = rasters.raster(1, np.arange(4), 2, [[0, 0]], (2, 2), theme.GRAY)
    images = [{"source": "data:,own"}, rasters.image(entry, (0, 1, 1, 1), "x", "y")]
    figure = theme.figure(images=images, meta={"rasters": [entry]})
    sources = [image["source"] for image in json.loads(chart._text(figure))["layout"]["images"]]
    assert sources == ["data:,own", ""]
    assert figure.layout.images[1].source.startswith("data:image/png")  # for a notebook, and to take home


def test_unnamed_frames_are_named_by_their_content():
    names = {sent(frames(n))["run"] for n in (2, 3, 3)}
    assert len(names) == 2


def test_a_growing_run_is_sent_in_chunks_and_whole_again_on_request():
    first = chunk(frames(3), "run")
    second = chunk(frames(5), "run")
    assert (first["start"], second["start"]) == (0, 3)
    np.testing.assert_array_equal(decode(second["traces"][1]["z"]), frames(5).traces[1]["z"][3:])
    assert chunk(frames(5), "run")["labels"] == []
    assert chunk(frames(5), "run", "run")["start"] == 0
    assert chunk(frames(5), "another")["start"] == 0
    assert chunk(frames(6), "another", more="another:6")["start"] == 6  # the line has brought them
    assert chunk(frames(6), "third", more="another:6")["start"] == 0
    assert chunk(frames(6), "fourth", more="fourth:many")["start"] == 0


def test_frames_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="differ in length"):
        Frames(["a", "b"], {0: {"y": np.zeros((3, 4))}})


def test_the_position_that_was_scrubbed_to(session):
    assert chart.position("c") == 0
    session["c"] = {"position": 7}
    assert chart.position("c") == 7
    session["c"] = {"position": "seven"}
    assert chart.position("c") == 0
