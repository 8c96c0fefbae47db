"""Nets at once against each net as a torch module of its own."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from nnplay import nets as catalogue
from nnplay.batched import FORMULAS, Dropout, Lambda, Layer, Nets, Single, reseed
from nnplay.training import LOSSES

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)
MSE = LOSSES["MSELoss"]()


def data(rows: int = 9, inputs: int = 2, outputs: int = 1, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, inputs, generator=generator), torch.randn(rows, outputs, generator=generator)


class Masked(nn.Module):
    """Dropout with a mask that somebody else has drawn, (units, rows)."""

    def __init__(self, mask: torch.Tensor) -> None:
        super().__init__()
        self.mask = mask

    def forward(self, x):
        return x * self.mask.T


def twin(nets: Nets, k: int, masks=None) -> nn.Sequential:
    """Net k as a module in training mode, its dropout with the masks of a feed."""
    module = nets.sequential(k).train()
    drops = iter((masks or {}).values())
    for i, part in enumerate(module):
        if isinstance(part, nn.Dropout):
            module[i] = Masked(next(drops)[k])
    return module


def flat_gradient(nets: Nets, module: nn.Sequential) -> torch.Tensor:
    """The gradients of a net's twin in the order of `theta`."""
    parts = []
    for part in module:
        if isinstance(part, nn.Linear):
            biases = [] if part.bias is None else [part.bias.grad[:, None]]
            parts.append(torch.cat([part.weight.grad, *biases], dim=1).flatten())
        elif isinstance(part, nn.BatchNorm1d):
            parts += [part.weight.grad, part.bias.grad]
        elif isinstance(part, nn.PReLU):
            parts.append(part.weight.grad)
    return torch.cat(parts)


@st.composite
def shapes(draw):
    layer = st.builds(
        Layer,
        st.integers(1, 5),
        st.sampled_from(sorted(catalogue.ACTIVATIONS)),
        batch_norm=st.booleans(),
        formula=st.sampled_from(["", *FORMULAS]),
        dropout=st.sampled_from([0.0, 0.0, 0.4]),
    )
    return draw(st.lists(layer, min_size=1, max_size=3)), draw(st.integers(1, 3)), draw(st.integers(1, 4))


