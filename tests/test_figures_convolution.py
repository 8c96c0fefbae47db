"""The topic's figures, drawn from records: what stands where, in which colours, and what frames change."""

import base64
import io
import json
import re

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nnplay import convolution
from nnplay.figures import board, cnn, resampling, theme
from nnplay.figures import channels as channel_figures
from nnplay.figures import convolution as figures

FIGURES = [
    ("kernel", figures.kernel, {}),
    ("kernel", figures.preview, {}),
    (
        "kernel",
        figures.kernel,
        {"padding": "full", "dilation_h": 3, "height": 2, "width": 2, "kernel_height": 1},
    ),
    ("kernel", figures.kernel, {"height": 16, "width": 2, "kernel_width": 1, "stride_h": 3, "input_row": 3}),
    ("kernel", figures.kernel, {"kernel_cells": ((0,),), "input_cells": ((0,),)}),
    ("channels", figures.channels, {}),
    (
        "channels",
        figures.channels,
        {"concatenate": True, "layer": "depthwise", "out_channels": 6, "bias": -0.5},
    ),
    ("channels", figures.memory, {}),
    ("channels", figures.connections, {"layer": "depthwise"}),
    ("channels", figures.costs, {}),
    ("resample", figures.resample, {}),
    ("resample", figures.resample, {"picture": "digit", "window": 1, "factor": 1}),
    ("resample", figures.resample, {"picture": "china", "up": "conv_transpose"}),
    ("transpose", figures.transpose, {}),
    ("transpose", figures.transpose, {"stamp": "random", "pad": 3, "cells": 6, "values": "digit"}),
    ("transpose", figures.upsampled, {"stamp": "random"}),
    ("images", figures.images, {}),
    ("images", figures.images, {"source": "digit", "weights": "box blur", "padding": "full"}),
    ("features", figures.features, {}),
    ("features", figures.features, {"layer_name": "pool2", "sample": 3}),
    ("features", figures.classes, {}),
    ("features", figures.training, {}),
]


@pytest.mark.parametrize(("view", "draw", "chosen"), FIGURES)
def test_every_figure_draws_in_the_theme_and_in_light_and_dark(view, draw, chosen):
    fig = draw(getattr(convolution, view)(**chosen))
    written = fig.to_json()
    go.Figure(json.loads(written))  # raises where Plotly knows no such attribute or value
    assert set(re.findall(r"#[0-9A-Fa-f]{6}", written)) <= set(theme.DARK) | {"#000000", "#FEFEFE"}
    assert not re.search(r"(rgb|hsl)a?\(", written)
    assert "NaN" not in written
    assert len(theme.dark(fig).data) == len(fig.data)
    assert fig.layout.width is None


@pytest.mark.parametrize("view", ["kernel", "channels", "resample", "transpose", "images", "features"])
def test_the_traces_of_a_view_are_always_the_same(view):
    draw = getattr(figures, view)
    drawn = {
        tuple(trace.type for trace in draw(getattr(convolution, view)(**chosen)).data)
        for v, f, chosen in FIGURES
        if v == view and f is draw
    }
    assert len(drawn) == 1


@pytest.mark.parametrize("view", ["kernel", "channels", "resample", "transpose", "images", "features"])
def test_cells_are_square_and_rows_count_downwards(view):
    fig = getattr(figures, view)(getattr(convolution, view)())
    assert fig.layout.yaxis.scaleanchor == "x"
    assert fig.layout.yaxis.range[0] > fig.layout.yaxis.range[1] == 0
    for trace in fig.data:
        assert trace.dx == trace.dy > 0


# --- the sliding kernel ---------------------------------------------------------------------------


def rectangles(path: str) -> list[tuple[float, ...]]:
    found = re.findall(r"M([-\d.e]+),([-\d.e]+)H([-\d.e]+)V([-\d.e]+)H[-\d.e]+Z", path)
    return [tuple(map(float, box)) for box in found]


def area(path: str) -> float:
    return sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in rectangles(path))


def corner(trace) -> tuple[float, float]:
    return trace.x0 - trace.dx / 2, trace.y0 - trace.dy / 2


