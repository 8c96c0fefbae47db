"""The pictures of Confusion matrix: valid, in the theme's colours, with the numbers of their records."""

import inspect
import json
import re
from functools import lru_cache

import numpy as np
import plotly.graph_objects as go
import pytest

from nnplay import confusion_matrix as compute
from nnplay import predictions
from nnplay.figures import confusion_matrix as figures
from nnplay.figures.cells import NOTHING
from nnplay.figures.theme import DARK

VIEWS = ("matrix", "metrics", "one_vs_rest", "average_precision", "detect")
NAMES = [f"class number {i}" for i in range(20)]
ROWS = [
    ["label", *NAMES],
    *([NAMES[i % 7], *np.round(np.roll(np.linspace(0, 1, 20), i), 3)] for i in range(60)),
]
MANY = predictions.read("\n".join(",".join(map(str, row)) for row in ROWS).encode())
PAIRS = predictions.read(b"label,prediction\na,b\nb,b\na,a")
CASES = {
    **{view: (view, {}) for view in VIEWS},
    "row": ("matrix", {"normalize": "row", "model": "k nearest"}),
    "empty cell": ("matrix", {"true": 0, "predicted": 1, "samples": 1200}),
    "an empty class": ("metrics", {"imbalance": 1.0}),
    "a mean": ("metrics", {"row": 10}),
    "all": ("metrics", {"row": 13}),
    "no positives": ("one_vs_rest", {"imbalance": 1.0}),
    "no cost": ("one_vs_rest", {"cost_fp": 0, "cost_fn": 0, "threshold": 1.0}),
    "no curve": ("average_precision", {"imbalance": 1.0}),
    "nothing taken": ("detect", {"taken": 0}),
    "one class found": ("detect", {"found": ((0, 0, 9, 9, 0.5, 4),), "box": "A", "kind": "4"}),
    **{f"many {view}": (view, {"data": "your CSV", "upload": MANY}) for view in VIEWS[:4]},
    **{f"pairs {view}": (view, {"data": "your CSV", "upload": PAIRS}) for view in VIEWS[:2]},
}


@lru_cache
def drawn(name: str):
    """A record with its figure, checked by Plotly, and its frames."""
    if name == "preview":
        record = compute.preview()
        figure = figures.preview(record)
    else:
        view, settings = CASES[name]
        record = getattr(compute, view)(**settings)
        if inspect.isgenerator(record):
            *_, record = record
        figure = getattr(figures, view)(record)
    figure, frames = figure if isinstance(figure, tuple) else (figure, None)
    go.Figure(json.loads(figure.to_json()))  # raises where Plotly does not know an attribute
    traces = [trace.to_plotly_json() for trace in figure.data]
    return record, go.Figure(traces, figure.layout.to_plotly_json()), frames


@pytest.mark.parametrize("name", [*CASES, "preview"])
def test_every_color_is_the_theme_s_and_every_axis_has_a_range(name):
    figure = drawn(name)[1]
    text = figure.to_json()
    assert set(re.findall(r"#[0-9A-Fa-f]{6}", text)) <= set(DARK) | {"#000000", "#FEFEFE"}
    assert not re.search(r"rgba?\(", text)
    for key, axis in figure.layout.to_plotly_json().items():
        if re.match(r"[xy]axis", key):
            assert np.isfinite(axis["range"]).all(), key


@pytest.mark.parametrize(
    ("view", "one", "other"),
    [
        ("one_vs_rest", {"threshold": 0.1}, {"threshold": 0.9}),
        ("one_vs_rest", {"cost_fn": 2}, {"cost_fn": 90}),
        ("metrics", {"row": 0}, {"row": 12}),
        ("detect", {"x": 10}, {"x": 60}),
        ("detect", {"iou": 0.5}, {"iou": 0.9}),
        ("average_precision", {"positive": 1}, {"positive": 2}),
    ],
)
def test_a_slider_leaves_axes_traces_and_marks_as_many_as_they_are(view, one, other):
    """What the live chart moves without Plotly has to stay of one structure."""

    def shape(settings):
        figure = getattr(figures, view)(getattr(compute, view)(**settings))
        layout = figure.layout.to_plotly_json()
        ranges = {name: axis["range"] for name, axis in layout.items() if re.match(r"[xy]axis", name)}
        return (
            [trace["type"] for trace in figure.data],
            ranges,
            len(layout["shapes"]),
            len(layout["annotations"]),
        )

    assert shape(one) == shape(other)


