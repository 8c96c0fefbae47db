"""Files of visitors: what is taken, and that each hostile one costs a sentence and no memory."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as strategy
from PIL import Image

from nnplay import pictures, uploads

SIDE = 160


def file(image: Image.Image, kind: str = "PNG", **kw) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **kw)
    return data.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG of that size by its header, with these chunks."""
    head = chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


# --- pictures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", uploads.PICTURE_KINDS)
def test_a_picture_is_made_smaller_and_read_again(kind):
    upload = uploads.picture(file(Image.new("RGB", (400, 200), (200, 30, 60)), kind), SIDE)
    pixels = uploads.pixels(upload)
    assert pixels.shape == (80, 160, 3)
    np.testing.assert_allclose(pixels[40, 80], [200, 30, 60], atol=4)
    assert pictures.picture("upload", 64, upload=upload).shape == (3, 32, 64)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "LA", "I;16", "RGB"])
def test_any_mode_becomes_colour(mode):
    assert uploads.pixels(uploads.picture(file(Image.new(mode, (1, 1))), SIDE)).shape == (1, 1, 3)


def test_sixteen_bits_keep_their_brightness_and_what_is_transparent_is_white():
    gray = Image.fromarray(np.full((2, 2), 257 * 100, np.uint16))
    assert (uploads.pixels(uploads.picture(file(gray), SIDE)) == 100).all()
    clear = Image.new("RGBA", (2, 2), (10, 20, 30, 0))
    assert (uploads.pixels(uploads.picture(file(clear), SIDE)) == 255).all()


def test_a_phones_picture_is_turned_upright():
    image = Image.new("RGB", (40, 20))
    exif = image.getexif()
    exif[0x0112] = 6  # lies on its side
    assert uploads.pixels(uploads.picture(file(image, "JPEG", exif=exif), SIDE)).shape == (40, 20, 3)


def test_a_long_thin_picture_keeps_a_row():
    upload = uploads.picture(file(Image.new("RGB", (900, 3))), SIDE)
    assert uploads.pixels(upload).shape == (1, 160, 3)
    assert pictures.picture("upload", 96, upload=upload).shape == (3, 2, 96)


PIXELS = zlib.compress(b"\0" * 31 * 10)
HOSTILE = {
    "empty": (b"", "no picture that can be read"),
    "no picture": (b"MZ\x90 a program", "no picture that can be read"),
    "a web page": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture that can be read"),
    "only the first bytes": (b"\x89PNG\r\n\x1a\n", "no picture that can be read"),
    "cut off": (file(Image.effect_noise((300, 300), 90), "PNG")[:9000], "no picture that can be read"),
    "a cut-off JPEG": (
        file(Image.effect_noise((300, 300), 90), "JPEG")[:9000],
        "no picture that can be read",
    ),
    "a kind not taken": (file(Image.new("RGB", (9, 9)), "TIFF"), "no picture that can be read"),
    "huge by its header": (
        png(60_000, 60_000, chunk(b"IDAT", PIXELS)),
        "million|no picture that can be read",
    ),
    "a bomb": (file(Image.new("1", (6000, 6000))), "more than the 25 million"),
    "a text that swells": (
        png(10, 10, chunk(b"zTXt", b"k\0\0" + zlib.compress(b"0" * 90_000_000)), chunk(b"IDAT", PIXELS)),
        "no picture that can be read",
    ),
    "too many bytes": (b"\x89PNG" + bytes(uploads.PICTURE_BYTES), "up to 10 MB"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_picture_is_refused_in_a_sentence(name):
    data, sentence = HOSTILE[name]
    with pytest.raises(ValueError, match=sentence):
        uploads.picture(data, SIDE)


@given(
    strategy.binary(max_size=300),
    strategy.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"\xff\xd8\xff"]),
)
def test_no_bytes_raise_anything_but_a_sentence(data, start):
    try:
        uploads.pixels(uploads.picture(start + data, SIDE))
    except ValueError as refused:
        assert str(refused).endswith(".")  # noqa: PT017


@pytest.mark.parametrize(
    "data", [b"", b"abc", file(Image.new("L", (2, 2))), file(Image.new("RGB", (2, 2)), "JPEG")]
)
def test_only_what_picture_made_is_read_again(data):
    with pytest.raises(ValueError, match="upload"):
        uploads.pixels(data)


