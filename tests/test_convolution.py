"""The sliding kernel and whole pictures against torch, and what the topic's experiments claim."""

import inspect
import io
import warnings
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from nnplay import convolution, pictures, uploads
from nnplay.convolution import CHOICES, EXPERIMENTS, RANGES, images, kernel

GEOMETRY = {
    name: st.integers(*RANGES[name])
    for name in (
        "height",
        "width",
        "kernel_height",
        "kernel_width",
        "stride_h",
        "stride_w",
        "dilation_h",
        "dilation_w",
        "padding_h",
        "padding_w",
    )
} | {name: st.sampled_from(CHOICES[name]) for name in ("padding", "padding_mode")}
anything = st.fixed_dictionaries(GEOMETRY)
quick = settings(max_examples=300, deadline=None, derandomize=True)


def layer(chosen) -> nn.Conv2d:
    """torch's own layer of these settings."""
    size = chosen["kernel_height"], chosen["kernel_width"]
    dilation = chosen["dilation_h"], chosen["dilation_w"]
    padding = {
        "number": (chosen["padding_h"], chosen["padding_w"]),
        "full": tuple(d * (k - 1) for d, k in zip(dilation, size, strict=True)),
    }.get(chosen["padding"], chosen["padding"])
    return nn.Conv2d(
        1,
        1,
        size,
        (chosen["stride_h"], chosen["stride_w"]),
        padding,
        dilation,
        bias=False,
        padding_mode=chosen["padding_mode"],
        dtype=torch.float64,
    )


