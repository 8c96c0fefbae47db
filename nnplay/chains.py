"""Chains of random transforms: written as text, drawn under a seed, applied to pictures, printed as code."""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnplay import drawn, transforms
from nnplay.limits import within
from nnplay.transforms import DEFAULTS, RANGES, TRANSFORMS

MOST = 8
"""Transforms in a chain."""

EMPTY = "none"
DEFAULT = "rotation, crop, jitter"


def names(chain: str) -> tuple[str, ...]:
    """The transforms of a chain such as "rotation, hflip", in order; "none" has none.

    Raises ValueError, with a sentence for the visitor, for anything else.
    """
    found = tuple(part.strip() for part in chain.split(",") if part.strip() not in ("", EMPTY))
    for name in found:
        if name not in TRANSFORMS:
            raise ValueError(f"{name!r} is no transform of this page: these are {', '.join(TRANSFORMS)}.")
    if len(found) > MOST:
        raise ValueError(f"A chain may have up to {MOST} transforms, not {len(found)}.")
    order = [TRANSFORMS[name].mixes for name in found]
    if order != sorted(order):
        raise ValueError("MixUp and CutMix mix whole batches: they come after all that changes one picture.")
    return found


def known(chain: str) -> tuple[str, ...]:
    """Those parts of the text that are transforms, in order, at most `MOST`: never an error."""
    parts = (part.strip() for part in chain.split(","))
    return tuple(part for part in parts if part in TRANSFORMS)[:MOST]


