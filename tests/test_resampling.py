import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nnplay import pictures
from nnplay.resampling import CHOICES, DOWN, RANGES, UP, pool, resample, spread, transpose

quick = settings(max_examples=150, deadline=None, derandomize=True)


def numbers(*names):
    return {name: st.integers(*RANGES[name]) for name in names}


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape)


@quick
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 6), st.integers(1, 5), st.integers(0, 3))
def test_pooling_is_torchs(height, width, window, stride, pad):
    x = noise(height, width)
    if pad > window // 2 or window > min(height, width) + 2 * pad:
        return
    weight = noise(window, window)
    batch = torch.from_numpy(x)[None, None]
    kernel = torch.from_numpy(weight)[None, None]
    for ours, theirs in (
        (pool(x, window, stride, pad, "max"), F.max_pool2d(batch, window, stride, pad)),
        (pool(x, window, stride, pad, "average"), F.avg_pool2d(batch, window, stride, pad)),
        (pool(x, window, stride, pad, "weighted", weight), F.conv2d(batch, kernel, None, stride, pad)),
    ):
        np.testing.assert_allclose(ours, theirs[0, 0].numpy(), atol=1e-12)


@quick
@given(
    st.fixed_dictionaries(
        numbers("factor", "window", "pad", "shift")
        | {name: st.sampled_from(CHOICES[name]) for name in ("down", "up", "align_corners")}
        | {"picture": st.sampled_from(("zone plate", "china", "digit"))}
    )
)
def test_a_picture_goes_down_and_comes_back_at_its_size_and_torch_agrees(chosen):
    x = torch.zeros(1, 1, *pictures.picture(chosen["picture"], 32).shape[1:])
    try:
        size = F.max_pool2d(x, chosen["window"], chosen["factor"], chosen["pad"]).shape[2:]
    except RuntimeError:
        with pytest.raises(ValueError, match="window"):
            resample(side=32, **chosen)
        return
    record = resample(side=32, **chosen)
    assert list(record.small) == list(DOWN)
    assert {small.shape for small in record.small.values()} == {tuple(size)}
    assert record.formula.split(", ⌊")[0].endswith(f"= {size[0]}")
    assert record.formula.endswith(f"= {size[1]}")
    assert record.back.shape == record.original.shape == record.error.shape
    assert record.difference < 1e-5
    np.testing.assert_allclose(record.back - record.original, record.error)
    mean_square = (record.error.astype(float) ** 2).mean()
    if mean_square:
        assert record.psnr[chosen["down"]] == pytest.approx(-10 * np.log10(mean_square))
    assert record.mean_error[chosen["down"]] == pytest.approx(np.abs(record.error).mean())
    assert (chosen["shift"] == 0) <= (max(record.moved.values()) == 0)


def test_nothing_is_lost_where_nothing_is_changed():
    record = resample(window=1, factor=1)
    assert set(record.psnr.values()) == {np.inf}
    assert not record.error.any()


def test_a_kernel_of_the_stride_brings_an_average_back_as_nearest_does():
    ours, nearest = (resample(up=up, down="avg_pool").back for up in ("conv_transpose", "nearest"))
    np.testing.assert_allclose(ours, nearest, atol=1e-6)


@pytest.mark.parametrize("up", UP)
def test_the_way_up_is_measured_for_every_way_down(up):
    record = resample(up=up, picture="china")
    other = resample(up=up, picture="china", down="bilinear")
    assert record.psnr == other.psnr
    assert len(set(record.psnr.values())) == len(DOWN)


def test_moving_by_the_stride_moves_an_every_nth_pixel_picture_by_one():
    still, moved = resample(), resample(shift=4)
    np.testing.assert_array_equal(np.roll(still.small["nearest"], 1, 1), moved.small["nearest"])


# --- transposed convolution -----------------------------------------------------------------------


@quick
@given(
    st.fixed_dictionaries(
        numbers("cells", "kernel_size", "stride", "pad", "output_padding")
        | {"values": st.sampled_from(CHOICES["values"]), "stamp": st.sampled_from(CHOICES["stamp"])}
    )
)
def test_stamps_are_torchs_transposed_convolution_and_refused_where_torch_refuses(chosen):
    size = chosen["kernel_size"]
    x, w = noise(chosen["cells"], chosen["cells"]), noise(size, size)
    try:
        theirs = F.conv_transpose2d(
            torch.from_numpy(x)[None, None],
            torch.from_numpy(w)[None, None],
            stride=chosen["stride"],
            padding=chosen["pad"],
            output_padding=chosen["output_padding"],
        )[0, 0].numpy()
    except RuntimeError:
        with pytest.raises(ValueError, match=r"Output padding|Nothing would be left"):
            transpose(**chosen)
        return
    states = spread(x, w, chosen["stride"], chosen["pad"], chosen["output_padding"])
    np.testing.assert_allclose(states[-1], theirs, atol=1e-12)
    assert len(states) == x.size + 1
    assert not states[0].any()

    record = transpose(**chosen)
    assert record.output.shape == theirs.shape
    assert record.difference < 1e-9
    assert record.formula.endswith(f"= {len(theirs)}")
    np.testing.assert_array_equal(record.partial[-1], record.output)
    if chosen["stamp"] == "ones" and chosen["values"] == "ones":
        np.testing.assert_array_equal(record.overlap, record.output)


@pytest.mark.parametrize("stride", range(1, 5))
@pytest.mark.parametrize("kernel_size", range(1, 8))
def test_there_is_a_checkerboard_exactly_where_the_stride_does_not_divide_the_kernel(kernel_size, stride):
    ripple = transpose(kernel_size=kernel_size, stride=stride).ripple
    assert (ripple["conv_transpose"] > 1e-9) == (kernel_size % stride > 0)
    assert max(ripple["nearest"], ripple["bilinear"], ripple["nearest, then conv"]) < 1e-9


@pytest.mark.parametrize(("stride", "kernel_size"), [(2, 4), (3, 5)])
def test_a_bilinear_stamp_is_bilinear_interpolation_away_from_the_edge(stride, kernel_size):
    record = transpose(
        values="digit", cells=5, stride=stride, kernel_size=kernel_size, stamp="bilinear", pad=1
    )
    inside = slice(stride, -stride)
    expected = record.upsampled["bilinear"][inside, inside]
    np.testing.assert_allclose(record.output[inside, inside], expected, atol=1e-12)


def test_the_other_ways_up_are_torchs():
    record = transpose(values="digit", cells=4, stride=3)
    x = torch.from_numpy(record.values)[None, None]
    bilinear = F.interpolate(x, scale_factor=3, mode="bilinear")[0, 0].numpy()
    np.testing.assert_array_equal(record.upsampled["bilinear"], bilinear)
    np.testing.assert_array_equal(record.upsampled["nearest"], np.kron(record.values, np.ones((3, 3))))
    np.testing.assert_array_equal(record.upsampled["conv_transpose"], record.output)


@pytest.mark.parametrize(
    "bad",
    [
        {"cells": 7},
        {"stride": 0},
        {"values": "pi"},
        {"output_padding": 2},
        {"kernel_size": 1, "stride": 1, "pad": 3},
    ],
)
def test_bad_settings_get_a_plain_sentence(bad):
    with pytest.raises(ValueError, match=r"^[A-Za-z'].*\.$"):
        transpose(**bad)
