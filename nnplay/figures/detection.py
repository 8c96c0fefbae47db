"""Picture of `nnplay.detection`: the scene with its boxes and matches, and precision and recall box by
box."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.board import boxes
from nnplay.figures.cells import words
from nnplay.figures.roles import note
from nnplay.figures.surfaces import line
from nnplay.figures.theme import COLOR, GRAY, SERIES, faded, figure

NAMES_TRACE, SCENE_TRACE = 2, 0
"""Of `detect`: the boxes' names, by which one is chosen, and the scene, onto which the chosen one moves."""
_KIND = dict(zip(("4", "9"), list(SERIES)[:2]))
_HIT, _FALSE, _MISSED = COLOR["positive"], COLOR["negative"], COLOR["gradient"]


def detect(record) -> go.Figure:
    """The scene on the left; on the right the curves of both classes and the ranking in words."""
    down, across = record.scene.shape
    hits = record.match >= 0
    counted = np.zeros(len(hits), bool)
    counted[record.order[: record.taken]] = True
    sorts = (hits & counted, ~hits & counted, ~counted)
    traces = [
        _scene(record.scene),
        _matches(record),
        words(
            record.boxes[:, 0] + 0.5,
            np.where(sorts[1], record.boxes[:, 1] + record.boxes[:, 3], record.boxes[:, 1]),
            [
                f"<b>{name}</b> {kind}: {score:.2f}"
                for name, kind, score in zip(record.names, record.kinds, record.scores)
            ],
            "#FEFEFE",
            size=14,
            textposition="top right",
            textfont={"color": "#FEFEFE", "size": 14, "shadow": "0 0 3px #000000, 0 0 3px #000000"},
            hoverinfo="text",
            hovertemplate="click: choose this box<extra></extra>",
        ),
        *_curves(record),
    ]
    missed = sorted(set(range(len(record.true))) - set(record.match.tolist()))
    matched = sorted(set(range(len(record.true))) & set(record.match.tolist()))
    shapes = [
        _frame(record.true[matched], "#FEFEFE", 1.5, "dot"),
        _frame(record.true[missed], _MISSED, 2.5, "dot"),
        *(
            _frame(record.boxes[which], color, width, dash)
            for which, color, width, dash in zip(
                sorts, (_HIT, _FALSE, COLOR["muted"]), (3, 3, 1.5), ("solid", "dash", "solid")
            )
        ),
        _frame(record.boxes[[record.chosen]] + (-1, -1, 2, 2), "#FEFEFE", 1.5),
    ]
    return figure(
        traces,
        showlegend=False,
        margin={"l": 8, "r": 8, "t": 40, "b": 46},
        xaxis={"domain": (0, 0.62), "range": (0, across), "visible": False, "fixedrange": True},
        yaxis={"domain": (0.24, 1), "range": (down, 0), "visible": False, "fixedrange": True},
        xaxis2={
            "domain": (0.7, 1),
            "anchor": "y2",
            "range": (0, 1.03),
            "title": {"text": "recall", "standoff": 2},
        },
        yaxis2={"domain": (0.24, 0.93), "anchor": "x2", "range": (0, 1.05), "title": {"text": "precision"}},
        shapes=shapes,
        annotations=[*_said(record, len(missed)), *_ranking(record)],
        narrow={
            "height": 920,
            "xaxis.domain": (0, 1),
            "yaxis.domain": (0.72, 1),
            "xaxis2.domain": (0.1, 1),
            "yaxis2.domain": (0.4, 0.64),
            "annotations[2].x": 0,
            "annotations[2].xanchor": "left",
            "annotations[2].y": 0.34,
            "annotations[1].x": -0.1,
            **{
                f"annotations[{i + 3}].{side}": value
                for i in range(9)
                for side, value in (("x", 0), ("y", 0.31 - 0.03 * i))
            },
        },
    )


def _scene(values: np.ndarray) -> dict:
    return {
        "type": "heatmap",
        "z": np.float32(values),
        "x0": 0.5,
        "dx": 1,
        "y0": 0.5,
        "dy": 1,
        "zmin": 0,
        "zmax": 2.0,
        "colorscale": GRAY,
        "showscale": False,
        "hoverinfo": "text",
        "hovertemplate": "click: the chosen box moves here<extra></extra>",
    }


