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
