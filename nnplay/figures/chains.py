"""Pictures of `nnplay.augmenting`: one draw on its way through the chain, and a grid of draws."""

from __future__ import annotations

import textwrap

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.board import board, boxes, label, png, shape
from nnplay.figures.theme import COLOR, SERIES, faded

DRAWS_TRACE = 0
"""Of `augment`: a click on it is a click on a draw, see `draw_at`."""

COLUMNS = 6
_TILE = 0.93  # of a column
_LINE = 0.132  # height of a line of text
_SMALL = {"size": 13}
_CHOSEN = next(iter(SERIES))
_WRAP = 22


def draw_at(row: int, column: int) -> int:
    """The draw in that cell of the grid."""
    return row * COLUMNS + column


def augment(record) -> go.Figure:
    """Above, the stages of one draw, the original first; below, all draws with what was drawn for each.

    Traces: cells over the draws, the stages, the draws.
    """
    width, height = _size(record.image)
    count = len(record.stages)
    cell = min(1.3, COLUMNS / count, 1.05 / height)
    ways = [_wrapped(text, cell) for text in record.brief[record.draw]]
    tall = 0.2 + cell * height + _LINE * max([len(way) for way in ways], default=0)
    lines = [_lines(record, i) for i in range(len(record.results))]
    most = max(map(len, lines))
    row = _TILE * height + _LINE * most + 0.1
    top = tall + 0.42
    rows = -(-len(record.results) // COLUMNS)
    traces = [_cells(record, top, row, rows)]
    notes = [_text("the original", 0.5 * cell * _TILE, 0.2, yanchor="bottom")]
    for i, stage in enumerate(record.stages):
        left = i * cell
        traces.append(_picture(stage, left, 0.2, cell * _TILE * width))
        if i:
            middle = left + 0.5 * cell * _TILE
            notes.append(_text(_clipped(f"{i} {record.labels[i - 1]}", cell), middle, 0.2, yanchor="bottom"))
            notes.append(_text("<br>".join(ways[i - 1]), middle, 0.2 + cell * height * _TILE))
    for i, result in enumerate(record.results):
        x, y = i % COLUMNS, top + i // COLUMNS * row
        traces.append(_picture(result, x, y, _TILE * width))
        notes.append(_text("<br>".join(lines[i]), x + 0.5 * _TILE, y + _TILE * height))
    heads = (
        ("as it is" if count == 1 else f"draw {record.draw + 1}, stage by stage", 0.0),
        (f"{len(record.results)} draws of the same chain", top - 0.26),
    )
    notes = [
        label(text, 0, y, xanchor="left", yanchor="top", yshift=0, font={"size": 15}) for text, y in heads[1:]
    ] + notes
    x, y = record.draw % COLUMNS, top + record.draw // COLUMNS * row
    ring = (x - 0.02, y - 0.02, x + _TILE * width + 0.02, y + _TILE * height + 0.02)
    down = top + rows * row
    return board(
        traces,
        COLUMNS,
        down,
        shapes=[shape(boxes([ring]), _CHOSEN, 3)],
        annotations=notes,
        uirevision=f"{count} {height:.3f} {most}",
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
    )


def _size(image: np.ndarray) -> tuple[float, float]:
    """Width and height of a picture in a box of 1 x 1 that it fits."""
    height, width = image.shape[-2:]
    return width / max(height, width), height / max(height, width)


def _picture(pixels: np.ndarray, left: float, top: float, width: float) -> dict:
    step = width / pixels.shape[-1]
    return {
        "type": "image",
        "source": png(pixels),
        "x0": left + step / 2,
        "dx": step,
        "y0": top + step / 2,
        "dy": step,
        "hoverinfo": "skip",
    }


def _text(text: str, x: float, y: float, **more) -> dict:
    return label(text, x, y, **{"yanchor": "top", "yshift": 0, "font": _SMALL, **more})


def _cells(record, top: float, row: float, rows: int) -> dict:
    """What is hovered and clicked: a cell for each draw, without a colour of its own."""
    texts = ["<br>".join(["draw %d" % (i + 1), *_long(each)]) for i, each in enumerate(record.printed)]
    texts += [""] * (rows * COLUMNS - len(texts))
    clear = faded(COLOR["paper"], 0)
    return {
        "type": "heatmap",
        "z": np.zeros((rows, COLUMNS), np.float32),
        "text": np.reshape(np.array(texts, object), (rows, COLUMNS)).tolist(),
        "x0": 0.5 * _TILE,
        "dx": 1,
        "y0": top + 0.5 * row,
        "dy": row,
        "colorscale": [[0, clear], [1, clear]],
        "showscale": False,
        "hovertemplate": "%{text}<extra></extra>",
    }


def _long(printed) -> list[str]:
    return ["<br>   ".join(textwrap.wrap(text, 60)) for text in printed]


def _wrapped(text: str, cell: float) -> list[str]:
    return textwrap.wrap(text, max(8, int(_WRAP * cell)))[:3] or [""]


def _clipped(text: str, cell: float) -> str:
    most = max(6, int(19 * cell))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _lines(record, i: int) -> list[str]:
    """Under a draw: what was drawn, the label where it is mixed, and what is read."""
    lines = textwrap.wrap(" · ".join(record.brief[i]), _WRAP)
    lines = [*lines[:2], f"{lines[2][: _WRAP - 2]} …"] if len(lines) > 3 else lines
    target = record.targets[i]
    if target.max() < 1 - 1e-9:
        parts = sorted(((share, kind) for kind, share in enumerate(target) if share > 0.005), reverse=True)
        lines.append(" + ".join(f"{share:.2f} {record.classes[kind]}" for share, kind in parts[:3]))
    if len(record.read):
        said = int(record.read[i].argmax())
        color = COLOR["positive" if said == int(target.argmax()) else "negative"]
        lines.append(f'<b><span style="color:{color}">reads {said}, {record.read[i, said]:.0%}</span></b>')
    return lines or [""]


def preview(record) -> go.Figure:
    """Eight draws, without a word, for a card of 320 x 180."""
    width, height = _size(record.image)
    traces = [
        _picture(result, i % 4, i // 4 * (_TILE * height + 0.07), _TILE * width)
        for i, result in enumerate(record.results[:8])
    ]
    margin = {"l": 4, "r": 4, "t": 4, "b": 4}
    return board(traces, 4, 2 * (_TILE * height + 0.07), height=180, margin=margin, narrow={})
