"""Augmentation: what the views compute, each experiment's claim, and bad input."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from nnplay import augmentation as compute
from nnplay import augmenting, chains, digit_nets, drawn, images, mixing, uploads
from nnplay import payoff as pay
from nnplay.vision import v2

EXPERIMENTS = {experiment.title: experiment for experiment in compute.EXPERIMENTS}


def opened(title: str):
    """The record of an experiment; of a run, the last one."""
    experiment = EXPERIMENTS[title]
    found = getattr(compute, experiment.view)(**experiment.settings)
    if experiment.view == "payoff":
        for record in found:  # noqa: B007
            pass
        return record
    return found


@pytest.fixture(scope="module")
def runs():
    """The payoffs of the experiments, each computed once."""
    held = {}

    def get(title: str):
        if title not in held:
            held[title] = opened(title)
        return held[title]

    return get


# --- the claims -------------------------------------------------------------------------------------


def test_a_6_turned_by_180_degrees():
    record = opened("A 6 turned by 180 degrees")
    assert record.classes[record.label] == "6"
    assert (record.read[:-1].argmax(1) == 9).all()
    assert (record.read[:-1, 9] > 0.9).all()
    assert record.read[-1].argmax() == 6  # as it is
    np.testing.assert_array_equal(record.results[0], record.image[:, ::-1, ::-1])
    assert (record.targets.argmax(1) == 6).all()


def test_most_sixes_turned_by_180_degrees_are_read_as_nines():
    """That the experiment's 6 is no exception: over all that the net has not learned."""
    pixels, labels = digit_nets.digits()
    held_out = digit_nets.split()[1]
    sixes = pixels[held_out[labels[held_out] == 6]]
    said = digit_nets.reader().probabilities(sixes.flip(-1, -2))[0].argmax(1)
    assert (said == 9).float().mean() > 0.7
    assert (digit_nets.reader().probabilities(sixes)[0].argmax(1) == 6).float().mean() > 0.9


def test_a_policy_instead_of_a_chain():
    record = opened("A policy instead of a chain")
    operations = [text for (text,) in record.printed]
    assert all(text.count("(('") == 1 for text in operations)
    assert len(set(operations)) > 8


def test_two_coins_flips():
    record = opened("Two coins: flips")
    assert len(set(record.printed)) == 4
    for result, (across, down) in zip(record.results, record.printed, strict=True):
        expected = record.image[:, :: -1 if "True" in down else 1, :: -1 if "True" in across else 1]
        np.testing.assert_array_equal(result, expected)


def test_too_strong_to_be_read():
    record = opened("Too strong to be read")
    assert record.read[-1].argmax() == record.label
    assert (record.read[:-1].argmax(1) == record.label).mean() < 0.5


def test_mixup_two_digits_two_labels():
    record = opened("MixUp: two digits, two labels")
    assert record.digits[0] != record.digits[1]
    assert sorted(record.targets[2])[-2:] == [0.5, 0.5]
    expected = (record.pictures[0].astype(float) + record.pictures[1]) / 2
    np.testing.assert_allclose(record.pictures[2], expected, atol=0.51)


def test_rotation_pays_off_on_rotated_digits(runs):
    record = runs("Rotation pays off on rotated digits")
    assert (record.gain("rotated") > 0.1).all()
    assert abs(record.gain("clean").mean()) < 0.03
    seen = np.abs(record.angles) == 30
    beyond = np.abs(record.angles) == 90
    assert record.by_angle[-1, 1, :, seen].mean() > 0.7
    assert record.by_angle[-1, 1, :, beyond].mean() < 0.3


@pytest.mark.parametrize("seed", [1, 2])
def test_so_it_does_with_other_seeds_and_digits(seed):
    for record in compute.payoff(chain="rotation", seed=seed, seeds=3, epochs=40):  # noqa: B007
        pass
    assert (record.gain("rotated") > 0.1).all()


def test_flips_hurt_digits(runs):
    assert (runs("Flips hurt digits").gain("clean") < -0.04).all()


def test_noise_against_noise(runs):
    record = runs("Noise against noise")
    assert (record.gain("noisy") > 0.02).all()
    assert record.gain("noisy").mean() > 0.06
    for other in ("rotated", "shifted"):
        assert record.gain(other).mean() < record.gain("noisy").mean() / 2


def test_too_strong_turned_any_way_round(runs):
    record = runs("Too strong: turned any way round")
    strong, plain = record.by_angle[-1, 1].mean(0), record.by_angle[-1, 0].mean(0)
    assert np.ptp(strong) < np.ptp(plain) / 3
    assert (record.gain("clean") < -0.05).all()


