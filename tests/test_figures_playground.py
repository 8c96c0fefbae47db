"""Pictures of the Playground: what they show, in the browser's terms, and that a look never changes a run."""

import base64
import io
import json
import re

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from nnplay.figures import play_net, rasters
from nnplay.figures import playground as figures
from nnplay.figures.theme import COLOR, DARK
from nnplay.playground import DATASETS, callbacks, curvature, seeds, train

SMALL = {"epochs": 6, "samples": 60}


def last(generator):
    record = None
    for record in generator:  # noqa: B007
        pass
    return record


def valid(fig: go.Figure) -> None:
    """Plotly's own validation, and colors of the theme only."""
    go.Figure(json.loads(fig.to_json()))
    assert set(re.findall(r"#[0-9A-Fa-f]{6}", fig.to_json())) <= set(DARK)


@pytest.mark.parametrize("dataset", [name for name in DATASETS if name != "own"])
def test_every_data_set_is_drawn(dataset):
    fig, frames = figures.train(last(train(**SMALL, dataset=dataset)))
    valid(fig)
    assert len(frames) == 7
    assert "R²" in fig.layout.annotations[1].text or "accuracy" in fig.layout.annotations[1].text


def test_the_frames_name_attributes_that_are_there():
    record = last(train(**SMALL, fork="lr", fork_at=2))
    fig, frames = figures.train(record)
    valid(fig)
    figure = json.loads(fig.to_json())
    for i, attributes in frames.traces.items():
        for path, values in attributes.items():
            found = fig.data[i].to_plotly_json()
            for key in path.split("."):
                found = found[key]
            np.testing.assert_array_equal(found, values[-1])
    for path, values in frames.layout.items():
        found = figure["layout"]
        for key in path.replace("[", ".").replace("]", "").split("."):
            found = found[int(key) if key.isdigit() else key]
        assert isinstance(found, dict) or found == values[-1]
    assert len(fig.layout.meta["rasters"]) == len(fig.layout.images) == 7
    places = {(image.xref, image.x, image.y, image.sizex) for image in fig.layout.images}
    assert len(places) == 7  # Plotly draws one of two at the same place


def test_an_edge_is_as_wide_as_its_weight_and_of_its_sign():
    start, stop = np.array([[0.0, 0], [0, 100]]), np.array([[100.0, 0], [100, 0]])
    x, positive, negative = play_net.ribbons(start, stop, np.array([[1.0, -2.0], [np.nan, 0.0]]))
    up, down = (each.reshape(2, 2, 5) for each in (positive, negative))
    assert np.ptp(up[0, 0, [0, 3]]) == pytest.approx(play_net._WIDEST, abs=1)
    assert np.ptp(down[0, 1, [0, 3]]) == pytest.approx(2 * play_net._WIDEST * np.sqrt(2), abs=1)
    for strip in (up[0, 1], down[0, 0], up[1, 0], down[1, 1]):
        assert strip[0] == strip[3]
        assert strip[1] == strip[2]
    assert np.isnan(x[4::5]).all()


def test_weights_that_are_no_numbers_are_drawn_without_a_fault():
    record = last(train(dataset="plane", activation="ReLU", lr=3.0))
    fig, _ = figures.train(record)
    valid(fig)
    notes = [note.text for note in fig.layout.annotations]
    assert any("diverged" in note for note in notes)
    assert np.isfinite(fig.layout.yaxis3.range).all()


def test_marks_stop_at_the_limits():
    def texts(widths):
        found = play_net.marks(play_net.places(widths), widths)
        return [(mark.text, mark.layer) for mark in found]

    assert texts((2, 1)) == [("+", 0)]
    assert texts((2, 1, 16, 1)) == [("+", 1), ("−", 2), ("+", 0), ("−", 0)]
    assert ("+", 0) not in texts((2, *[4] * 6, 1))


@pytest.mark.parametrize("widths", [(2, 1), (7, 16, 1), (2, *[16] * 6, 4), (1, 1, 1, 1)])
def test_units_do_not_overlap_and_stay_on_the_board(widths):
    where = play_net.places(widths)
    for layer in (where.inputs, *where.units):
        assert (layer > 0).all()
        assert (layer + where.tile / 2 <= (play_net.ACROSS, play_net.DOWN)).all()
    for layer in where.units:
        assert (np.diff(layer[:, 1]) > where.tile).all()


def test_a_look_changes_no_number():
    record = last(train(**SMALL))
    plain, frames = figures.train(record)
    other, same = figures.train(
        record, test=False, discrete=True, log=True, others=[("lr=1", [0, 6], [1, 0.5])]
    )
    valid(other)
    np.testing.assert_array_equal(plain.data[figures.LOSSES].y, other.data[figures.LOSSES].y)
    for path in frames.layout:
        np.testing.assert_array_equal(frames.layout[path], same.layout[path])
    assert len(other.layout.meta["rasters"][figures.TEST_RASTER]["values"]) == 0


def test_a_raster_shows_the_moment_where_there_is_no_live_chart():
    colors = [(0, COLOR["negative"]), (0.5, COLOR["paper"]), (1, COLOR["positive"])]
    entry = rasters.raster(0, np.array([0, 127, 254, 255] * 2), 2, [[0, 0], [3, 1]], (5, 3), colors)
    image = Image.open(io.BytesIO(base64.b64decode(rasters.source(entry).partition(",")[2]))).convert("RGBA")
    assert image.size == (5, 3)

    def pixel(x, y):
        return "#{:02X}{:02X}{:02X}".format(*image.getpixel((x, y))[:3])

    assert [pixel(0, 0), pixel(1, 0), pixel(0, 1)] == [COLOR["negative"], COLOR["paper"], COLOR["positive"]]
    assert pixel(3, 1) == COLOR["negative"]
    assert image.getpixel((1, 1))[3] == image.getpixel((2, 0))[3] == 0


@pytest.mark.parametrize("make", [seeds, curvature, callbacks])
@pytest.mark.parametrize("dataset", ["circle", "rings", "hills"])
def test_the_other_views_are_drawn(make, dataset):
    fig, frames = getattr(figures, make.__name__)(last(make(**SMALL, dataset=dataset)))
    valid(fig)
    assert len(frames) == 7
    for i in frames.grow:
        assert len(fig.data[i].x) == len(frames.grow[i]["y"]) == 7


def test_the_pointer_finds_its_tile():
    record = last(train(**SMALL))
    peek = figures.peek(record)
    assert len(peek["tiles"]) == 7 + 4 + 2 + 1
    assert figures.input_at(6) == "sin x2"
    assert figures.input_at(7) is None
    assert len(figures.train(record)[0].data[figures.UNITS].x) == len(peek["tiles"])


def test_the_confusion_matrix_has_the_true_class_in_rows():
    record = last(train(**SMALL, dataset="rings"))
    fig = figures.confusion(record, 0)
    valid(fig)
    assert fig.data[0].y[0] == "class 0"
    np.testing.assert_allclose(np.sum(fig.data[0].z, axis=1), 1, atol=1e-6)
