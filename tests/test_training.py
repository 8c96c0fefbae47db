"""The training loop against plain torch: one net after another, by nn.Sequential and torch.optim."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, r2_score
from torch import nn
from torch.optim import lr_scheduler

from nnplay.batched import FORMULAS, Dropout, Layer, Nets, Single, reseed
from nnplay.callbacks import EarlyStopping, History
from nnplay.nets import ACTIVATIONS
from nnplay.optim import OPTIMIZERS
from nnplay.training import LOSSES, METRICS, Data, Run, State, top_eigenvalue

SETTINGS = settings(max_examples=50, deadline=None, derandomize=True)


def points(rows: int = 23, seed: int = 0, classes: int = 0, signs: bool = False):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 2, generator=generator)
    if classes:
        return x, (x.sum(1) * 2).long().clip(0, classes - 1)
    return x, torch.sign(x[:, :1] * x[:, 1:]) if signs else torch.sin(x[:, :1]) + x[:, 1:] ** 2 / 4


def small(seeds=(0, 1, 2), width: int = 4, activation: str = "Tanh", outputs: int = 1, **layer) -> Nets:
    return Nets(2, [Layer(width, activation, **layer), Layer(outputs)], seeds)


def train(nets: Nets, data: Data, **changes) -> Run:
    run = Run(nets, data, **changes)
    run.advance_epochs(run.epochs)
    return run


# --- the oracle -------------------------------------------------------------------------------------


class Masked(nn.Module):
    mask: torch.Tensor

    def forward(self, x):
        return x * self.mask.T if self.training else x


def one_by_one(
    nets: Nets, k: int, x, y, *, loss, optimizer, lr, hyper, l1, l2, batch_size, epochs, schedule=None
):
    """Net k, trained as a torch user would; the batches and the masks are those of its seed."""
    module, generator = nets.sequential(k).train(), torch.Generator()
    drops = []
    for i, part in enumerate(module):
        if isinstance(part, nn.Dropout):
            module[i] = Masked()
            drops.append(module[i])
    theirs = getattr(torch.optim, optimizer)(module.parameters(), lr=lr, **hyper)
    scheduler = schedule(theirs) if schedule else None
    weights = [part.weight for part in module if isinstance(part, nn.Linear)]
    feed = nets.feed(x, torch.zeros(1, nets.outputs, len(x)))
    for epoch in range(epochs):
        feed.shuffle(epoch, generator)
        order = torch.randperm(len(x), generator=reseed(generator, nets.seeds[k], "order", epoch))
        for start in range(0, len(x), batch_size):
            rows = slice(start, start + batch_size)
            if nets.needs_pairs and len(order[rows]) == 1:
                continue
            for drop, mask in zip(drops, feed.masks.values()):
                drop.mask = mask[k, :, rows]
            theirs.zero_grad()
            loss.make()(module(x[order[rows]]), y[order[rows]]).backward()
            for weight in weights:
                weight.grad += l2 * weight.detach()
            theirs.step()
            with torch.no_grad():
                for weight in weights:
                    weight.copy_(F.softshrink(weight, theirs.param_groups[0]["lr"] * l1))
        if scheduler:
            scheduler.step()
    with torch.no_grad():
        return float(loss.make()(module.eval()(x), y))


OPTIMS = {
    "SGD": (0.05, [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"weight_decay": 0.01}]),
    "Adagrad": (0.05, [{}, {"lr_decay": 0.01}]),
    "Adadelta": (1.0, [{}]),
    "RMSprop": (0.005, [{}, {"centered": True, "momentum": 0.5}]),
    "Adam": (0.01, [{}, {"amsgrad": True}, {"betas": (0.5, 0.9)}]),
    "AdamW": (0.01, [{}, {"weight_decay": 0.1}]),
    "Adamax": (0.01, [{}]),
    "NAdam": (0.01, [{}]),
    "RAdam": (0.01, [{}]),
    "Rprop": (0.001, [{}]),
}


@st.composite
def runs(draw):
    optimizer = draw(st.sampled_from(sorted(OPTIMS)))
    lr, hypers = OPTIMS[optimizer]
    layer = st.builds(
        Layer,
        st.integers(2, 6),
        st.sampled_from(sorted(ACTIVATIONS)),
        batch_norm=st.sampled_from([False, False, True]),
        formula=st.sampled_from(["", "", "", *(f for f in FORMULAS if f not in ("x²", "x³"))]),
        dropout=st.sampled_from([0.0, 0.0, 0.3]),
    )
    loss = draw(st.sampled_from(sorted(LOSSES)))
    outputs = 3 if loss == "CrossEntropyLoss" else 1
    return {
        "layers": [*draw(st.lists(layer, min_size=0, max_size=2)), Layer(outputs)],
        "loss": loss,
        "optimizer": optimizer,
        "lr": [lr, lr / 3],
        "hyper": draw(st.sampled_from(hypers)),
        "l1": draw(st.sampled_from([0.0, [0.01, 0.1]])),
        "l2": draw(st.sampled_from([0.0, [0.01, 0.1]])),
        "batch_size": draw(st.sampled_from([4, 10, 22, 30])),
        "seed": draw(st.integers(0, 99)),
    }


@SETTINGS
@given(runs())
def test_nets_at_once_end_where_nets_one_by_one_end(case) -> None:
    layers, seed = case.pop("layers"), case.pop("seed")
    if any(layer.batch_norm for layer in layers) or case["loss"] in ("L1Loss", "HuberLoss"):
        # Some gradients are zero but for rounding: of what batch norm takes away again, and of sums of
        # equal shares. A rule that divides by the gradient's size would blow that up, here and in torch.
        assume(case["optimizer"] != "Rprop")
        if "eps" in OPTIMIZERS[case["optimizer"]].defaults:
            case["hyper"] = case["hyper"] | {"eps": 1e-3}
    if case["optimizer"] == "Rprop":
        case["batch_size"] = 30
    loss = LOSSES[case.pop("loss")]()
    x, y = points(seed=seed, classes=3 if loss.classes else 0, signs=loss.make is nn.SoftMarginLoss)
    if loss.make is nn.BCEWithLogitsLoss:
        y = (y > 0).float()
    nets = Nets(2, layers, [seed, seed + 1])
    expected = [
        one_by_one(
            nets, k, x, y, loss=loss, epochs=3,
            **{key: value[k] if isinstance(value, list) else value for key, value in case.items()},
        )
        for k in range(2)
    ]  # fmt: skip
    run = train(nets, Data((x, y)), loss=loss, epochs=3, **case)
    found = run.snapshot().values["train"]["loss"]
    assert np.abs(found - expected).max() <= 1e-4 * max(1.0, *expected)


SCHEDULES = {
    "step": lambda o: lr_scheduler.StepLR(o, 2, gamma=0.3),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, 7, eta_min=0.002),
    "one cycle": lambda o: lr_scheduler.OneCycleLR(o, 0.2, total_steps=8, cycle_momentum=False),
    "warm-up": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.1, total_iters=3), lr_scheduler.ExponentialLR(o, 0.7)], [3]
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_is_the_one_of_torch(name: str) -> None:
    x, y = points()
    loss, schedule = LOSSES["MSELoss"](), SCHEDULES[name]
    common = {"optimizer": "SGD", "hyper": {}, "l1": 0.0, "l2": 0.0, "batch_size": 10, "epochs": 7}
    nets = small()
    lr = [0.1, 0.1, 0.02]
    expected = [one_by_one(nets, k, x, y, loss=loss, lr=lr[k], schedule=schedule, **common) for k in range(3)]
    run = train(nets, Data((x, y)), lr=lr, schedule=schedule, **common)
    assert run.snapshot().values["train"]["loss"] == pytest.approx(expected, abs=1e-5)
    assert run.fired
    assert all(fired.callback == "Schedule" for fired in run.fired)


def test_schedule_by_step_and_on_a_plateau() -> None:
    data = Data(points())
    run = Run(
        small(),
        data,
        lr=0.1,
        schedule=lambda o: lr_scheduler.LinearLR(o, 0.1, total_iters=6),
        schedule_every="step",
    )
    seen = [run.lr[0]]
    for _ in range(7):
        run.advance()
        seen.append(run.lr[0])
    assert seen == pytest.approx([0.01, 0.025, 0.04, 0.055, 0.07, 0.085, 0.1, 0.1])

    patience = lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=0.1, patience=1)  # noqa: E731
    run = train(small(), data, lr=[0.1, 1e-7, 1e-7], schedule=patience, epochs=6)
    assert run.lr[0] == 0.1  # still falling
    assert (run.lr[1:] < 1e-7).all()  # a relative improvement below torch's threshold is none


# --- repeat, rewind, fork ---------------------------------------------------------------------------

FULL = {
    "optimizer": "NAdam",
    "lr": [0.01, 0.02, 0.03],
    "l1": 0.001,
    "l2": 0.001,
    "batch_size": 5,
    "epochs": 6,
    "schedule": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0, threshold=0.2),
    "augment": lambda x, generator: x + 0.1 * torch.randn(x.shape, generator=generator),
}


def rich() -> Nets:
    return small(batch_norm=True, dropout=0.2)


def weights(run: Run) -> list[np.ndarray]:
    return [snapshot.weights for snapshot in run.snapshots(weights=True)]


def test_same_settings_give_the_same_bits_whatever_is_looked_at() -> None:
    data = Data(points(), validation=points(11, 1))
    first = weights(Run(rich(), data, **FULL))
    assert len(first) == 7
    torch.manual_seed(123)
    torch.rand(5)  # the global generator has no part in it
    again = Run(rich(), data, metrics=("r2",), callbacks=(History(),), **FULL)
    by_step = list(again.snapshots(1, "step", weights=True))
    assert len(by_step) == 1 + 6 * 5
    ends = [snapshot.weights for snapshot in by_step if snapshot.row == 0]
    assert all(np.array_equal(a, b) for a, b in zip(first, ends, strict=True))


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    train(rich(), Data(points()), **FULL)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("steps", [0, 5, 7, 13])
def test_a_fork_with_nothing_changed_goes_on_as_the_run_does(steps: int) -> None:
    run = Run(
        rich(), Data(points(), validation=points(11, 1)), callbacks=(EarlyStopping(2), History()), **FULL
    )
    run.advance(steps)
    fork = run.fork()
    ours, theirs = weights(run), weights(fork)
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert np.array_equal(run.callbacks[1].rows[..., 3:], fork.callbacks[1].rows[..., 3:])
    assert np.array_equal(run.callbacks[0].at, fork.callbacks[0].at)
    assert run.fired == fork.fired


def test_rewinding_gives_the_same_run_again() -> None:
    run = Run(rich(), Data(points()), **FULL)
    start = run.state()
    first = weights(run)
    run.restore(start)
    assert (run.epoch, run.row, run.step) == (0, 0, 0)
    assert all(np.array_equal(a, b) for a, b in zip(first, weights(run), strict=True))


@pytest.mark.parametrize(
    "change",
    [{"lr": 0.2}, {"optimizer": "SGD"}, {"batch_size": 3}, {"l1": 0.5}, {"epochs": 9}, {"loss": "L1Loss"}],
)
def test_a_fork_differs_by_what_was_changed_and_from_there_on(change: dict) -> None:
    run = Run(rich(), Data(points()), **FULL)
    run.advance(13)
    fork = run.fork(**change)
    assert np.array_equal(fork.snapshot(weights=True).weights, run.snapshot(weights=True).weights)
    ours, theirs = weights(run), weights(fork)
    assert not np.array_equal(ours[-1], theirs[-1])
    assert fork.epoch == change.get("epochs", 6)


def test_forks_side_by_side_are_the_forks_one_by_one() -> None:
    data = Data(points())
    settings_ = {"optimizer": "Adam", "epochs": 5}
    run = Run(small(), data, lr=0.01, **settings_)
    run.advance_epochs(2)
    pair = Run(run.nets.take([1, 1]), data, lr=[0.01, 0.1], state=run.state().take([1, 1]), **settings_)
    pair.advance_epochs(3)
    for lr, theta in zip([0.01, 0.1], pair.nets.theta):
        fork = run.fork(lr=lr)
        fork.advance_epochs(3)
        torch.testing.assert_close(fork.nets.theta[1], theta, rtol=1e-5, atol=1e-6)


def test_a_state_of_other_nets_is_refused() -> None:
    state: State = Run(small(), Data(points())).state()
    with pytest.raises(ValueError, match="another shape"):
        Run(small(width=5), Data(points()), state=state)
    with pytest.raises(ValueError, match="another shape"):
        Run(small(), Data(points()), state=state.take([0]))


# --- many nets --------------------------------------------------------------------------------------


def test_nets_with_settings_and_data_of_their_own_are_those_trained_alone() -> None:
    parts = [points(seed=seed) for seed in range(3)]
    x, y = (torch.stack(values) for values in zip(*parts))
    own = {"lr": [0.1, 0.01, 0.05], "l1": [0.0, 0.01, 0.02], "l2": [0.1, 0.0, 0.0]}
    hyper = {"momentum": [0.0, 0.5, 0.9]}
    together = train(small(), Data((x, y), test=parts[0]), hyper=hyper, epochs=4, **own)
    for k in range(3):
        alone = train(
            small([k]),
            Data(parts[k], test=parts[0]),
            hyper={"momentum": hyper["momentum"][k]},
            epochs=4,
            **{key: value[k] for key, value in own.items()},
        )
        torch.testing.assert_close(together.nets.theta[k], alone.nets.theta[0], rtol=1e-5, atol=1e-6)
        for part in ("train", "test"):
            ours, theirs = (run.snapshot().values[part]["loss"] for run in (together, alone))
            assert ours[k] == pytest.approx(theirs[0], rel=1e-5)


def test_a_net_that_diverges_ends_alone() -> None:
    data = Data(points())
    run = Run(small(activation="ReLU"), data, lr=[0.01, 1e6, 0.01], epochs=20)
    snapshots = list(run.snapshots(weights=True))
    assert snapshots[-1].epoch == 20
    at = snapshots[-1].diverged_at
    assert np.isnan(at).tolist() == [True, False, True]
    assert 1 <= at[1] <= 3
    assert not np.isfinite(snapshots[-1].values["train"]["loss"][1])
    frozen = [s.weights[1] for s in snapshots if s.epoch >= at[1]]
    assert all(np.array_equal(w, frozen[0], equal_nan=True) for w in frozen)
    calm = train(small(activation="ReLU"), data, lr=0.01, epochs=20)
    assert torch.equal(run.nets.theta[[0, 2]], calm.nets.theta[[0, 2]])
    assert [(f.callback, f.nets) for f in run.fired] == [("Run", (1,))]


def test_when_all_have_diverged_the_run_is_over() -> None:
    run = Run(small(activation="ReLU"), Data(points()), lr=1e8, epochs=500)
    snapshots = list(run.snapshots())
    assert run.done
    assert snapshots[-1].epoch < 10
    assert np.isfinite(snapshots[-1].diverged_at).all()
    assert next(run.fork().snapshots()).epoch == snapshots[-1].epoch


def test_l1_makes_weights_exactly_zero_and_leaves_biases() -> None:
    run = train(small(), Data(points()), l1=[0.0, 0.1, 100.0], epochs=30)
    shares = [(run.nets.weight(0)[k] == 0).float().mean() for k in range(3)]
    assert shares[0] == 0
    assert shares[2] == 1
    assert 0 < shares[1] < 1
    assert (run.nets.bias(1) != 0).all()


def test_training_fits() -> None:
    x, y = points(100, signs=True)
    run = train(small(range(8), 8), Data((x, y)), optimizer="Adam", lr=0.03, epochs=60, metrics=("accuracy",))
    assert np.median(run.snapshot().values["train"]["accuracy"]) > 0.95


# --- snapshots --------------------------------------------------------------------------------------


def test_snapshots_come_at_the_rate_asked_for() -> None:
    def seen(*rate, **more):
        run = Run(small(), Data(points(20)), batch_size=5, epochs=3)
        return [s and (s.epoch, s.row, s.step) for s in run.snapshots(*rate, **more)]

    assert seen() == [(0, 0, 0), (1, 0, 4), (2, 0, 8), (3, 0, 12)]
    assert seen(2) == [(0, 0, 0), (2, 0, 8), (3, 0, 12)]
    assert seen(5, "step") == [(0, 0, 0), (1, 5, 5), (2, 10, 10), (3, 0, 12)]
    assert seen(2, pulse=3) == [(0, 0, 0), None, None, (2, 0, 8), None, (3, 0, 12)]


def test_looking_does_not_change_the_run_nor_the_run_what_was_seen() -> None:
    run = Run(rich(), Data(points()), metrics=("r2", "mae"), **FULL)
    run.advance(3)
    snapshot = run.snapshot(weights=True)
    kept = copy.deepcopy(snapshot)
    assert np.array_equal(run.snapshot().values["train"]["loss"], kept.values["train"]["loss"])
    run.advance(7)
    assert np.array_equal(snapshot.weights, kept.weights)
    assert np.array_equal(snapshot.values["train"]["r2"], kept.values["train"]["r2"])
    assert np.array_equal(snapshot.lr, kept.lr)


def test_table_has_a_row_for_each_net() -> None:
    data = Data(points(), validation=points(5), test=points(6))
    table = Run(small(), data, metrics=("r2",)).snapshot().table()
    assert list(table) == [
        "net", "epoch", "step", "train_loss", "train_r2", "validation_loss", "validation_r2",
        "test_loss", "test_r2", "lr",
    ]  # fmt: skip
    assert {len(column) for column in table.values()} == {3}
    assert table["lr"] == [0.03] * 3


def test_batches_and_batch_norm() -> None:
    """21 rows in batches of 10 leave one over, of which batch norm can take no statistics."""
    plain, normed = (
        Run(small(batch_norm=on), Data(points(21)), batch_size=10, epochs=1) for on in (False, True)
    )
    assert (plain.steps_per_epoch, normed.steps_per_epoch) == (3, 2)
    for run in (plain, normed):
        run.advance_epochs()
        assert run.step == run.steps_per_epoch
        assert np.isfinite(run.snapshot().values["train"]["loss"]).all()
    assert Run(small(), Data(points(21)), batch_size=100).steps_per_epoch == 1


# --- losses and metrics -----------------------------------------------------------------------------

LOSS_SETTINGS = [(name, {}) for name in LOSSES] + [
    ("HuberLoss", {"delta": 0.3}),
    ("CrossEntropyLoss", {"label_smoothing": 0.2}),
]


@pytest.mark.parametrize(("name", "given_"), LOSS_SETTINGS)
@pytest.mark.parametrize("shared", [True, False])
def test_losses_are_those_of_torch(name: str, given_: dict, shared: bool) -> None:
    loss = LOSSES[name](**given_)
    generator = torch.Generator().manual_seed(0)
    out = torch.randn(3, 4, 6, generator=generator) * 2
    k = 1 if shared else 3
    if loss.classes:
        y = torch.randint(4, (k, 6, 1), generator=generator)
    elif name == "BCEWithLogitsLoss":
        y = torch.rand(k, 6, 4, generator=generator)
    else:
        y = torch.randn(k, 6, 4, generator=generator).sign()
    if shared:
        y = y[0, :, 0] if loss.classes else y[0]
    target, into = loss.encode(y, 4), torch.empty_like(out)
    loss.gradient(out, target, into)
    for i in range(3):
        mine = out[i].T.clone().requires_grad_()
        theirs = y if shared else y[i].squeeze(-1) if loss.classes else y[i]
        value = loss.make()(mine, theirs)
        value.backward()
        torch.testing.assert_close(loss.value(out, target)[i], value.detach())
        torch.testing.assert_close(into[i].T, mine.grad, rtol=1e-5, atol=1e-7)


def test_metrics_are_those_of_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    out, y = torch.randn(2, 3, 40, generator=generator), torch.randint(3, (40,), generator=generator)
    target = LOSSES["CrossEntropyLoss"]().encode(y, 3)
    for i in range(2):
        assert METRICS["accuracy"](out, target)[i] == pytest.approx(accuracy_score(y, out[i].argmax(0)))
    for values in ((0.0, 1.0), (-1.0, 1.0)):
        signs = torch.tensor(values)[torch.randint(2, (1, 1, 40), generator=generator)]
        expected = accuracy_score(signs[0, 0] > 0, out[1, 0] > 0)
        assert METRICS["accuracy"](out[:, :1], signs)[1] == pytest.approx(expected)
    real = torch.randn(1, 3, 40, generator=generator)
    assert METRICS["r2"](out, real)[1] == pytest.approx(r2_score(real[0].T, out[1].T), rel=1e-5)
    assert METRICS["mae"](out, real)[1] == pytest.approx(float((out[1] - real[0]).abs().mean()))
    assert METRICS["rmse"](out, real)[1] == pytest.approx(float(F.mse_loss(out[1], real[0]) ** 0.5))


# --- any other module -------------------------------------------------------------------------------


def conv() -> nn.Sequential:
    module = nn.Sequential(
        nn.utils.skip_init(nn.Conv2d, 1, 4, 3, bias=False),  # before batch norm a bias would follow rounding
        nn.BatchNorm2d(4),
        nn.ReLU(),
        Dropout(0.2),
        nn.Flatten(),
        nn.utils.skip_init(nn.Linear, 16, 3),
    )
    generator = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3, generator=generator)
    return module


def images():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(30, 1, 4, 4, generator=generator), torch.randint(3, (30,), generator=generator)


def test_any_module_trains_as_plain_torch_does() -> None:
    x, y = images()
    schedule = lambda o: lr_scheduler.StepLR(o, 2)  # noqa: E731
    run = train(
        Single(conv(), seed=4), Data((x, y)), loss="CrossEntropyLoss", optimizer="AdamW", lr=0.01,
        hyper={"weight_decay": 0.1}, batch_size=8, epochs=5, schedule=schedule,
    )  # fmt: skip
    module, generator = conv().train(), torch.Generator()
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.01, weight_decay=0.1)
    scheduler = schedule(optimizer)
    for epoch in range(5):
        order = torch.randperm(30, generator=reseed(generator, 4, "order", epoch))
        for start in range(0, 30, 8):
            module[3].generator = reseed(torch.Generator(), 4, "dropout", epoch * 30 + start)
            rows = order[start : start + 8]
            optimizer.zero_grad()
            F.cross_entropy(module(x[rows]), y[rows]).backward()
            optimizer.step()
        scheduler.step()
    for ours, theirs in zip(run.nets.module.parameters(), module.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    loss = F.cross_entropy(module.eval()(x), y).detach()
    assert run.snapshot().values["train"]["loss"][0] == pytest.approx(float(loss), rel=1e-4)


def test_a_module_repeats_rewinds_and_forks_too() -> None:
    def make():
        settings_ = {
            "loss": "CrossEntropyLoss",
            "optimizer": "Adam",
            "lr": 0.01,
            "batch_size": 8,
            "epochs": 4,
        }
        return Run(Single(conv(), 4), Data(images()), metrics=("accuracy",), **settings_)

    run = make()
    start = run.state()
    first = weights(run)
    assert all(np.array_equal(a, b) for a, b in zip(first, weights(make()), strict=True))
    run.restore(start)
    run.advance(6)
    fork = run.fork()
    assert np.array_equal(weights(run)[-1], first[-1])
    assert np.array_equal(weights(fork)[-1], first[-1])


# --- curvature --------------------------------------------------------------------------------------


def hessian(module: nn.Sequential, x, y, loss) -> torch.Tensor:
    names, values = zip(*module.named_parameters())
    shapes = [v.shape for v in values]
    flat = torch.cat([v.detach().flatten() for v in values]).double()

    def value(theta):
        parts = [p.view(s) for p, s in zip(theta.split([s.numel() for s in shapes]), shapes)]
        out = torch.func.functional_call(module, dict(zip(names, parts)), x.double())
        return loss(out, y)

    return torch.autograd.functional.hessian(value, flat)


@pytest.mark.parametrize("activation", ["Tanh", "GELU", "ReLU"])
@pytest.mark.parametrize("name", ["MSELoss", "CrossEntropyLoss"])
def test_top_eigenvalue_is_the_one_of_the_whole_hessian(activation: str, name: str) -> None:
    classes = 3 if name == "CrossEntropyLoss" else 0
    x, y = points(classes=classes)
    nets = small([0], activation=activation, outputs=classes or 1)
    run = Run(nets, Data((x, y)), loss=name, optimizer="Adam", lr=0.02)
    start = None
    for _ in range(3):
        module = nets.sequential()
        expected = torch.linalg.eigvalsh(
            hessian(module, x, y if classes else y.double(), LOSSES[name]().make())
        )
        found = top_eigenvalue(module, x, y, name)
        assert found.value == pytest.approx(float(expected[-1]), rel=1e-3)
        assert abs(found.value - float(expected[-1])) <= found.error + 1e-4
        if start is not None:
            warm = top_eigenvalue(module, x, y, name, start=start)
            assert warm.value == pytest.approx(float(expected[-1]), rel=1e-3)
            assert warm.products <= found.products
        start = found.vector
        run.advance(2)


def test_top_eigenvalue_is_the_most_positive_one_not_the_largest_in_size() -> None:
    """The loss -w² x² has no positive curvature; beside it w_2 has a small one."""

    class Saddle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.tensor([1.0, 1.0]))

        def forward(self, x):
            return (-3 * self.w[0] ** 2 + 0.5 * self.w[1] ** 2) * x

    x = torch.ones(4, 1)
    below = torch.full((4, 1), -1e6)  # far below the outputs, so that L1 is the output itself
    found = top_eigenvalue(Saddle(), x, below, "L1Loss")
    assert found.value == pytest.approx(1.0)
    assert np.abs(found.vector) == pytest.approx([0, 1], abs=1e-5)


def test_a_loss_without_curvature_has_none() -> None:
    module = nn.Linear(2, 1)
    x, _ = points()
    assert top_eigenvalue(module, x, torch.full((len(x),), -1e6), "L1Loss").value == 0
    assert all(parameter.grad is None for parameter in module.parameters())


# --- bad settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "loss"},
        {"optimizer": "sgd"},
        {"metrics": ("f1",)},
        {"schedule_every": "hour"},
        {"lr": [0.1, 0.2]},
        {"lr": -1.0},
        {"l2": float("nan")},
        {"batch_size": 0},
        {"hyper": {"betas": (0.9, 0.99)}},
    ],
)
def test_bad_settings_are_refused_in_a_sentence(changes: dict) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Run(small(), Data(points()), **changes)


X, Y = points()


@pytest.mark.parametrize(
    "data",
    [
        Data((X[:0], Y[:0])),
        Data((X, Y * torch.nan)),
        Data((X.where(X > 0, torch.inf), Y)),
        Data((X, Y[:-1])),
        Data((X, Y.expand(-1, 2))),
        Data((X[:, :1], Y)),
        Data((X, Y), test=(X[:3], Y)),
        Data((X.expand(2, -1, -1), Y)),
    ],
)
def test_bad_data_is_refused_in_a_sentence(data: Data) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Run(small(), data)


def test_bad_classes_and_bad_batches_for_batch_norm() -> None:
    with pytest.raises(ValueError, match="classes must be 0 to 2"):
        Run(small(outputs=3), Data((X, torch.full((len(X),), 3))), loss="CrossEntropyLoss")
    with pytest.raises(ValueError, match="at least two points"):
        Run(small(batch_norm=True), Data((X, Y)), batch_size=1)
    with pytest.raises(ValueError, match="at least two points"):
        Run(small(batch_norm=True), Data((X[:1], Y[:1])))


def test_arrays_that_cannot_be_written_and_other_types_are_taken() -> None:
    x, y = X.double().numpy(), Y[:, 0].numpy()
    x.flags.writeable = y.flags.writeable = False
    ours, theirs = train(small(), Data((x, y)), epochs=2), train(small(), Data((X, Y)), epochs=2)
    assert torch.equal(ours.nets.theta, theirs.nets.theta)


def test_names_are_those_of_torch() -> None:
    assert all(hasattr(torch.optim, name) for name in OPTIMIZERS)
    assert all(isinstance(make().make(), getattr(nn, name)) for name, make in LOSSES.items())
    assert OPTIMS.keys() == OPTIMIZERS.keys()