def test_every_experiment_has_its_test():
    assert len(EXPERIMENTS) == 9


# --- the chain --------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["china", "digits"])
def test_every_draw_is_made_again_from_its_row_in_the_numbers(source):
    record = compute.augment(source=source, chain="affine, jitter, noise, mixup", seed=5, draw=4)
    table = record.table()
    image = torch.tensor(record.image)
    others = augmenting.partners(source, 0, tuple(image.shape))[0]
    for i, result in enumerate(record.results):
        printed = [
            text for draw, text in zip(table["draw"], table["what was drawn"], strict=True) if draw == i + 1
        ]
        np.testing.assert_array_equal(chains.remake(image, printed, others), result)
    assert record.differ == 0
    np.testing.assert_array_equal(record.stages[-1], record.results[3])
    np.testing.assert_array_equal(record.stages[0], record.image)


def test_the_same_seed_draws_the_same_and_another_one_anew():
    one, same, other = (compute.augment(seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.results, same.results)
    assert one.printed == same.printed
    assert one.printed != other.printed


def test_an_empty_chain_leaves_the_picture():
    record = compute.augment(chain="none")
    assert (record.results == record.image).all()
    assert len(record.table()["draw"]) == augmenting.DRAWS
    assert "Identity" in record.script()


def test_mixed_labels_sum_to_one_and_follow_what_was_drawn():
    record = compute.augment(source="digits", chain="mixup, cutmix", sample=5)
    np.testing.assert_allclose(record.targets.sum(1), 1)
    record = compute.augment(source="digits", chain="mixup", sample=5)
    for target, printed in zip(record.targets, record.printed, strict=True):
        share = float(printed[0].split("lam=")[1].split(",")[0])
        assert target[record.label] == pytest.approx(share)
        assert (target > 0).sum() == 2


@pytest.mark.parametrize("size", [(1, 1), (3000, 2), (2, 900), (40, 30)])
def test_an_upload_of_any_shape_goes_through_every_transform(size):
    data = io.BytesIO()
    Image.new("RGB", size, (200, 30, 60)).save(data, "PNG")
    upload = uploads.picture(data.getvalue(), augmenting.SIDE)
    for name in compute.TRANSFORMS:
        record = compute.augment(source="upload", upload=upload, chain=name)
        assert record.results.shape[1:] == record.image.shape
        assert record.differ == 0
    assert max(record.image.shape) == augmenting.SIDE


@pytest.mark.parametrize(("source", "channels", "side"), [("MNIST", 1, 28), ("CIFAR10", 3, 32)])
def test_a_set_that_was_fetched_goes_through_every_transform(source, channels, side, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (20, channels, side, side)).astype(np.uint8)
    found = images.Images(pixels, np.arange(20) % 10, tuple(f"{i} - kind" for i in range(10)))
    monkeypatch.setattr(images, "load", lambda *_: found)
    augmenting.partners.cache_clear()
    for name in compute.TRANSFORMS:
        record = compute.augment(source=source, sample=7, chain=name)
        assert record.results.shape == (augmenting.DRAWS, channels, side, side)
        assert record.differ == 0
        assert len(record.read) == 0
    augmenting.partners.cache_clear()
    assert compute.samples(source) == images.MOST


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"source": "upload"}, "upload one"),
        ({"source": "upload", "upload": b"MZ"}, "upload it again"),
        ({"source": "cats"}, "not one of the choices"),
        ({"source": "MNIST"}, "not on this machine yet"),
        ({"source": "digits", "sample": 1797}, "sample must lie"),
        ({"draw": 0}, "draw must lie"),
        ({"seed": -1}, "seed must lie"),
        ({"chain": "spin"}, "no transform"),
        ({"blur_sigma": float("nan")}, "blur_sigma must lie"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(settings, sentence, monkeypatch, tmp_path):
    monkeypatch.setenv("NNPLAY_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=sentence):
        compute.augment(**settings)


def test_so_it_is_in_the_other_views():
    with pytest.raises(ValueError, match="lam must lie"):
        compute.mix(lam=1.1)
    with pytest.raises(ValueError, match="epochs must lie"):
        next(compute.payoff(epochs=0))
    with pytest.raises(ValueError, match="no transform"):
        next(compute.payoff(chain="spin"))


# --- mixing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lam", [0.0, 0.3, 0.77, 1.0])
def test_mixup_is_torchvisions(lam):
    record = compute.mix(lam=lam)
    batch = torch.tensor(record.pictures[:2])[:, None].float()
    tool = v2.MixUp(num_classes=10)
    params = {"lam": lam, "labels": None, "batch_size": 2}
    np.testing.assert_allclose(record.pictures[2], tool.transform(batch, params)[0, 0], atol=0.51)
    labels = torch.tensor(record.digits)
    target = tool.transform(labels, params | {"labels": labels})[0]
    np.testing.assert_allclose(record.targets[2], target, atol=1e-6)


@pytest.mark.parametrize(("lam", "x", "y"), [(0.6, 8, 8), (0.1, 0, 15), (1.0, 3, 3), (0.0, 8, 8)])
def test_cutmix_is_torchvisions(lam, x, y):
    record = compute.mix(lam=lam, center_x=x, center_y=y)
    batch = torch.tensor(record.pictures[:2])[:, None].float()
    tool = v2.CutMix(num_classes=10)
    params = {"box": record.box, "lam_adjusted": record.kept, "labels": None, "batch_size": 2}
    np.testing.assert_array_equal(record.pictures[3], tool.transform(batch, params)[0, 0])
    pasted = np.zeros((16, 16))
    left, top, right, bottom = record.box
    pasted[top:bottom, left:right] = 1
    assert record.kept == pytest.approx(1 - pasted.mean())


def test_the_box_is_drawn_as_torchvision_draws_it():
    """Of its own share and center: those are what it draws."""
    tool = v2.CutMix(num_classes=10)
    image = torch.zeros(2, 1, 16, 16)
    for seed in range(20):
        with drawn.global_generator() as generator:
            generator.manual_seed(seed)
            theirs = tool.make_params([image])["box"]
            generator.manual_seed(seed)
            lam, x, y = float(tool._dist.sample(())), *(int(torch.randint(16, (1,))) for _ in range(2))
        assert mixing.cut(lam, x, y) == theirs


def test_the_density_is_that_of_the_beta_distribution():
    np.testing.assert_allclose(compute.mix(alpha=1.0).density, 1, atol=1e-6)
    record = compute.mix(alpha=3.0)
    np.testing.assert_allclose(record.density, 30 * (record.x * (1 - record.x)) ** 2, rtol=1e-4)


# --- nets -------------------------------------------------------------------------------------------


def test_the_nets_are_torchs_own_layers_side_by_side():
    nets = digit_nets.Nets([0, 7, 0])
    w1, b1, w2, b2, w3, b3 = (parameter.detach() for parameter in nets.parameters)
    x = torch.rand(5, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    found = nets(x).detach()
    for k in range(3):
        net = nn.Sequential(
            nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU(), nn.Flatten(),
            nn.Linear(256, 10),
        )  # fmt: skip
        parts = (w1[8 * k : 8 * k + 8], b1[:8], w2[16 * k : 16 * k + 16], b2[:16], w3[k].T, b3[k, 0])
        for parameter, value in zip(net.parameters(), parts, strict=True):
            parameter.data = value.clone()
        torch.testing.assert_close(found[k], net(x), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found[0], found[2])


def test_a_net_learns_the_same_alone_and_beside_others():
    pixels, labels = digit_nets.digits()
    rows = digit_nets.few(5, 0)
    x, y = pixels[rows] / 255, F.one_hot(labels[rows], 10).float()[None]
    alone, beside = digit_nets.Nets([3]), digit_nets.Nets([1, 3])
    for nets in (alone, beside):
        for _ in digit_nets.train(nets, lambda epoch: iter([(x, y)]), 1, 5, 0.01):
            pass
    torch.testing.assert_close(alone(x)[0], beside(x)[1], atol=1e-3, rtol=1e-3)


def test_few_digits_are_as_many_of_each_class_and_never_test_digits():
    rows = digit_nets.few(7, 3)
    assert (torch.bincount(digit_nets.digits()[1][rows]) == 7).all()
    assert len(set(rows.tolist())) == 70
    assert not set(rows.tolist()) & set(digit_nets.split()[1].tolist())


def test_the_reader_knows_digits_that_it_has_not_learned():
    pixels, labels = digit_nets.digits()
    held_out = digit_nets.split()[1]
    assert digit_nets.reader().accuracy(pixels[held_out], labels[held_out])[0] > 0.95


# --- payoff -----------------------------------------------------------------------------------------


def test_without_a_chain_both_of_a_pair_are_the_same():
    for record in compute.payoff(chain="none", seeds=2, epochs=10, per_class=5):  # noqa: B007
        pass
    np.testing.assert_allclose(record.loss[:, 0], record.loss[:, 1], rtol=0.02)
    assert (np.abs(record.accuracy[:, 0] - record.accuracy[:, 1]) < 0.02).all()


def test_a_run_goes_from_the_start_to_its_end():
    records = list(compute.payoff(seeds=2, epochs=12, per_class=3, chain="rotation, mixup"))
    lengths = [len(record.epochs) for record in records]
    assert lengths == list(range(1, 26))  # the start, and two batches an epoch
    last = records[-1]
    np.testing.assert_array_equal(last.epochs, np.arange(25) / 2)
    np.testing.assert_array_equal(last.moments[last.tested], np.floor(last.epochs))
    assert np.isnan(last.loss[0]).all()
    assert last.moments[0] == 0
    assert last.moments[-1] == 12
    assert last.accuracy.shape == (len(last.moments), 2, 2, 4)
    assert last.shown.shape == (len(last.moments), 10, 16, 16)
    assert np.isfinite(last.by_angle[-1]).all()
    table = last.table()
    assert len(table["test digits"]) == 2 * (4 + len(pay.ANGLES))
    assert table["mean accuracy"][0] == pytest.approx(last.accuracy[-1, 0, :, 0].mean())
    np.testing.assert_array_equal(last.accuracy[0, 0], last.accuracy[0, 1])  # the same start
    again = list(compute.payoff(seeds=2, epochs=12, per_class=3, chain="rotation, mixup"))[-1]
    np.testing.assert_array_equal(last.accuracy, again.accuracy)


def test_the_weights_are_taken_home():
    for record in compute.payoff(seeds=2, epochs=10, per_class=3):  # noqa: B007
        pass
    labels = digit_nets.digits()[1][digit_nets.split()[1]]
    for arm, name in enumerate(("without.pt", "with.pt")):
        net = digit_nets.sequential()
        net.load_state_dict(torch.load(io.BytesIO(record.downloads()[name]()), weights_only=True))
        said = net(pay.tests()["clean"] / 255).argmax(1)
        assert (said == labels).float().mean() == pytest.approx(record.accuracy[-1, arm, 0, 0], abs=0.005)


def test_at_no_angle_the_curve_is_the_accuracy_on_clean_digits():
    assert torch.equal(pay.turned()[list(pay.ANGLES).index(0)], pay.tests()["clean"][: pay.ANGLE_DIGITS])


def test_the_test_digits_are_what_they_are_said_to_be():
    tests = pay.tests()
    clean = tests["clean"].float()
    noise = (tests["noisy"].float() - clean)[(clean > 90) & (clean < 160)] / 255
    middle = 0.6745 * pay.NOISE  # of a normal distribution, whose tails are cut off here
    assert noise.abs().median() == pytest.approx(middle, rel=0.1)
    assert torch.equal(tests["shifted"].float().sum((1, 2, 3)), clean.sum((1, 2, 3)))  # nothing is cut off


def test_the_loss_is_the_mean_over_the_last_epoch_of_batches(monkeypatch):
    raw, train = [], digit_nets.train

    def noted(*args):
        for step, loss in train(*args):
            raw.append(loss.copy())
            yield step, loss

    monkeypatch.setattr(pay.digit_nets, "train", noted)
    *_, record = compute.payoff(seeds=2, epochs=10, per_class=5, chain="rotation")  # two batches an epoch
    batches = np.reshape(raw, (-1, 2, 2))
    np.testing.assert_allclose(record.loss[1], batches[0])
    np.testing.assert_allclose(record.loss[2:], (batches[1:] + batches[:-1]) / 2, rtol=1e-6)


def test_a_long_run_has_no_more_pictures_than_can_be_sent(monkeypatch):
    monkeypatch.setattr(pay, "PICTURES", 10)
    *_, record = compute.payoff(seeds=2, epochs=10, per_class=5, chain="none")
    assert len(record.epochs) <= 21
    assert record.epochs[-1] == 10


@pytest.mark.parametrize("chain", ["mixup", "cutmix", "trivialaugment, erasing", "augmix, elastic"])
def test_any_chain_can_be_trained_with(chain):
    for record in compute.payoff(chain=chain, seeds=2, epochs=10, per_class=2):  # noqa: B007
        pass
    assert np.isfinite(record.loss[1:]).all()


def test_the_home_card():
    assert compute.preview().results.shape[0] == augmenting.DRAWS
