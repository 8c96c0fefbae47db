"""Picture of `nnplay.confusions.matrix`: the matrix, and the images of one of its cells."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.board import boxes
from nnplay.figures.cells import down, grid, named, split, words
from nnplay.figures.frames import Frames
from nnplay.figures.roles import note
from nnplay.figures.theme import COLOR, GRAY, figure

MATRIX_TRACE, PAIRS_TRACE = 0, 5
"""Of `matrix`: the cells, and the most confused pairs."""
_TILES = 3  # examples in a row
_WIDE, _HIGH = 12, 15  # of an example, in its axes' units
_PIXELS = 8
_BARS = (8.6, 12.2)  # from where to where down a tile
_END = 52


def matrix(record) -> tuple[go.Figure, Frames | None]:
    """The matrix on the left, the examples of the chosen cell on the right, above them how the data were
    split."""
    k = len(record.classes)
    shades, texts = _shades(record), _texts(record)
    size = 14 if k <= 12 else 10
    last, (true, predicted) = record.last, record.cell
    traces = [
        *grid(
            shades[-1],
            texts[-1],
            size=size,
            text=record.counts[-1].astype(str),
            hoverinfo="text",
            hovertemplate="true %{y}, predicted %{x}: %{text}<extra></extra>",
        ),
        _pictures(record),
        _captions(record),
        _pairs(record),
    ]
    outline = {
        "type": "rect",
        "x0": predicted - 0.5,
        "x1": predicted + 0.5,
        "y0": true - 0.5,
        "y1": true + 0.5,
    }
    outline |= {"line": {"color": COLOR["ink"], "width": 3}}
    shapes = [outline, *_bars(record), *_strip(last.split)]
    annotations = [
        {**_said(last.split), "x": 0, "y": 1.12},
        note(_course(record, -1), 0, 1.01, yanchor="bottom", bgcolor=None),
        note(_cell(record), 0, 1.01, "2", yanchor="bottom", bgcolor=None),
        note("Most confused, true → predicted:", 0, 49.4, "2", yref="y2", yanchor="bottom", bgcolor=None),
    ]
    layout = {
        "showlegend": False,
        "hoverdistance": 40,
        "margin": {"l": 50, "r": 8, "t": 84, "b": 48},
        "xaxis": {**named(record.classes), "domain": (0, 0.5), "range": (-0.5, k - 0.5)},
        "yaxis": {**named(record.classes), "range": down(k)},
        "xaxis2": {"domain": (0.56, 1), "anchor": "y2", "range": (0, _TILES * _WIDE), **_HIDDEN},
        "yaxis2": {"anchor": "x2", "range": (_END, 0), **_HIDDEN},
        "shapes": shapes,
        "annotations": annotations,
        "uirevision": f"{k}",
        "narrow": {
            "height": 900,
            "xaxis.domain": (0, 1),
            "yaxis.domain": (0.53, 1),
            "xaxis2.domain": (0, 1),
            "yaxis2.domain": (0, 0.4),
            "annotations[0].text": _said(last.split, short=True)["text"],
            "annotations[0].y": 1.075,
            **{
                f"shapes[{i}].{side}": 1.06 + 0.012 * j
                for i in (4, 5, 6)
                for j, side in enumerate(("y0", "y1"))
            },
        },
    }
    layout["xaxis"]["title"] = {"text": "predicted class"}
    layout["yaxis"]["title"] = {"text": "true class"}
    return figure(traces, **layout), _frames(record, shades, texts)


_HIDDEN = {"visible": False, "fixedrange": True}


def _frames(record, shades: np.ndarray, texts: np.ndarray) -> Frames | None:
    """The matrix after each epoch; nothing to play where there is one moment alone."""
    if record.last.epochs == 0:
        return None
    pale, deep = split(shades, texts)
    return Frames(
        [f"epoch {epoch}" for epoch in record.epochs],
        {0: {"z": np.float32(shades)}, 1: {"text": pale}, 2: {"text": deep}},
        {"annotations[1].text": [_course(record, i) for i in range(len(record.epochs))]},
    )


def _shades(record) -> np.ndarray:
    """(t, k, k) from -1 to 1: green on the diagonal, pink beside it, by the square root of the share, so that
    the few errors can be seen beside the many right ones."""
    most = record.shares.max() if record.normalize in ("counts", "all") else 1
    strength = np.sqrt(record.shares / max(most, 1e-9))
    return np.where(np.eye(len(record.classes), dtype=bool), strength, -strength)


def _texts(record) -> np.ndarray:
    if record.normalize == "counts":
        texts = record.counts.astype(str)
    else:
        digits = 1 if record.normalize == "all" else 0
        texts = np.vectorize(lambda share: f"{100 * share:.{digits}f}", otypes=[str])(record.shares)
    return np.where(record.counts > 0, texts, "")


def _course(record, i: int) -> str:
    n = int(record.counts[0].sum())
    right = int(record.counts[i].trace())
    unit = "" if record.normalize == "counts" else ", cells in %"
    return f"accuracy {right} / {n} = {record.accuracy[i]:.1%}{unit}"


def _cell(record) -> str:
    (true, predicted), m = record.cell, len(record.members)
    shown = min(m, _TILES**2)
    most = (
        ""
        if shown == m
        else f", the surest {shown}"
        if record.last.scores is not None
        else f", {shown} of them"
    )
    names = record.classes
    return f"true {names[true][:14]}, predicted {names[predicted][:14]}: <b>{m}</b>{most}"


def _places(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Left and top of the first n tiles."""
    down_, across = np.divmod(np.arange(n), _TILES)
    return across * _WIDE, down_ * _HIGH


