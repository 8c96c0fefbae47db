"""Mini-batches: how much the gradient of a part of the data strays from the gradient of all of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from torch import Tensor

from nnplay.descent import FAR, own_step
from nnplay.hyperparameters import LR
from nnplay.limits import check
from nnplay.surfaces import Landscape, Surface, survey

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 442)
"""Sizes for which the noise is always shown; any from 1 to 442 can be run."""
RANGES = {"batch_size": (1, 442), "lr": LR, "epochs": (1, 10), "seed": (0, 9999)}
CHOICES = {"at": ("start", "minimum")}


@dataclass(frozen=True, slots=True)
class Batches:
    """SGD on a linear regression of 442 patients' diabetes on body mass index and blood pressure.

    All are standardized, so the loss, half the mean squared error, has two
    weights, x and y, and no bias. `path` (S+1, 2) and `loss` (S+1,), the latter
    of all data, along the S steps; `epoch` (S+1,): passes over the data until
    then. `full_path` (E+1, 2), `full_loss` (E+1,): the same with all data in one
    batch. `cloud` (442, 2): gradients of random batches at `at` (2,), around
    `gradient` (2,), the full one. `sizes` (k,): BATCH_SIZES and the chosen; for
    each `noise` and `noise_theory` (k,): root mean square distance of a batch's
    gradient from the full one, from 442 batches and in closed form.
    `jitter`: root mean square distance of the last epoch's points from their
    middle. `diverged_at`: the step at which the run was FAR out and stopped.
    """

    landscape: Landscape
    batch_size: int
    steps_per_epoch: int
    path: np.ndarray
    loss: np.ndarray
    epoch: np.ndarray
    full_path: np.ndarray
    full_loss: np.ndarray
    at: np.ndarray
    gradient: np.ndarray
    cloud: np.ndarray
    sizes: np.ndarray
    noise: np.ndarray
    noise_theory: np.ndarray
    jitter: float
    diverged_at: int | None

    def table(self) -> dict[str, list]:
        best = np.array(self.landscape.surface.minima[0])
        chosen = int(np.flatnonzero(self.sizes == self.batch_size)[0])
        values = {
            "batch size": self.batch_size,
            "steps an epoch": self.steps_per_epoch,
            "steps": len(self.path) - 1,
            "epochs": float(self.epoch[-1]),
            "loss at the end": float(self.loss[-1]),
            "distance to the minimum": float(np.linalg.norm(self.path[-1] - best)),
            "jitter in the last epoch": self.jitter,
            "gradient noise, measured": float(self.noise[chosen]),
            "gradient noise, closed form": float(self.noise_theory[chosen]),
        }
        return {"what": list(values), "value": list(values.values())}


@lru_cache(maxsize=1)
def _patients() -> tuple[torch.Tensor, torch.Tensor]:
    """Body mass index and blood pressure (442, 2), and the disease's progress (442,): mean 0, variance 1."""
    data = load_diabetes(scaled=False)
    inputs = data.data[:, [data.feature_names.index(name) for name in ("bmi", "bp")]]
    inputs = (inputs - inputs.mean(0)) / inputs.std(0)
    return torch.from_numpy(inputs), torch.from_numpy((data.target - data.target.mean()) / data.target.std())


def _loss(x: Tensor, y: Tensor) -> Tensor:
    inputs, target = _patients()
    return ((x[..., None] * inputs[:, 0] + y[..., None] * inputs[:, 1] - target) ** 2).mean(-1) / 2


def _gradient(x: float, y: float) -> tuple[float, float]:
    inputs, target = _patients()
    slope = inputs.T @ (inputs @ torch.tensor([x, y], dtype=torch.float64) - target) / len(target)
    return tuple(slope.tolist())


@lru_cache(maxsize=1)
def regression() -> Landscape:
    """The loss of `batches`, drawn."""
    inputs, target = _patients()
    best = torch.linalg.lstsq(inputs, target[:, None]).solution[:, 0]
    return survey(
        Surface(
            "regression",
            "Linear regression",
            r"\tfrac1{2n} \sum_i (x\,u_i + y\,v_i - t_i)^2",
            "Half the mean squared error of a linear regression on 442 patients (Efron et al. 2004).",
            _loss,
            _gradient,
            ((-1.5, 1.5), (-1.5, 1.5)),
            (tuple(best.tolist()),),
            (-1.2, 1.2),
            0.1,
            0.02,
            float(_loss(*best)),
            grid=51,
        )
    )