@SETTINGS
@given(shapes())
def test_gradient_is_the_one_of_autograd(case) -> None:
    layers, inputs, k = case
    nets = Nets(inputs, layers, range(k))
    x, y = data(9, inputs, layers[-1].units)
    feed = nets.feed(x, MSE.encode(y, layers[-1].units))
    generator = torch.Generator()
    feed.shuffle(4, generator)
    twins = [twin(nets, i, {j: mask[:, :, 2:7] for j, mask in feed.masks.items()}) for i in range(k)]
    with torch.no_grad():
        feed.gradient(2, 7, MSE)
    for i, module in enumerate(twins):
        order = torch.randperm(9, generator=reseed(generator, i, "order", 4))[2:7]
        nn.functional.mse_loss(module(x[order]), y[order]).backward()
        norms = [part for part in module if isinstance(part, nn.BatchNorm1d)]
        assume(all((part.running_var > 0.9001).all() for part in norms))  # else it blows up rounding
        expected = flat_gradient(nets, module)
        # before batch norm the gradient is a small difference of large numbers
        size = (float(expected.abs().max()) + 1) * (100 if nets.needs_pairs else 1)
        torch.testing.assert_close(nets.grad[i], expected, rtol=1e-3, atol=1e-5 * size)
        # batch norm has moved its running statistics as torch's own did, so both answer alike afterwards
        for j, part in enumerate(norms):
            mean, var = list(nets.buffers.values())[2 * j : 2 * j + 2]
            torch.testing.assert_close(mean[i], part.running_mean, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(var[i], part.running_var, rtol=1e-4, atol=1e-5)


@SETTINGS
@given(shapes())
def test_export_answers_as_the_net_does(case) -> None:
    layers, inputs, k = case
    nets = Nets(inputs, layers, range(k))
    for buffer in nets.buffers.values():
        buffer.uniform_(0.5, 2, generator=torch.Generator().manual_seed(0))
    x, _ = data(7, inputs)
    answers, units = nets.predict(x), nets.units(x)
    assert answers.shape == (k, 7, layers[-1].units)
    for i in range(k):
        module = nets.sequential(i)
        expected = module(x).detach()
        size = float(expected.abs().max()) + 1  # cubes of cubes grow, and rounding with them
        torch.testing.assert_close(answers[i], expected, rtol=1e-4, atol=1e-5 * size)
        fresh = copy.deepcopy(module)
        fresh.load_state_dict(module.state_dict())
        assert torch.equal(fresh(x), expected)
    assert [tuple(u.shape) for u in units] == [(k, layer.units, 7) for layer in layers]
    assert torch.equal(units[-1].mT, answers)


@pytest.mark.parametrize("name", catalogue.ACTIVATIONS)
@pytest.mark.parametrize("initializer", ["zeros", "kaiming_normal"])
def test_starts_as_the_nets_of_the_catalogue_do(name: str, initializer: str) -> None:
    nets = Nets(3, [Layer(4, name), Layer(5, name), Layer(2)], [7, 3], initializer=initializer)
    for k, seed in enumerate(nets.seeds):
        generator = torch.Generator().manual_seed(seed)
        expected = catalogue.mlp((3, 4, 5, 2), name, initializer, generator, 1.0)
        theirs = [p for p in expected if isinstance(p, nn.Linear)]
        ours = [p for p in nets.sequential(k) if isinstance(p, nn.Linear)]
        for a, b in zip(ours, theirs, strict=True):
            assert torch.equal(a.weight, b.weight)
            assert torch.equal(a.bias, b.bias)


def test_batch_norm_takes_the_biases_and_leaves_the_weights() -> None:
    plain, normed = (Nets(3, [Layer(4, batch_norm=on), Layer(2)], [5]) for on in (False, True))
    assert torch.equal(plain.weight(0), normed.weight(0))
    assert torch.equal(plain.bias(1), normed.bias(1))
    assert normed.sequential()[0].bias is None
    assert not normed.bias(0).any()
    assert normed.penalized.sum() == plain.penalized.sum() == 3 * 4 + 4 * 2


def test_activation_parameters_are_used() -> None:
    x, _ = data()
    for name, given_ in {
        "LeakyReLU": "negative_slope",
        "ELU": "alpha",
        "Softplus": "beta",
        "PReLU": "init",
    }.items():
        layers = [Layer(3, name, ((given_, 0.7),)), Layer(1)]
        nets = Nets(2, layers, [0])
        assert not torch.equal(nets.predict(x), Nets(2, [Layer(3, name), Layer(1)], [0]).predict(x))
        torch.testing.assert_close(nets.predict(x)[0], nets.sequential()(x).detach())


def test_a_net_is_the_same_alone_and_among_others() -> None:
    layers = [Layer(4, "Tanh", dropout=0.3), Layer(1)]
    x, y = data(12)
    together, alone = Nets(2, layers, [5, 6, 7]), Nets(2, layers, [6])
    target = MSE.encode(y, 1)
    for nets in (together, alone):
        feed = nets.feed(x, target)
        feed.shuffle(3, torch.Generator())
        feed.gradient(0, 5, MSE)
    assert torch.equal(together.theta[1], alone.theta[0])
    torch.testing.assert_close(together.grad[1], alone.grad[0], rtol=1e-5, atol=1e-7)
    assert not torch.equal(together.theta[0], together.theta[1])


def test_seeds_of_streams() -> None:
    generator = torch.Generator()

    def drawn(*at) -> int:
        return int(torch.randint(2**31, (1,), generator=reseed(generator, *at)))

    assert drawn(1, "order", 2) == drawn(1, "order", 2)
    assert len({drawn(s, p, t) for s in range(5) for p in ("order", "dropout") for t in range(5)}) == 50
    assert drawn(-1, "order", 0) != drawn(2**70, "order", 0)


def test_masks_drop_their_share_and_keep_the_mean() -> None:
    nets = Nets(1, [Layer(50, dropout=0.2), Layer(50, dropout=0.7), Layer(1)], [0, 1])
    feed = nets.feed(torch.zeros(200, 1), torch.zeros(1, 1, 200))
    feed.shuffle(0, torch.Generator())
    for i, share in ((0, 0.2), (1, 0.7)):
        mask = feed.masks[i]
        assert mask.shape == (2, 50, 200)
        assert mask.unique().tolist() == pytest.approx([0, 1 / (1 - share)])
        assert float((mask == 0).float().mean()) == pytest.approx(share, abs=0.02)
    assert not torch.equal(feed.masks[0][0], feed.masks[0][1])


def test_every_row_comes_once_in_an_epoch_with_its_own_target() -> None:
    x = torch.arange(10.0)[:, None]
    nets = Nets(1, [Layer(1)], [0, 1, 0])
    for own in (False, True):
        given_x, given_y = (t.expand(3, 10, 1) if own else t for t in (x, 2 * x))
        feed = nets.feed(given_x, MSE.encode(given_y, 1))
        feed.shuffle(0, torch.Generator())
        seen = []
        for start in range(0, 10, 5):
            feed.gradient(start, start + 5, MSE)
            seen.append(feed.last[1])
            residual = nets.predict(seen[-1].mT / 2).mT - feed.last[0]
            assert float(residual.abs().max()) < 1e-5
        seen = torch.cat(seen, 2)[:, 0]
        assert torch.equal(seen.sort(1).values, (2 * x[:, 0]).expand(3, 10))
        assert torch.equal(seen[0], seen[2])
        assert not torch.equal(seen[0], seen[1])


def test_rows_are_evaluated_in_pieces(monkeypatch) -> None:
    nets = Nets(2, [Layer(3, "Tanh"), Layer(2)], [0, 1])
    x, _ = data(23)
    whole = nets.predict(x)
    monkeypatch.setattr("nnplay.batched._CACHE", 30)
    torch.testing.assert_close(nets.predict(x), whole, rtol=0, atol=1e-7)


def test_take_copies_and_repeats() -> None:
    nets = Nets(2, [Layer(3, "Tanh", batch_norm=True), Layer(1)], [4, 5, 6])
    nets.theta.mul_(2)
    nets.buffers["0.running_mean"] += torch.arange(3.0)[:, None]
    some = nets.take([2, 0, 2])
    assert some.seeds == (6, 4, 6)
    assert torch.equal(some.theta, nets.theta[[2, 0, 2]])
    assert some.buffers["0.running_mean"][:, 0].tolist() == [2, 0, 2]
    some.theta.zero_()
    assert nets.theta.abs().sum() > 0


def test_weights_can_be_edited() -> None:
    nets = Nets(2, [Layer(3), Layer(1)], [0, 1])
    nets.weight(0)[1, 2, 0] = 5.0
    nets.bias(1)[1, 0] = -7.0
    module = nets.sequential(1)
    assert module[0].weight[2, 0] == 5.0
    assert module[1].bias[0] == -7.0
    assert nets.penalized.sum() == 2 * 3 + 3 * 1


def test_formulas_are_what_their_names_say() -> None:
    x = torch.linspace(-3, 3, 13)
    spelled = {
        "x²": "x**2", "x³": "x**3", "|x|": "x.abs()", "-x": "-x", "x/2": "x/2", "2x": "2*x", "1 - x": "1 - x",
        "sin x": "x.sin()", "cos x": "x.cos()", "exp(-x²)": "(-x*x).exp()", "x + sin² x": "x + x.sin()**2",
    }  # fmt: skip
    assert spelled.keys() == FORMULAS.keys()
    for name, code in spelled.items():
        torch.testing.assert_close(Lambda(name)(x), eval(code, {"x": x}))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Layer(0),
        lambda: Layer(3, "Relu"),
        lambda: Layer(3, dropout=1.0),
        lambda: Layer(3, formula="import os"),
        lambda: Nets(0, [Layer(1)]),
        lambda: Nets(2, []),
        lambda: Nets(2, [Layer(1)], []),
        lambda: Nets(2, [Layer(1)], initializer="best"),
        lambda: Nets(2, [Layer(1)]).place(torch.zeros(5, 3)),
        lambda: Nets(2, [Layer(1)]).place(torch.zeros(4, 5, 2)),
        lambda: Single(nn.Sequential(nn.Linear(2, 1), nn.Dropout())),
        lambda: Single(nn.Tanh()),
    ],
)
def test_nonsense_is_refused_in_a_sentence(wrong) -> None:
    with pytest.raises(ValueError, match=r"[.]$"):
        wrong()