def _pictures(record) -> dict:
    """The images of the first examples as one picture."""
    z = np.full((_TILES * _HIGH, _TILES * _WIDE), np.nan, np.float32)
    if record.last.pixels is not None:
        members = record.members[: _TILES**2]
        for member, left, top in zip(members, *_places(len(members))):
            z[top : top + _PIXELS, left + 2 : left + 2 + _PIXELS] = record.last.pixels[member]
    return {
        "type": "heatmap",
        "z": z,
        "x0": 0.5,
        "dx": 1,
        "y0": 0.5,
        "dy": 1,
        "zmin": 0,
        "zmax": 1,
        "colorscale": GRAY,
        "showscale": False,
        "hoverinfo": "skip",
        "hoverongaps": False,
        "xaxis": "x2",
        "yaxis": "y2",
    }


def _captions(record) -> dict:
    """Of each example the two most probable classes: below its image, or below the number of its row."""
    left, top = _places(_TILES**2)
    images = record.last.pixels is not None
    texts = [""] * _TILES**2
    for i, member in enumerate(record.members[: _TILES**2]):
        lines = [] if images else [f"row {record.last.numbers[member]}"]
        if record.last.scores is not None:
            scores = record.last.scores[member]
            first, second = np.argsort(-scores, kind="stable")[:2]
            lines += [f"{record.classes[c][:10]}: {scores[c]:.0%}" for c in (first, second)]
        texts[i] = ("  " if images else "<br>").join(lines)
    return words(left + _WIDE / 2, top + (13.3 if images else 4), texts, COLOR["ink"], "2", 13)


def _bars(record) -> list[dict]:
    """Three shapes: the probabilities of the shown examples, of the true class, the predicted one, the
    others."""
    k, (true, predicted) = len(record.classes), record.cell
    rest, right, wrong = [], [], []
    if record.last.scores is not None:
        members = record.members[: _TILES**2]
        step, (high, low) = 10 / k, _BARS
        for member, left, top in zip(members, *_places(len(members))):
            for c, score in enumerate(record.last.scores[member]):
                x = left + 1 + c * step
                box = (x, top + low - (low - high) * max(float(score), 0.02), x + 0.85 * step, top + low)
                (right if c == true else wrong if c == predicted else rest).append(box)
    looks = ((rest, COLOR["muted"]), (right, COLOR["positive"]), (wrong, COLOR["negative"]))
    place = {"type": "path", "xref": "x2", "yref": "y2", "line": {"width": 0}}
    return [{**place, "path": boxes(found), "fillcolor": color} for found, color in looks]


def _pairs(record) -> dict:
    """The most confused pairs, in a row; a click on one goes there. Long names leave room for fewer."""
    n = 5 if max(map(len, record.classes)) <= 3 else 2
    texts = [
        f"{record.classes[i][:10]} → {record.classes[j][:10]}: {count}" for i, j, count in record.pairs[:n]
    ] or ["no error at all"]
    texts += [""] * (n - len(texts))
    x = (np.arange(n) + 0.5) * _TILES * _WIDE / n
    look = {"hoverinfo": "text", "hovertemplate": "click: its images<extra></extra>"}
    return words(x, np.full(n, 50.9), texts, COLOR["ink"], "2", 14, **look)


def _strip(split) -> list[dict]:
    """Three shapes across the top: training, test and unused digits."""
    sizes = (0, 0, 0) if split is None else (len(split.train), len(split.test), split.unused)
    edges = np.concatenate([[0], np.cumsum(sizes)]) / max(sum(sizes), 1)
    colors = (COLOR["train"], COLOR["test"], COLOR["grid"])
    place = {"type": "rect", "xref": "paper", "yref": "paper", "y0": 1.1, "y1": 1.12, "line": {"width": 0}}
    return [
        {**place, "x0": left, "x1": right, "fillcolor": color, "visible": split is not None}
        for left, right, color in zip(edges, edges[1:], colors)
    ]


def _said(split, short: bool = False) -> dict:
    place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "align": "left"}
    text = "Predictions of your file"
    if split is not None:
        train, test = (
            f'<span style="color:{COLOR[part]}">{{}}</span>'.format(f"<b>{n}</b> {word}")
            for part, n, word in (
                ("train", len(split.train), "training digits"),
                ("test", len(split.test), "test digits" if short else "test digits, never seen in training"),
            )
        )
        wrong = int(split.wrong.sum())
        taught = f" ({wrong} with a wrong label)" if wrong else ""
        text = f"{train}{taught} · {test}" + ("" if short else f" · {split.unused} unused")
    return {"text": text, "showarrow": False, "font": {"size": 15}, **place}


def preview(record) -> go.Figure:
    """The matrix alone, for a card of 320 x 180."""
    k = len(record.classes)
    return figure(
        grid(_shades(record)[-1], _texts(record)[-1], size=11),
        showlegend=False,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis={"range": (-0.5, k - 0.5), "visible": False},
        yaxis={"range": down(k), "visible": False},
    )
