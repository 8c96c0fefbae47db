"""Pictures of the records of `nnplay.playground`: the run, and what its other views show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from nnplay.figures import play_net, play_views, rasters
from nnplay.figures.board import boxes, shape
from nnplay.figures.frames import Frames
from nnplay.figures.play_net import FEATURES
from nnplay.figures.play_views import callbacks, curvature
from nnplay.figures.theme import COLOR, DASH, SERIES, faded, figure

__all__ = ["FEATURES", "callbacks", "confusion", "curvature", "preview", "seeds", "train"]

REACH = 6.0
_SIDE = 48
CLASS_COLORS = list(SERIES)[1:]
# Traces of the run's figure, by what a click or the pointer is on.
MAP, POSITIVE, NEGATIVE, WEIGHTS, BIASES, UNITS, INPUTS, MARKS, LOSSES = range(9)
INPUT_RASTER, UNIT_RASTER, OUTPUT_RASTER, TEST_RASTER, TRAIN_RASTER, FORK_RASTER = range(6)


# --- colors -----------------------------------------------------------------------------------------


def signed_colors(discrete: bool = False) -> list[tuple[float, str]]:
    """For bytes that stand for -1 to 1."""
    low, high = COLOR["negative"], COLOR["positive"]
    if discrete:
        return [(0, low), (0.5, low), (0.5, high), (1, high)]
    return [(0, low), (0.5, COLOR["paper"]), (1, high)]


def class_colors(classes: int, discrete: bool = False) -> list[tuple[float, str]]:
    """For bytes of `nnplay.play_train.classes_as_bytes`."""
    levels = 255 // classes
    stops = []
    for i, color in enumerate(CLASS_COLORS[:classes]):
        stops += [
            (i * levels / 254, color if discrete else COLOR["paper"]),
            ((i + 1) * levels / 254 - 1e-6, color),
        ]
    return stops


def colors_of(classes: int, discrete: bool = False) -> list[tuple[float, str]]:
    return class_colors(classes, discrete) if classes > 2 else signed_colors(discrete)


# --- the run ----------------------------------------------------------------------------------------


def _catcher() -> dict:
    """Nothing to see: where the pointer may be on the output's map."""
    x, y = np.meshgrid(np.linspace(-5.9, 5.9, 25), np.linspace(-5.9, 5.9, 25))
    return {
        "type": "scatter",
        "x": x.ravel().astype(np.float32),
        "y": y.ravel().astype(np.float32),
        "mode": "none",
        "hoveron": "points",
        "hoverinfo": "none",
        "showlegend": False,
    }


