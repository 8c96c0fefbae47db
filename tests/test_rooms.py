"""Who may import whom: the rooms of the house, as the imports in their files show them."""

import ast
from pathlib import Path

import pytest

from nnplay.topics import TOPICS

ROOT = Path(__file__).parents[1]
SLUGS = {topic.slug for topic in TOPICS}
COMPUTE = sorted((ROOT / "nnplay").glob("*.py"))
FIGURES = sorted((ROOT / "nnplay" / "figures").glob("*.py"))
UI = sorted((ROOT / "nnplay" / "ui").glob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py"))


def imports(file: Path) -> set[str]:
    """Every module that a file imports, anywhere in it, by its full name."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return found


def breaches(file: Path, *banned: str) -> set[str]:
    return {name for name in imports(file) for ban in banned if name == ban or name.startswith(ban + ".")}


@pytest.mark.parametrize("file", COMPUTE, ids=lambda f: f.stem)
def test_compute_knows_no_streamlit_no_plotly_and_no_other_topic(file):
    others = [f"nnplay.{slug}" for slug in SLUGS - {file.stem}]
    assert not breaches(file, "streamlit", "plotly", "nnplay.figures", "nnplay.ui", *others)


@pytest.mark.parametrize("file", FIGURES, ids=lambda f: f.stem)
def test_a_figure_does_not_compute(file):
    own = {
        name for name in imports(file) if name.startswith("nnplay.") and not name.startswith("nnplay.figures")
    }
    assert not breaches(file, "torch", "torchvision", "sklearn", "scipy", "streamlit", "nnplay.ui")
    assert all(name.split(".")[1] in SLUGS | {"records"} for name in own if file.stem in SLUGS)


@pytest.mark.parametrize("file", UI, ids=lambda f: f.stem)
def test_what_pages_share_knows_no_topic(file):
    assert not breaches(file, "torch", "torchvision", *[f"nnplay.{slug}" for slug in SLUGS])
    assert not breaches(file, *[f"nnplay.figures.{slug}" for slug in SLUGS])


@pytest.mark.parametrize("file", PAGES, ids=lambda f: f.stem)
def test_a_page_knows_neither_torch_nor_plotly(file):
    assert not breaches(file, "torch", "torchvision", "plotly", "numpy")


def test_only_one_module_imports_torchvision():
    users = [f.name for f in [*COMPUTE, *FIGURES, *UI, *PAGES, ROOT / "app.py"] if breaches(f, "torchvision")]
    assert len(users) <= 1
