"""The pictures of Augmentation: valid, in the theme's colours, and with what their records hold."""

import base64
import io
import re
from functools import lru_cache

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from nnplay import augmentation as compute
from nnplay.figures import augmentation as figures
from nnplay.figures import chains
from nnplay.figures.board import png
from nnplay.figures.theme import DARK

LONG = "rotation, crop, elastic, noise, jitter, erasing, mixup, cutmix"
ALL = {
    "photo": ("augment", {}),
    "nothing": ("augment", {"chain": "none"}),
    "digits": ("augment", {"source": "digits", "chain": "rotation, mixup", "draw": 12}),
    "long": ("augment", {"source": "digits", "chain": LONG}),
    "policies": ("augment", {"chain": "randaugment, perspective", "randaugment_num_ops": 4}),
    "mix": ("mix", {"lam": 0.3}),
    "payoff": ("payoff", {"epochs": 10, "seeds": 2, "per_class": 2}),
}


@lru_cache
def drawn(name: str):
    """A record with its figure, checked by Plotly, and its frames."""
    view, settings = ALL[name]
    record, frames = getattr(compute, view)(**settings), None
    if view == "payoff":
        for record in record:  # noqa: B007, B020
            pass
    figure = getattr(figures, view)(record)
    if isinstance(figure, tuple):
        figure, frames = figure
    traces = [trace.to_plotly_json() for trace in figure.data]
    return record, go.Figure(traces, figure.layout.to_plotly_json()), frames


def pixels(source: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))))


@pytest.mark.parametrize("name", ALL)
def test_every_color_is_the_theme_s(name):
    text = re.sub(r"data:image/(png|jpeg);base64,[^\"]*", "", drawn(name)[1].to_json())
    assert set(re.findall(r"#[0-9A-Fa-f]{6}", text)) <= set(DARK) | {"#000000", "#FEFEFE"}
    assert not re.search(r"rgba?\(", text)


@pytest.mark.parametrize("name", ALL)
def test_every_axis_has_a_range(name):
    for key, axis in drawn(name)[1].layout.to_plotly_json().items():
        if re.match(r"[xy]axis", key) and not (name == "mix" and axis.get("title") == {"text": "class"}):
            assert np.isfinite(axis["range"]).all(), key


@pytest.mark.parametrize("name", ["photo", "nothing", "digits", "long", "policies"])
def test_stages_and_draws_are_drawn_as_they_are(name):
    record, figure, _ = drawn(name)
    shown = [trace.source for trace in figure.data[1:]]
    expected = [*record.stages, *record.results]
    assert len(shown) == len(expected)
    for source, picture in zip(shown, expected, strict=True):
        found = pixels(source)
        found = found[None] if found.ndim == 2 else found.transpose(2, 0, 1)
        if len(picture) == 1:
            np.testing.assert_array_equal(found, picture)
        else:  # photographs are sent as JPEG, their colours at half the resolution
            assert found.shape == picture.shape
            wrong = found.astype(float) - picture
            assert np.abs(wrong.mean(0)).mean() < 4
            assert np.abs(wrong).mean() < 8
    down = figure.layout.yaxis.range[0]
    for trace in figure.data[1:]:
        assert 0 <= trace.y0 < down
    for note in figure.layout.annotations:
        assert 0 <= note.y < down


def test_a_draw_has_its_numbers_under_it_and_all_of_them_where_it_is_pointed_at():
    record, figure, _ = drawn("photo")
    under = [note.text for note in figure.layout.annotations[-len(record.results) :]]
    for text, brief in zip(under, record.brief, strict=True):
        assert text.split("<br>")[:3] == list(brief[:3])
    hover = np.ravel(figure.data[figures.DRAWS_TRACE].text)
    for text, printed in zip(hover, record.printed, strict=True):
        plain = text.replace("<br>   ", " ")
        assert all(line in plain for line in printed)


def test_a_click_on_a_cell_is_that_draw():
    record, figure, _ = drawn("digits")
    rows, columns = np.shape(figure.data[figures.DRAWS_TRACE].text)
    cells = [figures.draw_at(row, column) for row in range(rows) for column in range(columns)]
    assert cells == list(range(1, len(record.results) + 1))
    assert str(figure.data[0].text[1][5]).startswith("draw 12")


def test_what_is_read_and_the_mixed_label_stand_under_a_digit():
    record, figure, _ = drawn("digits")
    note = figure.layout.annotations[-1].text
    assert f"reads {record.read[11].argmax()}" in note
    right = (record.read[:12].argmax(1) == record.targets.argmax(1)).sum()
    assert (
        f"12 draws of the same chain: {right} are read as they are labelled"
        in figure.layout.annotations[1].text
    )
    assert f"{record.targets[11].max():.0%} {record.targets[11].argmax()}" in note


@pytest.mark.parametrize("name", ["photo", "long", "policies"])
def test_under_every_draw_are_as_many_lines_of_no_more_than_fit(name):
    record = drawn(name)[0]
    lines = [chains._lines(record, i) for i in range(len(record.results))]
    assert len({len(each) for each in lines}) == 1
    assert all(len(re.sub("<.*?>", "", line)) <= 24 for each in lines for line in each)


def test_the_axes_hold_still_while_a_slider_is_dragged():
    for name, values in (("rotation_degrees", (0, 90, 180)), ("crop_scale", (0.1, 0.9)), ("seed", (1, 2))):
        layouts = [figures.augment(compute.augment(**{name: value})).layout for value in values]
        assert (
            len(
                {str((layout.xaxis.range, layout.yaxis.range, len(layout.annotations))) for layout in layouts}
            )
            == 1
        )
        assert len({layout.uirevision for layout in layouts}) == 1


def test_the_mixture_has_its_label_over_its_bars():
    record, figure, _ = drawn("mix")
    texts = " ".join(note.text for note in figure.layout.annotations)
    assert f"MixUp: label 0.30 × {record.digits[0]} + 0.70 × {record.digits[1]}" in texts
    bars = [trace for trace in figure.data if trace.type == "bar"]
    np.testing.assert_array_equal(bars[0].y, record.targets[2])
    np.testing.assert_array_equal(bars[3].y, record.read[3])


def test_payoff_plays_all_moments_and_its_bands_hold_all_seeds():
    record, figure, frames = drawn("payoff")
    assert len(frames) == len(record.epochs)
    np.testing.assert_array_equal(frames.upto[0], record.tested + 1)  # accuracies, where they are tested
    np.testing.assert_array_equal(frames.upto[35], np.arange(len(frames)) + 1)  # the loss, at each batch
    for j in range(4):
        for k, arm in enumerate((1, 0)):
            low, high, mean = (figure.data[6 * j + 3 * k + i].y for i in range(3))
            values = record.accuracy[:, arm, :, j]
            np.testing.assert_allclose(low, values.min(1), rtol=1e-6)
            np.testing.assert_allclose(high, values.max(1), rtol=1e-6)
            np.testing.assert_allclose(mean, values.mean(1), rtol=1e-6)
    np.testing.assert_allclose(figure.data[26].y, record.by_angle[-1, 1].mean(0), rtol=1e-6)
    assert frames.layout["annotations[0].text"][-1] == figure.layout.annotations[0].text


def test_bytes_are_drawn_as_they_are():
    values = np.arange(24, dtype=np.uint8).reshape(2, 12)
    np.testing.assert_array_equal(pixels(png(values)), values)
