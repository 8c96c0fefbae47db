"""One run of one optimizer of torch.optim on one surface, with everything that it did and remembered."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
from torch.optim import Optimizer

from nnplay.hyperparameters import Value, settle
from nnplay.limits import check
from nnplay.surfaces import Surface, curvature, height
from nnplay.surfaces import surface as find_surface
from nnplay.update_rules import OPTIMIZERS, Update, apply_rule

RANGES = {"steps": (1, 500), "start_x": (-6.0, 6.0), "start_y": (-6.0, 6.0)}
FAR = 10.0
"""A run counts as diverged when it is this many half-widths away from the middle of the domain."""


@dataclass(frozen=True, slots=True)
class Path:
    """What one optimizer did in T steps; float64.

    `position` (T+1, 2), `loss` (T+1,), `gradient` (T+1, 2): at the start and
    after each step. `state`: what the optimizer remembers, by the rule's
    letters, (T+1, ...): zeros or as begun, then after each step. `searches` (T,
    2 + 5 h): for L-BFGS, per step, its scale and step length and its h stored
    differences (y, s, rho), NaN where not yet; else empty. `evaluations`: how
    often it asked for the gradient. `diverged_at`: the
    step that ended FAR out or at no number, where the run was stopped;
    `left_at` (2,): where it had crossed the domain's border for good.
    """

    surface: Surface
    optimizer: str
    values: Mapping[str, Value]
    position: np.ndarray
    loss: np.ndarray
    gradient: np.ndarray
    state: Mapping[str, np.ndarray]
    searches: np.ndarray
    evaluations: int
    diverged_at: int | None
    left_at: np.ndarray | None

    @property
    def steps(self) -> int:
        return len(self.position) - 1

    @property
    def step(self) -> np.ndarray:
        """(T, 2): from each position to the next."""
        return np.diff(self.position, axis=0)

    @property
    def first_moment(self) -> np.ndarray | None:
        """(T+1, 2): the momentum buffer or average gradient, where the optimizer has one."""
        if self.values.get("momentum") == 0:
            return None  # torch keeps no buffer then
        return self.state.get(OPTIMIZERS[self.optimizer].first)

    @property
    def second_moment(self) -> np.ndarray | None:
        """(T+1, 2): the average (or sum) of squared gradients, where the optimizer has one."""
        return self.state.get(OPTIMIZERS[self.optimizer].second)

    @property
    def sharpness_at(self) -> np.ndarray:
        """(k,): some 25 steps, spread over the run."""
        return np.unique(np.linspace(0, self.steps, 26).round().astype(int))

    @property
    def sharpness(self) -> np.ndarray:
        """(k,): the Hessian's largest eigenvalue after the steps `sharpness_at`."""
        return curvature(self.surface, self.position[self.sharpness_at])[:, 1]

    @property
    def sharpness_limit(self) -> float | None:
        """The sharpness above which this run overshoots by more each step: 2 (1 + momentum) / lr.

        For SGD and SGD with momentum; None for the others, whose steps are not in proportion to the gradient.
        """
        if self.optimizer not in ("sgd", "momentum"):
            return None
        return 2 * (1 + self.values.get("momentum", 0.0)) / self.values["lr"]

    @property
    def height(self) -> np.ndarray:
        """(T+1,): the loss as the surface's picture shows it."""
        return height(self.surface, self.loss)

    @property
    def distance(self) -> np.ndarray:
        """(T+1,): to the nearest of the surface's minima."""
        minima = np.asarray(self.surface.minima)
        return np.linalg.norm(self.position[:, None] - minima, axis=2).min(1)

    def update(self, step: int, digits: int = 5) -> Update:
        """Step number `step` (1 to T) by the optimizer's rule. Raises ValueError where there is none."""
        if not 1 <= step <= self.steps:
            raise ValueError(f"This run has the steps 1 to {self.steps}.")
        method = OPTIMIZERS[self.optimizer]
        eps = method.fixed.get("eps", ())
        names = dict(zip(("eps1", "eps2"), eps)) if isinstance(eps, tuple) else {"eps": eps}
        names |= self.values | {"x": self.position[step - 1], "g": self.gradient[step - 1], "t": step}
        names |= {letter: rows[step - 1] for letter, rows in self.state.items()}
        if len(self.searches):
            scale, names["a"], *stored = self.searches[step - 1]
            names["H"] = _inverse_hessian(scale, np.reshape(stored, (-1, 5)))
        return apply_rule(method.rule, names, self.step[step - 1], digits)

    def table(self) -> dict[str, np.ndarray]:
        return {
            "step": np.arange(self.steps + 1),
            "x": self.position[:, 0],
            "y": self.position[:, 1],
            "loss": self.loss,
            "gradient x": self.gradient[:, 0],
            "gradient y": self.gradient[:, 1],
        }


def _inverse_hessian(scale: float, stored: np.ndarray) -> np.ndarray:
    """The matrix (2, 2) that L-BFGS applies without writing it down: Nocedal & Wright (2006), eq. 7.16."""
    matrix = np.eye(2) * scale
    for difference in stored[np.isfinite(stored[:, 0])]:
        y, s, rho = difference[:2], difference[2:4], difference[4]
        turn = np.eye(2) - rho * np.outer(s, y)
        matrix = turn @ matrix @ turn.T + rho * np.outer(s, s)
    return matrix