# --- any other module -------------------------------------------------------------------------------


def conv() -> nn.Sequential:
    module = nn.Sequential(
        nn.utils.skip_init(nn.Conv2d, 1, 3, 3),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        Dropout(0.3),
        nn.Flatten(),
        nn.utils.skip_init(nn.Linear, 3 * 4, 2),
    )
    generator = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, generator=generator)
    return module


def test_single_gives_the_gradient_of_its_module() -> None:
    x = torch.randn(8, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    y = torch.tensor([0, 1] * 4)
    loss = LOSSES["CrossEntropyLoss"]()
    plain, single = conv().train(), Single(conv(), seed=3)
    feed = single.feed(x, loss.encode(y, 2))
    feed.shuffle(2, torch.Generator())
    for _ in range(2):  # gradients do not add up
        feed.gradient(1, 6, loss)
    order = torch.randperm(8, generator=reseed(torch.Generator(), 3, "order", 2))[1:6]
    plain[3].generator = reseed(torch.Generator(), 3, "dropout", 2 * 8 + 1)
    nn.functional.cross_entropy(plain(x[order]), y[order]).backward()
    expected = torch.cat([p.grad.flatten() for p in plain.parameters()])
    torch.testing.assert_close(single.grad[0], expected, rtol=1e-4, atol=1e-6)
    single.theta.zero_()
    assert all(not parameter.any() for parameter in single.module.parameters())


def test_single_copies_are_apart_and_frozen_parameters_stay() -> None:
    module = conv()
    module[0].weight.requires_grad_(False)
    single = Single(module)
    assert single.theta.shape == (1, sum(p.numel() for p in module.parameters()) - 27)
    other = single.copy()
    x = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    assert torch.equal(other.predict(x), single.predict(x))
    other.theta.zero_()
    assert single.theta.abs().sum() > 0
    assert not torch.equal(other.predict(x), single.predict(x))
