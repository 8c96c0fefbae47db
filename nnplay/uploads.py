"""Files of visitors: judged before they are decoded, refused with a sentence.

A small file can hold a huge picture or table, its name says nothing about what is in it, and it may be cut
off anywhere. Nothing here writes to disk or keeps what it was given.
"""

from __future__ import annotations

import csv
import io
import math
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

PICTURE_KINDS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
PICTURE_BYTES = 10_000_000  # as much as the server takes: server.maxUploadSize
PICTURE_PIXELS = 25_000_000
TABLE_BYTES = 2_000_000

_UNREADABLE = "This is no picture that can be read: PNG, JPEG, WebP, GIF or BMP."


def picture(data: bytes, side: int) -> bytes:
    """A picture as a PNG of its own: RGB, upright, what is transparent on white, at most `side` pixels.

    Its size is read before its pixels are. Raises ValueError where the file is no picture, or too large.
    """
    if len(data) > PICTURE_BYTES:
        raise ValueError(f"The file may have up to {PICTURE_BYTES // 1_000_000} MB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is lower
            image = Image.open(io.BytesIO(data), formats=PICTURE_KINDS)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(_UNREADABLE) from error
    if image.width * image.height > PICTURE_PIXELS:
        raise ValueError(
            f"The picture has {image.width} × {image.height} pixels, more than the "
            f"{PICTURE_PIXELS // 1_000_000} million that this page takes: make it smaller first."
        )
    try:
        image.draft("RGB", (2 * side, 2 * side))  # a JPEG need not be decoded at full size
        image.load()
        image.thumbnail((side, side))  # before any conversion, so that none is of full size
        small = _on_white(ImageOps.exif_transpose(image))
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError) as error:
        raise ValueError(_UNREADABLE) from error
    into = io.BytesIO()
    small.save(into, "PNG")
    return into.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    """Any mode as RGB."""
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits of gray
        image = Image.fromarray((np.asarray(image, np.float64) / 257).clip(0, 255).astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def pixels(png: bytes) -> np.ndarray:
    """What `picture` returned, as (height, width, 3) uint8. Raises ValueError for anything else."""
    if not png:
        raise ValueError("There is no picture yet: upload one, or choose another source.")
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
            if image.mode == "RGB" and image.width * image.height <= PICTURE_PIXELS:
                return np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        pass
    raise ValueError("The uploaded picture is not as this page keeps it: upload it again.")


@dataclass(frozen=True, slots=True)
class Table:
    """The head of a table and its columns, as the texts of their cells, without blanks around them."""

    head: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]

    @property
    def rows(self) -> int:
        return len(self.columns[0])


def table(data: bytes, *, rows: tuple[int, int], columns: tuple[int, int]) -> Table:
    """A CSV file with a head, separated by commas, semicolons or tabs; `rows` and `columns`: fewest and most.

    Raises ValueError, with a sentence for the visitor, for anything else.
    """
    if len(data) > TABLE_BYTES:
        raise ValueError(f"The file may have up to {TABLE_BYTES // 1_000_000} MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("This is not a text file in UTF-8, so it cannot be read as CSV.") from None
    separator = max(",;\t", key=text.partition("\n")[0].count)
    body = []
    try:
        for line, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), 1):
            cells = tuple(map(str.strip, cells))
            if not any(cells):
                continue
            if len(cells) > columns[1]:
                raise ValueError(f"Row {line} has {len(cells)} columns; up to {columns[1]} can be used.")
            if body and len(cells) != len(body[0]):
                raise ValueError(f"Row {line} has another number of columns than the head.")
            if len(body) > rows[1]:
                raise ValueError(f"The file has more than the {rows[1]} rows that can be used.")
            body.append(cells)
    except csv.Error as refused:
        raise ValueError(f"This is not a CSV file that can be read: {refused}.") from None
    if len(body) <= rows[0] or len(body[0]) < columns[0]:
        raise ValueError(
            f"The file needs a head, at least {columns[0]} columns and at least {rows[0]} rows below it."
        )
    return Table(body[0], tuple(zip(*body[1:])))


def numbers(column: tuple[str, ...]) -> np.ndarray | None:
    """A column's cells as float64 (rows,); None where one of them is no finite number."""
    try:
        found = np.array([float(cell) for cell in column])
    except ValueError:
        return None
    return found if (np.abs(found) < 1e150).all() else None  # its square must be finite, too


def safe(cell: str) -> str:
    """A text for a CSV file: what a spreadsheet would take for a formula is quoted as it expects it."""
    return f"'{cell}" if cell[:1] in tuple("=+@-\t\r") and not math.isfinite(_number(cell)) else cell


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
