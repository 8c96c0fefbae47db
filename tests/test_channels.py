import inspect

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nnplay.channels import CHOICES, CORNER, RANGES, channels

chosen_layers = st.fixed_dictionaries(
    {name: st.integers(*RANGES[name]) for name in ("out_channels", "groups", "kernel_size", "channel")}
    | {name: st.sampled_from(CHOICES[name]) for name in ("layer", "filters", "concatenate", "photo")}
    | {"bias": st.floats(-1, 1), "size": st.integers(8, 16)}
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(chosen_layers)
def test_sums_of_single_channels_are_torchs_layer_and_refused_where_torch_refuses(chosen):
    ins = 6 if chosen["concatenate"] else 3
    groups = {"grouped": chosen["groups"], "depthwise": ins}.get(chosen["layer"], 1)
    k = 1 if chosen["layer"] == "pointwise" else chosen["kernel_size"]
    try:
        conv = nn.Conv2d(ins, chosen["out_channels"], k, groups=groups)
    except ValueError:
        with pytest.raises(ValueError, match="groups must divide both"):
            channels(**chosen)
        return
    record = channels(**chosen)
    assert record.weight.shape == conv.weight.shape
    assert record.costs["parameters"][0] == sum(p.numel() for p in conv.parameters())
    conv.weight.data[:] = torch.from_numpy(record.weight)
    conv.bias.data[:] = torch.from_numpy(record.bias)
    padded = np.pad(record.input, ((0, 0), ((k - 1) // 2, k // 2), ((k - 1) // 2, k // 2)))
    theirs = conv(torch.from_numpy(padded)).detach().numpy()
    np.testing.assert_allclose(record.output, theirs, atol=2e-5)
    np.testing.assert_allclose(record.reference, theirs, atol=2e-5)
    assert record.difference < 2e-5

    channel = record.channel
    assert channel == min(chosen["channel"], chosen["out_channels"] - 1)
    np.testing.assert_allclose(
        record.products.sum(0) + record.bias[channel], record.output[channel], atol=2e-5
    )
    np.testing.assert_array_equal(np.flatnonzero(record.connected[channel]), record.reads)

    # An output changes with exactly those inputs that it is said to be connected with.
    conv.weight.data[:] = 1
    x = torch.from_numpy(padded).requires_grad_()
    for out, row in enumerate(record.connected):
        (gradient,) = torch.autograd.grad(conv(x)[out].sum(), x)
        np.testing.assert_array_equal(gradient.abs().sum((1, 2)).numpy() > 0, row)


def test_multiplications_are_weights_times_pixels():
    table = channels(size=20, out_channels=6, layer="grouped", groups=3, kernel_size=5).table()
    assert table["multiplications"][0] == 6 * 1 * 5 * 5 * 400
    assert table["multiplications"][1] == 6 * 3 * 5 * 5 * 400
    for formula, count in zip(table["weights + biases"], table["parameters"], strict=True):
        assert eval(formula.replace("·", "*")) == count


def test_concatenation_stacks_channels_and_refuses_other_sizes_as_torch_does():
    record = channels(concatenate=True, size=16)
    assert record.concatenated == ((3, 16, 16), (3, 16, 16), (6, 16, 16))
    assert len(record.names) == 6
    coarse, original = record.input[:3], record.input[3:]
    np.testing.assert_array_equal(original, channels(size=16).input)
    np.testing.assert_allclose(coarse.mean(), original.mean(), atol=0.05)
    with pytest.raises(RuntimeError, match="Sizes of tensors must match"):
        torch.cat([torch.zeros(3, 14, 14), torch.zeros(3, 16, 16)])
    with pytest.raises(ValueError, match=r"cannot stack 3 × 14 × 14 on 3 × 16 × 16"):
        channels(concatenate=True, size=16, crop=2)


def test_memory_is_ordered_as_torch_orders_it():
    record = channels()
    corner = torch.from_numpy(record.corner)
    for order, strides, layout in (
        (record.chw, record.chw_strides, corner),
        (record.hwc, record.hwc_strides, corner.permute(1, 2, 0).contiguous()),
    ):
        assert layout.stride() == strides
        c, i, j = order.T
        np.testing.assert_array_equal(record.corner[c, i, j], layout.flatten().numpy())
    assert record.corner.shape == (3, CORNER, CORNER)
    for at, (c, i, j) in enumerate(record.chw):
        assert at == np.dot((c, i, j), record.chw_strides)
    for at, (c, i, j) in enumerate(record.hwc):
        assert at == np.dot((i, j, c), record.hwc_strides)


@pytest.mark.parametrize("bad", [{"size": 7}, {"layer": "thick"}, {"bias": 2.0}, {"photo": "cat"}])
def test_bad_settings_get_a_plain_sentence(bad):
    with pytest.raises(ValueError, match=r"^('[^']+' is not one of|[a-z_]+ must).*\.$"):
        channels(**bad)


def test_defaults_are_allowed_values():
    for name, parameter in inspect.signature(channels).parameters.items():
        if name in RANGES:
            assert RANGES[name][0] <= parameter.default <= RANGES[name][1]
        else:
            assert parameter.default in CHOICES[name]
