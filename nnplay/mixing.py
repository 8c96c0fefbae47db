"""MixUp and CutMix of two digits: the pictures, their mixed labels, and what a net reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from nnplay import digit_nets, drawn
from nnplay.limits import check
from nnplay.records import Table

RANGES = {
    "first": (0, 1796),
    "second": (0, 1796),
    "lam": (0.0, 1.0),
    "alpha": (0.1, 5.0),
    "center_x": (0, digit_nets.SIDE - 1),
    "center_y": (0, digit_nets.SIDE - 1),
}
KINDS = ("first", "second", "MixUp", "CutMix")
GRID = np.linspace(0.005, 0.995, 199)


@dataclass(frozen=True, slots=True)
class Mixed:
    """`pictures` uint8 (4, 16, 16), as `KINDS`; `targets` and `read` (4, 10): their labels, and the
    probabilities that a net of plain digits gives. `lam`: the first digit's share in MixUp, `kept` in CutMix:
    the part of the picture that is outside `box` (left, top, right, bottom). `x`, `density` (199,): of the
    Beta distribution from which training draws `lam`.
    """

    pictures: np.ndarray
    targets: np.ndarray
    read: np.ndarray
    digits: tuple[int, int]
    lam: float
    kept: float
    box: tuple[int, int, int, int]
    alpha: float
    x: np.ndarray
    density: np.ndarray

    def table(self) -> Table:
        """A row for each class: the mixed labels, and what is read."""
        found: dict[str, list] = {"class": list(range(10))}
        for i, kind in enumerate(KINDS[2:], 2):
            found[f"{kind} label"] = self.targets[i].tolist()
            found[f"{kind} read"] = self.read[i].tolist()
        return found


def mix(
    *,
    first: int = 1482,
    second: int = 1168,
    lam: float = 0.6,
    alpha: float = 1.0,
    center_x: int = 8,
    center_y: int = 8,
) -> Mixed:
    """Mix the digits of these numbers; CutMix's box is centered where it is told to be.

    Raises ValueError, with a sentence for the visitor, for what is out of range.
    """
    check(locals(), RANGES, {})
    pixels, labels = digit_nets.digits()
    one, two = pixels[first], pixels[second]
    box = cut(lam, center_x, center_y)
    kept = drawn.kept(box, digit_nets.SIDE, digit_nets.SIDE)
    pictures = torch.stack([one, two, drawn.mixed(one, two, lam), drawn.pasted(one, two, box)])
    own, other = np.eye(10)[labels[[first, second]]]
    beta = torch.distributions.Beta(alpha, alpha)
    return Mixed(
        pictures=pictures[:, 0].numpy(),
        targets=np.stack([own, other, lam * own + (1 - lam) * other, kept * own + (1 - kept) * other]),
        read=digit_nets.reader().probabilities(pictures)[0].numpy(),
        digits=(int(labels[first]), int(labels[second])),
        lam=lam,
        kept=kept,
        box=box,
        alpha=alpha,
        x=GRID,
        density=beta.log_prob(torch.from_numpy(GRID)).exp().numpy(),
    )


def cut(lam: float, x: int, y: int) -> tuple[int, int, int, int]:
    """torchvision's box around (x, y): a share of 1 - lam of the picture, before the edges cut it off."""
    half = int(0.5 * (1 - lam) ** 0.5 * digit_nets.SIDE)
    low, high = (max(0, v - half) for v in (x, y)), (min(digit_nets.SIDE, v + half) for v in (x, y))
    return (*low, *high)
