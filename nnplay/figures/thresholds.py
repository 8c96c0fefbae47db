"""Picture of `nnplay.thresholds`: one class against the rest, with a threshold that is dragged."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.roles import note, upright
from nnplay.figures.surfaces import dots, line, star
from nnplay.figures.theme import COLOR, SERIES, faded, figure

_REST, _CLASS = COLOR["negative"], COLOR["positive"]
_ALONG = ("accuracy", "precision", "recall", "F1")
_LINES = dict(zip(_ALONG, list(SERIES)[:4]))
_DASHES = dict(zip(_ALONG, ("solid", "dash", "dot", "solid")))
_TOP, _FOOT = (0.6, 1), (0, 0.32)
_UNIT = (0, 1.0)


def one_vs_rest(record) -> go.Figure:
    """Scores, metrics along the threshold and the four counts; their formulas; ROC, PR, cost, calibration."""
    t = record.threshold
    along = np.linspace(0, 1, record.along.shape[1])
    recall, precision = record.values["recall"], record.values["precision"]
    fall_out = 1 - record.values["specificity"]
    mean, true, number = record.calibration
    unit_cost = record.guess or 1.0
    traces = [
        *_bars(record),
        *(
            line(along, values, _LINES[name], 2.5, _DASHES[name], "2", name=name, hovertemplate=_hover(name))
            for name, values in zip(_ALONG, record.along)
        ),
        line([0, 1], [0, 1], COLOR["muted"], 1.5, "dash", "4", showlegend=False),
        line(
            *record.roc,
            COLOR["test"],
            3,
            on="4",
            showlegend=False,
            hovertemplate="false positive rate %{x:.3f}<br>recall %{y:.3f}<extra></extra>",
        ),
        line([0, 1], [record.prevalence] * 2, COLOR["muted"], 1.5, "dash", "5", showlegend=False),
        line(
            record.pr[0][::-1],
            record.pr[1][::-1],
            COLOR["test"],
            3,
            on="5",
            showlegend=False,
            line={"color": COLOR["test"], "width": 3, "shape": "hv"},
            hovertemplate="recall %{x:.3f}<br>precision %{y:.3f}<extra></extra>",
        ),
        line(along, record.cost / unit_cost, COLOR["ink"], 3, on="6", showlegend=False),
        line([0, 1], [0, 1], COLOR["muted"], 1.5, "dash", "7", showlegend=False),
        line(mean, true, COLOR["test"], 2.5, on="7", mode="lines+markers", showlegend=False)
        | {"marker": {"size": 8}, "customdata": number, "hovertemplate": _CALIBRATION, "connectgaps": True},
        dots([fall_out], [recall], COLOR["ink"], 13, on="4"),
        dots([recall], [precision], COLOR["ink"], 13, on="5"),
        dots([t], [record.cost_now / unit_cost], COLOR["ink"], 13, on="6"),
        star([record.best], [record.best_cost / unit_cost], "6", "the cheapest threshold"),
    ]
    small = {"tickfont": {"size": 12}, "nticks": 3}
    unit = {"range": (-0.02, 1.02), **small}
    across = dict(zip("4567", ((0, 0.19), (0.27, 0.46), (0.54, 0.73), (0.81, 1))))
    labels = {
        "4": ("false positive rate", "recall"),
        "5": ("recall", "precision"),
        "6": ("threshold", "cost (a guess: 1)"),
        "7": ("mean score", "share positive"),
    }
    layout = {
        "xaxis": {
            "domain": (0, 0.4),
            "range": _UNIT,
            "title": _title(f"score for class {record.name[:14]}: drag here"),
        },
        "yaxis": {"domain": _TOP, "range": (0, _root(record.bars.max()) * 1.05), **_counts(record)},
        "xaxis2": {
            "domain": (0.47, 0.68),
            "anchor": "y2",
            "range": _UNIT,
            "title": _title("threshold"),
            **small,
        },
        "yaxis2": {"domain": _TOP, "anchor": "x2", "range": (0, 1.02), **small},
        "xaxis3": {
            "domain": (0.75, 1),
            "anchor": "y3",
            "range": (0, 2),
            "visible": False,
            "fixedrange": True,
        },
        "yaxis3": {"domain": _TOP, "anchor": "x3", "range": (2, 0), "visible": False, "fixedrange": True},
    }
    for on, domain in across.items():
        x, y = labels[on]
        layout[f"xaxis{on}"] = {
            "domain": domain,
            "anchor": f"y{on}",
            **unit,
            "title": _title(x),
        }
        layout[f"yaxis{on}"] = {
            "domain": _FOOT,
            "anchor": f"x{on}",
            **unit,
            "title": _title(y),
        }
    layout["yaxis6"]["range"] = (0, 1.3)
    return figure(
        traces,
        bargap=0.08,
        barmode="overlay",
        showlegend=True,
        legend={"x": 0, "y": 1.02, "font": {"size": 13}},
        margin={"l": 50, "r": 12, "t": 42, "b": 44},
        shapes=[
            upright(t, "", COLOR["ink"], "solid") | {"line": {"color": COLOR["ink"], "width": 3}},
            upright(t, "2"),
            upright(t, "6"),
            *_quarters(record),
        ],
        annotations=[*_words(record), *_formulas(record), *_areas(record)],
        narrow=_narrow(),
        **layout,
    )


def _title(text: str) -> dict:
    return {"text": text, "standoff": 2, "font": {"size": 14}}


_CALIBRATION = "mean score %{x:.3f}<br>positive: %{y:.3f} of %{customdata}<extra></extra>"


def _hover(name: str) -> str:
    return f"{name} %{{y:.3f}} at threshold %{{x:.3f}}<extra></extra>"


def _root(n):
    return np.sqrt(n)


def _bars(record) -> list[dict]:
    """How many of the rest and of the class have a score; the height is the root of the number."""
    bars = record.bars.shape[1]
    middles = (np.arange(bars) + 0.5) / bars
    looks = (("the rest", _REST), (record.name[:14], _CLASS))
    return [
        {
            "type": "bar",
            "x": np.float32(middles),
            "y": np.float32(_root(numbers)),
            "name": name,
            "marker": {"color": faded(color, 0.6)},
            "customdata": numbers,
            "hovertemplate": f"{name}: %{{customdata}}<extra></extra>",
        }
        for (name, color), numbers in zip(looks, record.bars)
    ]


def _counts(record) -> dict:
    """An axis of roots that is labelled with the numbers."""
    ticks = [n for n in (0, 10, 100, 400, 1000, 4000, 10000) if n <= record.bars.max()] or [0, 1]
    return {
        "tickvals": [_root(n) for n in ticks],
        "ticktext": [str(n) for n in ticks],
        "title": _title("examples"),
    }


_PLACES = {"TP": (0, 0), "FN": (1, 0), "FP": (0, 1), "TN": (1, 1)}
_FILL = {"TP": _CLASS, "FN": _REST, "FP": COLOR["validation"], "TN": COLOR["muted"]}


def _quarters(record) -> list[dict]:
    place = {"type": "rect", "xref": "x3", "yref": "y3", "line": {"width": 2, "color": COLOR["paper"]}}
    return [
        {**place, "x0": x, "x1": x + 1, "y0": y, "y1": y + 1, "fillcolor": faded(_FILL[name], 0.3)}
        for name, (x, y) in _PLACES.items()
    ]


def _words(record) -> list[dict]:
    """The four counts, and what their rows and columns are."""
    counts = dict(zip(("TP", "FN", "FP", "TN"), record.counts))
    centre = {"xref": "x3", "yref": "y3", "showarrow": False, "align": "center"}
    found = [
        {
            **centre,
            "x": x + 0.5,
            "y": y + 0.5,
            "text": f"{name}<br><b>{counts[name]}</b>",
            "font": {"size": 16},
        }
        for name, (x, y) in _PLACES.items()
    ]
    edge = {"xref": "x3", "yref": "y3", "showarrow": False, "font": {"size": 13}}
    for i, text in enumerate((record.name[:8], "the rest")):
        found.append({**edge, "x": i + 0.5, "y": 0, "yanchor": "bottom", "text": f"predicted<br>{text}"})
        found.append(
            {**edge, "x": 0, "y": i + 0.5, "xanchor": "right", "text": f"true<br>{text}", "xshift": -2}
        )
    return found


def _formulas(record) -> list[dict]:
    """Six lines in two columns between the pictures."""
    place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "middle", "showarrow": False}
    found = []
    for i, (metric, formula) in enumerate(record.formulas.items()):
        value = record.values[metric]
        number = "undefined (0/0)" if np.isnan(value) else f"{value:.3f}"
        x, y = (0, 0.5)[i // 3], 0.465 - 0.041 * (i % 3)
        found.append(
            {**place, "x": x, "y": y, "text": f"{metric} = {formula} = <b>{number}</b>", "font": {"size": 14}}
        )
    return found


def _areas(record) -> list[dict]:
    roc = "no area: a side is empty" if np.isnan(record.roc_auc) else f"area {record.roc_auc:.4f}"
    pr = "no area: no positives" if np.isnan(record.ap) else f"area (AP) {record.ap:.4f}"
    cost = (
        f"best {record.best:.3f}: {record.best_cost:.3g}<br>now {record.threshold:.3f}: {record.cost_now:.3g}"
    )
    look = {"yanchor": "bottom", "font": {"size": 13, "color": COLOR["ink"]}}
    return [
        note(f"ROC, {roc}", 0.98, 0.03, "4", xanchor="right", **look),
        note(f"PR, {pr}", 0.03, 0.3, "5", **look),
        note(cost, 0.98, 0.98, "6", xanchor="right", **look | {"yanchor": "top"}),
        note(f"Brier {record.brier:.4f}", 0.03, 0.97, "7", **look | {"yanchor": "top"}),
    ]


def _narrow() -> dict:
    """All of it in one column."""
    rows = {"": (0.86, 1), "2": (0.7, 0.81), "3": (0.575, 0.645)}
    rows |= {"4": (0.345, 0.44), "5": (0.345, 0.44), "6": (0.0, 0.1), "7": (0.17, 0.27)}
    sides = {"4": (0, 0.42), "5": (0.6, 1), "3": (0.2, 1)}
    found = {"height": 1500, "margin.t": 90, "legend.y": 1.005}
    for on, domain in rows.items():
        found |= {f"yaxis{on}.domain": domain, f"xaxis{on}.domain": sides.get(on, (0, 1))}
    for i in range(6):
        found |= {f"annotations[{8 + i}].x": 0, f"annotations[{8 + i}].y": 0.55 - 0.016 * i}
    return found
