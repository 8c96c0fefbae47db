import re
from functools import lru_cache
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest

from nnplay import optimizers as compute
from nnplay.figures import optimizers as drawing
from nnplay.figures.theme import DARK, dark, series


class Checked:
    """The figure module, its pictures checked by Plotly."""

    def __getattr__(self, name):
        def draw(*given):
            drawn = getattr(drawing, name)(*given)
            return checked(drawn.data, drawn.layout) if isinstance(drawn, go.Figure) else drawn

        return draw


def checked(traces, layout):
    return go.Figure([trace.to_plotly_json() for trace in traces], layout.to_plotly_json())


figures = Checked()
ALL = tuple(compute.OPTIMIZERS)
RACES = {
    "default": {},
    "nobody": {"optimizers": ()},
    "all": {"optimizers": ALL, "steps": 30},
    "diverged": {
        "surface": "quadratic",
        "start_x": 3.0,
        "start_y": 2.0,
        "sgd_lr": 2.0,
        "condition_number": 50.0,
    },
    "one step": {"steps": 1},
    "net": {"surface": "net", "start_x": 1.0, "start_y": 1.0, "steps": 5, "optimizers": ("adam",)},
    "below zero": {"surface": "saddle", "start_x": 1.0, "start_y": 0.5, "steps": 20},
}
races = pytest.mark.parametrize("settings", RACES.values(), ids=RACES)


def axis(figure, name):
    return getattr(figure.layout, name)


@lru_cache
def drawn():
    """Every figure of the topic with its frames, where it is played."""
    race, stability = compute.race(steps=20), compute.stability()
    schedule, batches = compute.schedule(), compute.batches()
    return {
        "race": (figures.race(race, "adam"), figures.race_frames(race, "adam")),
        "race in 3-D": (figures.race_3d(race), figures.race_3d_frames(race)),
        "stability": (figures.stability(stability), figures.stability_frames(stability)),
        "schedule": (figures.schedule(schedule), figures.schedule_frames(schedule)),
        "batches": (figures.batches(batches), figures.batches_frames(batches)),
        "sharpness": (figures.sharpness(race, "momentum"), None),
        "preview": (figures.preview(compute.preview()), None),
        "batches, curves": (figures.batches_curves(batches), None),
    }


VIEWS = ("race", "stability", "schedule", "batches")
PLAYED = (*VIEWS, "race in 3-D")
every_figure = pytest.mark.parametrize("name", [*PLAYED, "sharpness", "preview", "batches, curves"])
every_film = pytest.mark.parametrize("name", PLAYED)


@every_figure
def test_every_color_is_the_theme_s(name):
    figure, _ = drawn()[name]
    used = set(re.findall(r"#[0-9A-Fa-f]{6}", figure.to_json()))
    assert used <= set(DARK)
    assert not re.search(r"rgba?\(", figure.to_json())
    assert not set(re.findall(r"#[0-9A-F]{6}", dark(figure).to_json())) & (set(DARK) - set(DARK.values()))


@every_figure
def test_every_axis_has_a_range_and_says_what_it_is(name):
    figure, _ = drawn()[name]
    for key, item in figure.layout.to_plotly_json().items():
        if re.match(r"[xy]axis", key):
            assert item["range"] is not None
            bare = item.get("showticklabels") is False or item.get("visible") is False
            assert bare or item["title"]["text"]


@every_film
def test_frames_fit_their_figure_and_end_as_it_stands(name):
    figure, frames = drawn()[name]
    for i, attributes in frames.traces.items():
        trace = figure.data[i]
        for attribute, values in attributes.items():
            if "arrow" in str(trace.marker.symbol):
                assert values.shape[1] == 3
            else:
                np.testing.assert_allclose(values[-1], trace[attribute], rtol=1e-6)
                assert values.shape[1:] == np.shape(trace[attribute])
    for i, attributes in frames.grow.items():
        for attribute, line in attributes.items():
            np.testing.assert_allclose(line[: frames.upto[-1]], figure.data[i][attribute], rtol=1e-6)


@pytest.mark.parametrize("name", [*VIEWS, "batches, curves"])
def test_on_a_narrow_page_the_parts_stand_one_below_the_other(name):
    layout = drawn()[name][0].layout.to_plotly_json()
    narrow = layout["meta"]["narrow"]
    axes = {name for name in layout if re.match(r"[xy]axis", name)}
    assert {path.split(".")[0] for path in narrow} >= axes | {"height"}
    for path, value in narrow.items():
        *keys, last = path.split(".")
        part = layout
        for key in keys:
            part = part[key]  # KeyError for a path that the layout has not
        part[last] = value
    figure = go.Figure(layout=layout)
    heights = sorted({axis.domain for axis in figure.select_yaxes()})
    assert len(heights) > 1
    assert all(below[1] < above[0] for below, above in pairwise(heights))