def _frame(found: np.ndarray, color: str, width: float, dash: str = "solid") -> dict:
    """Boxes (n, 4), left, top, width, height, as one shape."""
    corners = [(x, y, x + wide, y + high) for x, y, wide, high in found.tolist()]
    return {"type": "path", "path": boxes(corners), "line": {"color": color, "width": width, "dash": dash}}


def _matches(record) -> dict:
    """A line from the middle of each matched box to that of its true box."""
    x, y = [], []
    for box, place in zip(record.boxes, record.match):
        if place >= 0:
            true = record.true[place]
            x += [box[0] + box[2] / 2, true[0] + true[2] / 2, np.nan]
            y += [box[1] + box[3] / 2, true[1] + true[3] / 2, np.nan]
    return line(
        x or [np.nan], y or [np.nan], _HIT, 2, mode="lines+markers", marker={"color": _HIT, "size": 7}
    )


def _curves(record) -> list[dict]:
    """Of each class the steps of all-point AP, and a dot after each of its boxes."""
    found = []
    for kind, color in _KIND.items():
        recall, precision = record.recall[kind], record.precision[kind]
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        left = np.append(0, recall[:-1])[: len(recall)]
        x, y = np.stack([left, recall], 1).ravel(), np.repeat(envelope, 2)
        blank = [np.nan]
        found.append(
            line(
                x if len(x) else blank,
                y if len(y) else blank,
                color,
                2,
                on="2",
                fill="tozeroy",
                fillcolor=faded(color, 0.15),
            )
        )
        dots = {
            "mode": "lines+markers",
            "marker": {"size": 9},
            "hovertemplate": f"{kind}: precision %{{y:.3f}} at recall %{{x:.3f}}<extra></extra>",
        }
        found.append(
            line(recall if len(x) else blank, precision if len(x) else blank, color, 1.5, "dot", "2", **dots)
        )
    return found


def _said(record, missed: int) -> list[dict]:
    """Above the scene what is counted; above the curves the areas."""
    hits = int((record.match >= 0).sum())
    text = f"{_painted(f'{hits} matched', _HIT)} · {_painted(f'{record.taken - hits} false', _FALSE)}"
    text += f" · <b>{missed} missed</b> · at IoU {record.iou:.2f}"
    areas = " · ".join(
        f"{_painted(kind, _KIND[kind])} AP {_number(value, 3)}"
        for kind, value in record.ap["all-point"].items()
    )
    all_point, at_101 = (_number(record.mean_ap[name]) for name in ("all-point", "101-point"))
    means = f"<b>mAP {all_point}</b> all-point, <b>{at_101}</b> 101-point<br>{areas} (all-point)"
    coco = f"COCO, the mean of IoU 0.50 to 0.95: <b>{_number(record.coco)}</b>"
    low = {"xref": "paper", "yref": "paper", "yanchor": "top", "font": {"size": 14}}
    return [
        note(text, 0, 1.01, yanchor="bottom"),
        note(means, -0.12, 1.01, "2", yanchor="bottom", font={"size": 14}),
        note(coco, 1, _FIRST, **low | {"xanchor": "right"}),
    ]


_FIRST, _STEP = 0.14, 0.045


def _painted(text: str, color: str) -> str:
    return f'<span style="color:{color}"><b>{text}</b></span>'


def _number(value: float, digits: int = 4) -> str:
    return "–" if np.isnan(value) else f"{value:.{digits}f}"


def _ranking(record) -> list[dict]:
    """A line for each box, in their order: what it is, and precision and recall of its class from there."""
    lines = [
        f"{_painted(name, _HIT if what == 'true positive' else _FALSE)} {kind}, {score:.2f}, "
        f"IoU {iou:.2f}: {what}, precision {precision:.2f}, recall {recall:.2f}"
        for name, kind, score, iou, what, precision, recall in record.rows
    ]
    lines += [""] * (len(_PLACES) - len(lines))
    place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "top", "showarrow": False}
    head = {**place, "text": "<b>The boxes one by one</b>", "x": 0, "y": _FIRST, "font": {"size": 14}}
    return [
        head,
        *(
            {**place, "text": text, "x": x, "y": y, "align": "left", "font": {"size": 13}}
            for text, (x, y) in zip(lines, _PLACES)
        ),
    ]


_PLACES = [(x, _FIRST - _STEP * (1.2 + i)) for x in (0, 0.5) for i in range(4)]
