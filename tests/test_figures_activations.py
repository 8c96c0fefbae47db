"""Figures draw what their records hold, in the theme's colors, on axes that stand still."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from nnplay import activations
from nnplay.figures import activations as figures
from nnplay.figures import theme
from nnplay.nets import ACTIVATIONS


def fitted(**settings):
    *_, record = activations.fit(**{"epochs": 20, **settings})
    return record


FIGURES = {
    "curves": lambda: figures.curves(activations.curves()),
    "all curves": lambda: figures.curves(activations.curves(names=tuple(ACTIVATIONS), x=-6.0)),
    "no curve": lambda: figures.curves(activations.curves(names=())),
    "softmax": lambda: figures.softmax(activations.softmax()),
    "overflow": lambda: figures.softmax(activations.softmax(shift=100.0)),
    "jacobian": lambda: figures.jacobian(activations.softmax()),
    "signal": lambda: figures.signal(activations.signal()),
    "signal of one layer": lambda: figures.signal(activations.signal(depth=1)),
    "signal of zeros": lambda: figures.signal(activations.signal(initializer="zeros")),
    "signal overflows": lambda: figures.signal(
        activations.signal(initializer="normal", std=1.0, depth=50, width=256)
    ),
    "signal without theory": lambda: figures.signal(activations.signal(activation="GLU", batch_norm=True)),
    "fit": lambda: figures.fit(fitted())[0],
    "fit begins": lambda: figures.fit(next(activations.fit()))[0],
    "fit diverges": lambda: figures.fit(fitted(names=("ReLU",), optimizer="SGD", lr=3.0))[0],
    "preview": lambda: figures.preview(activations.preview()),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_color_is_the_themes_and_every_axis_has_a_range(name):
    fig = FIGURES[name]()
    text = fig.to_json()
    assert {c.upper() for c in re.findall(r"#[0-9A-Fa-f]{6}", text)} <= set(theme.DARK)
    assert "rgb" not in text
    assert fig.layout.width is None
    assert fig.layout.height is None
    axes = [a for a in fig.layout if re.fullmatch(r"[xy]axis\d*", a)]
    if name != "jacobian":
        assert [a for a in axes if fig.layout[a].range is None and not fig.layout[a].matches] == []
    assert not theme.dark(fig).layout.title.text


def titles(fig):
    return {fig.layout[a].title.text for a in fig.layout if re.fullmatch(r"[xy]axis\d*", a)} - {None, ""}


def test_axes_say_what_they_show():
    assert titles(FIGURES["curves"]()) == {"x", "value f(x)", "slope f'(x)"}
    assert titles(FIGURES["softmax"]()) == {"class", "logit", "probability", "temperature"}
    assert titles(FIGURES["signal"]()) == {"layer", "activations", "|gradient|", "variance", "share"}
    assert titles(FIGURES["fit"]()) == {"x", "y", "epoch", "loss (held out: dashed)", "dead units"}


def layout(fig):
    """The kind and place of every trace: what must not change while a control moves."""
    return [(trace.type, trace.name, trace.xaxis, trace.yaxis) for trace in fig.data]


def test_a_moving_control_keeps_traces_and_axes():
    a, b = (figures.curves(activations.curves(x=x)) for x in (-6.0, 2.0))
    assert layout(a) == layout(b)
    assert a.layout.yaxis.range == b.layout.yaxis.range
    assert layout(FIGURES["softmax"]()) == layout(FIGURES["overflow"]())
    kinds = [layout(FIGURES[name]()) for name in FIGURES if name.startswith("signal")]
    assert all(kind == kinds[0] for kind in kinds)
    assert layout(FIGURES["fit"]()) == layout(FIGURES["fit begins"]())


def test_x_moves_in_the_layout_and_leaves_all_traces_as_they_are():
    a, b = (figures.curves(activations.curves(x=x)) for x in (-6.0, 2.0))
    assert [trace.to_json() for trace in a.data] == [trace.to_json() for trace in b.data]
    assert len(a.layout.shapes) == len(b.layout.shapes)
    assert a.layout.meta == b.layout.meta
    assert a.layout.uirevision == b.layout.uirevision


@pytest.mark.parametrize("name", ["curves", "all curves", "softmax", "signal", "fit"])
def test_on_a_narrow_page_the_parts_stand_one_below_the_other(name):
    fig = theme.dark(FIGURES[name]())  # which checks it
    for path, value in fig.layout.meta["narrow"].items():
        fig.layout[path] = value
    heights = sorted(fig.layout[a].domain for a in fig.layout if re.fullmatch(r"yaxis\d*", a))
    assert all(below[1] < above[0] for below, above in pairwise(heights))
    assert all(fig.layout[a].domain == (0, 1) for a in fig.layout if re.fullmatch(r"xaxis\d*", a))
    assert 400 <= fig.layout.height <= 900


# --- curves -----------------------------------------------------------------------------------------


def test_curves_hold_values_slopes_and_tangents():
    record = activations.curves(names=("Tanh", "ReLU"), x=2.5)
    fig = figures.curves(record)
    for axis, expected in (("y", record.value), ("y2", record.slope)):
        drawn = [t for t in fig.data if t.x0 is not None and t.yaxis == axis]
        assert [t.name for t in drawn] == ["Tanh", "ReLU"]
        np.testing.assert_allclose([t.y for t in drawn], expected, rtol=1e-6)
    assert drawn[0].x0 + drawn[0].dx * (len(drawn[0].y) - 1) == pytest.approx(record.grid[-1])
    upright, *tangents = (s for s in fig.layout.shapes if s.type == "line")
    assert upright.x0 == upright.x1 == 2.5
    np.testing.assert_array_equal([(t.x0, t.x1) for t in tangents], record.tangent_x)
    np.testing.assert_array_equal([(t.y0, t.y1) for t in tangents], record.tangent_y)
    points = [s for s in fig.layout.shapes if s.type == "circle"]
    assert {p.xanchor for p in points} == {2.5}
    assert [p.yref for p in points] == ["y", "y", "y2", "y2"]
    np.testing.assert_array_equal([p.yanchor for p in points], [*record.x_value, *record.x_slope])
    colors = list(theme.series(record.names).values())
    assert [p.fillcolor for p in points] == [t.line.color for t in tangents] * 2 == colors * 2


def told(note):
    """The lines of an annotation, without markup and the room of a sign."""
    return [" ".join(re.sub(r"<.*?>|●|\u2007", "", line).split()) for line in note.text.split("<br>")]


def test_the_numbers_at_x_are_written_beside_the_panels():
    value, slope = figures.curves(activations.curves(names=("Tanh", "ReLU"), x=-2.5)).layout.annotations
    assert told(value) == ["f(−2.50)", "−0.987 Tanh", "0.000 ReLU"]
    assert told(slope) == ["f'(−2.50)", "0.027 saturated", "0.000 dead"]
    assert (value.visible, slope.visible) == (True, True)
    (legend,) = {t.showlegend for t in FIGURES["curves"]().data if t.name == "Tanh"}
    assert not legend


def test_where_there_are_too_many_numbers_the_legend_names_the_curves():
    fig = FIGURES["all curves"]()
    assert not any(note.visible for note in fig.layout.annotations)
    assert {t.name for t in fig.data if t.showlegend} == {*ACTIVATIONS, "saturated", "dead"}
    assert fig.layout.xaxis.domain == (0, 1)


@pytest.mark.parametrize("number", [0.0, -0.0, -0.0004, 0.0004])
def test_zero_has_no_sign(number):
    record = replace(activations.curves(names=("Tanh",)), x_value=np.array([number]))
    assert told(figures.curves(record).layout.annotations[0])[1] == "0.000 Tanh"


def test_marks_cover_the_stretches_with_gaps_between():
    record = activations.curves(names=("Sigmoid", "Tanh", "ReLU"))
    for name, masks in (("saturated", record.saturated), ("dead", record.dead)):
        value, slope = (t for t in figures.curves(record).data if t.name == name)
        rows, columns = np.nonzero(masks)
        for trace, ys in ((value, record.value), (slope, record.slope)):
            drawn = np.isfinite(trace.y)
            np.testing.assert_allclose(trace.x[drawn], record.grid[columns], atol=1e-6)
            np.testing.assert_allclose(trace.y[drawn], ys[rows, columns], rtol=1e-6)
        stretches = np.diff(np.pad(masks, ((0, 0), (1, 1))).astype(int), axis=1) == 1
        runs = np.diff(np.concatenate([[0], np.isfinite(value.y), [0]])) == 1
        assert runs.sum() == stretches.sum()


@pytest.mark.parametrize("value", [-3.0, 0.5, 3.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_axes_hold_their_curves_and_little_more(name, value):
    record = activations.curves(names=(name,), value=value, alpha=4.0, init=-1.0, beta=0.1)
    fig = figures.curves(record)
    for axis, ys in ((fig.layout.yaxis, record.value), (fig.layout.yaxis2, record.slope)):
        low, high = axis.range
        assert low < min(0, ys.min())
        assert max(1, ys.max()) < high
        assert high - low < 2.5 * max(1, np.ptp(ys), np.abs(ys).max())


def test_a_zoom_lasts_while_the_axes_are_the_same():
    first, same, other = (
        figures.curves(activations.curves(names=names)).layout.uirevision
        for names in (("Tanh",), ("Tanh", "Sigmoid"), ("Tanh", "ReLU"))
    )
    assert first == same != other


# --- softmax ----------------------------------------------------------------------------------------


def test_bars_are_the_record_and_failures_are_written_out():
    record = activations.softmax(shift=100.0)
    fig = figures.softmax(record)
    np.testing.assert_array_equal(fig.data[0].y, record.logits)
    np.testing.assert_array_equal(fig.data[1].y, record.stable)
    nan = next(t for t in fig.data if t.type == "scatter")
    assert (np.isfinite(nan.y) == np.isnan(record.naive)).all()
    assert list(nan.text) == ["nan" if np.isnan(p) else "" for p in record.naive]
    assert "overflow" in fig.layout.annotations[0].text
    assert fig.layout.annotations[1].text == "z = (logit + 100) / 1"
    fine = figures.softmax(activations.softmax())
    assert not np.isfinite(next(t for t in fine.data if t.type == "scatter").y).any()
    assert fine.layout.annotations[0].text == ""
    assert "underflow" in figures.softmax(activations.softmax(shift=-1000.0)).layout.annotations[0].text


def test_the_present_temperature_is_marked():
    record = activations.softmax(temperature=0.2, shift=300.0)
    fig = figures.softmax(record)
    *lines, points = (t for t in fig.data if t.xaxis == "x3")
    np.testing.assert_allclose([t.y for t in lines], record.by_temperature, rtol=1e-6)
    assert [t.line.color for t in lines] == list(points.marker.color) == list(fig.data[0].marker.color)
    now, uniform = fig.layout.shapes
    assert now.x0 == now.x1 == 0.2
    assert uniform.y0 == uniform.y1 == 1 / 5
    assert set(points.x) == {0.2}
    np.testing.assert_array_equal(points.y, record.unshifted)


def test_the_jacobian_is_signed_around_zero():
    record = activations.softmax()
    heat = figures.jacobian(record).data[0]
    np.testing.assert_array_equal(heat.z, record.jacobian)
    assert heat.zmid == 0


# --- signal -----------------------------------------------------------------------------------------


def test_signal_draws_measurement_and_theory():
    record = activations.signal(activation="Sigmoid", initializer="xavier_uniform", depth=25)
    there, back, decades, theory, variance, predicted, saturated, dead = figures.signal(record).data
    np.testing.assert_allclose(there.z, record.density.T, atol=1e-6)
    np.testing.assert_allclose(back.z, record.gradient_density.T, atol=1e-6)
    assert len(there.y) == len(record.values) - 1
    np.testing.assert_allclose(10**decades.y, record.gradient)
    np.testing.assert_allclose(10**theory.y, record.predicted_gradient)
    np.testing.assert_array_equal(variance.y, record.variance)
    np.testing.assert_array_equal(predicted.y, record.predicted_variance)
    np.testing.assert_array_equal(saturated.y, record.saturated)
    np.testing.assert_array_equal(dead.y, record.dead)
    assert (variance.line.dash, predicted.line.dash) == ("solid", "dash")


def test_signal_says_and_marks_where_it_ends():
    record = activations.signal(activation="Sigmoid", initializer="xavier_uniform")
    fig = figures.signal(record)
    assert fig.layout.annotations[0].text == "<b>Signal passes</b> through all layers"
    assert fig.layout.annotations[1].text == f"<b>Gradient vanishes</b> at layer {record.backward_layer}"
    there, back = fig.layout.shapes
    assert there.x0 == 0 < fig.layout.xaxis.range[0]  # outside
    assert back.x0 == record.backward_layer
    lost = FIGURES["signal overflows"]()
    assert re.fullmatch(
        r"<b>Signal explodes</b> at layer \d+, overflows at \d+", lost.layout.annotations[0].text
    )
    assert lost.layout.annotations[1].text == "<b>No gradient</b>: the loss is not finite"
    assert lost.layout.shapes[1].x0 == 0


@pytest.mark.parametrize("depth", [1, 7, 12, 50])
def test_a_signals_axes_have_room_and_nothing_is_drawn_there(depth):
    fig = figures.signal(activations.signal(depth=depth))
    room = int(fig.layout.xaxis.range[1])
    assert depth <= room <= max(6, 2.1 * depth)
    for trace in fig.data:
        drawn = trace.z.T if trace.type == "heatmap" else trace.y
        assert len(trace.x) == len(drawn) == room
        assert np.isnan(drawn[depth:]).all()
        assert not np.isnan(drawn[:depth]).all()


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e-15, 1e15, 1e60])
def test_the_variance_axis_holds_its_data(scale):
    record = activations.signal()
    fig = figures.signal(
        replace(record, variance=record.variance * scale, predicted_variance=record.predicted_variance)
    )
    low, high = fig.layout.yaxis3.range
    decades = np.log10(record.variance * scale)
    assert low <= decades.min() <= decades.max() <= high
    assert 4 <= len(fig.layout.yaxis3.tickvals) <= 8


# --- fit --------------------------------------------------------------------------------------------


def test_fit_shows_the_latest_moment_and_plays_them_all():
    record = fitted()
    fig, frames = figures.fit(record)
    assert len(frames) == len(record.epoch) == 21
    assert frames.labels[0] == "epoch 0"
    moving = {fig.data[i].name: attributes for i, attributes in frames.traces.items()}
    for i, name in enumerate(record.names):
        np.testing.assert_array_equal(moving[name]["y"], record.prediction[:, i])
        losses = [t for t in fig.data if t.name == name and t.yaxis == "y2"]
        np.testing.assert_allclose(losses[0].y, record.train_loss[:, i], rtol=1e-6)
        np.testing.assert_allclose(losses[1].y, record.held_loss[:, i], rtol=1e-6)
        assert [t.line.dash for t in losses] == ["solid", "dash"]
    for i, shape in enumerate(fig.layout.shapes):
        for end in ("x0", "x1"):
            np.testing.assert_array_equal(frames.layout[f"shapes[{i}].{end}"], record.epoch)
            assert shape[end] == 20
    assert [(s.xref, s.yref) for s in fig.layout.shapes] == [("x2", "y2 domain"), ("x3", "y3 domain")]
    for i, attributes in frames.traces.items():
        for name, values in attributes.items():
            np.testing.assert_array_equal(fig.data[i][name], values[-1])


def test_fit_draws_a_run_that_has_just_begun():
    fig, frames = figures.fit(next(activations.fit(epochs=20)))
    assert len(frames) == 1
    assert fig.layout.xaxis3.range == (0, 20)


def test_fit_says_what_diverged():
    record = fitted(names=("ReLU", "Sigmoid"), optimizer="SGD", lr=1.0, epochs=50)
    fig, _ = figures.fit(record)
    assert fig.layout.annotations[0].text == f"ReLU diverged at epoch {record.diverged_at[0]}"
    assert FIGURES["fit"]().layout.annotations[0].text == ""
