"""Pictures of `nnplay.augmenting`: one draw on its way through the chain, and a grid of draws."""

from __future__ import annotations

import textwrap

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.board import board, boxes, jpeg, label, png, shape
from nnplay.figures.theme import COLOR, SERIES, faded

DRAWS_TRACE = 0
"""Of `augment`: a click on it is a click on a draw, see `draw_at`."""

COLUMNS = 6
_TILE = 0.93  # of a column, at most
_HEAD = 0.4  # height of a heading with a line below it
_LINE = 0.132  # of a line of text
_MOST = 23  # letters in it
_LINES = 4  # of what was drawn, under a tile, at most
_DOWN = 4.2  # height of all, in columns: so much fits on a screen
_SMALL = {"size": 13}
_CHOSEN = next(iter(SERIES))


def draw_at(row: int, column: int) -> int:
    """The draw in that cell of the grid, from 1 on."""
    return row * COLUMNS + column + 1


def augment(record) -> go.Figure:
    """Above, the stages of one draw, the original first; below, all draws with what was drawn for each.

    Traces: cells over the draws, the stages, the draws.
    """
    width, height = _size(record.image)
    count = len(record.stages)
    cell = min(1.3, COLUMNS / count, 0.95 / height)
    below = _HEAD + cell * _TILE * height
    top = below + (1 if cell >= 0.9 and max(record.lines, default=1) == 1 else 2) * _LINE + 0.4
    lines = [_lines(record, i) for i in range(len(record.results))]
    most = len(lines[0])
    rows = -(-len(record.results) // COLUMNS)
    under = _LINE * most + 0.1
    tile = min(_TILE, ((_DOWN - top) / rows - under) / height)
    row = tile * height + under
    traces = [_cells(record, top, row, rows)]
    notes = [
        _heading(f"Draw {record.draw}, stage by stage", 0),
        _heading(_known(record), top - 0.28),
    ]
    for i, stage in enumerate(record.stages):
        middle = cell * (i + 0.5 * _TILE)
        traces.append(_picture(stage, middle, _HEAD, cell * _TILE * width))
        name = f"{i} {record.labels[i - 1]}" if i else f"original: {record.classes[record.label]}"
        notes.append(_text(_clipped(name, int(18 * cell)), middle, _HEAD, yanchor="bottom"))
        if i:
            ways = textwrap.wrap(record.brief[record.draw - 1][i - 1], max(8, int(20 * cell)))
            notes.append(_text("<br>".join(ways[:2]), middle, below))
    for i, result in enumerate(record.results):
        x, y = i % COLUMNS + 0.5 * _TILE, top + i // COLUMNS * row
        traces.append(_picture(result, x, y, tile * width))
        notes.append(_text("<br>".join(lines[i]), x, y + tile * height))
    x, y = (record.draw - 1) % COLUMNS + 0.5 * _TILE, top + (record.draw - 1) // COLUMNS * row
    half = 0.5 * tile * width + 0.015
    ring = (x - half, y - 0.015, x + half, y + tile * height + 0.015)
    return board(
        traces,
        COLUMNS,
        _DOWN,
        xaxis={"visible": False, "fixedrange": True, "range": [-0.03, COLUMNS]},
        shapes=[shape(boxes([ring]), _CHOSEN, 3)],
        annotations=notes,
        uirevision=f"{count} {height:.3f} {most}",
        margin={"l": 6, "r": 4, "t": 4, "b": 4},
    )


def _size(image: np.ndarray) -> tuple[float, float]:
    """Width and height of a picture in a box of 1 x 1 that it fits."""
    height, width = image.shape[-2:]
    return width / max(height, width), height / max(height, width)


def _picture(pixels: np.ndarray, middle: float, top: float, width: float) -> dict:
    step = width / pixels.shape[-1]
    left = middle - width / 2
    return {
        "type": "image",
        "source": png(pixels) if len(pixels) == 1 else jpeg(pixels),
        "x0": left + step / 2,
        "dx": step,
        "y0": top + step / 2,
        "dy": step,
        "hoverinfo": "skip",
    }


def _heading(text: str, y: float) -> dict:
    return label(f"<b>{text}</b>", 0, y, xanchor="left", yanchor="top", yshift=0, font={"size": 15})


def _text(text: str, x: float, y: float, **more) -> dict:
    return label(text, x, y, **{"yanchor": "top", "yshift": 0, "font": _SMALL, **more})


def _cells(record, top: float, row: float, rows: int) -> dict:
    """What is hovered and clicked: a cell for each draw, without a colour of its own."""
    texts = ["<br>".join([f"draw {i + 1}", *_long(each)]) for i, each in enumerate(record.printed)]
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


def _known(record) -> str:
    """What stands over the draws; of digits, how many of them are read as they are labelled."""
    draws = f"{len(record.results)} draws of the same chain"
    if not len(record.read):
        return f"{draws}: click one"
    right = int((record.read[: len(record.results)].argmax(1) == record.targets.argmax(1)).sum())
    return f"{draws}: {right} are read as they are labelled"


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= max(6, most) else f"{text[: max(6, most) - 1]}…"


def _lines(record, i: int) -> list[str]:
    """Under a draw: what was drawn, the label where it is mixed, and what is read."""
    lines = _drawn(record.brief[i], record.lines)
    target = record.targets[i]
    if any(name in ("mixup", "cutmix") for name in record.names):
        parts = sorted(((share, kind) for kind, share in enumerate(target) if share > 0.005), reverse=True)
        lines.append(
            _clipped(", ".join(f"{share:.0%} {record.classes[kind]}" for share, kind in parts[:3]), _MOST)
        )
    if len(record.read):
        said = int(record.read[i].argmax())
        color = COLOR["positive" if said == int(target.argmax()) else "negative"]
        lines.append(f'<b><span style="color:{color}">reads {said}, {record.read[i, said]:.0%}</span></b>')
    return lines


def _drawn(brief: tuple[str, ...], room: tuple[int, ...]) -> list[str]:
    """Lines, always as many: each stage its own, or where these are too many, one after the other."""
    if sum(room) <= _LINES:
        texts, rooms = brief, room
    else:
        texts, rooms = ["; ".join(brief)], [_LINES - 1]
    lines = []
    for text, most in zip(texts, rooms):
        found = textwrap.wrap(text, _MOST)
        if len(found) > most:
            found[most - 1] = f"{found[most - 1][: _MOST - 2]} …"
        lines += found[:most]
    return lines + [""] * (sum(rooms) - len(lines))


def preview(record) -> go.Figure:
    """Eight draws, without a word, for a card of 320 x 180."""
    width, height = _size(record.image)
    traces = [
        _picture(result, i % 4 + 0.5 * _TILE, i // 4 * (_TILE * height + 0.07), _TILE * width)
        for i, result in enumerate(record.results[:8])
    ]
    margin = {"l": 4, "r": 4, "t": 4, "b": 4}
    return board(traces, 4, 2 * (_TILE * height + 0.07), height=180, margin=margin, narrow={})
