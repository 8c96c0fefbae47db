"""The random parameters of torchvision's transforms: drawn without touching a picture, applied as they are.

Functions that draw take an instance, a picture (channels, height, width) of uint8 and a seed for noise, and
run under `global_generator`, seeded. They return numbers and tuples alone, in four significant digits, or
nothing where the instance leaves the picture as it is. Functions that apply take a picture or a batch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from nnplay.vision import v2

BILINEAR = v2.InterpolationMode.BILINEAR
_F = v2.functional
_global = threading.RLock()


@contextmanager
def global_generator() -> Iterator[torch.Generator]:
    """torch's global generator, put back afterwards: torchvision draws from no other. One user at a time."""
    with _global, torch.random.fork_rng(devices=[]):
        yield torch.default_generator


# ---- drawing -----------------------------------------------------------------------------------------


def rounded(value: Any) -> Any:
    """Four significant digits of every number in it."""
    if isinstance(value, Tensor):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(map(rounded, value))
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _made(tool: Any, image: Tensor) -> dict[str, Any]:
    return {name: rounded(value) for name, value in tool.make_params([image]).items()}


def always(tool: Any, image: Tensor, seed: int) -> dict[str, Any]:
    return _made(tool, image)


def happens(tool: Any) -> bool:
    """As torchvision decides it."""
    return bool(torch.rand(1) < tool.p)


def sometimes(*fixed: str) -> Callable[..., dict[str, Any]]:
    """With probability p; `fixed` are attributes of the instance that belong to what was drawn."""

    def draw(tool: Any, image: Tensor, seed: int) -> dict[str, Any]:
        if not happens(tool):
            return {}
        return _made(tool, image) | {name: rounded(getattr(tool, name)) for name in fixed}

    return draw


def seeded(*fixed: str) -> Callable[..., dict[str, Any]]:
    def draw(tool: Any, image: Tensor, seed: int) -> dict[str, Any]:
        values = {name: getattr(tool, name) for name in fixed}
        return {k: v[0] if isinstance(v, list) else v for k, v in values.items()} | {"seed": seed}

    return draw


def flip(tool: Any, image: Tensor, seed: int) -> dict[str, Any]:
    return {"flip": True} if happens(tool) else {}


def blur(tool: Any, image: Tensor, seed: int) -> dict[str, Any]:
    return {"kernel_size": tool.kernel_size[0], "sigma": _made(tool, image)["sigma"][0]}


