"""torchvision's random transforms, each split in two: draw the random parameters, then apply what was drawn.

What was drawn is written as a call, such as `rotation(angle=37.2)`, in few enough digits to be read, and it
is rounded to just these digits before it is applied: so the text alone makes the picture again. `hflip()` was
left out this time. Noise-like transforms write the seed of their noise.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from nnplay import drawn
from nnplay.vision import v2


@dataclass(frozen=True, slots=True)
class Parameter:
    """One slider: torchvision's name of the argument, what the visitor reads, its range, step and default."""

    name: str
    label: str
    low: float
    high: float
    step: float
    default: float


@dataclass(frozen=True, slots=True)
class Transform:
    """`arguments` makes those of the class `kind` of its parameters and the pictures' (height, width).

    `draw` takes that class's instance, a picture and a seed, and returns what `apply` takes beside a picture;
    both run with `global_generator`, seeded. `brief` says in a few signs what was drawn; `long`: in more than
    about twenty.
    """

    label: str
    kind: type
    parameters: tuple[Parameter, ...]
    arguments: Callable[[Mapping[str, Any], tuple[int, int]], dict[str, Any]]
    draw: Callable[[Any, Tensor, int], dict[str, Any]]
    apply: Callable[..., Tensor]
    brief: Callable[..., str]
    mixes: bool = False
    long: bool = False

    @property
    def doc(self) -> str:
        """The first sentence of the class's own docstring, without its links."""
        first = " ".join((self.kind.__doc__ or "").strip().split("\n\n")[0].split())
        return re.sub(r"`\"?([^`<\"]+?)\"?\s*<[^>]*>`_", r"\1", first)

    def code(self, settings: Mapping[str, Any], size: tuple[int, int]) -> str:
        """The call that makes the instance."""
        given = self.arguments(settings, size).items()
        return f"v2.{self.kind.__name__}({', '.join(f'{name}={_written(value)}' for name, value in given)})"


def _written(value: Any) -> str:
    return f"v2.{value}" if isinstance(value, v2.InterpolationMode) else repr(value)


# ---- the table ---------------------------------------------------------------------------------------


def _p(default: float = 0.5) -> Parameter:
    return Parameter("p", "Probability", 0.0, 1.0, 0.05, default)


def _only(*names: str) -> Callable:
    return lambda settings, size: {name: settings[name] for name in names}


def _centered(width: float, floor: float = 0.0) -> tuple[float, float]:
    return (round(max(floor, 1 - width), 4), round(1 + width, 4))


