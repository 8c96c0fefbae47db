import numpy as np
import pytest
import torch
from torch import nn

from nnplay import cnn, pictures
from nnplay.cnn import EPOCHS, HELD_OUT, LAYERS, features, fields, split, train_cnn, trained, unit_gradient


def test_it_trains_epoch_by_epoch_and_learns():
    states = list(train_cnn(seed=0))
    assert [state.epoch for state in states] == [*range(1, EPOCHS + 1)]
    assert states[-1].loss < 0.1 * states[0].loss
    assert states[-1].accuracy > 0.95


def test_the_seed_decides_everything_and_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    first, again = (next(train_cnn(seed=5)) for _ in range(2))
    assert first.loss == again.loss != next(train_cnn(seed=6)).loss
    assert torch.equal(before, torch.get_rng_state())


def test_held_out_digits_are_not_trained_on():
    train, held_out = split(3)
    assert len(held_out) == HELD_OUT
    assert sorted([*train.tolist(), *held_out.tolist()]) == [*range(len(pictures.digits()[1]))]


def test_accuracy_is_what_the_network_scores():
    held_out = split(0)[1]
    labels = pictures.digits()[1][held_out]
    hits = [features(sample=int(i)).probabilities.argmax() for i in held_out[:60]]
    assert np.mean(hits == labels[:60]) > 0.9
    assert features(sample=int(held_out[0])).held_out
    assert not features(sample=int(split(0)[0][0])).held_out


def test_maps_are_the_networks_own():
    record = features(sample=11)
    net = trained(0)[-1].net
    x = torch.from_numpy(record.digit)[None, None]
    np.testing.assert_allclose(net(x).softmax(1)[0].numpy(), record.probabilities, atol=1e-6)
    np.testing.assert_allclose(net[0](x)[0].numpy(), record.maps["conv1"], atol=1e-6)
    for block in "12":
        relu, pool = torch.from_numpy(record.maps["relu" + block]), record.maps["pool" + block]
        assert (relu >= 0).all()
        np.testing.assert_array_equal(nn.functional.max_pool2d(relu, 2).numpy(), pool)
    assert [record.maps[layer].shape for layer in LAYERS] == [
        (8, 8, 8),
        (8, 8, 8),
        (8, 4, 4),
        (16, 4, 4),
        (16, 4, 4),
        (16, 2, 2),
    ]


def noisy(net: nn.Sequential, size: int, n: int = 300) -> torch.Tensor:
    return torch.randn(n, 1, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("layer", LAYERS)
def test_theory_and_gradient_agree_on_the_receptive_field(layer):
    net = trained(0)[-1].net
    field = fields(net)[layer]
    batch = noisy(net, 8)
    side = features(sample=0).maps[layer].shape[1]
    for row, column in ((0, 0), (side // 2, side - 1), (side - 1, side // 2)):
        reads = (unit_gradient(net, layer, (1, row, column), batch) != 0).any(0)
        expected = np.zeros((8, 8), bool)
        top, left = field.start + row * field.jump, field.start + column * field.jump
        expected[max(top, 0) : top + field.size, max(left, 0) : left + field.size] = True
        np.testing.assert_array_equal(reads, expected)


@pytest.mark.parametrize("parts", [[(3, 1, 1)], [(3, 2, 1), (3, 1, 1)], [(5, 1, 0), (2, 2, 0), (3, 3, 2)]])
def test_the_recursion_holds_for_other_networks(parts):
    generator = torch.Generator().manual_seed(1)
    net = nn.Sequential()
    for n, (k, s, p) in enumerate(parts):
        conv = nn.utils.skip_init(nn.Conv2d, 1, 1, k, stride=s, padding=p, bias=False)
        nn.init.uniform_(conv.weight, 0.5, 1, generator=generator)
        net.add_module(f"conv{n}", conv.requires_grad_(False))
    field = list(fields(net).values())[-1]
    out = net(torch.zeros(1, 1, 32, 32)).shape[-1]
    row = out // 2
    reads = unit_gradient(net, list(fields(net))[-1], (0, row, row), torch.zeros(1, 1, 32, 32))[0] != 0
    first = field.start + row * field.jump
    expected = np.zeros((32, 32), bool)
    expected[first : first + field.size, first : first + field.size] = True
    np.testing.assert_array_equal(reads, expected)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_record_reads_only_its_box(layer):
    record = features(sample=20, layer_name=layer, unit_channel=3, unit_row=7, unit_col=0)
    assert record.unit[1] == record.maps[layer].shape[1] - 1  # moved to the last there is
    first_row, last_row, first_column, last_column = record.box
    assert last_row - first_row == last_column - first_column == record.fields[layer].size - 1
    outside = np.ones((8, 8), bool)
    outside[max(first_row, 0) : last_row + 1, max(first_column, 0) : last_column + 1] = False
    assert not record.gradient[outside].any()
    assert not record.effective[outside].any()
    assert record.effective.any()


def test_the_gradient_is_the_slope_of_the_unit():
    record = features(sample=30, layer_name="conv2", unit_channel=4, unit_row=2, unit_col=1)
    net = trained(0)[-1].net

    def unit(digit):
        x = torch.from_numpy(digit)[None, None]
        for name, part in net.named_children():
            x = part(x)
            if name == "conv2":
                return float(x[0, 4, 2, 1])
        raise AssertionError

    step, i, j = np.float32(1e-3), 4, 3
    up, down = record.digit.copy(), record.digit.copy()
    up[i, j] += step
    down[i, j] -= step
    assert (unit(up) - unit(down)) / (2 * step) == pytest.approx(record.gradient[i, j], rel=0.02, abs=0.01)


def test_the_network_is_trained_once_for_a_seed():
    assert trained(0) is trained(0)
    assert not any(parameter.requires_grad for parameter in trained(0)[-1].net.parameters())
    assert not trained(0)[-1].net.training


@pytest.mark.parametrize("bad", [{"sample": 1797}, {"layer_name": "conv3"}, {"unit_row": -1}, {"seed": 1000}])
def test_bad_settings_get_a_plain_sentence(bad):
    with pytest.raises(ValueError, match=r"^('[^']+' is not one of|[a-z_]+ must).*\.$"):
        features(**bad)


def test_the_table_says_a_layer_a_row():
    table = features().table()
    assert table["layer"] == list(cnn.LAYERS)
    assert table["receptive field"] == ["3 × 3", "3 × 3", "4 × 4", "8 × 8", "8 × 8", "10 × 10"]
