"""Labelled images, all by one signature: `load(source)`.

The digits and the photographs that scikit-learn ships are always here. MNIST, FashionMNIST and CIFAR-10 are
fetched by whoever has a network (`nnplay.vision.fetch`). A visitor's own picture comes as `upload`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from sklearn.datasets import load_digits, load_sample_images

from nnplay import uploads, vision

KINDS = {"china": "temple", "flower": "flower"}
"""The photographs, by scikit-learn's names, and what they show."""

PHOTOS = tuple(KINDS)
SOURCES = ("digits", *PHOTOS, "upload", *vision.DATASETS)
MOST = 10_000
"""Images of a set that are used: the first ones."""


@dataclass(frozen=True, slots=True)
class Images:
    """`pixels` uint8 (n, channels, height, width); `labels` int64 (n,), indices into `classes`.

    What is shared by all visitors is read-only.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]


def load(source: str, upload: bytes = b"") -> Images:
    """The images of one of `SOURCES`: a photograph and an upload are one image of one class.

    `upload` is what `nnplay.uploads.picture` returned. Raises ValueError, with a sentence for the visitor,
    for a source that is not known, not fetched yet, or not uploaded yet.
    """
    if source == "upload":
        return _alone(uploads.pixels(upload), "upload")
    if source not in SOURCES:
        raise ValueError(f"There are no images {source!r}: choose one of {', '.join(SOURCES)}.")
    if missing(source):
        raise ValueError(f"{source} is not on this machine yet: fetch it, or choose another source.")
    return _load(source)


def missing(source: str) -> bool:
    """Whether that source has to be fetched before it can be loaded."""
    return source in vision.DATASETS and not vision.fetched(source)


def size(source: str) -> int:
    """The bytes that come over the network when it is fetched."""
    return vision.DATASETS[source]


def fetch(source: str) -> Iterator[vision.Fetching]:
    """Fetch it, as `nnplay.vision.fetch` does."""
    return vision.fetch(source)


@lru_cache(maxsize=1)
def digits() -> np.ndarray:
    """The digits' brightness in sixteenths, 0 to 1, as scikit-learn has them: float64 (1797, 8, 8)."""
    shades = load_digits().images / 16
    shades.flags.writeable = False
    return shades


@lru_cache(maxsize=4)
def _load(source: str) -> Images:
    if source == "digits":
        pixels = np.round(255 * digits()).astype(np.uint8)[:, None]
        return _frozen(pixels, load_digits().target, tuple("0123456789"))
    if source in PHOTOS:
        return _alone(load_sample_images().images[PHOTOS.index(source)], source)
    data = getattr(vision.datasets, source)(vision.folder(), train=True)
    pixels = np.asarray(data.data)[:MOST]
    pixels = pixels[:, None] if pixels.ndim == 3 else pixels.transpose(0, 3, 1, 2)
    return _frozen(pixels.copy(), np.asarray(data.targets)[:MOST], tuple(data.classes))


def _alone(rgb: np.ndarray, name: str) -> Images:
    return _frozen(rgb.transpose(2, 0, 1)[None].copy(), np.zeros(1), (name,))


def _frozen(pixels: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> Images:
    labels = labels.astype(np.int64)
    pixels.flags.writeable = labels.flags.writeable = False
    return Images(pixels, labels, classes)
