"""Panels of cells on one pair of axes: a cell is one unit, as wide as high, and rows count downwards."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Iterable

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from nnplay.figures import theme

NOWHERE = "M0,0Z"
"""A path that draws nothing, for a shape that is there for later."""

_PHONE = 340  # pixels across which a board has there

Box = tuple[float, float, float, float]
"""Left, top, right and bottom of a rectangle."""


def heat(values: np.ndarray, left: float, top: float, scale: float = 1, **trace) -> dict:
    """A heat map whose upper left corner is at (left, top), each cell `scale` units wide."""
    return dict(
        type="heatmap",
        z=np.asarray(values, np.float32),
        x0=left + scale / 2,
        dx=scale,
        y0=top + scale / 2,
        dy=scale,
        **{"showscale": False, "hoverongaps": False, "zsmooth": False, **trace},
    )


def picture(values: np.ndarray, left: float, top: float, scale: float = 1, **trace) -> dict:
    """A picture at (left, top): values from 0 to 1, (height, width) or (3, height, width)."""
    return dict(
        type="image",
        source=png(values),
        x0=left + scale / 2,
        dx=scale,
        y0=top + scale / 2,
        dy=scale,
        **{"hoverinfo": "skip", **trace},
    )


def png(values: np.ndarray) -> str:
    """Values, (height, width) or (1 or 3, height, width), as a data URI: bytes, or clipped to 0 ... 1.

    A browser draws it much faster than a heat map.
    """
    planes = values[None] if values.ndim == 2 else values
    if planes.dtype != np.uint8:
        planes = np.round(255 * np.clip(planes, 0, 1)).astype(np.uint8)
    pixels = planes.transpose(1, 2, 0)
    height, width, channels = pixels.shape
    lines = np.zeros((height, 1 + width * channels), np.uint8)  # each line begins with its filter: none
    lines[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">2I5B", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 1)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return "data:image/png;base64," + base64.b64encode(data).decode()


def jpeg(values: np.ndarray) -> str:
    """A photograph, bytes (3, height, width), as a data URI: a tenth of a PNG's size, its colours at half the
    resolution, so that a dozen of them follow a slider."""
    into = io.BytesIO()
    Image.fromarray(values.transpose(1, 2, 0)).save(into, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(into.getvalue()).decode()


def boxes(rectangles: Iterable[Box]) -> str:
    """The path of some rectangles."""
    parts = (f"M{x0:g},{y0:g}H{x1:g}V{y1:g}H{x0:g}Z" for x0, y0, x1, y1 in rectangles)
    return "".join(parts) or NOWHERE


def shape(path: str, color: str, width: float = 2, fill: float = 0, dash: str = "solid") -> dict:
    """A shape of that path: its line `width` px wide, filled with the colour at the opacity `fill`."""
    return {
        "type": "path",
        "path": path,
        "line": {"color": color, "width": width, "dash": dash},
        "fillcolor": theme.faded(color, fill),
    }


def label(text: str, x: float, y: float, **annotation) -> dict:
    """A text above the point (x, y)."""
    defaults = {"showarrow": False, "yanchor": "bottom", "yshift": 2, "align": "center"}
    return {"text": text, "x": x, "y": y, "xref": "x", "yref": "y", **defaults, **annotation}


def signed(values: np.ndarray, most: float | None = None) -> dict:
    """A heat map's colours for values of either sign, up to `most` (their largest size unless said)."""
    limit = max(np.abs(values).max() if most is None else most, 1e-9)
    return {"colorscale": theme.DIVERGING, "zmin": -limit, "zmax": limit}


def board(traces: Iterable, across: float, down: float, **layout) -> go.Figure:
    """The figure of these panels, on axes of `across` times `down` units that stay square and still."""
    hidden = {"visible": False, "fixedrange": True}
    margin = layout.setdefault("margin", {"l": 8, "r": 8, "t": 56, "b": 8})
    return theme.figure(
        traces,
        **{
            "narrow": {"height": margin["t"] + margin["b"] + _PHONE * down / across},
            "xaxis": {**hidden, "range": [0, across]},
            "yaxis": {**hidden, "range": [down, 0], "scaleanchor": "x"},
            "showlegend": False,
            "height": 520,
            **layout,
        },
    )


def mosaic(maps: np.ndarray, gap: int, columns: int | None = None) -> np.ndarray:
    """(n, height, width) as one picture, `columns` maps to a row (all of them unless said), float32.

    Between the maps are `gap` empty (NaN) rows and columns.
    """
    n, height, width = maps.shape
    columns = columns or n
    rows = -(-n // columns)
    tiles = np.full((rows * columns, height + gap, width + gap), np.nan, np.float32)
    tiles[:n, :height, :width] = maps
    tiles = tiles.reshape(rows, columns, height + gap, width + gap).swapaxes(1, 2)
    return tiles.reshape(rows * (height + gap), -1)[
        : rows * (height + gap) - gap, : columns * (width + gap) - gap
    ]
