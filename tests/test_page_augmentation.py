"""The Augmentation page: the chain is added to, moved and emptied; bad texts and files cost a sentence."""

import io
import re

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from test_live import drawn
from test_pages import ROOT
from test_uploads import HOSTILE

from nnplay.ui import page


def opened(**query) -> AppTest:
    at = AppTest.from_file(ROOT / "pages" / "augmentation.py", default_timeout=60)
    for name, value in query.items():
        at.query_params[f"augmentation_{name}"] = value
    at.run()
    assert not at.exception
    return at


def held(at: AppTest) -> str:
    return at.session_state["augmentation_chain"]


def press(at: AppTest, key: str) -> None:
    at.button(key=f"augmentation-{key}").click().run()
    assert not at.exception


def test_a_chain_is_added_to_moved_and_emptied():
    at = opened(chain="rotation, mixup")
    at.selectbox(key="augmentation-add").set_value("noise").run()
    assert not at.exception
    assert held(at) == "rotation, noise, mixup"  # before what mixes
    assert at.selectbox(key="augmentation-add").value is None
    press(at, "Earlier-1")
    assert held(at) == "noise, rotation, mixup"
    press(at, "Later-0")
    assert held(at) == "rotation, noise, mixup"
    assert at.button(key="augmentation-Later-1").disabled
    for rest in ("noise, mixup", "mixup", "none"):
        press(at, "Remove-0")
        assert held(at) == rest
    assert "original" in drawn(at)["figure"]


def test_each_transform_has_its_sliders_and_its_own_words():
    at = opened(chain="affine, posterize")
    keys = {slider.key for slider in at.slider}
    assert {"augmentation_affine_shear", "augmentation_posterize_bits"} <= keys
    assert "augmentation_rotation_degrees" not in keys
    said = " ".join(caption.value for caption in at.caption)
    assert "Random affine transformation the input keeping center invariant." in said


def test_a_transform_twice_has_its_sliders_once():
    at = opened(chain="erasing, erasing")
    assert [slider.key for slider in at.slider].count("augmentation_erasing_p") == 1


@pytest.mark.parametrize("view", ["Chain", "Payoff"])
@pytest.mark.parametrize("chain", ["spin", "mixup, rotation", ",".join(["hflip"] * 9), "💥"])
def test_a_chain_that_makes_no_sense_is_said(view, chain):
    at = opened(view=view, chain=chain)
    assert len(at.warning) == 1
    assert at.warning[0].value.endswith(".")


def test_the_code_that_runs_stands_below():
    at = opened(chain="rotation", rotation_degrees="12")
    assert any("v2.RandomRotation(degrees=(-12, 12)" in code.value for code in at.code)
    assert any("rotation(angle=" in code.value for code in at.code)


def picture() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (90, 60), "red").save(data, "PNG")
    return data.getvalue()


def test_an_own_picture_is_augmented_and_kept_in_no_shared_cache(monkeypatch):
    def shared(*_):
        raise AssertionError("kept where other visitors' results are")

    at = opened(source="Your picture")
    assert "upload one" in at.warning[0].value
    monkeypatch.setattr(page, "_computed", shared)
    at.file_uploader[0].set_value(("mine.png", picture(), "image/png")).run()
    assert not at.warning
    assert not at.exception


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_upload_gets_a_sentence(name):
    at = opened(source="Your picture")
    at.file_uploader[0].set_value(("mine.png", HOSTILE[name][0], "image/png")).run()
    assert not at.exception
    assert [bool(re.search(HOSTILE[name][1], warning.value)) for warning in at.warning] == [True]


def test_a_set_that_is_not_here_is_offered(monkeypatch, tmp_path):
    monkeypatch.setenv("NNPLAY_DATA", str(tmp_path))
    at = opened(source="MNIST")
    assert "not on this machine yet" in at.warning[0].value
    assert any("Fetch MNIST" in button.label for button in at.button)
