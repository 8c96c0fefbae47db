"""The live chart: a Plotly figure that stays in place while it is updated, played, dragged and clicked.

`st.plotly_chart` takes its chart out of the page and puts a new one in at every change. This component
keeps the chart and hands each new figure to `Plotly.react`, so that nothing flickers and zoom and camera
stay. The browser's half is chart.js.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import plotly
import plotly.graph_objects as go
import streamlit as st
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from nnplay.figures.frames import Frames
from nnplay.figures.theme import DARK
from nnplay.ui.live import LIVE_ROUTE

PLOTLY_ROUTE = "/plotlyjs"


def plotly_route() -> Mount:
    """Serves plotly.min.js out of the installed plotly package, for `st.App(routes=...)`."""
    return Mount(PLOTLY_ROUTE, StaticFiles(directory=Path(plotly.__file__).parent / "package_data"))


_HERE = Path(__file__).parent
_HTML = """
<div class="nnplay-chart">
  <div class="pan"><div class="plot" role="figure" tabindex="-1"></div></div>
  <div class="player" role="group" aria-label="Playback" hidden>
    <button class="toggle" type="button" aria-label="Play" title="Play or pause (space)">
      <svg viewBox="0 0 24 24"><path class="go" d="M7 4v16l13-8z"/>
        <path class="halt" d="M6 4h4v16H6zM14 4h4v16h-4z"/></svg></button>
    <button class="first" type="button" aria-label="To the start" title="To the start">
      <svg viewBox="0 0 24 24"><path d="M20 5v14l-7-7zM12 5v14l-7-7zM3 5h2v14H3z"/></svg></button>
    <button class="back" type="button" aria-label="Step back" title="Step back">
      <svg viewBox="0 0 24 24"><path d="M18 5v14l-9-7zM5 5h3v14H5z"/></svg></button>
    <button class="next" type="button" aria-label="Step forward" title="Step forward">
      <svg viewBox="0 0 24 24"><path d="M6 5v14l9-7zM16 5h3v14h-3z"/></svg></button>
    <input class="scrub" type="range" min="0" value="0" step="1" aria-label="Frame">
    <output class="label"></output>
    <select class="speed" aria-label="Speed">
      <option value="0.25">0.25×</option><option value="0.5">0.5×</option>
      <option value="1" selected>1×</option>
      <option value="2">2×</option><option value="4">4×</option>
    </select>
  </div>
