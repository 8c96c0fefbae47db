"""Augmentation: a chain of random transforms, mixed pictures with mixed labels, and what they are worth."""

from __future__ import annotations

from nnplay import augmenting, images, mixing, transforms
from nnplay import payoff as _payoff
from nnplay.augmenting import SIDE, Augmented, augment, samples
from nnplay.chains import EMPTY, MOST, added, known, moved
from nnplay.mixing import mix
from nnplay.payoff import payoff
from nnplay.records import Experiment
from nnplay.transforms import TRANSFORMS

__all__ = [
    "CHOICES",
    "EMPTY",
    "EXPERIMENTS",
    "LABELS",
    "MOST",
    "RANGES",
    "SIDE",
    "TRANSFORMS",
    "added",
    "augment",
    "known",
    "mix",
    "moved",
    "payoff",
    "preview",
    "samples",
]

RANGES = transforms.RANGES | mixing.RANGES | _payoff.RANGES | {"draw": (1, augmenting.DRAWS)}
CHOICES = {"source": images.SOURCES}
LABELS = {
    "source": {
        **{name: f"Photo: {kind}" for name, kind in images.KINDS.items()},
        "digits": "Digits",
        "upload": "Your picture",
        **{name: name for name in images.SOURCES if not name.islower()},
    }
}


def preview() -> Augmented:
    """A record for the home page's card."""
    return augment(seed=3)


EXPERIMENTS = (
    Experiment(
        "A 6 turned by 180 degrees",
        "Every draw turns the 6 by 180 degrees, and the net reads a 9, surely. The label still says 6: "
        "this augmentation teaches what is wrong.",
        "augment",
        {
            "source": "digits",
            "sample": 1482,
            "chain": "rotation",
            "rotation_angle": 180,
            "rotation_degrees": 0,
        },
    ),
    Experiment(
        "Rotation pays off on rotated digits",
        "With every seed the nets with the chain read far more of the rotated digits, and about as many of "
        "the clean ones. On digits turned further than they have seen they are lost again.",
        "payoff",
        {"chain": "rotation"},
    ),
    Experiment(
        "Flips hurt digits",
        "A digit upside down is another sign or none. With every seed the nets that learn from flipped "
        "digits read fewer of the clean ones.",
        "payoff",
        {"chain": "hflip, vflip"},
    ),
    Experiment(
        "Noise against noise",
        "Trained on noisy digits, the nets read more of the noisy test digits, with every seed. On turned "
        "and shifted ones that helps little: a chain teaches what it draws.",
        "payoff",
        {"chain": "noise", "noise_sigma": 0.3},
    ),
    Experiment(
        "Too strong: turned any way round",
        "Up to 180 degrees: the curve against the angle is nearly flat, and the clean digits pay for it.",
        "payoff",
        {"chain": "rotation", "rotation_degrees": 180},
    ),
    Experiment(
        "Too strong to be read",
        "So much noise and erasing that the net reads fewer than half of the draws right.",
        "augment",
        {
            "source": "digits",
            "sample": 1347,
            "chain": "crop, noise, erasing",
            "crop_scale": 0.1,
            "noise_sigma": 0.4,
            "erasing_p": 1.0,
            "erasing_scale": 0.6,
        },
    ),
    Experiment(
        "MixUp: two digits, two labels",
        "Both pictures shine through, and the label is as much of each as the picture is.",
        "mix",
        {"lam": 0.5},
    ),
    Experiment(
        "Two coins: flips",
        "Each draw is flipped or not, from left to right and upside down: all four outcomes are there. To a "
        "flower that does nothing.",
        "augment",
        {"source": "flower", "chain": "hflip, vflip"},
    ),
    Experiment(
        "A policy instead of a chain",
        "TrivialAugment: one operation a draw, at a strength that is drawn too. There is nothing to tune.",
        "augment",
        {"source": "flower", "chain": "trivialaugment"},
    ),
)
