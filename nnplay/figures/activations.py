"""Pictures of `nnplay.activations`: a record in, a figure out.

`stacked` puts the parts of a picture one below the other, for narrow pages; the traces are the same.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures import theme
from nnplay.figures.frames import Frames

_INK, _MUTED, _PAPER = (theme.COLOR[name] for name in ("ink", "muted", "paper"))
_LINE = 3
_HALO = 12  # width of the mark behind a saturated stretch


def preview(record) -> go.Figure:
    """The curves of an `activations.Curves` and nothing else, for a card of 320 x 180 px."""
    return theme.figure(
        [
            go.Scatter(x=_32(record.grid), y=_32(y), mode="lines", line=_line(color, 4), name=name)
            for (name, color), y in zip(theme.series(record.names).items(), record.value)
        ],
        xaxis={"visible": False, "range": [-3.5, 3.5]},
        yaxis={"visible": False, "range": [-1.3, 2.7]},
        showlegend=False,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
    )


def _line(color: str, width: float, dash: str = "solid") -> dict:
    return {"color": color, "width": width, "dash": dash, "simplify": False}


# --- curves -----------------------------------------------------------------------------------------

_VALUE_RANGES = ((-1.4, 1.4), (-1.9, 6.4), (-6.4, 6.4))
_SLOPE_RANGES = ((-0.15, 1.15), (-0.6, 2.2), (-4.2, 4.2))


def curves(record) -> go.Figure:
    """Value above and slope below of an `activations.Curves`, with the tangents at its x.

    A band behind a curve marks where it saturates, dots on it where it is dead.
    """
    colors = theme.series(record.names)
    panels = (("y", record.value, record.x_value, "f"), ("y2", record.slope, record.x_slope, "f'"))
    start, step = record.grid[0], record.grid[1] - record.grid[0]
    dashes = ["solid" if i < len(theme.SERIES) else "dash" for i in range(len(colors))]
    traces = [
        *_marks(record, record.saturated, "saturated", color=theme.faded(_MUTED, 0.3), width=_HALO),
        *(
            go.Scatter(
                x0=start,
                dx=step,
                y=_32(y),
                yaxis=axis,
                mode="lines",
                line=_line(color, _LINE, dash),
                name=name,
                legendgroup=name,
                showlegend=axis == "y",
                hovertemplate=f"{name}: {what}(%{{x:.2f}}) = %{{y:.4f}}<extra></extra>",
            )
            for axis, ys, _, what in panels
            for (name, color), y, dash in zip(colors.items(), ys, dashes)
        ),
        *_marks(record, record.dead, "dead", color=_INK, width=_LINE, dash="dot"),
        *(
            go.Scatter(
                x=x,
                y=y,
                mode="lines",
                line={"color": color, "width": 2},
                name=name,
                legendgroup=name,
                showlegend=False,
                hoverinfo="skip",
            )
            for (name, color), x, y in zip(colors.items(), record.tangent_x, record.tangent_y)
        ),
        *(
            go.Scatter(
                x=np.full(len(colors), record.x),
                y=y,
                yaxis=axis,
                mode="markers",
                marker={"color": list(colors.values()), "size": 11, "line": {"color": _PAPER, "width": 2}},
                text=[f"{name}: {status}" for name, status in zip(record.names, record.status)],
                hovertemplate="%{text}<br>%{y:.4f} at x = %{x:.2f}<extra></extra>",
                name="at x",
                showlegend=False,
            )
            for axis, _, y, _ in panels
        ),
    ]
    return theme.figure(
        traces,
        xaxis={"title": {"text": "x"}, "range": [record.grid[0], record.grid[-1]], "anchor": "y2"},
        yaxis={
            "title": {"text": "value f(x)"},
            "range": _ladder(np.minimum(record.value, 6.4), _VALUE_RANGES),
            "domain": [0.44, 1],
        },
        yaxis2={
            "title": {"text": "slope f'(x)"},
            "range": _ladder(record.slope, _SLOPE_RANGES),
            "domain": [0, 0.4],
        },
        hovermode="closest",
        shapes=[
            {
                "type": "line",
                "x0": record.x,
                "x1": record.x,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"color": _INK, "width": 1.5, "dash": "dot"},
            }
        ],
    )


def _marks(record, masks: np.ndarray, name: str, **line) -> list[go.Scatter]:
    """The stretches of all curves that `masks` (n, g) picks, as one line a panel with gaps."""
    inside = np.pad(masks, ((0, 0), (0, 1)))
    rows, columns = np.nonzero(inside | np.roll(inside, 1, axis=1))  # one point more: the gap
    inside = inside[rows, columns]
    columns = np.minimum(columns, record.grid.size - 1)
    return [
        go.Scatter(
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


# --- softmax ----------------------------------------------------------------------------------------


def softmax(record, stacked: bool = False) -> go.Figure:
    """Logits, and their probabilities by the stable and by the naive formula, of an `activations.Softmax`."""
    classes = np.arange(1, record.logits.size + 1)
    colors = list(theme.series(classes).values())
    failed = ~np.isfinite(record.naive)
    fails = {"overflow": "naive: overflow, exp(z) is inf", "underflow": "naive: underflow, all exp(z) are 0"}
    there = {"xaxis": "x2", "yaxis": "y2"}
    bars = {"textposition": "outside", "textangle": 0, "cliponaxis": False, "showlegend": False}
    across = {"title": {"text": "class"}, "dtick": 1, "range": [0.4, classes.size + 0.6]}
    left, right = ([0, 1], [0, 1]) if stacked else ([0, 0.36], [0.46, 1])
    first, second = ([0.64, 1], [0, 0.42]) if stacked else ([0, 1], [0, 1])
    return theme.figure(
        [
            go.Bar(
                x=classes,
                y=record.logits,
                width=0.7,
                marker={"color": colors},
                text=[f"{v:.1f}" for v in record.logits],
                hovertemplate="class %{x}: logit %{y:.2f}<extra></extra>",
                **bars,
            ),
            go.Bar(
                x=classes - 0.2,
                y=record.stable,
                width=0.38,
                marker={"color": colors},
                text=[f"{p:.2f}" for p in record.stable],
                customdata=classes,
                hovertemplate="class %{customdata}, stable: %{y:.6f}<extra></extra>",
                **there,
                **bars,
            ),
            go.Bar(
                x=classes + 0.2,
                y=record.naive,
                width=0.38,
                marker=_hatched(colors, [theme.faded(color, 0.15) for color in colors]),
                customdata=classes,
                hovertemplate="class %{customdata}, naive: %{y:.6f}<extra></extra>",
                **there,
                **bars,
            ),
            go.Scatter(
                x=classes + 0.2,
                y=np.where(failed, 0.04, np.nan),
                mode="text",
                text=np.where(failed, "nan", ""),
                textfont={"color": _INK, "size": 16},
                hoverinfo="skip",
                showlegend=False,
                **there,
            ),
            # the legend's keys, without a class's colour
            go.Bar(x=[None], y=[None], name="stable: exp(z - max z) / Σ", marker={"color": _MUTED}, **there),
            go.Bar(
                x=[None],
                y=[None],
                name="naive: exp(z) / Σ",
                marker=_hatched(_MUTED, theme.faded(_MUTED, 0.15)),
                **there,
            ),
        ],
        xaxis={**across, "domain": left},
        yaxis={"title": {"text": "logit"}, "range": [-11.5, 11.5], "domain": first},
        xaxis2={**across, "domain": right, "anchor": "y2"},
        yaxis2={"title": {"text": "probability"}, "range": [0, 1.1], "domain": second, "anchor": "x2"},
        barmode="overlay",
        legend={"x": right[0], "y": second[1]},
        annotations=[
            _note(fails.get(record.naive_fails, ""), 1, second[1], "right", "top"),
            _note(f"z = (logit {record.shift:+g}) / {record.temperature:g}", left[0], first[1]),
        ],
    )


def _hatched(color, ground) -> dict:
    return {
        "color": ground,
        "line": {"color": color, "width": 1.5},
        "pattern": {"shape": "/", "fgcolor": color, "size": 7, "solidity": 0.25},
    }


def _note(text: str, x: float, y: float, xanchor: str = "left", yanchor: str = "bottom") -> dict:
    """An annotation whose corner is at x, y of the whole figure, both from 0 to 1."""
    return {
        "text": text,
        "x": x,
        "y": y,
        "xref": "paper",
        "yref": "paper",
        "xanchor": xanchor,
        "yanchor": yanchor,
        "align": xanchor,
        "showarrow": False,
        "font": {"size": 16, "color": _INK},
        "bgcolor": theme.faded(_PAPER, 0.7),
    }


def temperature(record) -> go.Figure:
    """The probabilities of an `activations.Softmax` at every temperature, its present one marked."""
    names = [f"class {i}" for i in range(1, record.logits.size + 1)]
    uniform = 1 / record.logits.size
    return theme.figure(
        [
            *(
                go.Scatter(
                    x=_32(record.temperatures),
                    y=_32(p),
                    mode="lines",
                    line={"color": color, "width": _LINE},
                    name=name,
                    hovertemplate=f"{name}: %{{y:.3f}} at temperature %{{x:.2f}}<extra></extra>",
                )
                for (name, color), p in zip(theme.series(names).items(), record.by_temperature)
            ),
            go.Scatter(
                x=np.full(len(names), record.temperature),
                y=record.unshifted,
                mode="markers",
                marker={
                    "color": list(theme.series(names).values()),
                    "size": 11,
                    "line": {"color": _PAPER, "width": 2},
                },
                hoverinfo="skip",
                showlegend=False,
            ),
        ],
        xaxis={
            "title": {"text": "temperature"},
            "type": "log",
            "range": [np.log10(record.temperatures[0]), np.log10(record.temperatures[-1])],
            "tickvals": [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
        },
        yaxis={"title": {"text": "probability"}, "range": [-0.03, 1.05]},
        shapes=[
            {
                "type": "line",
                "x0": record.temperature,
                "x1": record.temperature,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"color": _INK, "width": 1.5, "dash": "dot"},
            },
            {
                "type": "line",
                "x0": 0,
                "x1": 1,
                "xref": "paper",
                "y0": uniform,
                "y1": uniform,
                "line": {"color": _MUTED, "width": 1.5, "dash": "dash"},
            },
        ],
    )


def jacobian(record) -> go.Figure:
    """How each probability answers to each logit: the Jacobian of an `activations.Softmax`."""
    classes = np.arange(1, record.logits.size + 1)
    return theme.figure(
        [
            go.Heatmap(
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
_VARIANCE_DECADES = ((-4, 2), (-12, 6), (-24, 12), (-60, 60), (-90, 90))


def signal(record, stacked: bool = False) -> go.Figure:
    """The signal of an `activations.Signal` through the layers (left) and what comes back (right).

    Above, the distribution per layer as colour; below, the variance against theory, and the shares of
    dead units and of saturated values.
    """
    layer = record.layer
    finite = np.isfinite(record.loss)
    there = _verdict("Signal", record.forward, record.forward_layer)
    if record.overflow_layer and record.forward != "overflows":
        there += f", overflows at {record.overflow_layer}"
    back = _verdict("Gradient", record.backward, record.backward_layer)
    if not finite:
        back = "<b>No gradient</b>: the loss is not finite"
    left, right = ([0, 1], [0, 1]) if stacked else ([0, 0.45], [0.55, 1])
    rows = [0.81, 1], [0.54, 0.73], [0.27, 0.44], [0, 0.17]  # values, gradient, variance, shares
    if not stacked:
        rows = [0.54, 1], [0.54, 1], [0, 0.38], [0, 0.38]
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
        xaxis3={**_layers(layer, not stacked), "domain": left, "anchor": "y3"},
        xaxis4={**_layers(layer, True), "domain": right, "anchor": "y4"},
        yaxis={
            "title": {"text": "activations"},
            "domain": rows[0],
            "range": [record.values[0], record.values[-1]],
            "zeroline": False,
        },
        yaxis2={
            "title": {"text": "|gradient|"},
            "domain": rows[1],
            "anchor": "x2",
            "range": [record.decades[0], record.decades[-1]],
            "tickvals": np.arange(record.decades[0], record.decades[-1] + 1, 4),
            "ticktext": _powers(np.arange(record.decades[0], record.decades[-1] + 1, 4)),
            "zeroline": False,
        },
        yaxis3={
            "title": {"text": "variance"},
            "domain": rows[2],
            "anchor": "x3",
            **_decades(variances, _VARIANCE_DECADES),
        },
        yaxis4={
            "title": {"text": "share"},
            "domain": rows[3],
            "anchor": "x4",
            "range": [-0.04, 1.04],
            "dtick": 0.5,
        },
        legend={"x": left[0], "y": rows[2][1]},
        legend2={
            "orientation": "h",
            "x": right[0],
            "y": rows[3][1],
            "yanchor": "bottom",
            "font": {"size": 14},
        },
        annotations=[_note(there, left[0], rows[0][1]), _note(back, right[0], rows[1][1])],
        shapes=[
            _border("x", "y", record.forward_layer, record.values),
            _border("x2", "y2", record.backward_layer if finite else 0, record.decades),
        ],
        margin={"t": 34},
    )


def _ridge(layer, edges, density, color, full, what, axis="") -> go.Heatmap:
    return go.Heatmap(
        x=layer,
        y=_32((edges[:-1] + edges[1:]) / 2),
        z=_32(density.T),
        zmin=0,
        zmax=full,
        colorscale=[[0, _PAPER], [1, color]],
        showscale=False,
        xaxis=f"x{axis}",
        yaxis=f"y{axis}",
        hovertemplate=f"layer %{{x}}, {what} near %{{y:.2f}}<br>share %{{z:.3f}}<extra></extra>",
    )


def _profile(layer, y, name, color, dash="train", axis="", legend="legend", symbol=None) -> go.Scatter:
    return go.Scatter(
        x=layer,
        y=y,
        mode="lines+markers" if symbol or layer.size == 1 else "lines",
        marker={"symbol": symbol, "size": 6},
        line={"color": color, "width": 2.5, "dash": theme.DASH[dash]},
        name=name,
        legend=legend,
        showlegend=legend is not None,
        xaxis=f"x{axis}",
        yaxis=f"y{axis}",
        hovertemplate=f"layer %{{x}}, {name}: %{{y:.3g}}<extra></extra>",
    )


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
    """A line at the layer of a verdict; none at layer 0."""
    return {
        "type": "line",
        "xref": xref,
        "yref": yref,
        "x0": layer,
        "x1": layer,
        "y0": edges[0],
        "y1": edges[-1],
        "visible": layer > 0,
        "line": {"color": _INK, "width": 2, "dash": "dot"},
    }


# --- fit --------------------------------------------------------------------------------------------

_LOSS_DECADES = ((-3, 1), (-4, 3), (-6, 6))


def fit(record, stacked: bool = False) -> tuple[go.Figure, Frames]:
    """The nets of an `activations.Fit` over their function, losses and dead units; to play by epoch.

    The figure shows the latest moment. Train losses are solid, held-out ones dashed.
    """
    epoch = record.epoch
    left, right = ([0, 1], [0, 1]) if stacked else ([0, 0.55], [0.65, 1])
    first, second, third = ([0.51, 1], [0.18, 0.42], [0, 0.12]) if stacked else ([0, 1], [0.38, 1], [0, 0.28])
    traces = [
        go.Scatter(
            x=_32(record.x),
            y=_32(record.target),
            mode="lines",
            line={"color": _MUTED, "width": 2, "dash": "dash"},
            name="function",
            hoverinfo="skip",
        ),
        go.Scatter(
            x=record.train_x,
            y=record.train_y,
            mode="markers",
            marker={"color": _MUTED, "size": 6},
            name="points",
            hoverinfo="skip",
        ),
        *(
            go.Scatter(
                x=np.full(2, epoch[-1]),
                y=np.array(span),
                xaxis=f"x{axis}",
                yaxis=f"y{axis}",
                mode="lines",
                line={"color": _INK, "width": 1.5, "dash": "dot"},
                name="epoch shown",
                hoverinfo="skip",
                showlegend=False,
            )
            for axis, span in (("2", (1e-9, 1e9)), ("3", (-1.0, 2.0)))
        ),
    ]
    moving = {i: {"x": np.repeat(epoch[:, None], 2, axis=1)} for i in (2, 3)}
    for i, (name, color) in enumerate(theme.series(record.names).items()):
        same = {"mode": "lines", "name": name, "legendgroup": name}
        moving[len(traces)] = {"y": record.prediction[:, i]}
        traces.append(
            go.Scatter(
                x=_32(record.x),
                y=record.prediction[-1, i],
                line=_line(color, _LINE),
                hovertemplate=f"{name}: %{{y:.3f}} at x = %{{x:.2f}}<extra></extra>",
                **same,
            )
        )
        traces += [
            go.Scatter(
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
        yaxis={"title": {"text": "y"}, "domain": first, "range": [-1.8, 1.8]},
        xaxis2={"domain": right, "anchor": "y2", "matches": "x3", "showticklabels": False},
        yaxis2={
            "title": {"text": "loss (held out: dashed)"},
            "domain": second,
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
            "domain": third,
            "anchor": "x3",
            "range": [-0.04, 1.04],
            "tickformat": ".0%",
        },
        annotations=[_note("<br>".join(diverged), 0.01, first[0] + 0.02)],
    )
    return fig, Frames(labels=[f"epoch {at}" for at in epoch], traces=moving)


# --- helpers ----------------------------------------------------------------------------------------


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
        "range": [low - 0.02 * (high - low), high + 0.02 * (high - low)],
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
