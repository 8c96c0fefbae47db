"""Pictures of `nnplay.activations`: a record in, a figure out.

What follows a control that leaves the curves as they are stands in the layout, as shapes and annotations:
those a browser moves without drawing the curves again. On a narrow page the parts of a picture stand one
below the other.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import plotly.graph_objects as go

from nnplay.figures import theme
from nnplay.figures.frames import Frames

_INK, _MUTED, _PAPER = (theme.COLOR[name] for name in ("ink", "muted", "paper"))
# Traces as Plotly's own classes would be checked here, which takes most of the time: the tests do that.
_scatter, _bar, _heatmap = (partial(dict, type=kind) for kind in ("scatter", "bar", "heatmap"))
_LINE = 3
_HALO = 12  # width of the mark behind a saturated stretch


def preview(record) -> go.Figure:
    """The curves of an `activations.Curves` and nothing else, for a card of 320 x 180 px."""
    return theme.figure(
        [
            _scatter(x=_32(record.grid), y=_32(y), mode="lines", line=_line(color, 4), name=name)
            for (name, color), y in zip(theme.series(record.names).items(), record.value)
        ],
        xaxis={"visible": False, "range": [-3.5, 3.5]},
        yaxis={"visible": False, "range": [-1.3, 2.7]},
        showlegend=False,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
    )


# --- curves -----------------------------------------------------------------------------------------

# Where an axis may end, to either side of zero.
_VALUES = (0.6, 1.3, 2.3, 4.3, 6.4, 12.8, 19.0)
_SLOPES = (0.15, 0.6, 1.2, 2.4, 4.4)
_READ = 7  # curves whose values are written beside them; the legend names the lines where there are more


def curves(record) -> go.Figure:
    """Value above and slope below of an `activations.Curves`, with the tangents at its x.

    A band behind a curve marks where it saturates, dots on it where it is dead.
    """
    colors = theme.series(record.names)
    few = len(colors) <= _READ
    below = 20 * (len(colors) + 1) if few else 0  # where the numbers stand on a narrow page
    panels = (("y", record.value, "f"), ("y2", record.slope, "f'"))
    start, step = record.grid[0], record.grid[1] - record.grid[0]
    dashes = ["solid" if i < len(theme.SERIES) else "dash" for i in range(len(colors))]
    at = f"{record.x:.2f}".replace("-", "−")
    status = ["" if status == "active" else status for status in record.status]
    ranges = _reach(record.value, _VALUES), _reach(record.slope, _SLOPES)
    traces = [
        *_marks(record, record.saturated, "saturated", color=theme.faded(_MUTED, 0.3), width=_HALO),
        *(
            _scatter(
                x0=start,
                dx=step,
                y=_32(y),
                yaxis=axis,
                mode="lines",
                line=_line(color, _LINE, dash),
                name=name,
                legendgroup=name,
                showlegend=axis == "y" and not few,
                hovertemplate=f"{name}: {what}(%{{x:.2f}}) = %{{y:.4f}}<extra></extra>",
            )
            for axis, ys, what in panels
            for (name, color), y, dash in zip(colors.items(), ys, dashes)
        ),
        *_marks(record, record.dead, "dead", color=_INK, width=_LINE, dash="dot"),
    ]
    return theme.figure(
        traces,
        xaxis={
            "title": {"text": "x"},
            "range": [record.grid[0], record.grid[-1]],
            "anchor": "y2",
            "domain": [0, 0.8 if few else 1],
        },
        yaxis={"title": {"text": "value f(x)"}, "range": ranges[0], "domain": [0.42, 1]},
        yaxis2={"title": {"text": "slope f'(x)"}, "range": ranges[1], "domain": [0, 0.38]},
        hovermode="closest",
        uirevision=str(ranges),
        shapes=[
            _upright(record.x),
            *(
                {"type": "line", "x0": x[0], "x1": x[1], "y0": y[0], "y1": y[1], **_pen(color, 2)}
                for color, x, y in zip(colors.values(), record.tangent_x, record.tangent_y)
            ),
            *(
                _point(color, record.x, y, axis)
                for axis, ys in (("y", record.x_value), ("y2", record.x_slope))
                for color, y in zip(colors.values(), ys)
            ),
        ],
        annotations=[
            _values(f"f({at})", record.x_value, colors.values(), record.names, "y", few),
            _values(f"f'({at})", record.x_slope, colors.values(), status, "y2", few),
        ],
        narrow={
            "height": 480 + (below or 80),
            "xaxis.domain": [0, 1],
            "margin.b": 64 + below,
            "legend.maxheight": 0.3,
            **{f"annotations[{i}].x": x for i, x in enumerate((0, 0.55))},
            **{f"annotations[{i}].y": 0 for i in range(2)},
            **{f"annotations[{i}].yref": "paper" for i in range(2)},
            **{f"annotations[{i}].yshift": -60 for i in range(2)},
        },
    )


def _marks(record, masks: np.ndarray, name: str, **line) -> list[dict]:
    """The stretches of all curves that `masks` (n, g) picks, as one line a panel with gaps."""
    inside = np.pad(masks, ((0, 0), (0, 1)))
    rows, columns = np.nonzero(inside | np.roll(inside, 1, axis=1))  # one point more: the gap
    inside = inside[rows, columns]
    columns = np.minimum(columns, record.grid.size - 1)
    return [
        _scatter(
            x=_32(np.append(record.grid[columns], np.nan)),  # never empty, to keep its place in the legend
            y=_32(np.append(np.where(inside, ys[rows, columns], np.nan), np.nan)),
            yaxis=axis,
            mode="lines",
            line=line,
            name=name,
            legendgroup=name,
            legendrank=2000,  # behind the activations
            showlegend=axis == "y",
            hoverinfo="skip",
        )
        for axis, ys in (("y", record.value), ("y2", record.slope))
    ]


def _values(what: str, numbers, colors, words, axis: str, visible: bool) -> dict:
    """A column right of a panel: `what`, and for each curve a dot of its color, its number, a word."""
    lines = [
        f'<span style="color:{color}">●</span> {_number(number)}  {word}'
        for color, number, word in zip(colors, numbers, words)
    ]
    text = "<br>".join([f"<b>{what}</b>", *lines])
    return _note(text, 1.02, 1, yanchor="top", axes=("x", axis)) | {"visible": visible}


def _number(number: float) -> str:
    """Three decimals, and the room of a sign before them."""
    return f"{number: z.3f}".replace(" ", "\u2007").replace("-", "−")


# --- softmax ----------------------------------------------------------------------------------------


def softmax(record) -> go.Figure:
    """Logits, and their probabilities by the stable and by the naive formula, of an `activations.Softmax`.

    Below, the probabilities at every temperature, in the same colors.
    """
    classes = np.arange(1, record.logits.size + 1)
    colors = list(theme.series(classes).values())
    failed = ~np.isfinite(record.naive)
    fails = {"overflow": "naive: overflow, exp(z) is inf", "underflow": "naive: underflow, all exp(z) are 0"}
    sign = "−" if record.shift < 0 else "+"
    low, high = np.log10(record.temperatures[[0, -1]])
    there, below = {"xaxis": "x2", "yaxis": "y2"}, {"xaxis": "x3", "yaxis": "y3", "showlegend": False}
    bars = {
        "textposition": "outside",
        "textangle": 0,
        "constraintext": "none",
        "cliponaxis": False,
        "showlegend": False,
    }
    share = {"title": {"text": "probability"}, "dtick": 0.5}
    across = {"title": {"text": "class"}, "dtick": 1, "range": [0.4, classes.size + 0.6]}
    return theme.figure(
        [
            _bar(
                **bars,
                x=classes,
                y=record.logits,
                width=0.7,
                marker={"color": colors},
                text=[f"{v:.1f}" for v in record.logits],
                hovertemplate="class %{x}: logit %{y:.2f}<extra></extra>",
            ),
            _bar(
                **bars,
                **there,
                x=classes - 0.2,
                y=record.stable,
                width=0.38,
                marker={"color": colors},
                text=[f"{p:.2f}" for p in record.stable],
                customdata=classes,
                hovertemplate="class %{customdata}, stable: %{y:.6f}<extra></extra>",
            ),
            _bar(
                **bars,
                **there,
                x=classes + 0.2,
                y=record.naive,
                width=0.38,
                marker=_hatched(colors, [theme.faded(color, 0.15) for color in colors]),
                customdata=classes,
                hovertemplate="class %{customdata}, naive: %{y:.6f}<extra></extra>",
            ),
            _scatter(
                **there,
                x=classes + 0.25,
                y=np.where(failed, 0.05, np.nan),
                mode="text",
                text=["nan" if lost else "" for lost in failed],
                hoverinfo="skip",
                showlegend=False,
            ),
            # the legend's keys, without a class's color
            _bar(**there, x=[None], y=[None], name="stable: exp(z − max z) / Σ", marker={"color": _MUTED}),
            _bar(
                **there,
                x=[None],
                y=[None],
                name="naive: exp(z) / Σ",
                marker=_hatched(_MUTED, theme.faded(_MUTED, 0.15)),
            ),
            *(
                _scatter(
                    **below,
                    x=_32(record.temperatures),
                    y=_32(p),
                    mode="lines",
                    line={"color": color, "width": _LINE},
                    name=f"class {i}",
                    hovertemplate=f"class {i}: %{{y:.3f}} at temperature %{{x:.2f}}<extra></extra>",
                )
                for i, color, p in zip(classes, colors, record.by_temperature)
            ),
            _scatter(
                **below,
                x=np.full(classes.size, record.temperature),
                y=record.unshifted,
                mode="markers",
                marker={"color": colors, "size": 11, "line": {"color": _PAPER, "width": 2}},
                hoverinfo="skip",
            ),
        ],
        xaxis={**across, "domain": [0, 0.36]},
        yaxis={"title": {"text": "logit"}, "range": [-12.5, 12.5], "dtick": 5, "domain": [0.46, 1]},
        xaxis2={**across, "domain": [0.46, 1], "anchor": "y2"},
        yaxis2={**share, "range": [0, 1.3], "domain": [0.46, 1], "anchor": "x2"},
        xaxis3={
            "title": {"text": "temperature"},
            "type": "log",
            "range": [low - 0.03, high + 0.03],
            "tickvals": [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
            "anchor": "y3",
            "domain": [0, 1],
        },
        yaxis3={**share, "range": [-0.08, 1.08], "domain": [0, 0.28], "anchor": "x3"},
        barmode="overlay",
        legend={"x": 0.46, "y": 1},
        margin={"t": 28},
        shapes=[
            _upright(record.temperature, "x3", "y3 domain"),
            _level(1 / classes.size, "x3 domain", "y3"),
        ],
        annotations=[
            _note(fails.get(record.naive_fails, ""), 1, 1, "right", "top", ("x2", "y2")),
            _note(f"z = (logit {sign} {abs(record.shift):g}) / {record.temperature:g}", 0, 1),
        ],
        narrow={
            "height": 720,
            "xaxis.domain": [0, 1],
            "yaxis.domain": [0.77, 1],
            "xaxis2.domain": [0, 1],
            "yaxis2.domain": [0.31, 0.59],
            "yaxis3.domain": [0, 0.2],
            "legend.x": 0,
            "legend.y": 0.59,
        },
    )


def _hatched(color, ground) -> dict:
    return {
        "color": ground,
        "line": {"color": color, "width": 1.5},
        "pattern": {"shape": "/", "fgcolor": color, "size": 7, "solidity": 0.25},
    }


def jacobian(record) -> go.Figure:
    """How each probability answers to each logit: the Jacobian of an `activations.Softmax`."""
    classes = np.arange(1, record.logits.size + 1)
    return theme.figure(
        [
            _heatmap(
                x=classes,
                y=classes,
                z=record.jacobian,
                colorscale=theme.DIVERGING,
                zmid=0,
                text=np.char.mod("%.3f", record.jacobian),
                texttemplate="%{text}",
                showscale=False,
                xgap=2,
                ygap=2,
                hovertemplate="dp%{y} / dz%{x} = %{z:.5f}<extra></extra>",
            )
        ],
        xaxis={"title": {"text": "logit z"}, "dtick": 1, "constrain": "domain"},
        yaxis={"title": {"text": "probability p"}, "dtick": 1, "autorange": "reversed", "scaleanchor": "x"},
    )


# --- signal -----------------------------------------------------------------------------------------

# Shares that take the full colour: a little more than the peak of a normal distribution of variance 1
# has in one bin of the values, and the peak of log10 |gradient| in one of its bins.
_FULL, _FULL_GRADIENT = 0.03, 0.15
_DEPTHS = (6, 12, 25, 50)
_VARIANCE_DECADES = ((-4, 2), (-12, 6), (-24, 12), (-60, 60), (-90, 90))


def signal(record) -> go.Figure:
    """The signal of an `activations.Signal` through the layers (left) and what comes back (right).

    Above, the distribution per layer as colour; below, the variance against theory, and the shares of
    dead units and of saturated values.
    """
    layer = np.arange(1, _end(record.layer.size, _DEPTHS) + 1)
    finite = np.isfinite(record.loss)
    there = _verdict("Signal", record.forward, record.forward_layer)
    if record.overflow_layer and record.forward != "overflows":
        there += f", overflows at {record.overflow_layer}"
    back = _verdict("Gradient", record.backward, record.backward_layer)
    if not finite:
        back = "<b>No gradient</b>: the loss is not finite"
    left, right, upper, lower = [0, 0.45], [0.55, 1], [0.54, 1], [0, 0.38]
    rows = [0.82, 1], [0.56, 0.74], [0.29, 0.47], [0, 0.17]  # on a narrow page
    with np.errstate(divide="ignore"):
        decades, predicted_decades = np.log10(record.gradient), np.log10(record.predicted_gradient)
    variances = np.concatenate([record.variance, record.predicted_variance])
    shares = [
        (record.saturated, "saturated or dead values", theme.COLOR["validation"], "circle"),
        (record.dead, "dead units", _INK, "x"),
    ]
    return theme.figure(
        [
            _ridge(layer, record.values, record.density, theme.COLOR["train"], _FULL, "value"),
            _ridge(
                layer,
                record.decades,
                record.gradient_density,
                theme.COLOR["gradient"],
                _FULL_GRADIENT,
                "log10 |gradient|",
                "2",
            ),
            _profile(
                layer, _log_finite(decades), "log10 rms gradient, measured", _INK, axis="2", legend=None
            ),
            _profile(
                layer,
                _log_finite(predicted_decades),
                "log10 rms gradient, theory",
                _MUTED,
                "theory",
                "2",
                None,
            ),
            _profile(layer, record.variance, "measured", _INK, axis="3"),
            _profile(layer, record.predicted_variance, "theory", _MUTED, "theory", axis="3"),
            *(
                _profile(layer, share, name, color, axis="4", legend="legend2", symbol=symbol)
                for share, name, color, symbol in shares
            ),
        ],
        xaxis={**_layers(layer, False), "domain": left},
        xaxis2={**_layers(layer, False), "domain": right, "anchor": "y2"},
        xaxis3={**_layers(layer, True), "domain": left, "anchor": "y3"},
        xaxis4={**_layers(layer, True), "domain": right, "anchor": "y4"},
        yaxis={
            "title": {"text": "activations"},
            "domain": upper,
            "range": [record.values[0], record.values[-1]],
            "zeroline": False,
        },
        yaxis2={
            "title": {"text": "|gradient|"},
            "domain": upper,
            "anchor": "x2",
            "range": [record.decades[0], record.decades[-1]],
            "tickvals": np.arange(record.decades[0], record.decades[-1] + 1, 4),
            "ticktext": _powers(np.arange(record.decades[0], record.decades[-1] + 1, 4)),
            "zeroline": False,
        },
        yaxis3={
            "title": {"text": "variance"},
            "domain": lower,
            "anchor": "x3",
            **_decades(variances, _VARIANCE_DECADES),
        },
        yaxis4={
            "title": {"text": "share"},
            "domain": lower,
            "anchor": "x4",
            "range": [-0.04, 1.04],
            "dtick": 0.5,
            "tickformat": ".0%",
        },
        legend={"x": left[0], "y": lower[1]},
        legend2={"orientation": "h", "x": right[0], "y": lower[1], "yanchor": "bottom"},
        annotations=[_note(there, 0, 1), _note(back, 0, 1, axes=("x2", "y2"))],
        shapes=[
            _border("x", "y", record.forward_layer, record.values),
            _border("x2", "y2", record.backward_layer if finite else 0, record.decades),
        ],
        margin={"t": 34},
        narrow={
            "height": 840,
            **{f"xaxis{i}.domain": [0, 1] for i in ("", 2, 3, 4)},
            **{f"yaxis{i}.domain": row for i, row in zip(("", 2, 3, 4), rows)},
            "xaxis3.title.text": "",
            "legend.y": rows[2][1],
            "legend2.x": 0,
            "legend2.y": rows[3][1],
        },
    )


def _ridge(layer, edges, density, color, full, what, axis="") -> dict:
    return _heatmap(
        x=layer,
        y=_32((edges[:-1] + edges[1:]) / 2),
        z=_32(_padded(density, layer.size).T),
        zmin=0,
        zmax=full,
        colorscale=[[0, _PAPER], [1, color]],
        showscale=False,
        xaxis=f"x{axis}",
        yaxis=f"y{axis}",
        hovertemplate=f"layer %{{x}}, {what} near %{{y:.2f}}<br>share %{{z:.3f}}<extra></extra>",
    )


def _profile(layer, y, name, color, dash="train", axis="", legend="legend", symbol=None) -> dict:
    return _scatter(
        x=layer,
        y=_padded(y, layer.size),
        mode="lines+markers" if symbol or len(y) == 1 else "lines",
        marker={"symbol": symbol, "size": 6},
        line={"color": color, "width": 2.5, "dash": theme.DASH[dash]},
        name=name,
        legend=legend,
        showlegend=legend is not None,
        xaxis=f"x{axis}",
        yaxis=f"y{axis}",
        hovertemplate=f"layer %{{x}}, {name}: %{{y:.3g}}<extra></extra>",
    )


def _padded(rows: np.ndarray, length: int) -> np.ndarray:
    """`rows` with nothing below, down to so many of them."""
    nothing = np.full((length - len(rows), *rows.shape[1:]), np.nan)
    return np.concatenate([rows, nothing])


def _layers(layer, titled: bool) -> dict:
    step = 1 if layer.size <= 8 else 5 if layer.size <= 30 else 10
    return {
        "title": {"text": "layer" if titled else ""},
        "range": [0.5, layer.size + 0.5],
        "showgrid": False,
        "tickvals": np.union1d(1, np.arange(step, layer.size + 1, step)),
    }


def _verdict(what: str, verdict: str, layer: int) -> str:
    return f"<b>{what} {verdict}</b>" + (f" at layer {layer}" if layer else " through all layers")


def _border(xref: str, yref: str, layer: int, edges: np.ndarray) -> dict:
    """A line at the layer of a verdict; at layer 0 it is outside of the axes."""
    return {
        "type": "line",
        "xref": xref,
        "yref": yref,
        "x0": layer,
        "x1": layer,
        "y0": edges[0],
        "y1": edges[-1],
        "line": {"color": _INK, "width": 2, "dash": "dot"},
    }


# --- fit --------------------------------------------------------------------------------------------

_LOSS_DECADES = ((-3, 1), (-4, 3), (-6, 6))


def fit(record) -> tuple[go.Figure, Frames]:
    """The nets of an `activations.Fit` over their function, losses and dead units; to play by epoch.

    The figure shows the latest moment. Train losses are solid, held-out ones dashed.
    """
    epoch = record.epoch
    left, right = [0, 0.55], [0.65, 1]
    traces = [
        _scatter(
            x=_32(record.x),
            y=_32(record.target),
            mode="lines",
            line={"color": _MUTED, "width": 2, "dash": "dash"},
            name="function",
            hoverinfo="skip",
        ),
        _scatter(
            x=record.train_x,
            y=record.train_y,
            mode="markers",
            marker={"color": _MUTED, "size": 6},
            name="points",
            hoverinfo="skip",
        ),
    ]
    moving = {}
    for i, (name, color) in enumerate(theme.series(record.names).items()):
        same = {"mode": "lines", "name": name, "legendgroup": name}
        moving[len(traces)] = {"y": record.prediction[:, i]}
        traces.append(
            _scatter(
                x=_32(record.x),
                y=record.prediction[-1, i],
                line=_line(color, _LINE),
                hovertemplate=f"{name}: %{{y:.3f}} at x = %{{x:.2f}}<extra></extra>",
                **same,
            )
        )
        traces += [
            _scatter(
                x=epoch,
                y=_32(y[:, i]),
                xaxis=f"x{axis}",
                yaxis=f"y{axis}",
                line={"color": color, "width": 2, "dash": theme.DASH[dash]},
                showlegend=False,
                hovertemplate=f"{name}, {what}: %{{y:.4f}} at epoch %{{x}}<extra></extra>",
                **same,
            )
            for axis, y, dash, what in (
                ("2", record.train_loss, "train", "train loss"),
                ("2", record.held_loss, "validation", "held-out loss"),
                ("3", record.dead, "train", "dead units"),
            )
        ]
    diverged = [
        f"{name} diverged at epoch {at}" for name, at in zip(record.names, record.diverged_at) if at >= 0
    ]
    fig = theme.figure(
        traces,
        xaxis={"title": {"text": "x"}, "domain": left, "range": [record.x[0], record.x[-1]]},
        yaxis={"title": {"text": "y"}, "range": [-1.8, 1.8]},
        xaxis2={"domain": right, "anchor": "y2", "matches": "x3", "showticklabels": False},
        yaxis2={
            "title": {"text": "loss (held out: dashed)"},
            "domain": [0.38, 1],
            "anchor": "x2",
            **_decades(np.stack([record.train_loss, record.held_loss]), _LOSS_DECADES),
        },
        xaxis3={
            "title": {"text": "epoch"},
            "domain": right,
            "anchor": "y3",
            "range": [0, record.epochs],
        },
        yaxis3={
            "title": {"text": "dead units"},
            "domain": [0, 0.28],
            "anchor": "x3",
            "range": [-0.04, 1.04],
            "tickformat": ".0%",
        },
        annotations=[_note("<br>".join(diverged), 0.01, 0.02)],
        shapes=[_upright(epoch[-1], f"x{i}", f"y{i} domain") for i in (2, 3)],
        narrow={
            "height": 760,
            **{f"xaxis{i}.domain": [0, 1] for i in ("", 2, 3)},
            "yaxis.domain": [0.52, 1],
            "yaxis2.domain": [0.2, 0.42],
            "yaxis3.domain": [0, 0.13],
        },
    )
    shown = {f"shapes[{i}].{end}": epoch for i in range(2) for end in ("x0", "x1")}
    return fig, Frames(labels=[f"epoch {at}" for at in epoch], traces=moving, layout=shown)


# --- helpers ----------------------------------------------------------------------------------------


def _line(color: str, width: float, dash: str = "solid") -> dict:
    return {"color": color, "width": width, "dash": dash, "simplify": False}


def _pen(color: str, width: float, dash: str = "solid") -> dict:
    return {"line": {"color": color, "width": width, "dash": dash}}


def _upright(x: float, xref: str = "x", yref: str = "paper") -> dict:
    """A line at x, through all panels of a picture or one."""
    ends = {"x0": x, "x1": x, "y0": 0, "y1": 1, "xref": xref, "yref": yref}
    return {"type": "line", **ends, **_pen(_INK, 1.5, "dot")}


def _level(y: float, xref: str, yref: str) -> dict:
    ends = {"x0": 0, "x1": 1, "y0": y, "y1": y, "xref": xref, "yref": yref}
    return {"type": "line", **ends, **_pen(_MUTED, 1.5, "dash")}


def _point(color: str, x: float, y: float, yref: str = "y") -> dict:
    """A round mark."""
    size = {"xsizemode": "pixel", "ysizemode": "pixel", "x0": -6, "x1": 6, "y0": -6, "y1": 6}
    at = {"xref": "x", "yref": yref, "xanchor": x, "yanchor": float(y)}
    return {"type": "circle", **size, **at, "fillcolor": color, **_pen(_PAPER, 2)}


def _note(
    text: str,
    x: float,
    y: float,
    xanchor: str = "left",
    yanchor: str = "bottom",
    axes: tuple[str, str] = ("x", "y"),
) -> dict:
    """An annotation whose corner is at x, y of a panel, both from 0 to 1."""
    return {
        "text": text,
        "x": x,
        "y": y,
        "xref": f"{axes[0]} domain",
        "yref": f"{axes[1]} domain",
        "xanchor": xanchor,
        "yanchor": yanchor,
        "align": xanchor,
        "showarrow": False,
        "font": {"size": 15, "color": _INK},
        "bgcolor": theme.faded(_PAPER, 0.7),
    }


def _32(array) -> np.ndarray:
    return np.asarray(array, dtype=np.float32)


def _log_finite(array: np.ndarray) -> np.ndarray:
    """`array` with NaN in the place of infinity, which an axis cannot show."""
    return np.where(np.isfinite(array), array, np.nan)


def _decades(data: np.ndarray, ranges) -> dict:
    """A logarithmic axis over one of `ranges`, which are in decades, with at most eight ticks."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = _ladder(np.log10(data), ranges)
    powers = np.arange(low, high + 1, max(1, (high - low) // 6))
    return {
        "type": "log",
        "range": [low - 0.05 * (high - low), high + 0.05 * (high - low)],
        "tickvals": 10.0**powers,
        "ticktext": _powers(powers),
    }


def _powers(exponents) -> list[str]:
    return [f"10<sup>{k:.0f}</sup>" if k else "1" for k in exponents]


def _ladder(data: np.ndarray, ranges) -> list[float]:
    """The first of `ranges` that holds all the data, else the last: so an axis jumps rarely, or never."""
    held = data[np.isfinite(data)]
    low, high = held.min(initial=0), held.max(initial=0)
    return list(next((r for r in ranges if r[0] <= low and high <= r[1]), ranges[-1]))


def _reach(data: np.ndarray, ends) -> list[float]:
    """From minus one of `ends` to another one, the nearest that hold 0, 1 and all the data."""
    return [-_end(-data.min(initial=0), ends), _end(data.max(initial=1), ends)]


def _end(size: float, ends) -> float:
    return next((end for end in ends if size <= end), ends[-1])