def test_the_matrix_shows_its_counts_and_no_text_is_of_no_length():
    record, figure, frames = drawn("matrix")
    pale, deep = (np.array(figure.data[i].text).reshape(10, 10) for i in (1, 2))
    texts = np.where(pale != NOTHING, pale, deep)
    assert ((texts == NOTHING) == (record.counts[-1] == 0)).all()
    assert (texts[texts != NOTHING].astype(int) == record.counts[-1][record.counts[-1] > 0]).all()
    assert len(frames) == 15
    for i in (1, 2, 4, 5):
        assert all(figure.data[i].text)
    assert figure.layout.xaxis.title.text == "predicted class"
    assert figure.layout.yaxis.title.text == "true class"
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # rows count downwards


def test_the_images_of_a_cell_are_its_members():
    record, figure, _ = drawn("matrix")
    z = np.array(figure.data[3].z, float)
    assert len(record.members) == 4
    for i, member in enumerate(record.members):
        top, left = 15 * (i // 3), 12 * (i % 3) + 2
        assert np.allclose(z[top : top + 8, left : left + 8], record.last.pixels[member], atol=1e-6)
        assert (record.last.true[member], record.last.predicted[member]) == (9, 1)
    assert np.isfinite(z).sum() == 4 * 64


def test_the_strip_is_as_long_as_the_parts_are_large():
    _, figure, _ = drawn("matrix")
    edges = [(shape.x0, shape.x1) for shape in figure.layout.shapes[4:7]]
    assert np.allclose([right - left for left, right in edges], np.array([200, 597, 1000]) / 1797)
    said = figure.layout.annotations[0].text
    assert "<b>200</b> training digits" in said
    assert "<b>597</b> test digits, never seen in training" in said


def test_the_marks_stand_where_the_threshold_is():
    record, figure, _ = drawn("one_vs_rest")
    assert [figure.layout.shapes[i].x0 for i in range(3)] == [0.5] * 3
    roc, pr = figure.data[-4], figure.data[-3]
    assert roc.x[0] == pytest.approx(1 - record.values["specificity"])
    assert roc.y[0] == pr.x[0] == pytest.approx(record.values["recall"])
    assert pr.y[0] == pytest.approx(record.values["precision"])
    texts = " ".join(note.text for note in figure.layout.annotations)
    for metric, formula in record.formulas.items():
        assert f"{metric} = {formula} = <b>{record.values[metric]:.3f}</b>" in texts


def test_every_formula_of_the_row_is_shown_with_its_value():
    record, figure, _ = drawn("metrics")
    texts = " ".join(note.text for note in figure.layout.annotations)
    for formula, value in zip(record.formulas, record.scores.values[record.row]):
        assert f"{formula} = <b>{value:.4f}</b>" in texts
    assert "scikit-learn agrees" in texts


def test_the_steps_of_a_curve_hold_the_area():
    record, figure, _ = drawn("average_precision")
    x, y = np.array(figure.data[-1].x), np.array(figure.data[-1].y)
    assert np.trapezoid(y, x) == pytest.approx(record.ap[record.chosen], abs=5e-3)
    assert list(figure.data[figures.AP_TRACE].y) == pytest.approx(record.ap.tolist(), abs=1e-6)


def test_the_scene_draws_a_line_for_each_match():
    record, figure, _ = drawn("detect")
    assert np.isfinite(np.array(figure.data[1].x, float)).sum() == 2 * (record.match >= 0).sum()
    assert len(figure.data[figures.NAMES_TRACE].text) == len(record.boxes)
