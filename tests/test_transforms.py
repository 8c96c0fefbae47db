"""Random transforms: each is made again from what was printed, and is torchvision's own."""

import re
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as strategy

from nnplay import chains, digit_nets, drawn, transforms
from nnplay.augmenting import photo
from nnplay.transforms import TRANSFORMS
from nnplay.vision import v2

PHOTO = v2.functional.resize(photo("china"), [40, 60], antialias=True)
DIGIT = digit_nets.digits()[0][0]
OTHERS = {3: (v2.functional.horizontal_flip(PHOTO),), 1: tuple(digit_nets.digits()[0][1:5])}
SEEDED = ("elastic", "noise", "augmix")
each = pytest.mark.parametrize("name", TRANSFORMS)


def always(name: str) -> dict:
    """The default parameters, but with probability 1, and a hue that moves."""
    values = {p.name: p.default for p in TRANSFORMS[name].parameters}
    return values | {key: value for key, value in (("p", 1.0), ("hue", 0.1)) if key in values}


def through(name: str, image: torch.Tensor, seeds, **values) -> list[chains.Drawn]:
    own = {f"{name}_{key}": value for key, value in (always(name) | values).items()}
    return chains.run(chains.stages(name, own), image, seeds, OTHERS[len(image)])


@each
@pytest.mark.parametrize("image", [PHOTO, DIGIT], ids=["photo", "digit"])
def test_the_picture_is_made_again_from_what_was_printed_bit_for_bit(name, image):
    changed = 0
    for found in through(name, image, [(0, i) for i in range(20)]):
        again = chains.remake(image, found.printed, OTHERS[len(image)])
        assert torch.equal(again, found.pictures[-1]), found.printed
        assert again.dtype == torch.uint8
        assert again.shape == image.shape
        changed += not torch.equal(again, image)
    assert changed or (name == "grayscale" and len(image) == 1)


@settings(max_examples=60, deadline=None)
@given(data=strategy.data(), name=strategy.sampled_from(list(TRANSFORMS)), seed=strategy.integers(0, 9999))
def test_so_it_is_at_any_setting(data, name, seed):
    values = {
        p.name: data.draw(
            strategy.integers(0, round((p.high - p.low) / p.step)).map(
                lambda k, p=p: min(type(p.default)(round(p.low + k * p.step, 10)), p.high)
            ),
            label=p.name,
        )
        for p in TRANSFORMS[name].parameters
    }
    for image in (PHOTO, DIGIT):
        (found,) = through(name, image, [(seed,)], **values)
        assert torch.equal(chains.remake(image, found.printed, OTHERS[len(image)]), found.pictures[-1])


def test_so_it_is_for_a_whole_chain():
    chain = ", ".join(["rotation", "elastic", "crop", "jitter", "noise", "erasing", "mixup", "cutmix"])
    for image in (PHOTO, DIGIT):
        for found in chains.run(
            chains.stages(chain, {}), image, [(i,) for i in range(8)], OTHERS[len(image)]
        ):
            again = chains.remake(image, found.printed, OTHERS[len(image)])
            assert torch.equal(again, found.pictures[-1])


@pytest.mark.parametrize("name", [n for n in TRANSFORMS if n not in (*SEEDED, "mixup", "cutmix")])
def test_it_draws_and_applies_as_torchvision_does(name):
    """Within what four digits leave out: a rounded angle moves an edge by a hair."""
    tool = transforms.tool(name, always(name), (40, 60))
    for seed in range(12):
        with drawn.global_generator() as generator:
            generator.manual_seed(seed)
            values = TRANSFORMS[name].draw(tool, PHOTO, 0)
            generator.manual_seed(seed)
            theirs = tool(PHOTO)
        ours = TRANSFORMS[name].apply(PHOTO, **values)
        differ = (ours.float() - theirs.float()).abs()
        assert differ.mean() < 0.25, (seed, values)
        assert (differ > 8).float().mean() < 0.01, (seed, values)


@pytest.mark.parametrize("name", SEEDED)
def test_noise_is_torchvisions_under_the_seed_that_is_printed(name):
    (found,) = through(name, PHOTO, [(3,)])
    _, values = transforms.read(found.printed[0])
    with drawn.global_generator() as generator:
        generator.manual_seed(values["seed"])
        assert torch.equal(found.pictures[-1], transforms.tool(name, always(name), (40, 60))(PHOTO))


@each
def test_the_doc_is_the_class_s_own(name):
    transform = TRANSFORMS[name]
    assert len(transform.doc) > 20
    assert not set("`<>") & set(transform.doc)
    assert transform.doc.split()[:4] == (transform.kind.__doc__ or "").split()[:4]


@each
def test_the_code_makes_the_same_instance(name):
    code = TRANSFORMS[name].code(always(name), (40, 60))
    made = eval(code, {"v2": v2})
    assert type(made) is TRANSFORMS[name].kind
    assert repr(made) == repr(transforms.tool(name, always(name), (40, 60)))