def _paler(colors: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """So that points stand out on the map."""
    return [(position, faded(color, 0.6)) for position, color in colors]


def _points(record, image: int, train: bool, shown: bool = True) -> dict:
    """The points of a part as a raster."""
    points, classes = record.points, record.points.classes
    chosen = (points.train == train) & shown
    x, y = points.x[chosen].T
    target = points.y[chosen]
    values = (target + 1) * (255 // classes) - 1 if classes > 2 else np.rint(target * 127 + 127)
    edge = COLOR["paper"] if train else COLOR["ink"]
    place = (x / REACH + 1) / 2, (1 - y / REACH) / 2
    return rasters.points(image, values.astype(np.uint8), *place, 640, 6.5, colors_of(classes), edge)


def _network(record, where: play_net.Places, weights: np.ndarray) -> tuple[list[dict], dict]:
    """The traces of the network, and what of them changes: trace -> attribute -> (T, ...)."""
    start, stop = play_net.ends(where, record.settings.inputs, record.edges)
    x, positive, negative = play_net.ribbons(start, stop, weights)
    traces, changes = [], {}
    for i, (y, role) in enumerate(((positive, "positive"), (negative, "negative")), POSITIVE):
        changes[i] = {"y": y}
        traces.append(
            {
                "type": "scatter",
                "x": x,
                "y": y[-1],
                "mode": "lines",
                "line": {"width": 0, "simplify": False},
                "fill": "toself",
                "fillcolor": faded(COLOR[role], 0.85),
                "hoverinfo": "skip",
                "xaxis": "x2",
                "yaxis": "y2",
                "showlegend": False,
            }
        )
    third = start + (stop - start) / 3
    changes[WEIGHTS] = {"customdata": weights}
    names = [_weight_name(record, *edge[:3]) for edge in record.edges]
    traces.append(
        {
            "type": "scatter",
            "x": third[:, 0],
            "y": third[:, 1],
            "mode": "none",
            "hoveron": "points",
            "customdata": weights[-1],
            "text": names,
            "hovertemplate": "%{text}: %{customdata:.4f}<extra></extra>",
            "xaxis": "x2",
            "yaxis": "y2",
            "showlegend": False,
        }
    )
    biases = record.weights[:, record.biases[:, 2]]
    corner = np.array([where.units[layer][unit] for layer, unit, _ in record.biases])
    corner = corner + where.tile / 2 * np.array([-1, 1])
    changes[BIASES] = {"marker.color": biases}
    scale = [[0, COLOR["negative"]], [0.5, COLOR["paper"]], [1, COLOR["positive"]]]
    traces.append(
        {
            "type": "scatter",
            "x": corner[:, 0],
            "y": corner[:, 1],
            "mode": "markers",
            "marker": {
                "symbol": "square",
                "size": 9,
                "color": biases[-1],
                "colorscale": scale,
                "cmin": -1,
                "cmax": 1,
                "line": {"width": 1, "color": COLOR["ink"]},
            },
            "text": [f"bias of layer {layer + 1}, unit {unit + 1}" for layer, unit, _ in record.biases],
            "hovertemplate": "%{text}: %{marker.color:.4f}<extra></extra>",
            "xaxis": "x2",
            "yaxis": "y2",
            "showlegend": False,
        }
    )
    return traces, changes


def _weight_name(record, layer: int, unit: int, source: int) -> str:
    origin = record.settings.inputs[source] if layer == 0 else f"unit {source + 1}"
    return f"weight of layer {layer + 1}, unit {unit + 1}, from {origin}"


def _pick(xy: np.ndarray, **more) -> dict:
    """Nothing to see, but the pointer finds it."""
    base = {"mode": "none", "hoveron": "points", "xaxis": "x2", "yaxis": "y2", "showlegend": False}
    return dict(type="scatter", x=xy[:, 0], y=xy[:, 1], **{**base, **more})


def _marks(where: play_net.Places, widths: Sequence[int]) -> dict:
    found = play_net.marks(where, widths)
    what = ["layer" if mark.layer == 0 else "unit" for mark in found]
    return {
        "type": "scatter",
        "x": [mark.x for mark in found],
        "y": [mark.y for mark in found],
        "mode": "markers+text",
        "text": [mark.text for mark in found],
        "textfont": {"size": 17, "color": COLOR["ink"]},
        "marker": {"size": 21, "color": COLOR["panel"], "line": {"width": 1, "color": COLOR["muted"]}},
        "hovertext": [f"{'add' if mark.text == '+' else 'remove'} a {w}" for mark, w in zip(found, what)],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "xaxis": "x2",
        "yaxis": "y2",
        "showlegend": False,
    }


def _tiles(xy: np.ndarray, tile: float, pixels: int) -> tuple[np.ndarray, tuple[int, int], tuple]:
    """Where tiles stand on a canvas that spans them all, its size, and its box (left, top, width, height)."""
    unit = tile / pixels  # of the axes, a pixel
    corner = xy - tile / 2
    left, top = corner.min(0)
    at = np.rint((corner - (left, top)) / unit).astype(int)
    size = tuple((at.max(0) + pixels).tolist())
    return at, size, (left, top, size[0] * unit, size[1] * unit)


def _losses(record, others: Sequence) -> list[dict]:
    traces = []
    for run, dash_fork in enumerate(("", " (fork)")[: len(record.loss)]):
        for part, name in enumerate(("train", "test")):
            traces.append(
                {
                    "type": "scatter",
                    "x": record.times,
                    "y": record.loss[run, :, part],
                    "mode": "lines",
                    "name": name + dash_fork,
                    "line": {
                        "color": COLOR[name],
                        "width": 2.5 if not run else 1.5,
                        "dash": DASH[name] if not run else "longdashdot",
                    },
                    "hovertemplate": f"%{{x}}: %{{y:.4f}}<extra>{name}{dash_fork}</extra>",
                    "xaxis": "x3",
                    "yaxis": "y3",
                }
            )
    for title, x, y in others:
        traces.append(
            {
                "type": "scatter",
                "x": x,
                "y": y,
                "mode": "lines",
                "line": {"color": faded(COLOR["muted"], 0.6), "width": 1.2},
                "name": "other runs, test",
                "legendgroup": "others",
                "showlegend": title == others[0][0],
                "hovertemplate": f"%{{y:.4f}}<extra>{title}, test</extra>",
                "xaxis": "x3",
                "yaxis": "y3",
            }
        )
    return traces


def readout(record, t: int) -> tuple[str, str]:
    """The numbers of a moment: where the run is, and how well it does."""
    metric = "accuracy" if record.metric_name == "accuracy" else "R²"

    def both(pair) -> str:
        shown = ("–" if np.isnan(v) else f"{v:.3f}" if abs(v) < 1000 else f"{v:.1e}" for v in pair)
        return f"<b>{' | '.join(shown)}</b>"

    return (
        f"epoch <b>{record.epoch[t]}</b>  step <b>{record.step[t]}</b>  {record.parameters} parameters",
        f"train | test:  loss {both(record.loss[0, t])}  {metric} {both(record.metric[0, t])}",
    )


def train(
    record, *, test: bool = True, discrete: bool = False, others: Sequence = (), log: bool = False
) -> tuple[go.Figure, Frames]:
    """The network, its output over the plane and its losses, at the last moment; and all moments as frames.

    Only for looking: `test`: whether test points are drawn; `discrete`: the output's side alone;
    `others`: (title, x, y) of losses drawn in gray; `log`: the losses' axis.
    """
    where = play_net.places(record.widths)
    weights = record.weights[:, record.edges[:, 3]]
    network, changes = _network(record, where, weights)
    inputs = record.settings.inputs
    units = np.concatenate(where.units)
    titles = [
        f"layer {i + 1}, unit {j + 1}" for i, layer in enumerate(where.units) for j in range(len(layer))
    ]
    classes = record.points.classes
    pick = np.concatenate([where.inputs, units])
    texts = [f"{name}: click to {'leave it out' if name in inputs else 'use it'}" for name in FEATURES]
    traces = [
        _catcher(),
        *network,
        _pick(pick, text=texts + titles, hovertemplate="%{text}<extra></extra>"),
        {
            "type": "scatter",
            "x": where.inputs[:, 0] - where.input_tile / 2 - 8,
            "y": where.inputs[:, 1],
            "mode": "text",
            "text": [_label(name, name in inputs) for name in FEATURES],
            "textposition": "middle left",
            "textfont": {"size": 13},
            "hoverinfo": "skip",
            "xaxis": "x2",
            "yaxis": "y2",
            "showlegend": False,
            "cliponaxis": False,
        },
        _marks(where, record.widths),
        *_losses(record, others),
    ]
    if len(record.loss) > 1:  # without a trace there are no axes
        traces.append(
            {
                "type": "scatter",
                "x": [0],
                "y": [0],
                "mode": "none",
                "showlegend": False,
                "xaxis": "x4",
                "yaxis": "y4",
            }
        )

    # what is painted: the inputs, the units, the output
    runs = len(record.loss)
    at, size, box = _tiles(where.inputs, where.input_tile, record.side)
    painted = [rasters.raster(0, record.input_maps, record.side, at, size, signed_colors())]
    spots = [(box, "x2", "y2")]
    at, size, box = _tiles(units, where.tile, record.side)
    painted.append(rasters.raster(1, record.unit_maps[-1], record.side, at, size, signed_colors()))
    spots.append((box, "x2", "y2"))
    output = record.output_maps[-1, 0]
    colors = _paler(colors_of(classes, discrete))
    painted.append(rasters.raster(2, output, _SIDE, [[0, 0]], (_SIDE, _SIDE), colors))
    spots.append(((-REACH, REACH, 2 * REACH, 2 * REACH), "x", "y"))
    for i, train in ((TEST_RASTER, False), (TRAIN_RASTER, True)):
        painted.append(_points(record, i, train, train or test))
        nudge = i * 1e-6  # Plotly takes two images at one place for one
        spots.append(((-REACH, REACH + nudge, 2 * REACH, 2 * REACH), "x", "y"))
    if runs > 1:
        painted.append(
            rasters.raster(FORK_RASTER, record.output_maps[-1, 1], _SIDE, [[0, 0]], (_SIDE, _SIDE), colors)
        )
        spots.append(((-REACH, REACH, 2 * REACH, 2 * REACH), "x4", "y4"))
        painted.append(_points(record, len(painted), train=True))
        spots.append(((-REACH, REACH + nudge, 2 * REACH, 2 * REACH), "x4", "y4"))
    images = [rasters.image(entry, *place) for entry, place in zip(painted, spots)]

    fig = figure(
        traces,
        images=images,
        shapes=_shapes(record, where, units),
        annotations=_annotations(record),
        legend={"x": 0.665, "y": 0.315, "yanchor": "bottom", "font": {"size": 12}},
        margin={"l": 8, "r": 8, "t": 34, "b": 40},
        **_axes(record, runs, log),
        uirevision=f"{classes}-{runs}",
        hovermode="closest",
    )
    fig.layout.meta["rasters"] = painted
    return fig, _frames(record, changes, runs)


def _label(name: str, used: bool) -> str:
    text = name.replace("x1", "x₁").replace("x2", "x₂")
    return text if used else f"<span style='color:{COLOR['muted']}'>{text}</span>"


def _axes(record, runs: int, log: bool) -> dict:
    hidden = {"visible": False, "fixedrange": True}
    plane = {"range": (-REACH, REACH), "fixedrange": True, "tickvals": (-5, 0, 5), "zeroline": False}
    first = record.loss[:, : max(1, len(record.times) // 50)]
    top = 1.15 * float(np.nanmax(first[np.isfinite(first)], initial=1e-3))
    right = (0.675, 1.0) if runs == 1 else (0.665, 0.825)
    axes = {
        "xaxis": {
            **plane,
            "domain": right,
            "anchor": "y",
            "constrain": "domain",
            "constraintoward": "center",
        },
        "yaxis": {**plane, "domain": (0.47, 0.975), "scaleanchor": "x", "constrain": "domain", "anchor": "x"},
        "xaxis2": {**hidden, "domain": (0.02, 0.63), "range": (-20, play_net.ACROSS), "anchor": "y2"},
        "yaxis2": {
            **hidden,
            "domain": (0, 1),
            "range": (play_net.DOWN, 0),
            "anchor": "x2",
            "scaleanchor": "x2",
            "constrain": "domain",
        },
        "xaxis3": {
            "domain": (0.70, 1.0),
            "anchor": "y3",
            "range": (0, record.last_time),
            "title": {"text": record.frame},
        },
        "yaxis3": {
            "domain": (0.0, 0.31),
            "anchor": "x3",
            "range": (-4, np.log10(top)) if log else (0, top),
            "type": "log" if log else "linear",
            "title": {"text": "loss"},
            **({"dtick": 1} if log else {"nticks": 4}),
        },
        "narrow": {
            "height": 980,
            "xaxis2.domain": (0.06, 1),
            "yaxis2.domain": (0.60, 1),
            "xaxis.domain": (0.1, 0.9) if runs == 1 else (0.05, 0.48),
            "yaxis.domain": (0.265, 0.575),
            "xaxis3.domain": (0.12, 1),
            "yaxis3.domain": (0, 0.17),
            "legend.x": 0.1,
            "legend.y": 0.18,
            "annotations[1].x": 0,
            "annotations[1].yshift": 2,
            "annotations[0].font.size": 13,
            "annotations[1].font.size": 13,
        },
    }
    if runs > 1:
        fork = {**plane, "constrain": "domain", "showticklabels": False}
        axes["xaxis4"] = {**fork, "domain": (0.84, 1.0), "anchor": "y4"}
        axes["yaxis4"] = {**fork, "domain": (0.47, 0.975), "anchor": "x4", "scaleanchor": "x4"}
        axes["narrow"] |= {"xaxis4.domain": (0.54, 0.97), "yaxis4.domain": (0.265, 0.575)}
    return axes


def _shapes(record, where: play_net.Places, units: np.ndarray) -> list[dict]:
    """A frame around each unit and each input in use, and lines where something was done to the run."""
    used = [name in record.settings.inputs for name in FEATURES]
    tiles = [(xy, where.input_tile, use) for xy, use in zip(where.inputs, used)]
    tiles += [(xy, where.tile, True) for xy in units]
    shapes = []
    for wanted, color, cover in ((True, "ink", 0), (False, "paper", 0.75)):
        rectangles = [
            (x - tile / 2, y - tile / 2, x + tile / 2, y + tile / 2)
            for (x, y), tile, use in tiles
            if use == wanted
        ]
        frame = shape(boxes(rectangles), COLOR[color], 1, 0)
        fill = {"fillcolor": faded(COLOR["paper"], cover)}
        shapes.append({**frame, **fill, "xref": "x2", "yref": "y2"})
    events = [*record.edited_at, *([] if record.fork_at is None else [record.fork_at])]
    for time in dict.fromkeys(events):
        line = {"color": COLOR["muted"], "width": 1.5, "dash": "dot"}
        place = {"x0": time, "x1": time, "y0": 0, "y1": 1}
        shapes.append({"type": "line", "xref": "x3", "yref": "y3 domain", "line": line, **place})
    return shapes


def _annotations(record) -> list[dict]:
    plain = {"showarrow": False, "xref": "paper", "yref": "paper"}
    where = play_net.places(record.widths)
    middle = (where.inputs[0, 0] + play_net.ACROSS) / 2
    hidden = len(record.widths) - 2
    layers = f"{hidden} hidden layer{'' if hidden == 1 else 's'}"
    notes = [
        *(
            {**plain, "text": text, "x": x, "y": 1, "xanchor": "left", "yshift": 24}
            for text, x in zip(readout(record, -1), (0, 0.36))
        ),
        {
            **plain,
            "xref": "x2",
            "yref": "y2",
            "text": layers,
            "x": middle - 62,
            "y": 26,
            "xanchor": "left",
            "font": {"size": 14},
        },
    ]
    if record.fork_at is not None:
        for x, text in (("x", "as set"), ("x4", f"fork: {record.fork} {record.fork_value}")):
            y = "y4" if x == "x4" else "y"
            notes.append(
                {
                    **plain,
                    "xref": f"{x} domain",
                    "yref": f"{y} domain",
                    "text": text,
                    "x": 0.5,
                    "y": 1,
                    "yanchor": "bottom",
                    "font": {"size": 13},
                }
            )
    for run, epoch in enumerate(record.ended):
        if not np.isnan(epoch):
            which = "the fork " if run else ""
            text = f"<b>{which}diverged in epoch {epoch:.0f}</b>"
            place = {"xref": "x3 domain", "yref": "y3 domain", "x": 0.5, "y": 0.75 - 0.2 * run}
            notes.append({**plain, **place, "text": text, "font": {"color": COLOR["negative"], "size": 15}})
    return notes


def _frames(record, changes: dict, runs: int) -> Frames:
    """All moments."""
    n = len(record.times)
    labels = [f"{record.frame} {time}" for time in record.times]
    texts = [readout(record, t) for t in range(n)]
    layout = {
        "annotations[0].text": [place for place, _ in texts],
        "annotations[1].text": [numbers for _, numbers in texts],
        f"meta.rasters[{UNIT_RASTER}].values": record.unit_maps,
        f"meta.rasters[{OUTPUT_RASTER}].values": record.output_maps[:, 0],
    }
    if runs > 1:
        layout[f"meta.rasters[{FORK_RASTER}].values"] = record.output_maps[:, 1]
    lines = {}
    for run in range(runs):
        for part in range(2):
            y = record.loss[run, :, part]
            lines[LOSSES + 2 * run + part] = {"x": record.times, "y": y}
    return Frames(labels, changes, layout, grow=lines, upto=np.arange(1, n + 1))


def peek(record) -> dict:
    """What the live chart shows large while the pointer is on an input or a unit."""
    tiles = [[INPUT_RASTER, i] for i in range(len(FEATURES))]
    tiles += [[UNIT_RASTER, i] for i in range(sum(record.widths[1:]))]
    return {"trace": UNITS, "into": OUTPUT_RASTER, "tiles": tiles}


def input_at(point: int) -> str | None:
    """The input that a point of the trace UNITS stands on, or None for a unit."""
    return FEATURES[point] if point < len(FEATURES) else None


def mark(record, index: int) -> play_net.Mark:
    """The + or - that was hit."""
    return play_net.marks(play_net.places(record.widths), record.widths)[index]


def seeds(record) -> tuple[go.Figure, Frames]:
    """Many nets: see `nnplay.figures.play_views.seeds`."""
    return play_views.seeds(record, colors_of(record.points.classes))


def confusion(record, t: int) -> go.Figure:
    """Test points of a moment by their true class (row) and the one that the net gives them."""
    names, counts = list(record.points.names), record.confusion[t]
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return figure(
        [
            {
                "type": "heatmap",
                "z": share.astype(np.float32),
                "x": [f"given {name}" for name in names],
                "y": [f"class {name}" for name in names],
                "text": counts.astype(str),
                "texttemplate": "%{text}",
                "textfont": {"size": 16},
                "colorscale": [[0, COLOR["paper"]], [1, faded(COLOR["test"], 0.55)]],
                "zmin": 0,
                "zmax": 1,
                "showscale": False,
                "xgap": 3,
                "ygap": 3,
                "hovertemplate": "%{y}, %{x}: %{text} points<extra></extra>",
            }
        ],
        xaxis={"side": "top", "type": "category"},
        yaxis={"autorange": "reversed", "type": "category"},
        margin={"l": 80, "r": 16, "t": 40, "b": 8},
    )


def preview(record) -> go.Figure:
    """The network and its output, without anything to click."""
    fig, _ = train(record)
    layout = fig.layout.to_plotly_json()
    still = {"visible": False, "fixedrange": True}
    x2, y2 = (
        {**layout[axis], "range": r} for axis, r in (("xaxis2", (0, 1000)), ("yaxis2", (play_net.DOWN, 130)))
    )
    return figure(
        [fig.data[i] for i in (POSITIVE, NEGATIVE)],
        images=layout["images"],
        shapes=layout["shapes"],
        xaxis={**still, "range": (-REACH, REACH), "domain": (0.64, 1), "constrain": "domain"},
        yaxis={**still, "range": (-REACH, REACH), "scaleanchor": "x", "constrain": "domain"},
        xaxis2={**x2, "domain": (0, 0.62)},
        yaxis2=y2,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        meta={"narrow": {}, "rasters": layout["meta"]["rasters"]},
    )
