"""The palette can be told apart by everyone on both pages, and Streamlit's theme is the same palette."""

import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from nnplay.figures import theme

ROLES = ("train", "validation", "test", "positive", "negative", "gradient")
# Machado, Oliveira and Fernandes 2009, severity 1: linear RGB as such eyes see it.
EYES = {
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color: str) -> np.ndarray:
    c = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """WCAG's contrast ratio."""
    dim, bright = sorted(float(linear(c) @ TO_XYZ[1]) for c in (a, b))
    return (bright + 0.05) / (dim + 0.05)


def lab(color: str, eyes) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(np.array(eyes) @ linear(color), 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("kind", ["roles", "series"])
def test_colors_are_told_apart(page, eyes, kind):
    pairs = {"roles": [theme.PALETTE[role] for role in ROLES], "series": list(theme.SERIES.items())}[kind]
    seen = [lab(pair[page], EYES[eyes]) for pair in pairs]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 12


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
def test_lines_stand_out_and_text_is_readable(page):
    paper = theme.PALETTE["paper"][page]
    lines = [theme.PALETTE[role][page] for role in ROLES] + [pair[page] for pair in theme.SERIES.items()]
    assert min(contrast(line, paper) for line in lines) >= 3
    assert min(contrast(theme.PALETTE[name][page], paper) for name in ("ink", "muted")) >= 4.5


def test_every_light_color_has_one_dark_one():
    assert len(theme.DARK) == len(theme.PALETTE) + len(theme.SERIES)


def test_dark_swaps_every_color_and_keeps_the_rest():
    fig = theme.figure(
        [go.Scatter(y=[1, 2], line={"color": theme.COLOR["train"]}, fillcolor=theme.faded("#A33B00", 0.5))]
    )
    night = theme.dark(fig)
    assert night.data[0].line.color == theme.PALETTE["train"][1]
    assert night.data[0].fillcolor == theme.PALETTE["validation"][1] + "80"
    assert night.layout.template.layout.paper_bgcolor == theme.PALETTE["paper"][1]
    assert list(night.data[0].y) == [1, 2]


def test_streamlit_wears_the_same_colors():
    config = tomllib.loads(
        (Path(__file__).parents[1] / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    )
    names = {
        "primaryColor": "train",
        "backgroundColor": "paper",
        "textColor": "ink",
        "secondaryBackgroundColor": "panel",
    }
    for page, variant in enumerate(("light", "dark")):
        assert config["theme"][variant] == {key: theme.PALETTE[name][page] for key, name in names.items()}


def test_series_repeat_after_the_last_color():
    colors = theme.series(range(12))
    assert colors[0] == colors[9]
    assert len(set(colors.values())) == 9