def perspective(tool: Any, image: Tensor, seed: int) -> dict[str, Any]:
    """Where the corners go: torchvision draws just these, but hands on only the coefficients they give."""
    if not happens(tool):
        return {}
    height, width = image.shape[-2:]
    x, y = int(tool.distortion_scale * (width // 2)) + 1, int(tool.distortion_scale * (height // 2)) + 1
    left, right, top, bottom = (0, x), (width - x, width), (0, y), (height - y, height)
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return {"corners": tuple(tuple(int(torch.randint(*side, (1,))) for side in each) for each in corners)}


def erasing(tool: Any, image: Tensor, seed: int) -> dict[str, Any]:
    drawn = sometimes()(tool, image, seed)
    return {} if drawn.pop("v", None) is None else drawn


class _Noted:
    """Of torchvision's automatic policies: notes the operations that they draw instead of applying them."""

    def _apply_image_or_video_transform(self, image, name, magnitude, **kw):
        self.noted.append((name, rounded(float(magnitude))))
        return image


def policy(tool: Any, image: Tensor, seed: int) -> dict[str, Any]:
    noting = type("Noting", (_Noted, type(tool)), {})(**tool.given)
    noting.noted = []
    noting(image)
    return {"ops": tuple(noting.noted)}


def cutmix(tool: Any, image: Tensor, seed: int) -> dict[str, Any]:
    return {"box": _made(tool, image)["box"]}


# ---- applying ----------------------------------------------------------------------------------------


def rotate(image: Tensor, angle: float) -> Tensor:
    return _F.rotate(image, angle, interpolation=BILINEAR, fill=0)


def crop(image: Tensor, **box: int) -> Tensor:
    return _F.resized_crop(image, **box, size=list(image.shape[-2:]), antialias=True)


def affine(image: Tensor, angle, translate, scale, shear) -> Tensor:
    return _F.affine(image, angle, list(translate), scale, list(shear), BILINEAR, fill=0)


def distort(image: Tensor, corners) -> Tensor:
    height, width = image.shape[-2:]
    start = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
    return _F.perspective(image, start, [list(corner) for corner in corners], BILINEAR, fill=0)


def wobble(image: Tensor, alpha: float, sigma: float, seed: int) -> Tensor:
    with global_generator() as generator:
        generator.manual_seed(seed)
        return v2.ElasticTransform(alpha, sigma)(image)


def smooth(image: Tensor, kernel_size: int, sigma: float) -> Tensor:
    return _F.gaussian_blur(image, [kernel_size] * 2, [sigma] * 2)


def noise(image: Tensor, sigma: float, seed: int) -> Tensor:
    with global_generator() as generator:
        generator.manual_seed(seed)
        return _F.gaussian_noise(image, sigma=sigma)


FACTORS = ("brightness", "contrast", "saturation", "hue")


def jitter(image: Tensor, fn_idx, **factors: float | None) -> Tensor:
    for i in fn_idx:
        name = f"{FACTORS[i]}_factor"
        if factors[name] is not None:
            image = getattr(_F, f"adjust_{FACTORS[i]}")(image, factors[name])
    return image


def gray(image: Tensor, num_input_channels: int) -> Tensor:
    return _F.rgb_to_grayscale(image, num_output_channels=num_input_channels)


def erase(image: Tensor, i: int, j: int, h: int, w: int) -> Tensor:
    return _F.erase(image, i, j, h, w, torch.zeros(1, 1, 1, dtype=image.dtype))


def operations(image: Tensor, ops) -> Tensor:
    tool = v2.RandAugment()
    for name, magnitude in ops:
        image = tool._apply_image_or_video_transform(
            image, name, magnitude, interpolation=BILINEAR, fill=tool._fill
        )
    return image


def augmix(image: Tensor, severity: int, mixture_width: int, seed: int) -> Tensor:
    with global_generator() as generator:
        generator.manual_seed(seed)
        return v2.AugMix(severity, mixture_width)(image)


def mixed(image: Tensor, other: Tensor, lam: float) -> Tensor:
    """MixUp of two uint8 pictures."""
    return (lam * image.float() + (1 - lam) * other.float()).round().to(torch.uint8)


def pasted(image: Tensor, other: Tensor, box) -> Tensor:
    """CutMix: within `box` (left, top, right, bottom) the other picture."""
    left, top, right, bottom = box
    image = image.clone()
    image[..., top:bottom, left:right] = other[..., top:bottom, left:right]
    return image


def kept(box, height: int, width: int) -> float:
    """The share of the picture that is not within that box: the first label's weight."""
    left, top, right, bottom = box
    return 1 - (right - left) * (bottom - top) / (width * height)


# ---- in a few signs ----------------------------------------------------------------------------------


def named(text: str) -> Callable[..., str]:
    return lambda **values: text.format(**values)


def affine_brief(angle, translate, scale, shear) -> str:
    return f"{angle:.0f}° {translate[0]:+d} {translate[1]:+d} ×{scale:.2f}"


def jitter_brief(fn_idx, **factors: float | None) -> str:
    values = zip("☀◐SH", (factors[f"{name}_factor"] for name in FACTORS))
    return " ".join(f"{sign}{value:.2f}".replace("0.", ".") for sign, value in values if value is not None)


def policy_brief(ops) -> str:
    return ", ".join(f"{name} {value:.2g}" if value else name for name, value in ops)