def _search(memory: Mapping, size: int, moved: bool) -> list[float]:
    """A row of `Path.searches` from the memory of torch's L-BFGS, which keeps up to `size` differences."""
    row = [float(memory.get("H_diag", 1)), float(memory["t"]) if moved else 0.0]
    for y, s, rho in zip(memory.get("old_dirs", ()), memory.get("old_stps", ()), memory.get("ro", ())):
        row += [*y.tolist(), *s.tolist(), float(rho)]
    return row + [math.nan] * (2 + 5 * size - len(row))


def _crossing(surface: Surface, position: np.ndarray) -> np.ndarray:
    """Where the path (n, 2) left the domain for the last time; its end, if that is still inside."""
    low, high = np.transpose(surface.domain)
    inside = ((position >= low) & (position <= high)).all(1)
    last = int(np.flatnonzero(inside)[-1])
    if last == len(position) - 1:
        return position[-1]
    here, move = position[last], position[last + 1] - position[last]
    shares = [1.0]
    for axis in range(2):
        if move[axis]:
            border = high[axis] if move[axis] > 0 else low[axis]
            shares.append((border - here[axis]) / move[axis])
    return here + move * min(shares)


def own_step(optimizer: Optimizer) -> Callable[[], None]:
    """The optimizer's own step, to be taken under `torch.no_grad()`.

    It is torch's code without what torch wraps around it, which sets that mode
    and asks the profiler: for two numbers that takes longer than the step.
    """
    return partial(inspect.unwrap(type(optimizer).step), optimizer)


@lru_cache(maxsize=512)
@torch.no_grad()
def _descend(
    name: str, condition_number: float, start: tuple[float, float], steps: int, optimizer: str, given: tuple
) -> Path:
    chosen = find_surface(name, condition_number)
    method = OPTIMIZERS[optimizer]
    values = dict(given)
    # NumPy's views share the tensors' memory: reading and writing two numbers costs 0.2 us instead of 5.
    parameter = torch.nn.Parameter(torch.tensor(chosen.inside(*start), dtype=torch.float64))
    parameter.grad = torch.zeros_like(parameter)
    here, slope = parameter.detach().numpy(), parameter.grad.numpy()
    optimize = method.make(parameter, values)
    step = own_step(optimize)
    middle = np.mean(chosen.domain, axis=1).tolist()
    reach = [FAR * (high - low) / 2 for low, high in chosen.domain]
    asked = 0

    def closure():  # L-BFGS alone evaluates as often as it likes
        nonlocal asked
        asked += 1
        at = parameter.detach()
        slope[:] = chosen.gradient(*here.tolist())
        return chosen.loss(at[0], at[1])

    begins = {letter: method.begins.get(letter, 0.0) for letter in method.state.values()}
    begins = {letter: values.get(value, value) for letter, value in begins.items()}
    state = {letter: [value if letter == "mu_product" else [value] * 2] for letter, value in begins.items()}
    searches = []
    positions, gradients = [here.tolist()], [chosen.gradient(*here.tolist())]
    diverged_at = None
    for t in range(1, steps + 1):
        slope[:] = gradients[-1]
        if optimizer == "lbfgs":
            optimize.step(closure)
        else:
            step()
            asked += 1
        x, y = here.tolist()
        if not (math.isfinite(x) and math.isfinite(y)):
            diverged_at = t
            break
        memory = optimize.state[parameter]
        for torch_name, letter in method.state.items():
            kept = memory.get(torch_name)
            state[letter].append(state[letter][-1] if kept is None else kept.tolist())
        if optimizer == "lbfgs":
            moved = [x, y] != positions[-1]  # it stands still where the gradient is below its tolerance
            searches.append(_search(memory, values["history_size"], moved))
        positions.append([x, y])
        if abs(x - middle[0]) > reach[0] or abs(y - middle[1]) > reach[1]:
            diverged_at = t
        gradients.append(chosen.gradient(x, y))
        if diverged_at:
            break
    position = np.array(positions)
    return Path(
        chosen,
        optimizer,
        values,
        position,
        chosen.loss(*torch.from_numpy(position).unbind(1)).numpy(),
        np.array(gradients),
        {letter: np.array(rows) for letter, rows in state.items()},
        np.array(searches),
        asked,
        diverged_at,
        _crossing(chosen, position) if diverged_at else None,
    )


def descend(
    optimizer: str,
    *,
    surface: str = "himmelblau",
    condition_number: float = 10.0,
    start: tuple[float, float] = (0.0, -1.0),
    steps: int = 100,
    **values: Value,
) -> Path:
    """The path of one optimizer of OPTIMIZERS, run by torch.optim; `values` are its hyperparameters.

    A start outside the surface's domain is moved to its edge. Raises ValueError
    for an unknown optimizer or surface and for numbers out of range, TypeError
    for a hyperparameter that the optimizer has not.
    """
    check({"optimizer": optimizer, "steps": steps}, RANGES, {"optimizer": tuple(OPTIMIZERS)})
    own = settle(OPTIMIZERS, {f"{optimizer}_{name}": value for name, value in values.items()})[optimizer]
    return _descend(surface, condition_number, tuple(start), steps, optimizer, tuple(own.items()))
