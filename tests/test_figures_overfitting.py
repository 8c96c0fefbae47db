"""The pictures of Overfitting: valid, in the theme's colours, and with the numbers of their records."""

import re
from functools import lru_cache
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest

from nnplay import overfitting as compute
from nnplay.figures import overfitting as figures
from nnplay.figures.theme import COLOR, DARK

STILL = {
    "fit": {"degree": 12, "points": 40},
    "bias_variance": {"degree": 13},
    "double_descent": {"features": 25, "alpha": 0.05},
}
PLAYED = {
    "train": ("train", {"epochs": 40}),
    "digits": ("train", {"epochs": 40, "data": "digits"}),
    "remedies": ("remedies", {"epochs": 40}),
}
ALL = (*STILL, *PLAYED, "preview")


@lru_cache
def drawn(name: str):
    """A record with its figure, checked by Plotly, and its frames."""
    if name in PLAYED:
        view, settings = PLAYED[name]
        for record in getattr(compute, view)(**settings):  # noqa: B007
            pass
        figure, frames = getattr(figures, view)(record)
    elif name == "preview":
        record = compute.preview()
        figure, frames = figures.preview(record), None
    else:
        record = getattr(compute, name)(**STILL[name])
        figure, frames = getattr(figures, name)(record), None
    traces = [trace.to_plotly_json() for trace in figure.data]
    return record, go.Figure(traces, figure.layout.to_plotly_json()), frames


@pytest.mark.parametrize("name", ALL)
def test_every_color_is_the_theme_s(name):
    text = drawn(name)[1].to_json()
    assert set(re.findall(r"#[0-9A-Fa-f]{6}", text)) <= set(DARK)
    assert not re.search(r"rgba?\(", text)


@pytest.mark.parametrize("name", ALL)
def test_every_axis_has_a_range(name):
    for key, axis in drawn(name)[1].layout.to_plotly_json().items():
        if re.match(r"[xy]axis", key):
            assert np.isfinite(axis["range"]).all(), key


@pytest.mark.parametrize("name", [*STILL, "train", "digits"])
def test_on_a_narrow_page_the_parts_stand_one_below_the_other(name):
    layout = drawn(name)[1].layout.to_plotly_json()
    narrow = layout["meta"]["narrow"]
    tops = sorted(
        tuple(narrow.get(f"{key}.domain", layout[key].get("domain", (0, 1))))
        for key in layout
        if key.startswith("yaxis")
    )
    assert len(tops) > 1
    assert all(below[1] < above[0] for below, above in pairwise(tops))
    assert narrow["height"] > 700


@pytest.mark.parametrize("name", PLAYED)
def test_frames_fit_their_figure_and_end_as_it_stands(name):
    record, figure, frames = drawn(name)
    assert len(frames) == len(record.moments)
    for i, attributes in frames.traces.items():
        for path, values in attributes.items():
            shown = figure.data[i]
            for key in path.split("."):
                shown = shown[key]
            assert values.shape[1:] == np.shape(shown)
            np.testing.assert_allclose(values[-1], np.asarray(shown, float), rtol=1e-5)
    for i, attributes in frames.grow.items():
        for path, line in attributes.items():
            np.testing.assert_allclose(line[: frames.upto[-1]], figure.data[i][path], rtol=1e-5)
    for path, values in frames.layout.items():
        target = figure.layout
        for key in re.findall(r"\w+", path):
            target = target[int(key)] if key.isdigit() else target[key]
        assert target == values[-1], path


def test_the_errors_of_every_degree_with_the_present_one_and_the_sweet_spot():
    record, figure, _ = drawn("fit")
    for trace, part in zip(figures.ERROR_TRACES, ("train", "validation", "test"), strict=True):
        line = figure.data[trace]
        assert line.line.color == COLOR[part]
        np.testing.assert_allclose(line.y, np.maximum(record.error[part], 1e-3), rtol=1e-6)
    assert figure.data[figures.ERROR_TRACES[1]].fill == "tonexty"  # the gap to the training error
    assert figure.layout.shapes[-1].x0 == 12
    star = figure.data[-1]
    assert star.x[0] == record.best
    texts = [note.text for note in figure.layout.annotations if note.visible is not False]
    assert {"underfits", "fits", "overfits"} & set(texts)
    assert "degree 12 <b>overfits</b>" in texts
    names = [trace.name for trace in figure.data]
    assert {"train (17)", "validation (11)", "test (12)"} <= set(names)


def test_the_strip_covers_the_degrees_by_their_verdicts():
    record, figure, _ = drawn("fit")
    widths = [0.0] * 3
    for i, shape in enumerate(figure.layout.shapes[:3]):
        for left, right in re.findall(r"M([\d.]+),1\.01H([\d.]+)V", shape.path):
            widths[i] += float(right) - float(left)
    assert sum(widths) == pytest.approx(15)
    counts = [(record.verdicts == verdict).sum() for verdict in (-1, 0, 1)]
    np.testing.assert_allclose(widths, counts, atol=1.01)


def test_bias_variance_and_noise_are_stacked():
    record, figure, _ = drawn("bias_variance")
    named = {trace.name: trace for trace in figure.data}
    np.testing.assert_allclose(named["bias²"].y, record.bias2, rtol=1e-5)
    np.testing.assert_allclose(named["variance"].y, record.bias2 + record.variance, rtol=1e-5)
    np.testing.assert_allclose(named["noise"].y, record.sum, rtol=1e-5)
    np.testing.assert_allclose(named["measured error"].y, record.error, rtol=1e-5)
    assert np.isnan(named["80 fits"].y).sum() == 80


def test_double_descent_shows_threshold_penalty_and_present():
    record, figure, _ = drawn("double_descent")
    assert figure.layout.shapes[0].x0 == 25
    named = {trace.name: trace for trace in figure.data}
    assert named["test, alpha = 0"].visible
    assert not {t.name: t for t in figures.double_descent(compute.double_descent()).data}[
        "test, alpha = 0"
    ].visible
    assert figure.data[-1].x[0] == record.features
    assert figure.data[-1].y[0] == pytest.approx(record.median[record.at])


def test_wrong_labels_have_a_rim():
    record, figure, _ = drawn("train")
    rims = np.array(figure.data[1].marker.line.color) == COLOR["ink"]
    np.testing.assert_array_equal(rims, record.wrong)
    assert rims.any()


def test_a_run_that_ended_early_says_so():
    record, figure, _ = drawn("remedies")
    texts = [note.text for note in figure.layout.annotations]
    assert len(texts) == 16
    assert [text.split("</b>")[0][3:].replace("<br>", " ") for text in texts[:8]] == list(compute.REMEDIES)
    assert f"{record.zeros[-1, 2]} of {record.weights}<br>weights are 0" in texts
    assert ("not stopped yet" in texts[13]) == (record.stopped is None)


def test_a_remedy_s_column_holds_its_own_map_points_and_units():
    record, figure, _ = drawn("remedies")
    side = record.maps.shape[-1]
    for i in (0, 3, 7):
        tile = figure.data[0].z[:, i * 32 : i * 32 + side]
        np.testing.assert_array_equal(tile, record.maps[-1, i])
    column = np.floor(np.array(figure.data[8].x) / (8 / 7))
    assert (column == compute.REMEDIES.index("dropout")).all()
    np.testing.assert_array_equal(figure.data[8].marker.color, record.kept[-1].ravel())
