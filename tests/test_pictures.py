import io

import numpy as np
import pytest
from PIL import Image

from nnplay import pictures


@pytest.mark.parametrize("image", pictures.IMAGES)
@pytest.mark.parametrize("size", [(2, 2), (8, 8), (16, 16), (3, 11)])
def test_cells_are_whole_numbers_from_0_to_9(image, size):
    cells = pictures.cells(image, *size, sample=5, seed=1)
    assert cells.shape == size
    assert cells.dtype == np.float64
    assert (cells == np.round(cells)).all()
    assert cells.min() >= 0
    assert 0 < cells.max() <= 9


def test_the_digit_is_the_real_one():
    np.testing.assert_array_equal(pictures.cells("digit", 8, 8, sample=7), np.round(9 * pictures.digit(7)))


@pytest.mark.parametrize("name", pictures.WEIGHTS)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 3), (7, 7), (1, 6)])
def test_kernels_are_finite_at_every_size_and_blurs_keep_the_brightness(name, size):
    weights = pictures.weights(name, *size, seed=3)
    assert weights.shape == size
    assert np.isfinite(weights).all()
    if name in ("identity", "box blur", "gaussian blur", "sharpen"):
        assert weights.sum() == pytest.approx(1)
    if name in ("sobel x", "sobel y", "laplacian"):
        assert weights.sum() == pytest.approx(0)


def test_kernels_are_the_textbooks_at_3_by_3():
    textbook = {
        "sobel x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
        "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
        "laplacian": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
        "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
        "gaussian blur": np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16,
    }
    for name, expected in textbook.items():
        np.testing.assert_array_equal(pictures.weights(name, 3, 3), expected)


def test_the_seed_decides_what_is_random():
    assert (pictures.weights("random", 3, 3, 1) != pictures.weights("random", 3, 3, 2)).any()
    again = [pictures.cells("random", 4, 4, seed=1) for _ in range(2)]
    np.testing.assert_array_equal(*again)


@pytest.mark.parametrize("name", [*pictures.PHOTOS, *pictures.PATTERNS])
@pytest.mark.parametrize("side", pictures.SIDE)
def test_pictures_have_the_side_asked_for(name, side):
    picture = pictures.picture(name, side)
    assert picture.dtype == np.float32
    assert len(picture) == 3
    assert max(picture.shape) == side
    assert 0 <= picture.min() < picture.max() <= 1


def test_gray_agrees_with_pillow():
    rgb = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    ours = pictures.gray(rgb.transpose(2, 0, 1) / np.float32(255))
    np.testing.assert_allclose(255 * ours, np.asarray(Image.fromarray(rgb).convert("L")), atol=1)


def _file(image: Image.Image, kind: str = "PNG") -> bytes:
    data = io.BytesIO()
    image.save(data, kind)
    return data.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_an_upload_is_decoded_and_made_smaller(kind):
    upload, shape = pictures.decode(_file(Image.new("RGB", (400, 200), (200, 30, 60)), kind))
    assert shape == (80, 160, 3)
    picture = pictures.picture("upload", 64, upload=upload, upload_shape=shape)
    assert picture.shape == (3, 32, 64)
    np.testing.assert_allclose(255 * picture[:, 16, 32], [200, 30, 60], atol=4)


def test_an_upload_may_be_gray_or_transparent_or_one_pixel():
    for mode in ("L", "RGBA", "P", "1", "LA", "I;16"):
        upload, shape = pictures.decode(_file(Image.new(mode, (1, 1))))
        assert pictures.picture("upload", 32, upload=upload, upload_shape=shape).shape == (3, 32, 32)


def test_a_long_thin_upload_keeps_two_rows():
    upload, shape = pictures.decode(_file(Image.new("RGB", (900, 3))))
    assert pictures.picture("upload", 96, upload=upload, upload_shape=shape).shape == (3, 2, 96)


def test_a_small_file_with_a_huge_picture_is_refused_before_it_is_decoded():
    with pytest.raises(ValueError, match=r"more than the 25 million"):
        pictures.decode(_file(Image.new("1", (6000, 6000))))
    with pytest.raises(ValueError, match=r"more than the 25 million|no picture that can be read"):
        pictures.decode(_file(Image.new("1", (20000, 20000))))


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", _file(Image.new("RGB", (9, 9)))[:45]]
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(ValueError, match="no picture that can be read"):
        pictures.decode(data)


@pytest.mark.parametrize(
    ("upload", "shape"),
    [(b"", ()), (b"abc", (1, 1)), (b"abcd", (1, 1, 4)), (b"abc", (2, 1, 3)), (b"abc", (-1, -1, 3))],
)
def test_an_upload_that_is_not_what_its_shape_says_is_refused(upload, shape):
    with pytest.raises(ValueError, match="upload"):
        pictures.picture("upload", 64, upload=upload, upload_shape=shape)