TRANSFORMS: Mapping[str, Transform] = {
    "rotation": Transform(
        "Rotation",
        v2.RandomRotation,
        (
            Parameter("angle", "Angle in degrees", -180, 180, 1, 0),
            Parameter("degrees", "± degrees at random", 0, 180, 1, 30),
        ),
        lambda s, size: {
            "degrees": (s["angle"] - s["degrees"], s["angle"] + s["degrees"]),
            "interpolation": drawn.BILINEAR,
        },
        drawn.always,
        drawn.rotate,
        drawn.named("{angle:.1f}°"),
    ),
    "hflip": Transform(
        "Horizontal flip",
        v2.RandomHorizontalFlip,
        (_p(),),
        _only("p"),
        drawn.flip,
        lambda image, flip: v2.functional.horizontal_flip(image),
        drawn.named("↔"),
    ),
    "vflip": Transform(
        "Vertical flip",
        v2.RandomVerticalFlip,
        (_p(),),
        _only("p"),
        drawn.flip,
        lambda image, flip: v2.functional.vertical_flip(image),
        drawn.named("↕"),
    ),
    "crop": Transform(
        "Crop and resize",
        v2.RandomResizedCrop,
        (
            Parameter("scale", "Smallest share of the area", 0.05, 1.0, 0.05, 0.7),
            Parameter("ratio", "Width to height, up to", 1.0, 3.0, 0.1, 1.3),
        ),
        lambda s, size: {
            "size": size,
            "scale": (s["scale"], 1.0),
            "ratio": (round(1 / s["ratio"], 4), s["ratio"]),
        },
        drawn.always,
        drawn.crop,
        drawn.named("{width}×{height} at {left},{top}"),
    ),
    "affine": Transform(
        "Affine",
        v2.RandomAffine,
        (
            Parameter("degrees", "± degrees", 0, 180, 1, 10),
            Parameter("translate", "Shift, up to a share of", 0.0, 0.5, 0.01, 0.1),
            Parameter("scale", "Scale, ±", 0.0, 0.9, 0.05, 0.1),
            Parameter("shear", "Shear, ± degrees", 0, 45, 1, 10),
        ),
        lambda s, size: {
            "degrees": s["degrees"],
            "translate": (s["translate"], s["translate"]),
            "scale": _centered(s["scale"]),
            "shear": s["shear"],
            "interpolation": drawn.BILINEAR,
        },
        drawn.always,
        drawn.affine,
        drawn.affine_brief,
    ),
    "perspective": Transform(
        "Perspective",
        v2.RandomPerspective,
        (Parameter("distortion_scale", "Distortion", 0.0, 1.0, 0.05, 0.4), _p()),
        _only("distortion_scale", "p"),
        drawn.perspective,
        drawn.distort,
        lambda corners: "corners " + " ".join(f"{x},{y}" for x, y in corners),
        long=True,
    ),
    "elastic": Transform(
        "Elastic",
        v2.ElasticTransform,
        (
            Parameter("alpha", "How far (alpha)", 0.0, 200.0, 5.0, 50.0),
            Parameter("sigma", "How smooth (sigma)", 1.0, 3.5, 0.5, 3.0),
        ),
        _only("alpha", "sigma"),
        drawn.seeded("alpha", "sigma"),
        drawn.wobble,
        drawn.named("elastic {seed}"),
    ),
    "blur": Transform(
        "Blur",
        v2.GaussianBlur,
        (
            Parameter("kernel_size", "Kernel size", 3, 15, 2, 7),
            Parameter("sigma", "Sigma, up to", 0.1, 5.0, 0.1, 2.0),
        ),
        lambda s, size: {"kernel_size": s["kernel_size"], "sigma": (0.1, s["sigma"])},
        drawn.blur,
        drawn.smooth,
        drawn.named("blur {sigma:.3g}"),
    ),
    "noise": Transform(
        "Noise",
        v2.GaussianNoise,
        (Parameter("sigma", "Sigma of the noise", 0.0, 0.5, 0.01, 0.1),),
        _only("sigma"),
        drawn.seeded("sigma"),
        drawn.noise,
        drawn.named("noise {seed}"),
    ),
    "jitter": Transform(
        "Color jitter",
        v2.ColorJitter,
        (
            Parameter("brightness", "Brightness, ±", 0.0, 1.0, 0.05, 0.3),
            Parameter("contrast", "Contrast, ±", 0.0, 1.0, 0.05, 0.3),
            Parameter("saturation", "Saturation, ±", 0.0, 1.0, 0.05, 0.3),
            Parameter("hue", "Hue, ±", 0.0, 0.5, 0.01, 0.0),
        ),
        _only(*drawn.FACTORS),
        drawn.always,
        drawn.jitter,
        drawn.jitter_brief,
    ),
    "grayscale": Transform(
        "Grayscale",
        v2.RandomGrayscale,
        (_p(),),
        _only("p"),
        drawn.sometimes(),
        drawn.gray,
        lambda num_input_channels: "gray",
    ),
    "posterize": Transform(
        "Posterize",
        v2.RandomPosterize,
        (Parameter("bits", "Bits kept of each channel", 1, 8, 1, 2), _p()),
        _only("bits", "p"),
        drawn.sometimes("bits"),
        lambda image, bits: v2.functional.posterize(image, bits),
        drawn.named("{bits} bits"),
    ),
    "solarize": Transform(
        "Solarize",
        v2.RandomSolarize,
        (Parameter("threshold", "Inverted from this value on", 0, 255, 1, 128), _p()),
        _only("threshold", "p"),
        drawn.sometimes("threshold"),
        lambda image, threshold: v2.functional.solarize(image, threshold),
        drawn.named("solarized"),
    ),
    "erasing": Transform(
        "Erasing",
        v2.RandomErasing,
        (Parameter("scale", "Largest share of the area", 0.02, 0.8, 0.02, 0.3), _p()),
        lambda s, size: {"p": s["p"], "scale": (0.02, s["scale"])},
        drawn.erasing,
        drawn.erase,
        drawn.named("{w}×{h} out at {j},{i}"),
    ),
    "randaugment": Transform(
        "RandAugment",
        v2.RandAugment,
        (
            Parameter("num_ops", "Operations", 1, 4, 1, 2),
            Parameter("magnitude", "Magnitude", 0, 30, 1, 9),
        ),
        lambda s, size: {
            "num_ops": s["num_ops"],
            "magnitude": s["magnitude"],
            "interpolation": drawn.BILINEAR,
        },
        drawn.policy,
        drawn.operations,
        drawn.policy_brief,
        long=True,
    ),
    "trivialaugment": Transform(
        "TrivialAugment",
        v2.TrivialAugmentWide,
        (Parameter("num_magnitude_bins", "Steps of the magnitude", 2, 31, 1, 31),),
        lambda s, size: {"num_magnitude_bins": s["num_magnitude_bins"], "interpolation": drawn.BILINEAR},
        drawn.policy,
        drawn.operations,
        drawn.policy_brief,
        long=True,
    ),
    "augmix": Transform(
        "AugMix",
        v2.AugMix,
        (
            Parameter("severity", "Severity", 1, 10, 1, 3),
            Parameter("mixture_width", "Chains drawn.mixed", 1, 5, 1, 3),
        ),
        _only("severity", "mixture_width"),
        drawn.seeded("severity", "mixture_width"),
        drawn.augmix,
        drawn.named("augmix {seed}"),
    ),
    "mixup": Transform(
        "MixUp",
        v2.MixUp,
        (Parameter("alpha", "Alpha of the Beta distribution", 0.1, 5.0, 0.1, 1.0),),
        lambda s, size: {"alpha": s["alpha"], "num_classes": 10},
        drawn.always,
        drawn.mixed,
        drawn.named("λ {lam:.2f}"),
        mixes=True,
    ),
    "cutmix": Transform(
        "CutMix",
        v2.CutMix,
        (Parameter("alpha", "Alpha of the Beta distribution", 0.1, 5.0, 0.1, 1.0),),
        lambda s, size: {"alpha": s["alpha"], "num_classes": 10},
        drawn.cutmix,
        drawn.pasted,
        lambda box: "box {},{} to {},{}".format(*box),
        mixes=True,
    ),
}
"""By the name that a chain, the sliders and the printed parameters have for it."""

DEFAULTS = {f"{stem}_{p.name}": p.default for stem, t in TRANSFORMS.items() for p in t.parameters}
RANGES = {f"{stem}_{p.name}": (p.low, p.high) for stem, t in TRANSFORMS.items() for p in t.parameters}


def tool(stem: str, settings: Mapping[str, Any], size: tuple[int, int]) -> Any:
    """torchvision's instance. `settings` by the parameter's name; `size` of a picture, (height, width)."""
    given = TRANSFORMS[stem].arguments(settings, size)
    made = TRANSFORMS[stem].kind(**given)
    made.given = given
    return made


def written(stem: str, values: Mapping[str, Any]) -> str:
    """What was drawn, as a call."""
    return f"{stem}({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def read(text: str) -> tuple[str, dict[str, Any]]:
    """Name and drawn values of what `written` wrote. Raises ValueError for anything else."""
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if isinstance(call, ast.Call) and not call.args and call.func.id in TRANSFORMS:
            return call.func.id, {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    except (SyntaxError, AttributeError, ValueError):
        pass
    raise ValueError(f"{text!r} is not a drawn transform, such as rotation(angle=37.2).")
