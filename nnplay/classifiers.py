"""Classifiers of real digits, trained in about a second on some of them and tested on others.

Which digits are for training and which for testing hangs on the seed alone: whatever else is changed, the
test digits are images that no training ever sees.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from nnplay import images
from nnplay.limits import SEED, check
from nnplay.planes import flipped

MODELS = ("small CNN", "MLP", "logistic regression", "k nearest")
CLASSES = tuple("0123456789")
TEST = 597
"""Digits that are for testing; the other 1200 are for training."""
RANGES = {
    "samples": (20, 1200),
    "imbalance": (0.0, 1.0),
    "label_noise": (0.0, 0.6),
    "neighbors": (1, 25),
    "seed": SEED,
}
CHOICES = {"model": MODELS}
EPOCHS = 14
LR = 0.02
_KEPT = 16  # trainings; each some 100 kB


@dataclass(frozen=True, slots=True)
class Split:
    """Numbers of digits, as scikit-learn counts them: `train` (n,), `test` (m,), and how many of the training
    pool are not used. `taught` (n,): the labels that training is given; `wrong` (n,): which are not true.
    """

    train: np.ndarray
    test: np.ndarray
    unused: int
    taught: np.ndarray
    wrong: np.ndarray


@dataclass(frozen=True, slots=True)
class Moment:
    """After `epoch` of `epochs`: mean loss of the pass (NaN before the first, and for what has no epochs) and
    `scores` float32 (m, 10), the probabilities of the test digits."""

    epoch: int
    epochs: int
    loss: float
    scores: np.ndarray


def split(samples: int, imbalance: float, rare: tuple[str, ...], label_noise: float, seed: int) -> Split:
    """The digits of a setting.

    `imbalance`: the share of each class of `rare` that is left out, in training and in testing alike;
    `label_noise`: the share of training labels that are another digit's.
    """
    labels = images.load("digits").labels
    order = np.random.default_rng(seed).permutation(len(labels))
    test, pool = (_thinned(part, labels, imbalance, rare) for part in (order[:TEST], order[TEST:]))
    train = pool[:samples]
    taught = flipped(labels[train], label_noise, len(CLASSES), seed)
    return Split(train, test, len(order) - TEST - len(train), taught, taught != labels[train])


def _thinned(part: np.ndarray, labels: np.ndarray, imbalance: float, rare: tuple[str, ...]) -> np.ndarray:
    keep = np.ones(len(part), bool)
    for name in rare:
        of_class = np.flatnonzero(labels[part] == CLASSES.index(name))
        keep[of_class[round((1 - imbalance) * len(of_class)) :]] = False
    return part[keep]


def course(
    *,
    model: str = "small CNN",
    samples: int = 200,
    imbalance: float = 0.0,
    rare: tuple[str, ...] = ("9",),
    label_noise: float = 0.0,
    neighbors: int = 5,
    seed: int = 0,
) -> Iterator[Moment]:
    """Train; yields after every epoch, and where there are none once. The latest courses are kept.

    Raises ValueError for settings out of range, and where less than two classes are left to learn.
    """
    check(locals(), RANGES, CHOICES)
    if not set(rare) <= set(CLASSES):
        raise ValueError(f"The rare classes must be digits from 0 to 9, not {', '.join(rare)}.")
    neighbors = neighbors if model == "k nearest" else 0
    key = (model, samples, imbalance, tuple(sorted(rare)), label_noise, neighbors, seed)
    with _lock:
        moments = _courses.get(key, ())
    if moments:
        yield from moments
        return
    parts = split(samples, imbalance, rare, label_noise, seed)
    if len(set(parts.taught)) < 2 or not len(parts.test):
        raise ValueError("Less than two classes are left: lower the imbalance, or choose fewer rare classes.")
    learn = _by_epochs(model, parts, seed) if model in _BUILD else _at_once(model, parts, neighbors)
    for moment in learn:
        moments = (*moments, moment)
        yield moment
    with _lock:
        _courses[key] = moments
        for old in list(_courses)[:-_KEPT]:
            del _courses[old]


_courses: dict[tuple, tuple[Moment, ...]] = {}
_lock = threading.Lock()


def _pixels(numbers: np.ndarray) -> np.ndarray:
    """float32 (n, 1, 8, 8), 0 to 1."""
    return images.digits()[numbers].astype(np.float32)[:, None]


def _at_once(model: str, parts: Split, neighbors: int) -> Iterator[Moment]:
    if model == "k nearest":
        made = KNeighborsClassifier(min(neighbors, len(parts.train)))
    else:
        made = LogisticRegression(max_iter=1000)
    made.fit(_pixels(parts.train).reshape(-1, 64), parts.taught)
    scores = np.zeros((len(parts.test), len(CLASSES)), np.float32)
    # a class without a training digit has no column of its own
    scores[:, made.classes_] = made.predict_proba(_pixels(parts.test).reshape(-1, 64))
    yield Moment(0, 0, np.nan, scores)


def _cnn() -> nn.Sequential:
    parts = []
    for ins, outs in ((1, 8), (8, 16)):
        # batch norm brings the bias; skip_init leaves the global generator alone
        parts.append(nn.utils.skip_init(nn.Conv2d, ins, outs, 3, padding=1, bias=False))
        parts += [nn.BatchNorm2d(outs), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*parts, nn.Flatten(), nn.utils.skip_init(nn.Linear, 64, len(CLASSES)))


def _mlp() -> nn.Sequential:
    first, last = nn.utils.skip_init(nn.Linear, 64, 32), nn.utils.skip_init(nn.Linear, 32, len(CLASSES))
    return nn.Sequential(nn.Flatten(), first, nn.ReLU(), last)


_BUILD = {"small CNN": _cnn, "MLP": _mlp}


def build(model: str, generator: torch.Generator) -> nn.Sequential:
    """One of the nets, with He's initialization."""
    net = _BUILD[model]()
    for part in net:
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    return net


def _by_epochs(model: str, parts: Split, seed: int) -> Iterator[Moment]:
    """Adam under a one-cycle learning rate."""
    generator = torch.Generator().manual_seed(seed)
    net = build(model, generator)
    x, y, test = (
        torch.from_numpy(part) for part in (_pixels(parts.train), parts.taught, _pixels(parts.test))
    )
    batch = 16 if len(y) < 300 else 32 if len(y) < 700 else 64
    optimizer = torch.optim.Adam(net.parameters(), lr=LR)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=EPOCHS * -(-len(y) // batch))
    yield Moment(0, EPOCHS, np.nan, _scores(net, test))
    for epoch in range(1, EPOCHS + 1):
        net.train()
        total = 0.0
        for some in torch.randperm(len(y), generator=generator).split(batch):
            loss = F.cross_entropy(net(x[some]), y[some])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(some)
        yield Moment(epoch, EPOCHS, total / len(y), _scores(net, test))


def _scores(net: nn.Sequential, x: torch.Tensor) -> np.ndarray:
    net.eval()
    with torch.no_grad():
        return net(x).softmax(1).numpy()


def trained(settings: Mapping) -> Moment:
    """The last moment of `course(**settings)`."""
    *_, last = course(**settings)
    return last