def _each(at: tuple[float, float]) -> np.ndarray:
    """(442, 2): the gradient of each patient's loss at the weights `at`."""
    inputs, target = _patients()
    return (inputs * (inputs @ torch.tensor(at, dtype=torch.float64) - target)[:, None]).numpy()


def _losses(chosen: Surface, path: np.ndarray) -> np.ndarray:
    return chosen.loss(*torch.from_numpy(path).unbind(1)).numpy()


@lru_cache(maxsize=8)
def _cloud(at: tuple[float, float], seed: int) -> np.ndarray:
    """(442, 442, 2): row B-1 holds the gradients of 442 batches of size B, drawn without replacement.

    Each batch is the same random pattern, shifted over the shuffled patients. So each patient is as often
    drawn as any other, and of size 1 and 442 there are all the batches that there can be.
    """
    each = torch.from_numpy(_each(at))
    n = len(each)
    generator = torch.Generator().manual_seed(seed)
    patients, pattern = torch.randperm(n, generator=generator), torch.randperm(n, generator=generator)
    order = patients[(pattern[:, None] + torch.arange(n)) % n]
    return (each[order].cumsum(0) / torch.arange(1, n + 1)[:, None, None]).numpy()


@lru_cache(maxsize=64)
@torch.no_grad()
def _sgd(batch_size: int, lr: float, epochs: int, seed: int) -> tuple[np.ndarray, np.ndarray, int | None]:
    """Weights (S+1, 2) after each step, examples seen (S+1,), and the step that diverged."""
    inputs, target = _patients()
    chosen = regression().surface
    generator = torch.Generator().manual_seed(seed)
    weights = torch.nn.Parameter(torch.tensor(chosen.start, dtype=torch.float64))
    weights.grad = torch.zeros_like(weights)
    here, slope = weights.detach(), weights.grad
    step = own_step(torch.optim.SGD([weights], lr=lr, foreach=False))
    path, seen = [here.tolist()], [0]
    for _ in range(epochs):
        order = torch.randperm(len(target), generator=generator)
        for u, t in zip(inputs[order].split(batch_size), target[order].split(batch_size)):
            torch.mv(u.T, (u @ here - t).div_(len(t)), out=slope)
            step()
            path.append(here.tolist())
            seen.append(seen[-1] + len(t))
            if max(map(abs, path[-1])) > FAR * chosen.domain[0][1]:
                return np.array(path), np.array(seen), len(path) - 1
    return np.array(path), np.array(seen), None


def batches(
    *, batch_size: int = 16, lr: float = 0.05, epochs: int = 3, seed: int = 0, at: str = "start"
) -> Batches:
    """torch.optim.SGD on a real data set in batches of 1 to 442, shuffled anew each epoch.

    `at`: where the cloud of gradients is taken, one of AT. Drawn without
    replacement, a batch of B of n has the variance sigma^2 / B * (n - B) / (n - 1)
    (Cochran, "Sampling techniques", 1977, theorem 2.2). Raises ValueError for
    numbers out of range.
    """
    check({"batch_size": batch_size, "lr": lr, "epochs": epochs, "seed": seed, "at": at}, RANGES, CHOICES)
    n = len(_patients()[1])
    ground = regression()
    chosen = ground.surface
    path, seen, diverged_at = _sgd(batch_size, lr, epochs, seed)
    full_path, _, _ = _sgd(n, lr, epochs, seed)
    point = chosen.start if at == "start" else chosen.minima[0]
    gradient = np.array(chosen.gradient(*point))
    clouds = _cloud(point, seed)
    sizes = np.array(sorted({*BATCH_SIZES, batch_size}))
    sigma2 = ((_each(point) - gradient) ** 2).sum(1).mean()
    last = path[seen >= seen[-1] - n] if len(path) > 1 else path
    return Batches(
        ground,
        batch_size,
        math.ceil(n / batch_size),
        path,
        _losses(chosen, path),
        seen / n,
        full_path,
        _losses(chosen, full_path),
        np.array(point),
        gradient,
        clouds[batch_size - 1],
        sizes,
        np.sqrt(((clouds[sizes - 1] - gradient) ** 2).sum(2).mean(1)),
        np.sqrt(sigma2 / sizes * (n - sizes) / (n - 1)),
        float(np.sqrt(((last - last.mean(0)) ** 2).sum(1).mean())),
        diverged_at,
    )