some_kernels = st.fixed_dictionaries(
    {
        name: st.integers(low, high)
        for name, (low, high) in {
            "height": (2, 7),
            "width": (2, 7),
            "kernel_height": (1, 4),
            "kernel_width": (1, 5),
            "stride_h": (1, 3),
            "stride_w": (1, 3),
            "dilation_h": (1, 2),
            "dilation_w": (1, 2),
            "padding_h": (0, 2),
            "padding_w": (0, 2),
        }.items()
    }
    | {
        "padding": st.sampled_from(("number", "full")),
        "weights": st.sampled_from(("random", "gaussian blur")),
    }
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(some_kernels, st.integers(0, 9), st.integers(0, 9))
def test_a_frame_is_the_figure_of_its_cell(chosen, row, col):
    try:
        record = convolution.kernel(image="random", row=row, col=col, **chosen)
    except ValueError:
        return
    fig, frames = figures.kernel(record), figures.kernel_frames(record)
    assert len(frames) == record.output.size
    at = record.row * record.columns.out + record.column
    assert frames.labels[at] == f"({record.row}, {record.column})"
    for path, values in frames.layout.items():
        name, index, attribute = re.fullmatch(r"(\w+)\[(\d)\]\.(\w+)", path).groups()
        assert fig.layout[name][int(index)][attribute] == values[at]

    shapes, padded, output = fig.layout.shapes, fig.data[0], fig.data[figures.OUTPUT_TRACE]
    np.testing.assert_array_equal(padded.z, record.padded.astype(np.float32))
    np.testing.assert_array_equal(output.z, record.output.astype(np.float32))
    assert padded.dx == output.dx == 1
    (x, y), (out_x, out_y) = corner(padded), corner(output)
    taps = record.rows.taps()[record.row], record.columns.taps()[record.column]
    window = (x + taps[1][0], y + taps[0][0], x + taps[1][-1] + 1, y + taps[0][-1] + 1)
    np.testing.assert_allclose(rectangles(shapes[0].path), [window], atol=1e-4)
    cell = (out_x + record.column, out_y + record.row)
    np.testing.assert_allclose(rectangles(shapes[3].path)[0][:2], cell, atol=1e-4)
    later = record.output.size - at - 1
    assert area(shapes[4].path) == pytest.approx(later, abs=1e-2)
    assert area(shapes[5].path) == pytest.approx(record.padded.size - record.input.size, abs=1e-2)
    unused = record.padded.size - np.prod(
        [axis.padded - axis.unused for axis in (record.rows, record.columns)]
    )
    assert area(next(s for s in shapes if s.line.dash == "dot").path) == pytest.approx(unused, abs=1e-2)


def test_the_sum_is_spelled_out_in_full_where_it_is_short():
    record = convolution.kernel(row=2, col=3, weights="laplacian")
    *lines, result = figures.kernel(record).layout.annotations[0].text.split("<br>")
    assert len(lines) == 3
    terms = " ".join(lines).replace("−", "-").replace("·", "*")
    assert terms.count("*") == 9
    assert eval(terms) == record.output[2, 3]
    assert result == "<b>= −2</b> at (2, 3); F.conv2d: −2".replace(
        "−2", f"{record.output[2, 3]:g}".replace("-", "−")
    )


def test_a_long_sum_is_shortened():
    record = convolution.kernel(height=16, width=16, kernel_height=7, kernel_width=7)
    text = figures.kernel(record).layout.annotations[0].text
    assert text.count("·") == 6
    assert text.count("<br>") == 3
    assert text.count("…") == 3


def test_what_an_input_cell_feeds_is_marked():
    record = convolution.kernel(padding="same", padding_mode="circular", input_row=0, input_col=0)
    *_, cells, fed = figures.kernel(record).layout.shapes
    assert area(cells.path) == 4  # the corner, and its three copies
    assert area(fed.path) == record.touched.sum() == 9
    *_, cells, fed = figures.kernel(convolution.kernel()).layout.shapes
    assert cells.path == fed.path == board.NOWHERE


def test_numbers_are_left_out_where_cells_are_small():
    assert figures.kernel(convolution.kernel()).data[2].texttemplate
    wide = convolution.kernel(height=16, width=16, padding="full", kernel_height=7, kernel_width=7)
    assert not figures.kernel(wide).data[2].texttemplate


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (-2, "−2"), (1 / 9, "1/9"), (-1 / 16, "−1/16"), (0.1, "0.1"), (0.25, "1/4"), (1.2345, "1.23")],
)
def test_weights_are_written_short(value, text):
    record = convolution.kernel(kernel_cells=((value,),))
    assert figures.kernel(record).data[1].text[0][0] == text


# --- the other views ------------------------------------------------------------------------------


def pixels(trace) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(trace.source.split(",")[1]))))


