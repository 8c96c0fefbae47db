"""Pictures of bytes that are redrawn fast: images of the layout, which the live chart paints from the bytes.

A figure's `layout.meta.rasters` lists them. A frame changes one by "meta.rasters[0].values". Where there is
no live chart, as in a notebook, the image's own source shows the figure's moment.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence

import numpy as np

HOLE = 255
"""The byte that is transparent."""

Colors = Sequence[tuple[float, str]]
"""Positions from 0 (byte 0) to 1 (byte 254) with their colors; a position twice is a jump."""


def raster(
    image: int, values: np.ndarray, side: int, at: np.ndarray, size: tuple[int, int], colors: Colors
) -> dict:
    """An entry of `meta.rasters`: paints `layout.images[image]`.

    `values`: the bytes of square tiles of `side` pixels, one after the other, flat. `at` (n, 2): the left and
    top pixel of each on a canvas of `size`, (width, height).
    """
    return {
        "image": image,
        "values": np.ravel(values).astype(np.uint8),
        "side": side,
        "at": np.asarray(at).tolist(),
        "size": list(size),
        "colors": [list(stop) for stop in colors],
    }


def points(
    image: int,
    values: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    size: int,
    radius: float,
    colors: Colors,
    edge: str,
) -> dict:
    """An entry that paints dots: their bytes, and where they are, 0 to 1 from the upper left corner.

    `size`: of the square canvas, and `radius`, of a dot, in pixels; `edge`: the color around it.
    """
    dots = {"x": np.float32(x), "y": np.float32(y), "edge": edge, "radius": radius}
    entry = raster(image, values, 1, np.zeros((0, 2)), (size, size), colors)
    return {**entry, "dots": dots}


def source(entry: dict) -> str:
    """The same as a data URI, in the colors of a light page."""
    width, height = entry["size"]
    pixels = np.full((height, width), HOLE, np.uint8)
    if "dots" in entry:
        _dot(pixels, entry["values"], **entry["dots"])
    else:
        side = entry["side"]
        for (left, top), tile in zip(entry["at"], entry["values"].reshape(-1, side, side)):
            pixels[top : top + side, left : left + side] = tile
    lines = np.zeros((height, 1 + width), np.uint8)  # each line begins with its filter: none
    lines[:, 1:] = pixels
    header = struct.pack(">2I5B", width, height, 8, 3, 0, 0, 0)  # bytes are places in a palette
    palette = _palette(entry["colors"])
    chunks = (
        (b"IHDR", header),
        (b"PLTE", palette[:, :3].tobytes()),
        (b"tRNS", palette[:, 3].tobytes()),
        (b"IDAT", zlib.compress(lines.tobytes(), 1)),
        (b"IEND", b""),
    )
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return "data:image/png;base64," + base64.b64encode(data).decode()


def _dot(pixels: np.ndarray, values: np.ndarray, x, y, edge: str, radius: float) -> None:
    """Discs, without their edge."""
    reach = np.arange(-int(radius), int(radius) + 1)
    down, right = (v[np.hypot(*np.meshgrid(reach, reach)) <= radius] for v in np.meshgrid(reach, reach))
    rows = np.rint(y * len(pixels)).astype(int)[:, None] + down
    columns = np.rint(x * len(pixels)).astype(int)[:, None] + right
    inside = (rows >= 0) & (rows < len(pixels)) & (columns >= 0) & (columns < len(pixels))
    pixels[rows[inside], columns[inside]] = np.broadcast_to(values[:, None], rows.shape)[inside]


def _palette(colors: Colors) -> np.ndarray:
    """(256, 4) uint8."""
    channels = np.array(
        [[int(c[i : i + 2], 16) for i in (1, 3, 5)] + [int(c[7:], 16) if c[7:] else 255] for _, c in colors]
    )
    positions = np.array([position for position, _ in colors], dtype=float)
    positions[1:] += 1e-9 * np.arange(1, len(positions))  # a jump: the later color from there on
    table = np.zeros((256, 4), np.uint8)
    for channel in range(4):
        table[:255, channel] = np.rint(np.interp(np.arange(255) / 254, positions, channels[:, channel]))
    return table


def image(entry: dict, box: tuple[float, float, float, float], xref: str, yref: str, **more) -> dict:
    """The layout's image for it: `box` is left, top, width and height in the axes' units."""
    left, top, width, height = box
    return {
        "source": source(entry),
        "xref": xref,
        "yref": yref,
        "x": left,
        "y": top,
        "sizex": width,
        "sizey": height,
        "sizing": "stretch",
        "layer": "below",
        **more,
    }
