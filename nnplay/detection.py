"""A small scene of detection: true boxes, boxes found with a score, their matches, and average precision.

The rules are COCO's: within a class the found boxes are taken by their score, the highest first, and each is
matched to the free true box that it overlaps most, if the overlap is at least the IoU threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nnplay import images, ranked
from nnplay.limits import SEED, check
from nnplay.records import Table

ACROSS, DOWN = 120, 84
KINDS = ("4", "9")
NAMES = tuple("ABCDEFGH")
SCALE = 3.5
TRUE = (("4", 6, 8), ("9", 46, 4), ("4", 86, 10), ("9", 18, 50), ("4", 68, 48))
"""The digits of the scene: which one, and where the upper left corner of its picture is."""
FOUND = (
    (8, 8, 22, 28, 0.95, 4),
    (50, 4, 20, 28, 0.9, 9),
    (12, 10, 22, 28, 0.8, 4),
    (26, 53, 20, 28, 0.75, 9),
    (88, 14, 24, 28, 0.7, 4),
    (71, 49, 20, 28, 0.6, 9),
    (45, 40, 18, 24, 0.4, 4),
)
"""What a detector might have found: left, top, width, height, score and class of each box."""
RANGES = {
    "iou": (0.05, 0.95),
    "taken": (0, len(NAMES)),
    "x": (0, ACROSS),
    "y": (0, DOWN),
    "width": (4, 60),
    "height": (4, 60),
    "score": (0.0, 1.0),
    "seed": SEED,
}
CHOICES = {"box": NAMES, "kind": KINDS}
THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Over which COCO takes the mean."""


@dataclass(frozen=True, slots=True)
class Detection:
    """`scene` (DOWN, ACROSS), 0 to 1. `true` (g, 4) and `boxes` (d, 4): left, top, width, height, with
    `true_kinds` and `kinds`; `names`, `scores` (d,): of the boxes; `chosen`: which one is moved.

    `order` (d,): the boxes by score, of which the first `taken` are counted. `overlap` (d, g): IoU, 0 across
    classes. `match` (d,): the true box that each is matched to, or -1. `precision`, `recall`: along the
    ranking of each class, (n,). `ap`: for each definition, of each class, NaN where it has no true box;
    `mean_ap`: over the classes; `coco`: 101-point, over the classes and ten IoU thresholds.
    """

    scene: np.ndarray
    true: np.ndarray
    true_kinds: tuple[str, ...]
    boxes: np.ndarray
    kinds: tuple[str, ...]
    names: tuple[str, ...]
    scores: np.ndarray
    chosen: int
    order: np.ndarray
    taken: int
    iou: float
    overlap: np.ndarray
    match: np.ndarray
    recall: Mapping[str, np.ndarray]
    precision: Mapping[str, np.ndarray]
    ap: Mapping[str, Mapping[str, float]]
    mean_ap: Mapping[str, float]
    coco: float

    @property
    def rows(self) -> list[tuple[str, str, float, float, str, float, float]]:
        """Of each box that is counted: name, class, score, its largest IoU, what it is, and the precision and
        recall of its class from there."""
        seen, found = dict.fromkeys(KINDS, 0), []
        for i in self.order[: self.taken]:
            kind = self.kinds[i]
            place = seen[kind]
            seen[kind] += 1
            what = "true positive" if self.match[i] >= 0 else "false positive"
            values = float(self.precision[kind][place]), float(self.recall[kind][place])
            best = float(self.overlap[i].max(initial=0))
            found.append((self.names[i], kind, float(self.scores[i]), best, what, *values))
        return found

    def table(self) -> Table:
        head = ("box", "class", "score", "IoU", f"at IoU {self.iou:.2f}", "precision", "recall")
        rows = [
            *self.rows,
            *(
                (f"AP, {definition}", kind, "", "", "", value, "")
                for definition, values in self.ap.items()
                for kind, value in (*values.items(), ("mean", self.mean_ap[definition]))
            ),
            ("AP, IoU 0.50 to 0.95", "mean", "", "", "", self.coco, ""),
        ]
        return {name: [str(cell) for cell in column] for name, column in zip(head, zip(*rows))}


def detect(
    *,
    iou: float = 0.5,
    taken: int = len(NAMES),
    box: str = "D",
    x: int = 26,
    y: int = 53,
    width: int = 20,
    height: int = 28,
    score: float = 0.75,
    kind: str = "9",
    found: tuple[tuple[float, ...], ...] = FOUND,
    seed: int = 0,
) -> Detection:
    """The boxes `found`, of which `box` is as x, y, width, height, score and kind say, judged at the
    threshold `iou`; counted are the `taken` with the highest scores.

    Raises ValueError, with a sentence for the visitor, for boxes that are not as FOUND has them.
    """
    check(locals(), RANGES, CHOICES)
    rows = _checked(found)
    chosen = min(NAMES.index(box), len(rows))
    rows[chosen : chosen + 1] = [(x, y, width, height, score, float(kind))]
    values = np.array(rows, float)
    kinds = tuple(f"{row[5]:g}" for row in rows)
    names = NAMES[: len(rows)]
    scene, true = _scene(seed)
    true_kinds = tuple(name for name, *_ in TRUE)
    order = np.argsort(-values[:, 4], kind="stable")
    counted = order[:taken]
    overlap = ious(values[:, :4], true) * (np.array(kinds)[:, None] == np.array(true_kinds))
    match = np.full(len(rows), -1)
    match[counted] = matched(overlap[counted], iou)
    recall, precision = _curves(match, counted, kinds, true_kinds)
    ap = {name: _aps(recall, precision, true_kinds, name) for name in ranked.DEFINITIONS[1:]}
    return Detection(
        scene,
        true,
        true_kinds,
        values[:, :4],
        kinds,
        names,
        values[:, 4],
        chosen,
        order,
        min(taken, len(rows)),
        iou,
        overlap,
        match,
        recall,
        precision,
        ap,
        {name: _mean(values) for name, values in ap.items()},
        _coco(overlap, counted, kinds, true_kinds),
    )