def test_pictures_hold_the_records_pixels():
    record = convolution.images(weights="sharpen")
    fig = figures.images(record)
    before, after, response = fig.data
    assert (before.visible, after.visible, response.visible) == (None, True, False)
    np.testing.assert_array_equal(pixels(before), np.round(255 * record.input.transpose(1, 2, 0)))
    shown = record.output.transpose(1, 2, 0).clip(0, 1)  # sharpening overshoots
    np.testing.assert_array_equal(pixels(after), np.round(255 * shown))
    assert [trace.visible for trace in figures.images(convolution.images()).data] == [None, False, True]


def test_a_click_on_the_outputs_finds_the_channel():
    record = convolution.channels(out_channels=5, size=16)
    row = figures.channels(record).data[channel_figures.OUTPUTS_TRACE].z
    for column in np.flatnonzero(np.isfinite(row[0])):
        channel = channel_figures.output_at(record, int(column))
        assert row[3, column] in record.output[channel][3]
    assert channel_figures.output_at(record, row.shape[1] - 1) == 4


def test_channels_that_the_output_does_not_see_are_faint():
    record = convolution.channels(concatenate=True, layer="grouped", out_channels=3, channel=1)
    shapes = figures.channels(record).layout.shapes
    faint = next(s for s in shapes if s.fillcolor == theme.faded(theme.COLOR["paper"], 0.75))
    assert len(rectangles(faint.path)) == 4


def test_memory_frames_one_pixel_in_both_layouts():
    record = convolution.channels()
    fig = figures.memory(record)
    for trace, shape, order in zip(fig.data, fig.layout.shapes, (record.chw, record.hwc), strict=True):
        framed = [
            (round(y0 - corner(trace)[1]), round(x0 - corner(trace)[0]))
            for x0, y0, _, _ in rectangles(shape.path)
        ]
        assert [trace.z[cell] for cell in framed] == [0, 1, 2]
        assert [trace.text[i][j] for i, j in framed] == [str(record.corner[c, 1, 2]) for c in range(3)]
        assert trace.z.size == len(order)


def test_the_chosen_way_down_is_framed():
    record = convolution.resample(down="avg_pool")
    fig = figures.resample(record)
    assert [fig.data[i].hovertemplate.split("<")[0] for i in resampling.DOWN_TRACES] == list(record.small)
    ((left, top, _, _),) = rectangles(fig.layout.shapes[0].path)
    assert corner(fig.data[1]) == pytest.approx((left, top), abs=1e-2)
    np.testing.assert_array_equal(pixels(fig.data[7]), np.round(255 * record.small["avg_pool"]))
    np.testing.assert_array_equal(pixels(fig.data[9]), np.round(255 * np.abs(record.error).clip(0, 1)))


def test_stamps_fill_the_output_frame_by_frame():
    record = convolution.transpose(pad=1, output_padding=1)
    fig, frames = figures.transpose(record), figures.transpose_frames(record)
    assert len(frames) == 10
    states = frames.traces[resampling.STAMPED_TRACE]["z"]
    assert not states[0].any()
    np.testing.assert_array_equal(states[-1], fig.data[resampling.STAMPED_TRACE].z)
    x, y = corner(fig.data[resampling.STAMPED_TRACE])
    for before, after, path in zip(states[:-1], states[1:], frames.layout["shapes[0].path"][1:], strict=True):
        changed = np.argwhere(before != after)
        ((x0, y0, x1, y1),) = rectangles(path)
        np.testing.assert_allclose((y0 - y, x0 - x), changed.min(0), atol=1e-3)
        np.testing.assert_allclose((y1 - y, x1 - x), changed.max(0) + 1, atol=1e-3)
    for path, values in frames.layout.items():
        name, index, attribute = re.fullmatch(r"(\w+)\[(\d)\]\.(\w+)", path).groups()
        assert fig.layout[name][int(index)][attribute] == values[-1]


def test_a_click_on_a_map_finds_the_unit():
    record = convolution.features()
    fig = figures.features(record)
    for trace, layer in zip(fig.data[3:], record.maps, strict=True):
        for (row, column), value in np.ndenumerate(trace.z):
            unit = cnn.unit_at(record, layer, row, column)
            assert np.isnan(value) if unit is None else record.maps[layer][unit] == value


def test_the_receptive_field_is_drawn_where_the_unit_reads():
    record = convolution.features(layer_name="pool1", unit_row=1, unit_col=2)
    fig = figures.features(record)
    ((x0, y0, x1, y1),) = rectangles(fig.layout.shapes[0].path)
    scale, (x, y) = fig.data[0].dx, corner(fig.data[0])
    first_row, last_row, first_column, last_column = record.box
    drawn = np.array([y0 - y, y1 - y, x0 - x, x1 - x]) / scale
    np.testing.assert_allclose(drawn, (first_row, last_row + 1, first_column, last_column + 1), atol=1e-4)
