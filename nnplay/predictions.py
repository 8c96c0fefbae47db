"""What is judged: the true classes of some test examples, the predicted ones, and the scores behind them.

They come from a classifier of `nnplay.classifiers`, or from a visitor's CSV file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from nnplay import classifiers, images, uploads
from nnplay.limits import choose

ROWS = (2, 20_000)
MOST_CLASSES = 20
DATA = ("digits", "your CSV")
LABEL, PREDICTION = "label", "prediction"


@dataclass(frozen=True, slots=True)
class Predictions:
    """`true` and `predicted` int64 (n,), indices into `classes`; `scores` float32 (n, k), or None where the
    visitor gave predictions alone. `numbers` (n,): which digit, or which row of the file.

    `pixels` (n, 8, 8), 0 to 1, and `split`: of digits alone, else None. `epoch` of `epochs`, `loss`: as in
    `classifiers.Moment`.
    """

    classes: tuple[str, ...]
    true: np.ndarray
    predicted: np.ndarray
    scores: np.ndarray | None
    numbers: np.ndarray
    pixels: np.ndarray | None = None
    split: classifiers.Split | None = None
    epoch: int = 0
    epochs: int = 0
    loss: float = np.nan


CLASSIFIER = ("model", "samples", "imbalance", "rare", "label_noise", "neighbors", "seed")


def course(given: Mapping) -> Iterator[Predictions]:
    """The predictions as training goes on; of an upload there is one moment alone.

    `given`: a view's arguments, of which "data", "upload" and those of CLASSIFIER are read.
    """
    choose(given["data"], DATA, "data")
    if given["data"] != "digits":
        yield unpacked(given["upload"])
        return
    settings = {name: given[name] for name in CLASSIFIER}
    found = None
    for moment in classifiers.course(**settings):
        found = found or classifiers.split(
            *(given[name] for name in ("samples", "imbalance", "rare", "label_noise", "seed"))
        )
        yield Predictions(
            classifiers.CLASSES,
            images.load("digits").labels[found.test],
            moment.scores.argmax(1),
            moment.scores,
            found.test,
            images.digits()[found.test],
            found,
            moment.epoch,
            moment.epochs,
            moment.loss,
        )


def final(given: Mapping) -> Predictions:
    """The predictions of the trained classifier, or those of the upload; `given` as in `course`."""
    *_, last = course(given)
    return last


def scored(given: Mapping) -> Predictions:
    """The same, where there are scores. Raises ValueError, with a sentence, where there are none."""
    found = final(given)
    if found.scores is None:
        raise ValueError(
            "This view needs scores: upload a CSV that has a column for each class, named after it, with its "
            "probability."
        )
    return found


def read(data: bytes) -> bytes:
    """A visitor's CSV as the `upload` that the views take.

    Its head is "label,prediction", or "label" and then the names of all classes, with a score in each column.
    Raises ValueError, with a sentence for the visitor, for anything else.
    """
    table = uploads.table(data, rows=ROWS, columns=(2, 1 + MOST_CLASSES))
    head = [name.lower() for name in table.head]
    if head[0] != LABEL:
        raise ValueError(f'The first column must be named "{LABEL}": it holds the true classes.')
    labels = table.columns[0]
    _filled(labels, LABEL)
    if head[1:] == [PREDICTION]:
        _filled(table.columns[1], PREDICTION)
        classes = sorted({*labels, *table.columns[1]}, key=_order)
        if not 2 <= len(classes) <= MOST_CLASSES:
            raise ValueError(
                f"The columns name {len(classes)} classes; this page takes from 2 to {MOST_CLASSES}."
            )
        return _packed(classes, _indices(labels, classes), _indices(table.columns[1], classes), None)
    classes = list(table.head[1:])
    _check_classes(labels, classes)
    columns = [uploads.numbers(column) for column in table.columns[1:]]
    for name, column in zip(classes, columns):
        if column is None:
            raise ValueError(
                f'Column "{name}" has a cell that is no number: it must hold the scores of {name}.'
            )
    scores = np.stack(columns, 1).astype(np.float32)
    if scores.min() < 0 or scores.max() > 1:
        raise ValueError("Scores must lie between 0 and 1: for example the probabilities after a softmax.")
    return _packed(classes, _indices(labels, classes), scores.argmax(1), scores)


def _filled(column: tuple[str, ...], name: str) -> None:
    if "" in column:
        raise ValueError(f'Column "{name}" has an empty cell in row {column.index("") + 2}.')


def _check_classes(labels: tuple[str, ...], classes: list[str]) -> None:
    if len(classes) < 2:
        raise ValueError(
            f'The head must be "{LABEL},{PREDICTION}", or "{LABEL}" and the names of two classes or more.'
        )
    if "" in classes or len(set(classes)) < len(classes):
        raise ValueError(
            "Every column of scores needs the name of its class, and no name may be there twice."
        )
    unknown = sorted(set(labels) - set(classes), key=_order)
    if unknown:
        raise ValueError(f'The label "{unknown[0][:40]}" is not the name of any column of scores.')


def _order(name: str) -> tuple:
    """Numbers by size, before names by letters."""
    number = uploads.numbers((name,))
    return (number is None, 0 if number is None else number[0], name)


def _indices(column: tuple[str, ...], classes: list[str]) -> np.ndarray:
    places = {name: i for i, name in enumerate(classes)}
    return np.array([places[name] for name in column], np.uint8)


def _packed(classes: list[str], true: np.ndarray, predicted: np.ndarray, scores: np.ndarray | None) -> bytes:
    """All of it as bytes, which are hashable, quick to read, and can stand in a script."""
    head = json.dumps({"classes": classes, "rows": len(true), "scores": scores is not None}).encode()
    body = true.astype(np.uint8).tobytes() + predicted.astype(np.uint8).tobytes()
    return head + b"\n" + body + (b"" if scores is None else scores.tobytes())


def unpacked(upload: bytes) -> Predictions:
    """What `read` returned. Raises ValueError, with a sentence, where it is missing or is something else."""
    if not upload:
        raise ValueError("There is no file yet: upload a CSV, or choose the digits.")
    try:
        head, _, body = upload.partition(b"\n")
        head = json.loads(head)
        classes, n = tuple(head["classes"]), head["rows"]
        true, predicted = np.frombuffer(body[: 2 * n], np.uint8).reshape(2, n).astype(np.int64)
        scores = np.frombuffer(body[2 * n :], np.float32).reshape(n, -1) if head["scores"] else None
        fits = max(true.max(), predicted.max()) < len(classes)
        if fits and (scores is None or scores.shape[1] == len(classes)):
            return Predictions(classes, true, predicted, scores, np.arange(2, n + 2))
    except (ValueError, KeyError, TypeError):
        pass
    raise ValueError("The uploaded predictions are not as this page keeps them: upload the file again.")