</div>
"""
_JS = (
    "".join((_HERE / name).read_text(encoding="utf-8") for name in ("quick.js", "still.js", "chart.js"))
    .replace("__DARK__", json.dumps(DARK))
    .replace("__LINE__", LIVE_ROUTE[1:])
    .replace("__PLOTLY__", f"{PLOTLY_ROUTE[1:]}/plotly.min.js?v={plotly.__version__}")
)
_component = st.components.v2.component(
    "nnplay_chart",
    html=_HTML,
    css=(_HERE / "chart.css").read_text(encoding="utf-8"),
    js=_JS,
    isolate_styles=False,
)


@dataclass(frozen=True, slots=True)
class Click:
    """A click on a mark: which trace, which point (or heat map cell: row, column), and where exactly."""

    trace: int
    index: tuple[int, ...]
    at: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Handle:
    """Makes the plot itself draggable from left to right: it moves the slider with this key."""

    key: str
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class Grip:
    """Makes a rectangle on the first axes draggable: its corner `at` is what the sliders x and y hold."""

    x: Handle
    y: Handle
    at: tuple[float, float]
    size: tuple[float, float]


def live_chart(
    figure: go.Figure,
    key: str,
    *,
    alt: str,
    height: int = 520,
    least_width: int = 0,
    frames: Frames | None = None,
    rate: float = 12,
    restart: bool = False,
    at_end: bool = False,
    at: int | None = None,
    run: str | None = None,
    have: int = 0,
    growing: bool = False,
    hover: Mapping[str, int] | None = None,
    peek: Mapping[str, Any] | None = None,
    report: bool = False,
    handle: Handle | None = None,
    grip: Grip | None = None,
    still: bool = False,
    watch: str | None = None,
    line: str | None = None,
    on_click: Callable[[Click], None] | None = None,
    on_drop: Callable[[Mapping[str, float]], None] | None = None,
) -> None:
    """Draw `figure` where this chart stands.

    alt: what the picture shows, for those who cannot see it. height: pixels at the browser's usual type
    size; on a screen that has less than least_width the chart scrolls sideways, by itself. frames: what
    to play under the figure, `rate` of them a second; with `restart` a new run plays from its first frame
    at once, with `at_end` it stands at its last. A run with a name, `run`, is sent in chunks: only what
    the browser has not got, which by the line said that it has `have`; while it is `growing` the chart
    asks for more, which runs the page again. at:
    the frame that the figure itself shows, where the player then stands; another one moves it. hover:
    {"trace": i, "columns": n} shows frame row * n + column while the pointer is over that cell. peek:
    {"trace": i, "into": r, "tiles": [[raster, tile], ...]} shows the tile that belongs to point n of that
    trace large in raster r (see `nnplay.figures.rasters`) while the pointer is over the point. report:
    the page runs again where the visitor scrubs, pauses or plays to the end, and `position(key)` says
    where that is. watch: prefix of the keys of sliders that report while they are dragged:
    `dragged(key)`; line: where the chart asks for its pictures meanwhile, see `nnplay.ui.live`. on_click is
    called with the mark that was hit, before the page runs again; on_drop with the value of each key where
    a `handle` or `grip` was let go. still: a card's picture, without axes and drawn
    without Plotly (see still.js).
    """
    held = _state(key)
    _component(
        key=key,
        data={
            **picture_data(
                figure,
                alt=alt,
                at=at,
                frames=frames,
                run=run,
                start=_sent(key, run, len(frames), have, held) if frames and run else 0,
                rate=rate,
                restart=restart,
                at_end=at_end,
                growing=growing,
            ),
            "height": height,
            "width": least_width,
            "click": on_click is not None,
            "report": report,
            "watch": watch,
            "line": line,
            "of_run": run is not None,
            "still": still,
            "echo": held.get("drag"),  # so that a report is answered even where the picture stays the same
            "handle": handle and {"key": handle.key, "min": handle.min, "max": handle.max},
            "grip": grip
            and {
                "keys": [grip.x.key, grip.y.key],
                "low": [grip.x.min, grip.y.min],
                "high": [grip.x.max, grip.y.max],
                "at": list(grip.at),
                "size": list(grip.size),
            },
            "hover": hover and dict(hover),
            "peek": peek and dict(peek),
        },
        on_click_change=lambda: _call(on_click, _click(_state(key).get("click"))),
        on_drop_change=lambda: _call(on_drop, _dropped(_state(key).get("drop"))),
        on_drag_change=_nothing,
        on_position_change=_nothing,
        on_need_change=_nothing,
        on_more_change=_nothing,
    )


def picture_data(
    figure: go.Figure,
    *,
    alt: str,
    at: int | None = None,
    frames: Frames | None = None,
    run: str | None = None,
    start: int = 0,
    rate: float = 12,
    restart: bool = False,
    at_end: bool = False,
    growing: bool = False,
    **_: Any,
) -> dict[str, Any]:
    """What of a chart differs from picture to picture, as the browser takes it; arguments as in `live_chart`.

    Of the frames those from `start` on. A run without a name is known by its numbers.
    """
    packed = None
    if frames:
        packed = {
            "labels": list(frames.labels[start:]),
            "traces": {
                i: {path: _encode(values[start:]) for path, values in attributes.items()}
                for i, attributes in frames.traces.items()
            },
            "layout": {path: _encode(values[start:]) for path, values in frames.layout.items()},
            "grow": {
                i: {path: _encode(values) for path, values in attributes.items()}
                for i, attributes in frames.grow.items()
            },
            "upto": {i: _whole(pace[start:]) for i, pace in frames.upto.items()}
            if isinstance(frames.upto, Mapping)
            else _whole(frames.upto[start:]),
        }
        run = run or hashlib.blake2b(json.dumps(packed).encode(), digest_size=8).hexdigest()
        packed |= {"run": run, "start": start, "rate": rate}
        packed |= {"restart": restart, "at_end": at_end, "growing": growing}
    return {"figure": _text(figure), "alt": alt, "at": at, "frames": packed}


def _whole(numbers: Sequence[int]) -> list[int]:
    return [int(n) for n in numbers]


def dragged(chart: str) -> tuple[str, float] | None:
    """The key and raw value of the slider that is being dragged beside this chart, or None."""
    held = _state(chart).get("drag")
    return _dragged(held)


def position(chart: str) -> int:
    """The frame at which the player of a chart with `report` stands, or stood before it was played."""
    held = _state(chart).get("position")
    return held if isinstance(held, int) and held >= 0 else 0


def _nothing() -> None:
    pass


def _state(chart: str) -> Mapping[str, Any]:
    held = st.session_state.get(chart)
    return held if isinstance(held, Mapping) else {}


# What comes from a browser may be anything: each of these returns None for what it does not understand.


def _dragged(held: Any) -> tuple[str, float] | None:
    match held:
        case {"key": str(key), "value": int() | float() as value} if math.isfinite(value):
            return key, float(value)
    return None


def _click(held: Any) -> Click | None:
    match held:
        case {"trace": int(trace), "index": [*index]} if all(isinstance(i, int) for i in index):
            match held.get("at"):
                case [int() | float() as x, int() | float() as y] if math.isfinite(x) and math.isfinite(y):
                    return Click(trace, tuple(index), (float(x), float(y)))
            return Click(trace, tuple(index), None)
    return None


def _dropped(held: Any) -> dict[str, float] | None:
    match held:
        case {"moves": [*moves]} if found := [_dragged(move) for move in moves]:
            return dict(found) if all(found) else None
    return None


def _call(handler: Callable | None, event: Click | Mapping | None) -> None:
    if handler and event:
        handler(event)


def _sent(chart: str, run: str, frames: int, have: int, held: Mapping[str, Any]) -> int:
    """How many frames of a named run the browser has, by the line or from here. After this it has all."""
    sent_run, sent = st.session_state.get(f"{chart}:sent", (None, 0))
    st.session_state[f"{chart}:sent"] = (run, frames)
    name, _, more = str(held.get("more")).partition(":")
    if held.get("need") == run:
        return 0
    start = max(have, sent if sent_run == run else 0)
    if name == run and more.isdecimal():
        start = max(start, int(more))
    return min(start, frames)


def _text(figure: go.Figure) -> str:
    """What `figure.to_json` gives in six times the time: that copies the figure, and inspects its lists.
    But for what is painted in the browser."""
    try:
        parts = {"data": figure._data, "layout": _unpainted(figure._layout)}
        return json.dumps(_plain(parts), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError):  # what only Plotly can write: NaN in a list, dates, images
        return figure.to_json()


def _unpainted(layout: dict[str, Any]) -> dict[str, Any]:
    """Without the pixels of images that the browser paints itself, see `nnplay.figures.rasters`."""
    painted = {raster["image"] for raster in (layout.get("meta") or {}).get("rasters", ())}
    if not painted:
        return layout
    images = [{**image, "source": ""} if i in painted else image for i, image in enumerate(layout["images"])]
    return {**layout, "images": images}


def _plain(node: Any) -> Any:
    match node:
        case dict():
            return {key: _plain(value) for key, value in node.items()}
        case list() | tuple():
            return [_plain(value) for value in node]
        case np.ndarray():
            return _packed(node)
        case np.generic():
            return node.item()
    return node


def _encode(values: Any) -> Any:
    """Numbers in Plotly's notation for typed arrays, in a picture's precision; texts as lists."""
    array = np.asarray(values)
    return _packed(array.astype("<f4") if array.dtype.kind == "f" else array)


def _packed(array: np.ndarray) -> Any:
    """An array of numbers in Plotly's notation for typed arrays; another one as a list."""
    if array.dtype.kind not in "fiub":
        return array.tolist()
    if array.dtype.kind != "f" and array.dtype not in (np.uint8, np.int16):
        array = array.astype("<i4")
    shape = ",".join(map(str, array.shape))
    return {"dtype": array.dtype.str[1:], "bdata": base64.b64encode(array.tobytes()).decode(), "shape": shape}