def _checked(found: tuple[tuple[float, ...], ...]) -> list[tuple[float, ...]]:
    if not 1 <= len(found) <= len(NAMES):
        raise ValueError(f"There may be from 1 to {len(NAMES)} boxes, not {len(found)}.")
    limits = [RANGES[name] for name in ("x", "y", "width", "height", "score")]
    for name, row in zip(NAMES, found):
        if len(row) != 6 or row[5] not in map(float, KINDS):
            raise ValueError(
                f"Box {name} must have left, top, width, height, score and class: 8 8 22 28 0.95 4"
            )
        for value, (low, high) in zip(row, limits):
            if not low <= value <= high:
                raise ValueError(f"Box {name} has a {value:g} where it may go from {low:g} to {high:g}.")
    return list(found)


def rechosen(record: Detection, then: str) -> dict:
    """The controls, arguments of `detect`, that choose the box `then` and leave every box where it is.

    One that is not there yet begins as a copy of the last one.
    """
    rows = [(*box, score, float(kind)) for box, score, kind in zip(record.boxes, record.scores, record.kinds)]
    x, y, width, height, score, kind = rows[min(NAMES.index(then), len(rows) - 1)]
    return {
        "found": "; ".join(" ".join(f"{value:g}" for value in row) for row in rows),
        "box": then,
        "x": round(x),
        "y": round(y),
        "width": round(width),
        "height": round(height),
        "score": float(score),
        "kind": f"{kind:g}",
    }


def centered(record: Detection, at: tuple[float, float]) -> dict[str, int]:
    """x and y of the chosen box when its middle is at this place."""
    x, y = np.array(at) - record.boxes[record.chosen, 2:] / 2
    return {"x": round(float(np.clip(x, 0, ACROSS))), "y": round(float(np.clip(y, 0, DOWN)))}


def _scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The picture and its true boxes, which fit the ink of the digits."""
    random = np.random.default_rng(seed)
    labels = images.load("digits").labels
    scene, boxes = np.zeros((DOWN, ACROSS)), []
    for kind, left, top in TRUE:
        digit = images.digits()[random.choice(np.flatnonzero(labels == int(kind)))]
        side = int(8 * SCALE)
        place = (np.arange(side) / SCALE).astype(int)
        scene[top : top + side, left : left + side] = digit[np.ix_(place, place)]
        ink = digit > 0.1
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        (x, y), (right, bottom) = (SCALE * np.array([each[0], each[1]]) for each in _corners(rows, columns))
        boxes.append((left + x, top + y, right - x, bottom - y))
    return scene, np.array(boxes)


def _corners(rows: np.ndarray, columns: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]]:
    return (columns[0], rows[0]), (columns[-1] + 1, rows[-1] + 1)


def ious(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of the boxes a (n, 4) and b (m, 4), left, top, width, height: (n, m)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(2)
    return common / (a[:, None, 2:].prod(2) + b[None, :, 2:].prod(2) - common)


def matched(overlap: np.ndarray, iou: float) -> np.ndarray:
    """The true box that each found box is matched to, or -1: (d,) for IoUs (d, g), the highest score first.

    Of true boxes that it overlaps alike a box takes the last, as COCO's evaluation does.
    """
    free, match = np.ones(overlap.shape[1], bool), np.full(len(overlap), -1)
    for i, row in enumerate(overlap):
        open_to = np.where(free & (row >= min(iou, 1 - 1e-10)), row, -1)
        if len(open_to) and open_to.max() >= 0:
            match[i] = len(row) - 1 - int(np.argmax(open_to[::-1]))
            free[match[i]] = False
    return match


def _curves(match, counted, kinds, true_kinds) -> tuple[dict, dict]:
    """Recall and precision along the ranking of each class."""
    recall, precision = {}, {}
    for kind in KINDS:
        hits = np.array([match[i] >= 0 for i in counted if kinds[i] == kind], bool)
        tp = np.cumsum(hits)
        recall[kind] = ranked.share(tp, true_kinds.count(kind))
        precision[kind] = tp / np.arange(1, len(hits) + 1)
    return recall, precision


def _aps(recall: dict, precision: dict, true_kinds, definition: str) -> dict[str, float]:
    """Of each class; NaN where it has no true box."""
    return {
        kind: ranked.average_precision(recall[kind], precision[kind], definition)
        if kind in true_kinds
        else float("nan")
        for kind in KINDS
    }


def _mean(values: Mapping[str, float]) -> float:
    known = [value for value in values.values() if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _coco(overlap, counted, kinds, true_kinds) -> float:
    found = []
    for iou in THRESHOLDS:
        match = np.full(len(overlap), -1)
        match[counted] = matched(overlap[counted], iou)
        found.append(_mean(_aps(*_curves(match, counted, kinds, true_kinds), true_kinds, "101-point")))
    return float(np.mean(found))