@pytest.mark.parametrize("name", [n for n, t in TRANSFORMS.items() if "p" in {p.name for p in t.parameters}])
def test_a_probability_is_how_often_it_happens(name):
    for p in (0.0, 0.3, 1.0):
        found = through(name, DIGIT, [(i,) for i in range(200)], p=p)
        share = np.mean([each.printed[0] != f"{name}()" for each in found])
        assert share == pytest.approx(p, abs=0 if p in (0, 1) else 0.12)
        for each in found:
            if each.printed[0] == f"{name}()":
                assert torch.equal(each.pictures[-1], DIGIT)


def test_what_was_printed_is_read_again_and_nothing_else_is():
    name, values = "jitter", {"fn_idx": (1, 0), "hue_factor": -0.02, "brightness_factor": None}
    assert transforms.read(transforms.written(name, values)) == (name, values)
    for wrong in (
        "",
        "rotation",
        "spin(angle=3)",
        "rotation(3)",
        "rotation(angle=f())",
        "rotation(",
        "a.b()",
    ):
        with pytest.raises(ValueError, match=r"no|not"):
            transforms.read(wrong)


def test_a_transform_draws_the_same_wherever_it_stands():
    one, other = (
        chains.run(chains.stages(c, {}), PHOTO, [(1,)])[0] for c in ("rotation, crop", "crop, rotation")
    )
    assert set(one.printed) == set(other.printed)
    assert not torch.equal(one.pictures[-1], other.pictures[-1])


def test_twice_in_a_chain_draws_twice():
    found = chains.run(chains.stages("erasing, erasing", {"erasing_p": 1.0}), PHOTO, [(1,)])[0]
    assert found.printed[0] != found.printed[1]


def test_while_a_slider_moves_the_draw_stays_the_same():
    small, large = (through("rotation", PHOTO, [(4,)], degrees=d)[0].printed[0] for d in (10, 20))
    angle = [transforms.read(text)[1]["angle"] for text in (small, large)]
    assert angle[1] == pytest.approx(2 * angle[0], rel=1e-3)


def test_torchs_global_generator_is_left_alone():
    before = torch.random.get_rng_state()
    chains.run(chains.stages("rotation, noise, augmix, elastic", {}), PHOTO, [(1,)])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_visitors_at_once_do_not_disturb_each_other():
    stages = chains.stages("affine, noise, crop, elastic", {})
    alone = [each.printed for each in chains.run(stages, DIGIT, [(i,) for i in range(12)])]
    found = {}

    def visit(k):
        found[k] = chains.run(stages, DIGIT, [(i,) for i in range(12)])

    threads = [threading.Thread(target=visit, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in found.values():
        assert [one.printed for one in each] == alone
        assert torch.equal(each[3].pictures[-1], found[0][3].pictures[-1])


# --- chains -----------------------------------------------------------------------------------------


def test_a_chain_as_text():
    assert chains.names("rotation, hflip") == ("rotation", "hflip")
    assert chains.names("none") == chains.names(" ") == ()
    for wrong, sentence in (
        ("rotation, spin", "'spin' is no transform"),
        (", ".join(["hflip"] * 9), "up to 8"),
        ("mixup, rotation", "come after"),
    ):
        with pytest.raises(ValueError, match=sentence):
            chains.names(wrong)
        assert set(chains.known(wrong)) <= set(TRANSFORMS)
        assert len(chains.known(wrong)) <= chains.MOST


@given(strategy.text(max_size=40))
def test_any_text_is_a_chain_or_a_sentence(text):
    try:
        assert set(chains.names(text)) <= set(TRANSFORMS)
    except ValueError as refused:
        assert str(refused).endswith(".")  # noqa: PT017
    chains.known(text)


@given(strategy.lists(strategy.sampled_from(list(TRANSFORMS)), max_size=8))
def test_adding_and_moving_leaves_a_chain_that_is_one(picked):
    chain = ()
    for name in picked:
        chain = chains.added(chain, name)
        assert chains.names(", ".join(chain)) == chain
    for i in range(len(chain)):
        for by in (-1, 1):
            moved = chains.moved(chain, i, by)
            assert sorted(moved) == sorted(chain)
            assert chains.names(", ".join(moved)) == moved


def test_a_value_out_of_range_is_a_sentence_and_an_unknown_name_an_error():
    with pytest.raises(ValueError, match="rotation_degrees must lie"):
        chains.stages("rotation", {"rotation_degrees": 400})
    with pytest.raises(TypeError, match="rotation_speed"):
        chains.stages("rotation", {"rotation_speed": 1})


def test_a_group_shares_what_is_drawn():
    stages = chains.stages("rotation", {})
    twins = DIGIT.expand(20, -1, -1, -1)
    found = chains.batch(stages, twins, (1,), group=10)
    assert torch.equal(found[0], found[9])
    assert not torch.equal(found[0], found[10])
    assert torch.equal(chains.batch(chains.stages("none", {}), twins, (1,)), twins)


@pytest.mark.parametrize("chain", ["rotation, crop, noise", "hflip, mixup, cutmix", "none", "cutmix"])
def test_the_script_of_a_chain_runs(chain, capsys):
    script = chains.script(chains.stages(chain, {}), (16, 16), 1)
    with drawn.global_generator():
        exec(compile(script, "chain.py", "exec"), {})
    assert re.search(r"torch.Size\(\[8, 1, 16, 16\]\)", capsys.readouterr().out)
