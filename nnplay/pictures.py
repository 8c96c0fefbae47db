"""Pictures to convolve: cells of a small grid, photographs, digits, test patterns, uploads; and kernels.

Photographs and digits are those that scikit-learn ships. All values are
between 0 (black) and 1 (white), but for the cells of a small grid: these are
whole numbers from 0 to 9, so that a sum over them can be checked in the head.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F

from nnplay import images, uploads

IMAGES = ("digit", "checkerboard", "gradient", "stripes", "impulse", "photo", "random")
WEIGHTS = (
    "identity",
    "box blur",
    "gaussian blur",
    "sobel x",
    "sobel y",
    "laplacian",
    "sharpen",
    "emboss",
    "gabor",
    "random",
)
PHOTOS = images.PHOTOS
PATTERNS = ("zone plate", "stripes")
SAMPLE = (0, 1796)  # which of the digits
SEED = (0, 999)
SIDE = (32, 160)  # pixels of a picture's longer side


def cells(image: str, height: int, width: int, *, sample: int = 0, seed: int = 0) -> np.ndarray:
    """One of `IMAGES` as (height, width) float64 of whole numbers from 0 to 9.

    "impulse" is a single 1 among zeros, near the middle: convolved, it shows the kernel.
    """
    y, x = np.indices((height, width))
    if image == "checkerboard":
        return 9.0 * ((x + y) % 2)
    if image == "stripes":
        return 9.0 * (x % 2)
    if image == "gradient":
        return np.round(9.0 * x / (width - 1))
    if image == "impulse":
        return 1.0 * ((y == (height - 1) // 2) & (x == (width - 1) // 2))
    if image == "random":
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(0, 10, (height, width), generator=generator).numpy().astype(float)
    picture = digit(sample) if image == "digit" else gray(photo("flower", 160))[15:95, 37:117]
    return np.round(9.0 * resize(picture[None], height, width)[0]).astype(float)


def weights(name: str, height: int, width: int, seed: int = 0) -> np.ndarray:
    """One of `WEIGHTS`, grown or cut to (height, width), float64.

    At 3 x 3 these are the kernels of the textbooks. A blur is a row of
    Pascal's triangle (its limit is the Gaussian) along each axis; Sobel is a
    difference along one axis and that blur along the other. Random weights are
    normal, rounded to a tenth.
    """
    y = np.arange(height)[:, None] - (height - 1) // 2
    x = np.arange(width)[None, :] - (width - 1) // 2
    centre = 1.0 * ((y == 0) & (x == 0))
    if name == "identity":
        return centre
    if name == "box blur":
        return np.full((height, width), 1 / (height * width))
    if name == "gaussian blur":
        return np.outer(_pascal(height), _pascal(width)) / 2.0 ** (height + width - 2)
    if name == "sobel x":
        return np.outer(_pascal(height), _difference(width))
    if name == "sobel y":
        return np.outer(_difference(height), _pascal(width))
    if name == "laplacian":
        return height * width * centre - 1.0
    if name == "sharpen":
        cross = 1.0 * ((y == 0) | (x == 0))
        return (1 + cross.sum()) * centre - cross
    if name == "emboss":
        return x + y + centre
    if name == "gabor":  # a wave along the diagonal under a Gaussian
        size = max(height, width)
        along = (x + y) / np.sqrt(2)
        return np.round(np.exp(-(x**2 + y**2) / (0.18 * size**2)) * np.cos(4 * np.pi * along / size), 2)
    generator = torch.Generator().manual_seed(seed)
    return np.round(torch.randn(height, width, generator=generator, dtype=torch.float64).numpy(), 1)


def _pascal(n: int) -> np.ndarray:
    row = np.ones(1)
    for _ in range(n - 1):
        row = np.convolve(row, [1.0, 1.0])
    return row


def _difference(n: int) -> np.ndarray:
    """The smoothed difference of Sobel along n cells; a single cell has no neighbour to differ from."""
    return np.zeros(1) if n == 1 else np.convolve(_pascal(n - 1), [-1.0, 1.0])


@lru_cache(maxsize=1)
def digits() -> tuple[np.ndarray, np.ndarray]:
    """All handwritten digits, (1797, 8, 8) float32, and what they are, (1797,). Shared: do not write."""
    return images.digits().astype(np.float32), images.load("digits").labels


def digit(sample: int) -> np.ndarray:
    """A handwritten digit, (8, 8) float32."""
    return digits()[0][sample]


@lru_cache(maxsize=16)
def photo(name: str, side: int) -> np.ndarray:
    """One of `PHOTOS`, its longer side `side` pixels: (3, height, width) float32. Shared: do not write."""
    return fit(images.load(name).pixels[0].transpose(1, 2, 0), side)


def picture(name: str, side: int, *, sample: int = 0, upload: bytes = b"") -> np.ndarray:
    """A photograph, pattern, digit (always 8 x 8) or upload in colour: (3, height, width) float32.

    `upload` is what `nnplay.uploads.picture` returned. Raises ValueError where it is missing.
    """
    if name in PHOTOS:
        return photo(name, side)
    if name == "upload":
        return fit(uploads.pixels(upload), side)
    one = digit(sample) if name == "digit" else _pattern(name, side)
    return np.repeat(one[None], 3, axis=0)


def _pattern(name: str, side: int) -> np.ndarray:
    y, x = np.indices((side, side)) - (side - 1) / 2
    # The rings grow finer outwards, to two pixels a ring, the finest there is, in the middle of each edge.
    phase = (x**2 + y**2) * np.pi / side if name == "zone plate" else 2 * np.pi * x / 2.2
    return (0.5 + 0.5 * np.cos(phase)).astype(np.float32)


def gray(picture: np.ndarray) -> np.ndarray:
    """The brightness (ITU-R BT.601) of a colour picture (3, height, width): (height, width)."""
    return np.tensordot(np.float32([0.299, 0.587, 0.114]), picture, 1)


def resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """(channels, height, width) at another size, by torch's bilinear interpolation with antialiasing."""
    if picture.shape[1:] == (height, width):
        return picture
    batch = torch.from_numpy(np.ascontiguousarray(picture))[None]
    return F.interpolate(batch, (height, width), mode="bilinear", antialias=True)[0].numpy()


def fit(rgb: np.ndarray, side: int) -> np.ndarray:
    """(height, width, 3) uint8 as (3, height, width) float32, its longer side made `side` pixels."""
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    picture = (rgb.transpose(2, 0, 1) / np.float32(255)).astype(np.float32)
    return resize(picture, max(2, round(height * scale)), max(2, round(width * scale))).clip(0, 1)