@every_film
def test_frames_begin_at_the_start(name):
    figure, frames = drawn()[name]
    assert frames.labels[0].startswith("step 0")
    assert frames.upto[0] == 1
    for i, attributes in frames.traces.items():
        for values in attributes.values():
            if "arrow" not in str(figure.data[i].marker.symbol):
                assert np.isfinite(values[0]).all()


# --- race -------------------------------------------------------------------------------------------------


@races
def test_a_race_is_drawn_in_any_case(settings):
    record = compute.race(**settings)
    n = len(record.paths)
    figure = figures.race(record, "adam", 3)
    assert len(figure.data) == 10 + 2 * n
    assert figure.data[0].type == "contour"  # takes the clicks
    assert (figure.layout.xaxis.range, figure.layout.yaxis.range) == record.landscape.surface.domain
    assert figure.layout.xaxis2.range == (0, record.steps)
    low, high = figure.layout.yaxis2.range
    assert -11 < low < high < 6
    assert len(figures.race_frames(record, "adam")) == len(figures.race_3d_frames(record)) > 1
    assert len(figures.race_3d(record).data) == 2 + n
    assert len(figures.sharpness(record, "adam").data) == 1 + n


def test_an_optimizer_keeps_its_color():
    both = figures.race(compute.race(steps=5, optimizers=("sgd", "adam")))
    alone = figures.race(compute.race(steps=5, optimizers=("adam",)))
    assert both.data[4].name == alone.data[3].name == "Adam"
    assert both.data[4].line.color == alone.data[3].line.color == series(ALL)["adam"]
    crowd = figures.race(compute.race(steps=5, optimizers=ALL)).data[3 : 3 + len(ALL)]
    assert len({(trace.line.color, trace.line.dash) for trace in crowd}) == len(ALL)


def test_a_path_is_where_the_optimizer_was():
    record = compute.race(steps=50)
    figure = figures.race(record)
    for path, trace, loss in zip(record.paths, figure.data[3:7], figure.data[7:11]):
        np.testing.assert_allclose(np.stack([trace.x, trace.y], 1), path.position, rtol=1e-6)
        np.testing.assert_allclose(loss.y, np.maximum(path.loss, 1e-10), rtol=1e-6)


def test_what_diverged_is_marked_and_leaves_the_axes_alone():
    record = compute.race(**RACES["diverged"])
    figure = figures.race(record)
    calm = figures.race(compute.race(**RACES["diverged"] | {"optimizers": ()}))
    n = len(record.paths)
    marks = figure.data[5 + 2 * n]
    assert marks.marker.symbol == "x"
    assert figure.layout.annotations[0].text == f"SGD diverged at step {record.paths[0].diverged_at}"
    assert calm.layout.annotations[0].text == ""
    np.testing.assert_allclose([marks.x[0], marks.y[0]], record.paths[0].left_at, rtol=1e-6)
    assert figure.layout.xaxis.range == calm.layout.xaxis.range
    assert figure.layout.yaxis2.range[1] < np.log10(record.landscape.highest) + 1
    assert np.isfinite(figures.race_3d_frames(record).traces[1 + n]["x"][0]).all()


def test_arrows_are_the_forces_of_that_step():
    record = compute.race(steps=20)
    path = record.paths[3]
    for step in (1, 7, 20, 99):
        arrows = figures.race(record, "adam", step).data[-3:]
        k = min(step, 20)
        assert [arrow.name for arrow in arrows] == ["−gradient", "−momentum", "step"]
        for arrow, force in zip(arrows, (-path.gradient[k - 1], -path.first_moment[k], path.step[k - 1])):
            move = np.array([arrow.x[1] - arrow.x[0], arrow.y[1] - arrow.y[0]])
            np.testing.assert_allclose([arrow.x[0], arrow.y[0]], path.position[k - 1], rtol=1e-5)
            direction = move / np.linalg.norm(move)
            np.testing.assert_allclose(direction, force / np.linalg.norm(force), atol=2e-3)
        np.testing.assert_allclose(move, path.step[k - 1], atol=1e-5)  # the step is to scale
    frames = figures.race_frames(record, "adam")
    np.testing.assert_allclose(
        frames.traces[17]["x"][7], figures.race(record, "adam", 7).data[17].x, rtol=1e-6
    )
    assert np.isnan(frames.traces[17]["x"][0, 1:]).all()


