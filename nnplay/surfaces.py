"""Loss surfaces over two parameters, for optimizers to walk on.

Seven are test functions with known minima, with the formulas of Jamil & Yang,
"A literature survey of benchmark functions for global optimization problems"
(2013), unless said otherwise; two are the true loss of a small net (`slices`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor
from torch.autograd import grad

from nnplay import slices
from nnplay.limits import check

SURFACES = {
    "quadratic": "Bowl",
    "rosenbrock": "Rosenbrock",
    "himmelblau": "Himmelblau",
    "beale": "Beale",
    "saddle": "Saddle",
    "rastrigin": "Rastrigin",
    "plateau": "Plateau",
    "net": "Iris net, random plane",
    "net_three": "Iris net, three trainings",
}
"""The surfaces by name, with their titles."""
CONDITION_NUMBER = (1.0, 100.0)
"""Range of the bowl's condition number: its largest over its smallest curvature."""

ARROWS = 13  # arrows along each side of the gradient field


@dataclass(frozen=True, slots=True)
class Surface:
    """A loss over two parameters x and y.

    `loss` takes two float64 tensors of one shape and works elementwise.
    `gradient` is its derivative for two Python numbers, written out by hand
    because a call costs 1 us where autograd takes 100 (the tests hold it to
    autograd). `minima` are the global ones (for a net: the trained weights).
    `lowest` is the loss there, and pictures show log10(loss - lowest +
    softness). `lr` is a rate at which plain gradient descent gets on well.
    """

    name: str
    title: str
    formula: str  # LaTeX
    note: str
    loss: Callable[[Tensor, Tensor], Tensor]
    gradient: Callable[[float, float], tuple[float, float]]
    domain: tuple[tuple[float, float], tuple[float, float]]
    minima: tuple[tuple[float, float], ...]
    start: tuple[float, float]
    lr: float
    softness: float
    lowest: float = 0.0
    grid: int = 81  # points along each side of its picture

    def inside(self, x: float, y: float) -> tuple[float, float]:
        """The nearest point of the domain."""
        (left, right), (bottom, top) = self.domain
        return min(max(x, left), right), min(max(y, bottom), top)

    @property
    def places(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Hundredths along x, and along y, from edge to edge: what a control of the start goes through."""
        return tuple(
            tuple(k / 100 for k in range(round(100 * low), round(100 * high) + 1))
            for low, high in self.domain
        )


# Functions rather than lambdas, so that a record that holds its surface can be pickled.


def _bowl(k, x, y):
    return (x * x + k * y * y) / 2


def _bowl_gradient(k, x, y):
    return x, k * y


def _rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def _rosenbrock_gradient(x, y):
    return 2 * (x - 1) - 400 * x * (y - x * x), 200 * (y - x * x)


def _himmelblau(x, y):
    return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2


def _himmelblau_gradient(x, y):
    a, b = x * x + y - 11, x + y * y - 7
    return 4 * x * a + 2 * b, 2 * a + 4 * y * b


def _beale(x, y):
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y * y) ** 2 + (2.625 - x + x * y * y * y) ** 2


def _beale_gradient(x, y):
    a, b, c = 1.5 - x + x * y, 2.25 - x + x * y * y, 2.625 - x + x * y * y * y
    return (
        2 * (a * (y - 1) + b * (y * y - 1) + c * (y * y * y - 1)),
        2 * x * (a + 2 * b * y + 3 * c * y * y),
    )


def _saddle(x, y):
    return x * x / 2 - y * y / 2 + y * y * y * y / 4


def _saddle_gradient(x, y):
    return x, y * y * y - y


def _rastrigin(x, y):
    return 20 + x * x + y * y - 10 * (torch.cos(2 * math.pi * x) + torch.cos(2 * math.pi * y))


def _rastrigin_gradient(x, y):
    wave = 20 * math.pi
    return 2 * x + wave * math.sin(2 * math.pi * x), 2 * y + wave * math.sin(2 * math.pi * y)


def _plateau(x, y):
    return 1 - torch.exp(-(x * x + y * y) / 2)


def _plateau_gradient(x, y):
    height = math.exp(-(x * x + y * y) / 2)
    return x * height, y * height


@lru_cache(maxsize=64)
def surface(name: str, condition_number: float = 10.0) -> Surface:
    """The surface of that name, one of SURFACES; `condition_number` (1 to 100) is the bowl's.

    Raises ValueError for another name or a condition number out of range.
    """
    check(
        {"surface": name, "condition_number": condition_number},
        {"condition_number": CONDITION_NUMBER},
        {"surface": SURFACES},
    )
    match name:
        case "quadratic":
            return Surface(
                name,
                SURFACES[name],
                r"\tfrac12 (x^2 + \kappa y^2)",
                "A quadratic with curvature 1 along x and κ, its condition number, along y: the larger κ, "
                "the narrower the ravine.",
                partial(_bowl, condition_number),
                partial(_bowl_gradient, condition_number),
                ((-4.0, 4.0), (-4.0, 4.0)),
                ((0.0, 0.0),),
                (-3.5, 2.0),
                0.1,
                0.1,
            )
        case "rosenbrock":
            return Surface(
                name,
                SURFACES[name],
                r"(1 - x)^2 + 100\,(y - x^2)^2",
                "A curved valley (Rosenbrock 1960): falling into it is easy, following its flat floor to the "
                "minimum is not.",
                _rosenbrock,
                _rosenbrock_gradient,
                ((-2.0, 2.0), (-1.0, 3.0)),
                ((1.0, 1.0),),
                (-1.5, 2.5),
                0.0005,
                0.1,
            )
        case "himmelblau":
            return Surface(
                name,
                SURFACES[name],
                r"(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
                "Four equally good minima (Himmelblau 1972): where a run ends depends on its start and on "
                "its kind.",
                _himmelblau,
                _himmelblau_gradient,
                ((-5.5, 5.5), (-5.5, 5.5)),
                (
                    (3.0, 2.0),
                    (-2.805118086952745, 3.131312518250573),
                    (-3.779310253377747, -3.283185991286170),
                    (3.584428340330492, -1.848126526964404),
                ),
                (0.0, -1.0),
                0.005,
                1.0,
            )
        case "beale":
            return Surface(
                name,
                SURFACES[name],
                r"(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2",
                "Cliffs at the corners, a nearly flat floor between (Beale 1958): no one learning rate "
                "suits both.",
                _beale,
                _beale_gradient,
                ((-4.5, 4.5), (-4.5, 4.5)),
                ((3.0, 0.5),),
                (1.0, 1.6),
                0.002,
                0.1,
            )
        case "saddle":
            return Surface(
                name,
                SURFACES[name],
                r"\tfrac12 x^2 - \tfrac12 y^2 + \tfrac14 y^4",
                "A saddle at the origin between two wells: along the ridge y = 0 the gradient leads "
                "straight to it, and there it vanishes. In many dimensions saddles, not bad minima, hold "
                "training up (Dauphin et al. 2014).",
                _saddle,
                _saddle_gradient,
                ((-2.0, 2.0), (-2.0, 2.0)),
                ((0.0, -1.0), (0.0, 1.0)),
                (-1.7, 0.01),
                0.1,
                0.02,
                lowest=-0.25,
            )
        case "rastrigin":
            return Surface(
                name,
                SURFACES[name],
                r"20 + x^2 + y^2 - 10 \cos 2\pi x - 10 \cos 2\pi y",
                "A bowl full of dents (Rastrigin 1974): a local minimum near every pair of whole numbers, "
                "one of them the best.",
                _rastrigin,
                _rastrigin_gradient,
                ((-5.12, 5.12), (-5.12, 5.12)),
                ((0.0, 0.0),),
                (-3.4, 2.6),
                0.002,
                5.0,
            )
        case "plateau":
            return Surface(
                name,
                SURFACES[name],
                r"1 - e^{-(x^2 + y^2) / 2}",
                "A narrow well in a plain (the robust loss of Dennis & Welsch 1978): far out the gradient "
                "points the right way but is nearly zero, as behind a saturated unit.",
                _plateau,
                _plateau_gradient,
                ((-5.0, 5.0), (-5.0, 5.0)),
                ((0.0, 0.0),),
                (-3.5, 2.5),
                0.1,
                0.05,
            )
        case "net":
            cut = slices.random_plane()
            return Surface(
                name,
                SURFACES[name],
                r"L(\theta + x\,\delta + y\,\eta)",
                "The true loss of a net trained on iris, on a plane through its weights along two random "
                f"directions (filter-normalized, Li et al. 2018). {slices.HIDES}",
                cut.loss,
                cut.gradient,
                ((-1.5, 1.5), (-1.5, 1.5)),
                ((0.0, 0.0),),
                (-1.2, 1.0),
                0.05,
                0.01,
                slices.lowest(1),
                grid=51,
            )
        case _:
            cut = slices.three_point_plane()
            return Surface(
                name,
                SURFACES[name],
                r"L(\theta_1 + x\,(\theta_2 - \theta_1) + y\,\theta_\perp)",
                "The true loss of a net on iris, on the plane through the weights at which three trainings "
                f"from different starts ended (Garipov et al. 2018). {slices.HIDES}",
                cut.loss,
                cut.gradient,
                ((-0.5, 1.5), (-0.6, 1.4)),
                ((0.0, 0.0), (1.0, 0.0), cut.coordinates(slices.trained(2))),
                (0.6, 0.4),
                0.01,
                0.01,
                slices.lowest(3),
                grid=51,
            )


def visible(name: str, x: float, y: float) -> float | None:
    """For a net's surface the share (0 to 1) of the gradient's length that lies in its plane, else None."""
    planes = {"net": slices.random_plane, "net_three": slices.three_point_plane}
    return planes[name]().visible(x, y) if name in planes else None


@dataclass(frozen=True, slots=True)
class Landscape:
    """What a picture of a surface needs, float32.

    `x` (n,), `y` (n,): the grid; `height` (n, n), rows along y: log10(loss -
    lowest + softness); `highest`: the largest loss above the lowest. `field_at`
    (m, 2): where the arrows stand; `downhill` (m, 2): minus the gradient there.
    """

    surface: Surface
    x: np.ndarray
    y: np.ndarray
    height: np.ndarray
    highest: float
    field_at: np.ndarray
    downhill: np.ndarray


def height(chosen: Surface, loss: np.ndarray) -> np.ndarray:
    """log10 of the loss above the surface's lowest, softened so that the minimum stays finite."""
    return np.log10(np.maximum(loss - chosen.lowest, 0) + chosen.softness)


@lru_cache(maxsize=32)
def landscape(name: str, condition_number: float = 10.0) -> Landscape:
    """The surface of that name, ready to be drawn; as `surface` otherwise."""
    return survey(surface(name, condition_number))


def survey(chosen: Surface) -> Landscape:
    """A surface on a grid, with its gradient field (by autograd)."""
    (left, right), (bottom, top) = chosen.domain
    x, y = np.linspace(left, right, chosen.grid), np.linspace(bottom, top, chosen.grid)
    loss = chosen.loss(*map(torch.from_numpy, np.meshgrid(x, y))).numpy()
    middles = (np.arange(ARROWS) + 0.5) / ARROWS
    inner = np.meshgrid(left + (right - left) * middles, bottom + (top - bottom) * middles)
    at = np.stack(inner, -1).reshape(-1, 2)
    points = torch.from_numpy(at).requires_grad_()
    (slope,) = grad(chosen.loss(*points.unbind(1)).sum(), points)
    return Landscape(
        chosen,
        x.astype(np.float32),
        y.astype(np.float32),
        height(chosen, loss).astype(np.float32),
        float(loss.max() - chosen.lowest),
        at.astype(np.float32),
        -slope.numpy().astype(np.float32),
    )


def curvature(chosen: Surface, points: np.ndarray) -> np.ndarray:
    """Eigenvalues (n, 2), the smaller first, of the Hessian at `points` (n, 2), by autograd twice."""
    at = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        (slope,) = grad(chosen.loss(*at.unbind(1)).sum(), at, create_graph=True)
        # the loss works elementwise: the sum's derivatives at a point are that point's own
        rows = [grad(slope[:, i].sum(), at, retain_graph=True)[0] for i in range(2)]
    return torch.linalg.eigvalsh(torch.stack(rows, 1)).numpy()