def added(chain: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The chain with one more transform, as late as it may stand."""
    if TRANSFORMS[name].mixes:
        return (*chain, name)
    mixing = sum(TRANSFORMS[each].mixes for each in chain)
    at = len(chain) - mixing
    return (*chain[:at], name, *chain[at:])


def moved(chain: tuple[str, ...], i: int, by: int) -> tuple[str, ...]:
    """The chain with its i-th transform moved by so many places, or as it is where that may not be."""
    j = i + by
    if not 0 <= j < len(chain) or TRANSFORMS[chain[i]].mixes is not TRANSFORMS[chain[j]].mixes:
        return chain
    order = list(chain)
    order[i], order[j] = order[j], order[i]
    return tuple(order)


def takes_parameters(function: Callable) -> Callable:
    """Decorator: `**parameters` of the function are all transforms' parameters, as keywords with defaults."""
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    kind = inspect.Parameter.KEYWORD_ONLY
    more = [inspect.Parameter(name, kind, default=value) for name, value in DEFAULTS.items()]
    function.__signature__ = signature.replace(parameters=own + more)
    return function


@lru_cache(maxsize=1024)  # while a slider moves they are always the same ones
def _numbers(seed: tuple[int, ...], name: str, turn: int, others: int) -> tuple[int, int, int]:
    """What a stage's randomness begins with: two seeds, and the number of another picture, if any."""
    random = np.random.default_rng([*seed, zlib.crc32(name.encode()), turn])
    own, noise = (int(random.integers(100_000)) for _ in range(2))
    return own, noise, int(random.integers(others)) if others else 0


@dataclass(frozen=True, slots=True)
class Stage:
    """One transform of a chain with its settings; `turn`: how many of its name stand before it."""

    name: str
    turn: int
    settings: Mapping[str, Any]

    @property
    def transform(self) -> transforms.Transform:
        return TRANSFORMS[self.name]

    def draw(self, tool: Any, image: Tensor, seed: Sequence[int], others: int) -> dict[str, Any]:
        """The random parameters; with `others` pictures to mix with, the number of one of them as "other".

        They belong to the seed and the transform's name, so that it draws the same wherever it stands. Needs
        `drawn.global_generator`.
        """
        own, noise, other = _numbers(tuple(seed), self.name, self.turn, others)
        torch.default_generator.manual_seed(own)
        values = self.transform.draw(tool, image, noise)
        return values | {"other": other} if self.transform.mixes else values


def stages(chain: str, parameters: Mapping[str, Any]) -> tuple[Stage, ...]:
    """The chain with what `parameters` say, by names such as "rotation_degrees"; all else has its default.

    Raises ValueError for a bad chain or a value out of range, TypeError for a parameter that nothing has.
    """
    for name, value in parameters.items():
        if name not in DEFAULTS:
            raise TypeError(f"unexpected parameter {name!r}")
        within(name, value, RANGES[name])
    values = DEFAULTS | dict(parameters)
    found: list[Stage] = []
    for name in names(chain):
        own = {p.name: values[f"{name}_{p.name}"] for p in TRANSFORMS[name].parameters}
        found.append(Stage(name, sum(stage.name == name for stage in found), own))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture on its way through a chain.

    `pictures`: uint8 (channels, height, width), the original and that after each stage; `printed`: what each
    stage drew, as calls; `brief`: the same in a few signs; `mixed`: for each mixing, the share of what was
    there before it, and the number of the picture that was mixed in.
    """

    pictures: tuple[Tensor, ...]
    printed: tuple[str, ...]
    brief: tuple[str, ...]
    mixed: tuple[tuple[float, int], ...]


def run(
    chain: Sequence[Stage], image: Tensor, seeds: Sequence[Sequence[int]], others: Sequence[Tensor] = ()
) -> list[Drawn]:
    """The picture through the chain, once for each of the seeds, which are numbers of at least 0.

    `others`: pictures of the same size, to mix with.
    """
    size = tuple(image.shape[-2:])
    tools = [transforms.tool(stage.name, stage.settings, size) for stage in chain]
    with drawn.global_generator():
        values = [
            [stage.draw(tool, image, seed, len(others)) for stage, tool in zip(chain, tools)]
            for seed in seeds
        ]
    return [_through(chain, image, each, others) for each in values]


def _through(chain, image: Tensor, values: Sequence[dict[str, Any]], others: Sequence[Tensor]) -> Drawn:
    pictures, mixed = [image], []
    for stage, each in zip(chain, values):
        pictures.append(_apply(stage.name, pictures[-1], each, others))
        if "other" in each:
            share = each["lam"] if "lam" in each else drawn.kept(each["box"], *image.shape[-2:])
            mixed.append((share, each["other"]))
    return Drawn(
        tuple(pictures),
        tuple(transforms.written(stage.name, each) for stage, each in zip(chain, values)),
        tuple(_brief(stage.name, each) for stage, each in zip(chain, values)),
        tuple(mixed),
    )


def _brief(name: str, values: Mapping[str, Any]) -> str:
    shown = {key: value for key, value in values.items() if key != "other"}
    return TRANSFORMS[name].brief(**shown) if shown else "–"


def _apply(name: str, image: Tensor, values: Mapping[str, Any], others: Sequence[Tensor]) -> Tensor:
    values = dict(values)
    if "other" in values:
        values["other"] = others[values["other"]]
    return TRANSFORMS[name].apply(image, **values) if values else image


def remake(image: Tensor, printed: Sequence[str], others: Sequence[Tensor] = ()) -> Tensor:
    """The picture made again from what was printed. Raises ValueError for a text that was not."""
    for text in printed:
        name, values = transforms.read(text)
        image = _apply(name, image, values, others)
    return image


def batch(chain: Sequence[Stage], images: Tensor, seed: Sequence[int], group: int = 1) -> Tensor:
    """Pictures uint8 (n, channels, height, width) through what of the chain changes single ones.

    Each `group` of neighbours shares what is drawn, as a batch does that is given to a torchvision transform.
    """
    single = [stage for stage in chain if not stage.transform.mixes]
    if not single:
        return images
    size = tuple(images.shape[-2:])
    tools = [transforms.tool(stage.name, stage.settings, size) for stage in single]
    parts = list(images.split(group))
    with drawn.global_generator():
        values = [
            [stage.draw(tool, images[0], (*seed, i), 0) for stage, tool in zip(single, tools)]
            for i in range(len(parts))
        ]
    for i, each in enumerate(values):
        for stage, drew in zip(single, each):
            parts[i] = _apply(stage.name, parts[i], drew, ())
    return torch.cat(parts)


def mix(chain: Sequence[Stage], x: Tensor, y: Tensor, seed: Sequence[int]) -> tuple[Tensor, Tensor]:
    """What of the chain mixes, on x (n, channels, height, width) of floats with targets y (n, classes).

    By torchvision's own classes, which match each picture with the one before it.
    """
    for stage in chain:
        if stage.transform.mixes:
            kind = stage.transform.kind(alpha=stage.settings["alpha"])
            with drawn.global_generator() as generator:
                random = np.random.default_rng([*seed, zlib.crc32(stage.name.encode()), stage.turn])
                generator.manual_seed(int(random.integers(100_000)))
                x, y = kind(x, y)
    return x, y


def script(chain: Sequence[Stage], size: tuple[int, int], channels: int) -> str:
    """The chain as a program that needs torch and torchvision alone."""

    def listed(mixes: bool) -> str:
        own = [stage for stage in chain if stage.transform.mixes is mixes]
        return "".join(f"    {stage.transform.code(stage.settings, size)},\n" for stage in own)

    single, mixing = listed(False), listed(True)
    compose = f"v2.Compose([\n{single}])" if single else "v2.Identity()"
    lines = [
        "import torch",
        "from torchvision.transforms import v2",
        "",
        f"transform = {compose}  # a picture: uint8 (channels, height, width)",
    ]
    if mixing:
        lines += [f"mix = v2.Compose([\n{mixing}])  # a batch of floats, and its labels"]
    shape = (8, channels, *size)
    lines += [
        "",
        "torch.manual_seed(0)",
        f"pictures = torch.randint(0, 256, {shape}, dtype=torch.uint8)  # yours",
        "batch = torch.stack([transform(picture) for picture in pictures])",
    ]
    if mixing:
        lines += [
            "labels = torch.arange(8)",
            "batch, labels = mix(v2.functional.to_dtype(batch, torch.float32, scale=True), labels)",
            "print(labels)",
        ]
    return "\n".join([*lines, "print(batch.shape, batch.dtype)", ""])
