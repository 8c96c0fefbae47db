"""Labelled images by one signature, and fetching them: with a progress, an end, and a sentence offline."""

import os
import socket
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_sample_images

from nnplay import images, vision


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NNPLAY_DATA", str(tmp_path / "data"))
    images._load.cache_clear()
    yield tmp_path / "data"
    images._load.cache_clear()


def test_the_digits_are_scikit_learns():
    found = images.load("digits")
    np.testing.assert_allclose(found.pixels[:, 0] / 255 * 16, load_digits().images, atol=0.05)
    np.testing.assert_array_equal(found.labels, load_digits().target)
    assert found.classes == tuple("0123456789")
    assert not found.pixels.flags.writeable


@pytest.mark.parametrize("name", images.PHOTOS)
def test_a_photograph_is_one_image(name):
    found = images.load(name)
    photo = load_sample_images().images[images.PHOTOS.index(name)]
    np.testing.assert_array_equal(found.pixels[0].transpose(1, 2, 0), photo)


def test_what_is_not_there_is_a_sentence():
    for source, sentence in (
        ("MNIST", "not on this machine yet"),
        ("upload", "upload one"),
        ("cats", "choose"),
    ):
        with pytest.raises(ValueError, match=sentence):
            images.load(source)
    assert images.missing("MNIST")
    assert not images.missing("digits")


class Fake(torch.utils.data.Dataset):
    """As torchvision keeps MNIST."""

    def __init__(self, root, train, download=False):
        self.data = torch.arange(12 * 28 * 28).reshape(12, 28, 28).to(torch.uint8)
        self.targets = torch.arange(12) % 10
        self.classes = [f"{i} - digit" for i in range(10)]
        self.asked = download


def test_a_fetched_set_comes_by_the_same_signature(folder, monkeypatch):
    monkeypatch.setattr(vision.datasets, "MNIST", Fake)
    folder.mkdir()
    vision.download("MNIST", folder)
    assert not images.missing("MNIST")
    found = images.load("MNIST")
    assert (found.pixels.shape, found.labels.dtype) == ((12, 1, 28, 28), np.int64)


@pytest.fixture(autouse=True)
def timeout():
    yield
    socket.setdefaulttimeout(None)  # `download` sets it for the process that it expects to be its own


def test_a_silent_server_is_given_up(folder, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never says a word
        monkeypatch.setattr(vision, "TIMEOUT", 0.2)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setattr(vision.datasets.MNIST, "mirrors", [address])
        with pytest.raises((OSError, RuntimeError)):
            vision.download("MNIST", folder)
    assert not vision.fetched("MNIST")


def script(monkeypatch, text: str) -> None:
    """What is run in place of torchvision's download."""
    monkeypatch.setattr(vision, "COMMAND", (sys.executable, "-c", text))


GROW = """
import pathlib, sys
name, into = sys.argv[1], pathlib.Path(sys.argv[2])
(into / "a.gz").write_bytes(b"x" * 5_000_000)
print("ready", flush=True)
"""


def test_fetching_tells_how_far_it_is_and_ends(folder, monkeypatch):
    script(monkeypatch, GROW + "(into / f'{name}.complete').touch()")
    states = list(images.fetch("MNIST"))
    assert states[-1].share == 1
    assert [state.done for state in states] == sorted(state.done for state in states)
    assert not images.missing("MNIST")


def test_a_fetch_that_fails_is_a_sentence(monkeypatch):
    script(monkeypatch, "raise SystemExit('no network')")
    with pytest.raises(ValueError, match="Is there a network"):
        list(images.fetch("MNIST"))
    assert images.missing("MNIST")


def test_who_leaves_ends_the_fetch_and_who_comes_meanwhile_watches_it(folder, monkeypatch):
    script(monkeypatch, GROW + "import time; time.sleep(600)")
    first = images.fetch("MNIST")
    next(first)
    second = images.fetch("MNIST")
    process = vision._under_way["MNIST"]
    next(second)
    assert vision._under_way["MNIST"] is process
    second.close()
    assert process.poll() is None  # not the second's to end
    while next(first).done < 5_000_000:
        pass
    first.close()
    assert process.poll() is not None
    assert images.missing("MNIST")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that cannot be written")
def test_a_folder_that_cannot_be_written_is_a_sentence(folder):
    folder.parent.chmod(0o500)
    with pytest.raises(ValueError, match="cannot be written"):
        list(images.fetch("MNIST"))
