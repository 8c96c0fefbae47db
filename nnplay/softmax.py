"""Softmax: logits to probabilities by the stable formula, by the naive one and by torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from nnplay.limits import within
from nnplay.records import Table

LOGIT = (-10.0, 10.0)
TEMPERATURE = (0.05, 10.0)
SHIFT = (-1000.0, 1000.0)

_TEMPERATURES = np.geomspace(*TEMPERATURE, 121)


@dataclass(frozen=True, slots=True)
class Softmax:
    """Five logits z as probabilities softmax((z + shift) / temperature), in float32 as a net has them.

    All (5,) unless said otherwise. `logits`; `scaled` = (z + shift) / temperature; `stable`, by
    exp(scaled - max) / sum; `torch`, by torch.softmax; `exponential` = exp(scaled) and `naive` =
    exponential / its sum, with the inf and nan that come of it; `unshifted`, stable with shift 0.
    `naive_fails` is "overflow", "underflow" or "".

    In float64, without the shift: `entropy` in nats; `jacobian` (5, 5), row i column j: dp_i / dz_j
    by autograd; `jacobian_formula` = (diag(p) - p p^T) / temperature; `by_temperature` (5, t), the
    probabilities at `temperatures` (t,).
    """

    logits: np.ndarray
    temperature: float
    shift: float
    scaled: np.ndarray
    stable: np.ndarray
    torch: np.ndarray
    exponential: np.ndarray
    naive: np.ndarray
    unshifted: np.ndarray
    naive_fails: str
    entropy: float
    jacobian: np.ndarray
    jacobian_formula: np.ndarray
    temperatures: np.ndarray
    by_temperature: np.ndarray

    @property
    def argmax(self) -> int:
        return int(self.logits.argmax())

    @property
    def changed_by_shift(self) -> float:
        """The largest change of any probability by the shift: float32 rounding and nothing else."""
        return float(np.abs(self.stable - self.unshifted).max())

    def table(self) -> Table:
        return {
            "class": np.arange(1, self.logits.size + 1),
            "logit": self.logits,
            "(logit + shift) / temperature": self.scaled,
            "probability": self.stable,
            "torch.softmax": self.torch,
            "without shift": self.unshifted,
            "exp": self.exponential,
            "naive": self.naive,
        }


def softmax(
    *,
    logit_1: float = 2.0,
    logit_2: float = 1.0,
    logit_3: float = 0.5,
    logit_4: float = 0.0,
    logit_5: float = -1.0,
    temperature: float = 1.0,
    shift: float = 0.0,
) -> Softmax:
    """Probabilities of five classes, by the stable formula, by the naive one and by torch.

    `shift` is added to all logits, which changes nothing but overflows the naive formula.

    Raises ValueError for a number out of its range (`LOGIT`, `TEMPERATURE`, `SHIFT`).
    """
    logits = np.array([logit_1, logit_2, logit_3, logit_4, logit_5])
    for i, logit in enumerate(logits, 1):
        within(f"logit_{i}", logit, LOGIT)
    within("temperature", temperature, TEMPERATURE)
    within("shift", shift, SHIFT)

    z = torch.tensor(logits, dtype=torch.float32)
    scaled = (z + shift) / temperature
    exponential = scaled.exp()
    overflow, underflow = bool(exponential.isinf().any()), float(exponential.sum()) == 0
    exact = torch.tensor(logits)
    p = torch.softmax(exact / temperature, 0)
    jacobian = torch.autograd.functional.jacobian(lambda z: torch.softmax(z / temperature, 0), exact)
    return Softmax(
        logits=logits,
        temperature=float(temperature),
        shift=float(shift),
        scaled=scaled.numpy(),
        stable=_stable(scaled).numpy(),
        torch=torch.softmax(scaled, 0).numpy(),
        exponential=exponential.numpy(),
        naive=(exponential / exponential.sum()).numpy(),
        unshifted=_stable(z / temperature).numpy(),
        naive_fails="overflow" if overflow else "underflow" if underflow else "",
        entropy=float(torch.special.entr(p).sum()),
        jacobian=jacobian.numpy(),
        jacobian_formula=((p.diag() - p.outer(p)) / temperature).numpy(),
        temperatures=_TEMPERATURES,
        by_temperature=torch.softmax(exact[:, None] / torch.tensor(_TEMPERATURES), 0).numpy(),
    )


def _stable(z: torch.Tensor) -> torch.Tensor:
    """exp(z) / sum exp(z), after the largest z is subtracted from all: no exp of more than 0."""
    exponential = (z - z.max()).exp()
    return exponential / exponential.sum()