def test_there_is_no_momentum_arrow_without_momentum():
    figure = figures.race(compute.race(steps=5), "sgd")
    assert [arrow.showlegend for arrow in figure.data[-3:]] == [True, False, True]
    assert not any(arrow.showlegend for arrow in figures.race(compute.race(steps=5), "nobody").data[-3:])


def test_long_runs_are_played_in_a_bounded_number_of_frames():
    record = compute.race(steps=500, optimizers=("sgd",))
    frames = figures.race_frames(record)
    assert len(frames) == 501
    assert frames.labels[-1] == "step 500"
    long = figures.batches_frames(compute.batches(batch_size=1, epochs=10))
    assert len(long) == 501
    assert long.labels[-1] == "step 4420, epoch 10.00"
    for drawn in (frames, long):
        assert [int(re.search(r"\d+", label)[0]) + 1 for label in drawn.labels] == list(drawn.upto)


# --- the other views --------------------------------------------------------------------------------------


def test_the_plane_takes_clicks_and_shows_the_setting():
    record = compute.stability(lr=0.2, momentum=0.5)
    figure = figures.stability(record)
    assert figure.data[0].type == "heatmap"
    assert figure.layout.xaxis.type == "log"
    np.testing.assert_allclose([figure.data[4].x[0], figure.data[4].y[0]], [0.2, 0.5])
    z, rates = np.asarray(figure.data[0].z), record.rates
    assert (np.sign(z) == np.sign(rates - 1)).mean() > 0.99  # white at 1, one colour on each side
    np.testing.assert_allclose(figure.data[2].x, 2 * (1 + record.momenta) / 10, rtol=1e-6)
    assert "×0.7071 a step" in [note.text for note in figure.layout.annotations]


def test_stability_says_when_it_diverged_and_keeps_its_axes():
    calm, wild = (figures.stability(compute.stability(lr=lr)) for lr in (0.05, 1.0))
    assert len(calm.data) == len(wild.data)
    assert any("diverged at step" in note.text for note in wild.layout.annotations)
    for name in ("xaxis", "yaxis", "xaxis2", "yaxis2", "xaxis3", "yaxis3"):
        assert axis(calm, name).range == axis(wild, name).range


@pytest.mark.parametrize("name", compute.SCHEDULES)
def test_schedules_are_drawn_beside_the_constant_rate(name):
    record = compute.schedule(schedule=name, steps=40)
    figure = figures.schedule(record)
    assert len(figure.data) == 15
    rates = [trace for trace in figure.data if trace.yaxis == "y2" and trace.mode == "lines"]
    for trace, lr in zip(rates, record.lr):
        np.testing.assert_allclose(trace.y, lr, rtol=1e-6)
    assert figure.layout.yaxis2.range[1] > record.lr.max()


def test_a_schedule_that_diverged_says_so():
    figure = figures.schedule(compute.schedule(lr=3.0))
    assert figure.layout.annotations[0].text.startswith("constant diverged at step")
    assert figures.schedule(compute.schedule()).layout.annotations[0].text == ""


@pytest.mark.parametrize(
    "settings", [{}, {"batch_size": 442}, {"batch_size": 1, "lr": 3.0}, {"at": "minimum"}]
)
def test_batches_keep_their_axes(settings):
    record = compute.batches(**settings)
    figure = figures.batches(record)
    assert len(figure.data) == 8
    assert figure.layout.xaxis2.range == (-6, 6)
    cloud = figure.data[6]
    np.testing.assert_allclose(np.stack([cloud.x, cloud.y], 1), record.cloud, rtol=1e-5, atol=1e-6)
    tip = figure.data[7].x[1], figure.data[7].y[1]
    np.testing.assert_allclose(tip, record.gradient, rtol=1e-5, atol=1e-6)
    assert ("diverged" in figure.layout.annotations[0].text) == bool(record.diverged_at)
    assert len(figures.batches_curves(record).data) == 7


def test_curves_count_steps_and_epochs_apart():
    record = compute.batches(batch_size=16)
    figure = figures.batches_curves(record)
    assert figure.layout.xaxis.range == (0, 84)
    assert figure.layout.xaxis2.range == (0, 3)
    np.testing.assert_allclose(figure.data[1].y, figure.data[3].y)
    assert (figure.data[1].x[-1], figure.data[3].x[-1]) == (84, 3)
