"""Every page, every view, every control at its extremes and every kind of bad address: never an exception."""

import importlib
import json
import math
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from nnplay.topics import TOPICS

ROOT = Path(__file__).parents[1]
SECONDS = 60
BAD = (
    "",
    "nan",
    "inf",
    "-1e309",
    "1e9",
    "-7",
    "0.00001",
    "two",
    "None",
    "[1]",
    "💥",
    "true",
    "Ünknown",
    "1,2,3",
)


def labels(slug: str) -> list[str]:
    """The names of a page's views, as the visitor reads them."""
    at = AppTest.from_file(ROOT / "pages" / f"{slug}.py", default_timeout=SECONDS).run()
    assert not at.exception
    return list(at.button_group(key=f"{slug}_view").options)


VIEWS = [(topic.slug, label) for topic in TOPICS for label in labels(topic.slug)]
each_view = pytest.mark.parametrize(("slug", "label"), VIEWS)


def opened(slug: str, label: str, **query) -> AppTest:
    at = AppTest.from_file(ROOT / "pages" / f"{slug}.py", default_timeout=SECONDS)
    at.query_params[f"{slug}_view"] = label
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception, at.exception[0].message
    return at


def widgets(at: AppTest, slug: str) -> list:
    """The view's own controls."""
    kinds = (at.slider, at.select_slider, at.selectbox, at.toggle, at.number_input, at.button_group)
    skip = (f"{slug}_view", f"{slug}_below")
    return [w for kind in kinds for w in kind if w.key and w.key.startswith(f"{slug}_") and w.key not in skip]


@cache
def keys(slug: str, label: str) -> list[str]:
    return [widget.key for widget in widgets(opened(slug, label), slug)]


def extremes(widget) -> list:
    match widget.type:
        case "slider" | "number_input":
            return [widget.min, widget.max]
        case "select_slider" | "selectbox":
            return [widget.options[0], widget.options[-1]]
        case "toggle":
            return [True, False]
    if widget._is_single_select:
        return list(widget.options)
    return [[], list(widget.options)]


@each_view
def test_every_control_at_its_extremes(slug, label):
    at = opened(slug, label)
    assert keys(slug, label)
    for key in keys(slug, label):
        find = lambda key=key: next((w for w in widgets(at, slug) if w.key == key), None)  # noqa: E731
        before = find().value
        for value in extremes(find()):
            find().set_value(value)
            at.run()
            assert not at.exception, (key, value, at.exception[0].message)
        if find():
            find().set_value(before)
            at.run()


@each_view
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_address_falls_back(slug, label, bad):
    at = opened(slug, label, **dict.fromkeys(keys(slug, label), bad))
    for widget in widgets(at, slug):
        if widget.type in ("slider", "number_input"):
            assert math.isfinite(widget.value)
            assert widget.min <= widget.value <= widget.max


@each_view
@pytest.mark.parametrize("part", ["Numbers", "Code", "Take home"])
def test_what_stands_below_the_picture(slug, label, part):
    at = opened(slug, label, **{f"{slug}_below": part})
    assert {"Numbers": at.dataframe, "Code": at.code, "Take home": at.get("download_button")}[part]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.slug)
def test_every_experiment_opens_its_own_settings(topic):
    """The addresses in the row put every control where the experiment says."""
    compute = importlib.import_module(f"nnplay.{topic.slug}")
    page = AppTest.from_file(ROOT / "pages" / f"{topic.slug}.py", default_timeout=SECONDS).run()
    rows = rendered_links(page)
    assert [row["title"] for row in rows] == [experiment.title for experiment in compute.EXPERIMENTS]
    for row, experiment in zip(rows, compute.EXPERIMENTS, strict=True):
        at = AppTest.from_file(ROOT / "pages" / f"{topic.slug}.py", default_timeout=SECONDS)
        for name, values in parse_qs(row["href"][1:], keep_blank_values=True).items():
            at.query_params[name] = values
        at.run()
        assert not at.exception
        assert at.session_state[f"{topic.slug}_view"] == experiment.view
        for name, value in experiment.settings.items():
            held = at.session_state[f"{topic.slug}_{name}"]
            assert (tuple(held) if isinstance(held, list) else held) == value, (experiment.title, name)


def rendered_links(at: AppTest) -> list[dict]:
    for element in at.get("bidi_component"):
        data = json.loads(element.proto.json or "{}")
        if "items" in data:
            return data["items"]
    raise AssertionError("no row of experiments on the page")