MEASURE = """
import resource, sys
from nnplay import uploads
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
def read(data):
    try:
        {call}
    except ValueError:
        pass
read({small!r})
before = peak()
read(open(sys.argv[1], "rb").read())
print(peak() - before)
"""


def megabytes(tmp_path, call: str, small: bytes, data: bytes) -> float:
    """By how much a fresh process grows at most while it judges this file."""
    path = tmp_path / "upload"
    path.write_bytes(data)
    script = MEASURE.format(call=call, small=small)
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="resource is not on Windows")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_picture_costs_no_memory(tmp_path, name):
    data = HOSTILE[name][0]
    grown = megabytes(tmp_path, "uploads.picture(data, 160)", file(Image.new("RGB", (9, 9))), data)
    assert grown < 12 + 2 * len(data) / 1e6


@pytest.mark.skipif(sys.platform == "win32", reason="resource is not on Windows")
def test_the_largest_picture_that_is_taken_costs_what_its_pixels_do(tmp_path):
    largest = file(Image.new("RGB", (5000, 5000)))
    grown = megabytes(tmp_path, "uploads.picture(data, 160)", file(Image.new("RGB", (9, 9))), largest)
    assert grown < 1.3 * 75 + 12


# --- tables -----------------------------------------------------------------------------------------

LIMITS = {"rows": (2, 50), "columns": (2, 4)}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_is_read_with_any_usual_separator(separator, end):
    lines = [("a", "b"), ("1", " two"), ("", ""), ("3", "4")]
    table = uploads.table(("\ufeff" + end.join(map(separator.join, lines))).encode(), **LIMITS)
    assert table == uploads.Table(("a", "b"), (("1", "3"), ("two", "4")))
    assert table.rows == 2
    assert uploads.numbers(table.columns[0]).tolist() == [1, 3]
    assert uploads.numbers(table.columns[1]) is None


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "needs a head"),
        (b"a,b\n1,2", "at least 2 rows"),
        (b"a\n1\n2\n3", "at least 2 columns"),
        (b"\xff\xfe\x00a", "not a text file"),
        (b"a,b\n1,2\n1,2,3", "Row 3 has another number"),
        (b"a,b\n" + b"1,2\n" * 51, "more than the 50 rows"),
        (b"a,b\n" + b"1,2\n" * 400_000, "more than the 50 rows"),
        (b"," * 1_000_000, "needs a head"),
        (b"1," * 900_000, "900001 columns|field"),
        (b"a,b\n" + b"x" * 1_000_000 + b",1", "field larger"),
        (b'a,b\n"' + b"x" * 100, "another number"),
        (b"x" * 2_000_001, "up to 2 MB"),
    ],
)
def test_a_hostile_table_is_refused_in_a_sentence(data, sentence):
    with pytest.raises(ValueError, match=sentence):
        uploads.table(data, **LIMITS)


def test_a_cell_that_is_no_text_is_no_number():
    assert uploads.numbers(("1", "\x002")) is None
    assert uploads.numbers(("1", "1e200")) is None


@given(strategy.binary(max_size=300))
def test_no_table_raises_anything_but_a_sentence(data):
    try:
        uploads.table(data, **LIMITS)
    except ValueError as refused:
        assert str(refused).endswith(".")  # noqa: PT017


@pytest.mark.skipif(sys.platform == "win32", reason="resource is not on Windows")
@pytest.mark.parametrize("data", [b"a,b\n" + b"1,2\n" * 400_000, b"," * 1_900_000, b"x" * 9_000_000])
def test_a_hostile_table_costs_little_memory(tmp_path, data):
    call = "uploads.table(data, rows=(2, 50), columns=(2, 4))"
    assert megabytes(tmp_path, call, b"a,b\n1,2\n1,2", data) < 12 + 8 * len(data) / 1e6


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("-5", "-5"),
        ("+2e3", "+2e3"),
        ("-a", "'-a"),
        ("", ""),
        ("cat", "cat"),
    ],
)
def test_formulas_are_quoted_and_numbers_are_not(cell, written):
    assert uploads.safe(cell) == written
