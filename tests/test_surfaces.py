import math
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nnplay import slices, surfaces
from nnplay.surfaces import SURFACES, curvature, landscape, surface, visible

shares = st.floats(0, 1)
every_surface = pytest.mark.parametrize("name", SURFACES)


def point(chosen, share_x, share_y):
    (left, right), (bottom, top) = chosen.domain
    return left + share_x * (right - left), bottom + share_y * (top - bottom)


def value(chosen, x, y):
    return float(chosen.loss(*torch.tensor([x, y], dtype=torch.float64)))


@every_surface
@settings(max_examples=15, deadline=None, derandomize=True)
@given(share_x=shares, share_y=shares)
def test_gradient_agrees_with_autograd_and_with_differences(name, share_x, share_y):
    chosen = surface(name)
    x, y = point(chosen, share_x, share_y)
    by_hand = chosen.gradient(x, y)
    at = torch.tensor([x, y], dtype=torch.float64, requires_grad=True)
    (by_autograd,) = torch.autograd.grad(chosen.loss(*at.unbind()), at)
    np.testing.assert_allclose(by_hand, by_autograd.numpy(), rtol=1e-9, atol=1e-9)
    h = 1e-6
    differences = (
        (value(chosen, x + h, y) - value(chosen, x - h, y)) / (2 * h),
        (value(chosen, x, y + h) - value(chosen, x, y - h)) / (2 * h),
    )
    scale = 1 + max(map(abs, by_hand)) + abs(value(chosen, x, y))
    np.testing.assert_allclose(by_hand, differences, atol=1e-7 * scale)


@every_surface
def test_minima_are_minima(name):
    chosen = surface(name)
    for x, y in chosen.minima:
        assert max(map(abs, chosen.gradient(x, y))) < 1e-4
        assert chosen.inside(x, y) == (x, y)
        assert curvature(chosen, np.array([[x, y]]))[0, 0] > 1e-3
    values = [value(chosen, x, y) for x, y in chosen.minima]
    assert min(values) == pytest.approx(chosen.lowest, abs=1e-9)
    if not name.startswith("net"):  # the trained nets are minima, each at a loss of its own
        assert max(values) == pytest.approx(chosen.lowest, abs=1e-9)
        assert landscape(name).height.min() >= np.float32(np.log10(chosen.softness)) - 1e-6


@every_surface
def test_hessian_eigenvalues_agree_with_differences_of_the_gradient(name):
    chosen = surface(name)
    x, y = point(chosen, 0.3, 0.6)
    h = 1e-5
    columns = [
        (np.array(chosen.gradient(x + h, y)) - chosen.gradient(x - h, y)) / (2 * h),
        (np.array(chosen.gradient(x, y + h)) - chosen.gradient(x, y - h)) / (2 * h),
    ]
    expected = np.linalg.eigvalsh(np.array(columns))
    np.testing.assert_allclose(curvature(chosen, np.array([[x, y]]))[0], expected, rtol=1e-5, atol=1e-5)


def test_known_curvatures():
    np.testing.assert_allclose(curvature(surface("quadratic", 37.0), np.zeros((2, 2))), [[1, 37], [1, 37]])
    np.testing.assert_allclose(curvature(surface("saddle"), np.zeros((1, 2))), [[-1, 1]])


