"""A picture through a chain of random transforms, a dozen times, and stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from nnplay import chains, digit_nets, images
from nnplay.limits import SEED, choose, within
from nnplay.records import Table
from nnplay.vision import DATASETS, v2

DRAWS = 12
SIDE = 144
"""Pixels of the longer side of a photograph."""


@dataclass(frozen=True, slots=True)
class Augmented:
    """`image` uint8 (channels, height, width), of the class `label` of `classes`; `results` (DRAWS, channels,
    height, width) of it, and `stages` (n + 1, ...), the `draw`-th of them, from 1 on, on its way: the
    original first. `differ`: how many values of it are others when it is made again from what was printed.

    `names` are those of the n transforms in the chain, `lines` how many each needs for its `brief`. `printed`
    and `brief`, DRAWS times n: what was drawn, as calls that make the picture again (`nnplay.chains.remake`),
    and in a few signs. `targets` (DRAWS, classes): the label, mixed where pictures were. `read` (DRAWS + 1,
    10): what a net that knows digits says, of the original last; without rows where this is no digit.
    """

    image: np.ndarray
    label: int
    classes: tuple[str, ...]
    results: np.ndarray
    stages: np.ndarray
    draw: int
    differ: int
    names: tuple[str, ...]
    labels: tuple[str, ...]
    lines: tuple[int, ...]
    printed: tuple[tuple[str, ...], ...]
    brief: tuple[tuple[str, ...], ...]
    targets: np.ndarray
    read: np.ndarray
    chain: tuple[chains.Stage, ...]

    def table(self) -> Table:
        """A row for each transform of each draw."""
        rows = [
            (draw, i + 1, self.labels[i], text)
            for draw, texts in enumerate(self.printed, 1)
            for i, text in enumerate(texts)
        ]
        rows = rows or [(draw + 1, 0, "nothing", "") for draw in range(len(self.results))]
        found = dict(zip(("draw", "stage", "transform", "what was drawn"), map(list, zip(*rows))))
        if len(self.read):
            best = self.read.argmax(1)
            found["read as"] = [int(best[row[0] - 1]) for row in rows]
            found["probability"] = [float(self.read[row[0] - 1].max()) for row in rows]
        return found

    def script(self) -> str:
        """The chain in torchvision's own words, as a program."""
        return chains.script(self.chain, self.image.shape[1:], len(self.image))

    def downloads(self) -> Mapping[str, Callable[[], str]]:
        return {"chain.py": self.script}


@chains.takes_parameters
def augment(
    *,
    chain: str = chains.DEFAULT,
    source: str = "china",
    sample: int = 0,
    upload: bytes = b"",
    draw: int = 1,
    seed: int = 0,
    **parameters: float,
) -> Augmented:
    """Draw the chain's random parameters `DRAWS` times, and apply them to one picture of the source.

    `sample`: which of the source's pictures; `draw`: which of the results is shown stage by stage; `upload`
    is what `nnplay.uploads.picture` returned. `parameters` are the transforms', such as `rotation_degrees`.
    Raises ValueError, with a sentence for the visitor, for what makes no sense.
    """
    within("draw", draw, (1, DRAWS))
    within("seed", seed, SEED)
    image, label, classes = picture(source, sample, upload)
    stages = chains.stages(chain, parameters)
    others, kinds = partners(source, sample, tuple(image.shape)) if _mixes(stages) else ((), ())
    found = chains.run(stages, image, [(seed, i) for i in range(DRAWS)], others)
    results = torch.stack([each.pictures[-1] for each in found])
    again = chains.remake(image, found[draw - 1].printed, others)
    read = np.zeros((0, 10), np.float32)
    if source == "digits":
        read = digit_nets.reader().probabilities(torch.cat([results, image[None]]))[0].numpy()
    return Augmented(
        image=image.numpy(),
        label=label,
        classes=classes,
        results=results.numpy(),
        stages=torch.stack(found[draw - 1].pictures).numpy(),
        draw=draw,
        differ=int((again != results[draw - 1]).sum()),
        names=tuple(stage.name for stage in stages),
        labels=tuple(stage.transform.label for stage in stages),
        lines=tuple(1 + stage.transform.long for stage in stages),
        printed=tuple(each.printed for each in found),
        brief=tuple(each.brief for each in found),
        targets=np.array([_target(label, each.mixed, kinds, len(classes)) for each in found]),
        read=read,
        chain=stages,
    )


def _target(label: int, mixed, kinds: tuple[int, ...], classes: int) -> np.ndarray:
    target = np.eye(classes)[label]
    for share, other in mixed:
        target = share * target + (1 - share) * np.eye(classes)[kinds[other]]
    return target


def samples(source: str) -> int:
    """How many pictures a source has; of one that is not here yet, as many as would be used."""
    if source == "digits":
        return len(digit_nets.digits()[0])
    return images.MOST if source in DATASETS else 1


def _mixes(stages: tuple[chains.Stage, ...]) -> bool:
    return any(stage.transform.mixes for stage in stages)


def picture(source: str, sample: int, upload: bytes = b"") -> tuple[Tensor, int, tuple[str, ...]]:
    """One picture as uint8 (channels, height, width), the number of its class, and all classes."""
    choose(source, images.SOURCES, "source")
    if source == "digits":
        within("sample", sample, (0, len(digit_nets.digits()[0]) - 1))
        pixels, labels = digit_nets.digits()
        return pixels[sample], int(labels[sample]), images.load("digits").classes
    if source in (*images.PHOTOS, "upload"):
        number = (*images.PHOTOS, "upload").index(source)
        return photo(source, upload), number, (*images.KINDS.values(), "upload")
    data = images.load(source)
    within("sample", sample, (0, len(data.pixels) - 1))
    return torch.tensor(data.pixels[sample]), int(data.labels[sample]), data.classes


def photo(source: str, upload: bytes = b"") -> Tensor:
    """A photograph or upload, its longer side `SIDE` pixels: uint8 (3, height, width)."""
    return _photo(source) if source in images.PHOTOS else _fitted(images.load(source, upload).pixels)


@lru_cache
def _photo(source: str) -> Tensor:
    return _fitted(images.load(source).pixels)


def _fitted(pixels: np.ndarray) -> Tensor:
    height, width = pixels.shape[-2:]
    scale = SIDE / max(height, width)
    size = [max(16, round(height * scale)), max(16, round(width * scale))]
    return v2.functional.resize(torch.tensor(pixels[0]), size, antialias=True)


@lru_cache(maxsize=16)
def partners(source: str, sample: int, shape: tuple[int, ...]) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
    """Pictures to mix with and their classes: of another class each, and of the same size."""
    if source in (*images.PHOTOS, "upload"):
        found = [name for name in images.PHOTOS if name != source]
        sized = [v2.functional.resize(photo(name), list(shape[1:]), antialias=True) for name in found]
        return tuple(sized), tuple(map(images.PHOTOS.index, found))
    if source == "digits":
        pixels, labels = digit_nets.digits()
    else:
        data = images.load(source)
        pixels, labels = torch.tensor(data.pixels), torch.tensor(data.labels)
    different = (labels != labels[sample]).nonzero()[:, 0][:200]
    return tuple(pixels[different]), tuple(labels[different].tolist())