@quick
@given(anything)
def test_our_sum_is_torchs_layer_wherever_torch_computes_and_refused_where_torch_refuses(chosen):
    presets = {"image": "random", "weights": "random", "seed": 3}
    cells = pictures.cells("random", chosen["height"], chosen["width"], seed=3)
    weights = pictures.weights("random", chosen["kernel_height"], chosen["kernel_width"], 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an even kernel's padding "same": that it copies
        try:
            conv = layer(chosen)
            conv.weight.data[:] = torch.from_numpy(weights)
            theirs = conv(torch.from_numpy(cells)[None, None]).detach()[0, 0].numpy()
        except (RuntimeError, ValueError):
            with pytest.raises(ValueError, match=r"[a-z].*\.$"):
                kernel(**presets, **chosen)
            return
    record = kernel(**presets, **chosen)
    assert record.output.shape == theirs.shape == (record.rows.out, record.columns.out)
    np.testing.assert_allclose(record.output, theirs, atol=1e-12)
    np.testing.assert_allclose(record.reference, theirs, atol=1e-12)
    assert record.difference < 1e-12
    for axis in (record.rows, record.columns):
        assert axis.formula().split(" + 1 = ")[-1].split(",")[0] == str(axis.out)
        last = axis.taps()[-1, -1]
        assert axis.padded - 1 - last == axis.unused < axis.stride


@quick
@given(anything, st.data())
def test_the_terms_of_a_cell_are_its_sum_and_lie_where_they_say(chosen, data):
    try:
        record = kernel(image="random", weights="random", row=33, col=33, **chosen)
    except ValueError:
        return
    assert (record.row, record.column) == (record.rows.out - 1, record.columns.out - 1)
    row, col = data.draw(st.integers(0, record.row)), data.draw(st.integers(0, record.column))
    record = kernel(image="random", weights="random", row=row, col=col, **chosen)
    terms = record.terms()
    assert {len(column) for column in terms.values()} == {record.weight.size}
    assert sum(terms["x · w"]) == pytest.approx(record.output[row, col], abs=1e-12)
    for i, j, origin, x in zip(terms["row"], terms["col"], terms["from"], terms["x"], strict=True):
        inside = 0 <= i < chosen["height"] and 0 <= j < chosen["width"]
        assert (origin == "input") == inside
        assert (origin == "zero") == (not inside and chosen["padding_mode"] == "zeros")
        cell = {"input": (i, j), "zero": (-1, -1)}.get(origin)
        cell = cell or tuple(map(int, origin.strip("()").split(",")))
        assert record.input_cell(i + record.rows.before, j + record.columns.before) == cell
        assert x == (0 if origin == "zero" else record.input[cell])


@quick
@given(anything, st.integers(0, 15), st.integers(0, 15))
def test_what_an_input_cell_feeds_is_the_gradient(chosen, input_row, input_col):
    try:
        record = kernel(image="random", weights="random", input_row=input_row, input_col=input_col, **chosen)
    except ValueError:
        return
    cell = record.input_row, record.input_column
    assert cell == (min(input_row, chosen["height"] - 1), min(input_col, chosen["width"] - 1))
    more = record.input.copy()
    more[cell] += 1  # the layer is linear, so a step of 1 is the gradient
    changed = kernel(weights="random", input_cells=tuple(map(tuple, more.tolist())), **chosen)
    np.testing.assert_allclose(record.feeds, changed.output - record.output, atol=1e-9)
    assert not record.feeds[~record.touched].any()


def test_no_input_cell_feeds_nothing():
    record = kernel(padding="same")
    assert not record.touched.any()
    assert not record.feeds.any()


def test_edited_cells_replace_the_presets_cut_or_filled_up_to_the_size():
    record = kernel(height=2, width=3, kernel_height=1, kernel_width=2, input_cells=((1, 2, 3, 4), (5,)))
    np.testing.assert_array_equal(record.input, [[1, 2, 3], [5, 0, 0]])
    record = kernel(kernel_cells=((1.5,),))
    np.testing.assert_array_equal(record.weight, [[1.5, 0, 0], [0, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    "bad",
    [
        {"height": 17},
        {"kernel_width": 0},
        {"stride_h": 0},
        {"image": "moon"},
        {"weights": ""},
        {"padding": "both"},
        {"padding_mode": "mirror"},
        {"seed": -1},
        {"input_cells": ((float("nan"),),)},
        {"kernel_cells": ((1e300,),)},
        {"padding": "same", "stride_w": 2},
        {"padding_mode": "reflect", "padding_h": 2, "height": 2},
        {"padding_mode": "circular", "padding_w": 4, "width": 3},
        {"kernel_height": 7, "dilation_h": 3},
    ],
)
def test_bad_settings_get_a_plain_sentence(bad):
    with pytest.raises(ValueError, match=r"^[A-Za-z'].*\.$"):
        kernel(**bad)


def test_tables_have_columns_of_equal_length_and_records_are_frozen():
    record = kernel()
    for table in (record.table(), record.terms(), images().table()):
        assert len({len(column) for column in table.values()}) == 1
    np.testing.assert_array_equal(record.table()["sum"], record.table()["F.conv2d"])
    with pytest.raises(FrozenInstanceError):
        record.row = 3


def test_computing_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    kernel(image="random", weights="random")
    convolution.features()
    assert torch.equal(before, torch.get_rng_state())


# --- whole pictures -------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.fixed_dictionaries({name: s for name, s in GEOMETRY.items() if name not in ("height", "width")}),
    st.sampled_from(("china", "digit")),
)
def test_a_picture_is_filtered_as_the_sliding_kernel_filters(chosen, source):
    try:
        record = images(source=source, side=32, weights="random", seed=2, **chosen)
    except ValueError:
        return
    padded = convolution.pad(record.input[1].astype(float), record.rows, record.columns)
    ours = convolution.slide(
        padded,
        record.weight,
        (chosen["stride_h"], chosen["stride_w"]),
        (chosen["dilation_h"], chosen["dilation_w"]),
    )
    np.testing.assert_allclose(record.output[1], ours, atol=1e-4)
    np.testing.assert_allclose(record.response, pictures.gray(record.output), atol=1e-4)


def test_only_weights_that_sum_to_one_give_a_picture():
    assert not images(weights="sharpen").signed
    assert images(weights="sobel x").signed


def test_an_upload_goes_the_same_way():
    file = io.BytesIO()
    Image.new("RGB", (5, 4), (128, 128, 128)).save(file, "PNG")
    upload = uploads.picture(file.getvalue(), 160)
    record = images(source="upload", side=32, weights="identity", upload=upload)
    np.testing.assert_allclose(record.output, 128 / 255, atol=1e-6)
    with pytest.raises(ValueError, match="upload one"):
        images(source="upload")


VIEWS = ("kernel", "channels", "resample", "transpose", "images", "features")
NOT_CONTROLS = {"input_cells", "kernel_cells", "upload"}


def test_a_control_of_that_name_is_the_same_in_every_view():
    defaults = {}
    for view in VIEWS:
        for name, parameter in inspect.signature(getattr(convolution, view)).parameters.items():
            assert defaults.setdefault(name, parameter.default) == parameter.default, name
            if name in RANGES:
                low, high = RANGES[name]
                assert low <= parameter.default <= high
            elif name not in NOT_CONTROLS:
                assert parameter.default in CHOICES[name]
    assert set(RANGES) | set(CHOICES) | NOT_CONTROLS == set(defaults)


# --- experiments ----------------------------------------------------------------------------------


def run(title: str):
    (found,) = (e for e in EXPERIMENTS if e.title.startswith(title))
    return getattr(convolution, found.view)(**found.settings), found


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.title)
def test_every_experiment_names_a_view_and_is_known_here(experiment):
    record = getattr(convolution, experiment.view)(**experiment.settings)
    assert len({len(column) for column in record.table().values()}) == 1
    assert experiment.title in CLAIMS
    defaults = inspect.signature(getattr(convolution, experiment.view)).parameters
    assert all(value != defaults[name].default for name, value in experiment.settings.items())


def same_padding(record, found):
    assert record.output.shape == record.input.shape
    valid = kernel(**{**found.settings, "padding": "valid"})
    assert valid.output.shape == tuple(n - 2 for n in record.input.shape)


def impulse(record, found):
    at = np.argwhere(record.input)[0]
    around = record.output[at[0] - 1 : at[0] + 2, at[1] - 1 : at[1] + 2]
    np.testing.assert_array_equal(around, record.weight[::-1, ::-1])
    assert np.count_nonzero(record.output) == np.count_nonzero(record.weight)


def swallowed(record, found):
    assert np.ptp(record.input) == 9
    assert np.ptp(record.output) == 0
    assert np.ptp(kernel(**{**found.settings, "stride_w": 1}).output) == 9


def dilated(record, found):
    assert record.weight.size == 9
    assert (record.rows.span, record.columns.span) == (7, 7)
    taps = record.terms()
    assert np.ptp(taps["row"]) == np.ptp(taps["col"]) == 6


def circle(record, found):
    assert (record.output[:, [0, -1]] < 0).all()
    assert (record.output[:, 1:-1] > 0).all()
    assert record.terms()["from"][0] == "(2, 7)"


def fifth(record, found):
    cost = dict(zip(record.costs["layer"], record.costs["parameters"], strict=True))
    assert cost["depthwise, then pointwise"] / cost["dense"] == pytest.approx(1 / 5, rel=0.05)
    work = dict(zip(record.costs["layer"], record.costs["multiplications"], strict=True))
    assert work["depthwise, then pointwise"] / work["dense"] == pytest.approx(1 / 5, rel=0.1)


def skip(record, found):
    assert record.concatenated == ((3, 32, 32), (3, 32, 32), (6, 32, 32))
    coarse, original = record.input[:3], record.input[3:]
    assert np.abs(np.diff(coarse)).mean() < 0.7 * np.abs(np.diff(original)).mean()
    with pytest.raises(ValueError, match=r"torch\.cat cannot stack"):
        convolution.channels(**{**found.settings, "crop": 1})


def aliased(record, found):
    # Outside the middle, the original is finer than the small picture's pixels: its local mean is gray.
    rim = np.ones((24, 24), bool)
    rim[6:18, 6:18] = False
    assert record.small["nearest"][rim].std() > 5 * record.small["bilinear, antialias"][rim].std()
    np.testing.assert_allclose(record.small["bilinear, antialias"][rim].mean(), 0.5, atol=0.02)


def forgiving(record, found):
    assert record.moved["max_pool"] < 0.5 * record.moved["nearest"]
    assert record.moved["avg_pool"] == pytest.approx(record.moved["max_pool"], rel=0.1)


def checkerboard(record, found):
    assert set(np.unique(record.output)) == {1, 2, 4}
    np.testing.assert_array_equal(record.output, record.overlap)
    assert record.ripple["conv_transpose"] > 1
    assert record.ripple["nearest, then conv"] == pytest.approx(0, abs=1e-12)


def even(record, found):
    assert np.ptp(record.output[2:-2, 2:-2]) == 0
    assert record.ripple["conv_transpose"] == 0


def frame(record, found):
    edge = np.ones(record.response.shape, bool)
    edge[1:-1, 1:-1] = False
    before = pictures.gray(record.input)
    kept = images(**{**found.settings, "padding_mode": "replicate"})
    assert record.response[edge].mean() < 0.7 * before[edge].mean()
    assert kept.response[edge].mean() == pytest.approx(before[edge].mean(), rel=0.05)


def reach(record, found):
    assert record.fields["conv2"].size == 8
    first_row, last_row, first_column, last_column = record.box
    outside = np.ones((8, 8), bool)
    outside[max(first_row, 0) : last_row + 1, max(first_column, 0) : last_column + 1] = False
    assert not record.effective[outside].any()
    inner = record.effective[2:7, 2:7].mean()
    assert record.effective[1, 1:].mean() < 0.7 * inner
    assert record.effective[1:, 1].mean() < 0.7 * inner


CLAIMS = {
    "Same padding keeps the size": same_padding,
    "One bright pixel prints the kernel, turned around": impulse,
    "Stride 2 swallows the stripes": swallowed,
    "Dilation sees far with few weights": dilated,
    "On a circle, the last column meets the first": circle,
    "Depthwise, then pointwise: a fifth of the weights": fifth,
    "A skip connection brings the detail back": skip,
    "Taking every fourth pixel invents rings": aliased,
    "Max pooling forgives a shift by one pixel": forgiving,
    "Kernel 3, stride 2: a checkerboard": checkerboard,
    "Kernel 4, stride 2: no checkerboard": even,
    "A blur and its edge: zeros leave a dark frame": frame,
    "Two 3 × 3 layers and a pooling reach over 8 × 8 pixels": reach,
}


@pytest.mark.parametrize("title", CLAIMS)
def test_what_an_experiment_claims_holds(title):
    CLAIMS[title](*run(title))