@every_surface
def test_landscape_is_the_surface(name):
    drawn = landscape(name)
    chosen = drawn.surface
    n = len(drawn.x)
    assert drawn.height.shape == (n, n) == (chosen.grid, chosen.grid)
    for row, column in ((0, 0), (n - 1, 3), (7, n // 2)):
        x, y = (
            np.linspace(*chosen.domain[0], n)[column],
            np.linspace(*chosen.domain[1], n)[row],
        )
        expected = math.log10(value(chosen, x, y) - chosen.lowest + chosen.softness)
        assert drawn.height[row, column] == pytest.approx(expected, abs=1e-5)
    np.testing.assert_allclose(
        drawn.downhill[5], -np.array(chosen.gradient(*drawn.field_at[5].tolist())), rtol=2e-3, atol=1e-4
    )
    assert chosen.inside(*chosen.start) == chosen.start
    assert value(chosen, *chosen.start) - chosen.lowest < drawn.highest
    assert all(array.dtype == np.float32 for array in (drawn.x, drawn.height, drawn.downhill))


def test_inside_moves_to_the_edge():
    assert surface("rosenbrock").inside(-9, 9) == (-2, 3)


@every_surface
def test_the_places_of_a_start_are_hundredths_from_edge_to_edge(name):
    chosen = surface(name)
    for places, (low, high), start in zip(chosen.places, chosen.domain, chosen.start):
        assert (places[0], places[-1]) == (low, high)
        assert set(np.round(np.diff(places), 9)) == {0.01}
        assert start in places


@pytest.mark.parametrize(
    "settings_", [("banana", 10.0), ("quadratic", 0.5), ("quadratic", math.nan), ("quadratic", 1e3)]
)
def test_unknown_surfaces_are_refused(settings_):
    with pytest.raises(ValueError, match=r"surface|condition_number"):
        surface(*settings_)


@every_surface
def test_surfaces_can_be_pickled(name):
    again = pickle.loads(pickle.dumps(surface(name)))
    assert again.gradient(*again.start) == surface(name).gradient(*again.start)
    assert value(again, *again.start) == value(surface(name), *again.start)


# --- the net ----------------------------------------------------------------------------------------------


def as_module(weights):
    net = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3)).double()
    torch.nn.utils.vector_to_parameters(weights, net.parameters())
    return net


def test_net_loss_and_gradient_agree_with_torch():
    inputs, kind = slices._iris()
    weights = torch.randn(slices.WEIGHTS, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    net = as_module(weights)
    decay = sum((p**2).sum() for p in net.parameters()) * slices.WEIGHT_DECAY / 2
    loss = F.cross_entropy(net(inputs), kind) + decay
    loss.backward()
    assert float(slices.net_loss(weights)) == pytest.approx(loss.item(), rel=1e-12)
    expected = torch.cat([p.grad.flatten() for p in net.parameters()]).numpy()
    np.testing.assert_allclose(slices.net_gradient(weights.numpy()), expected, atol=1e-14)
    assert sum(p.numel() for p in net.parameters()) == slices.WEIGHTS


def test_trained_nets_are_minima_and_good():
    inputs, kind = slices._iris()
    for seed in range(3):
        weights = slices.trained(seed)
        assert np.abs(slices.net_gradient(weights.numpy())).max() < 1e-5
        assert (as_module(weights)(inputs).argmax(1) == kind).double().mean() > 0.97


def test_random_directions_are_filter_normalized():
    plane, origin = slices.random_plane(), as_module(slices.trained(0))
    for direction in (plane.first, plane.second):
        shown = as_module(direction)
        for layer in (0, 2):
            torch.testing.assert_close(shown[layer].weight.norm(dim=1), origin[layer].weight.norm(dim=1))
            assert not shown[layer].bias.any()


def test_three_trained_nets_lie_in_their_plane():
    plane, chosen = slices.three_point_plane(), surface("net_three")
    for seed, (a, b) in enumerate(chosen.minima):
        there = plane.weights(*torch.tensor([a, b], dtype=torch.float64))
        torch.testing.assert_close(there, slices.trained(seed), rtol=0, atol=1e-9)
    assert float(plane.first @ plane.second) == pytest.approx(0, abs=1e-9)
    assert float(plane.first.norm()) == pytest.approx(float(plane.second.norm()))


@pytest.mark.parametrize("name", ["net", "net_three"])
def test_a_slice_shows_only_part_of_the_gradient(name):
    chosen = surface(name)
    x, y = chosen.start
    plane = slices.random_plane() if name == "net" else slices.three_point_plane()
    whole = plane.whole_gradient(x, y)
    directions = torch.stack([plane.first, plane.second], 1).numpy()
    np.testing.assert_allclose(chosen.gradient(x, y), whole @ directions)
    inside = directions @ np.linalg.lstsq(directions, whole, rcond=None)[0]
    assert visible(name, x, y) == pytest.approx(np.linalg.norm(inside) / np.linalg.norm(whole))
    assert 0 < visible(name, x, y) < 1
    assert visible("beale", 0, 0) is None
    assert str(slices.WEIGHTS) in chosen.note


def test_softened_heights_stay_finite_below_the_lowest():
    assert np.isfinite(surfaces.height(surface("saddle"), np.array([-0.26, -0.25, 1.0]))).all()
