"""What makes a topic, floor by floor: a new one is told here what it still lacks."""

import importlib
import inspect
import json
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

from nnplay.figures import theme
from nnplay.records import Experiment, text
from nnplay.topics import TOPICS, find

ROOT = Path(__file__).parents[1]
EXPERIMENTS = [
    pytest.param(topic.slug, experiment, id=f"{topic.slug}: {experiment.title}")
    for topic in TOPICS
    for experiment in importlib.import_module(f"nnplay.{topic.slug}").EXPERIMENTS
]
each_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.slug)


def compute(slug: str):
    return importlib.import_module(f"nnplay.{slug}")


@each_topic
def test_a_topic_has_every_floor(topic):
    for path in ("nnplay/{}.py", "nnplay/figures/{}.py", "pages/{}.py", "tests/test_{}.py"):
        assert (ROOT / path.format(topic.slug)).exists(), f"{path.format(topic.slug)} is missing"
    assert topic.terms
    assert topic.question.endswith("?")
    assert find(topic.slug) is topic


@each_topic
def test_a_topic_has_a_preview_in_the_colors_of_the_theme(topic):
    figures = importlib.import_module(f"nnplay.figures.{topic.slug}")
    fig = figures.preview(compute(topic.slug).preview())
    assert len(fig.data) > 0
    used = set(re.findall(r"#[0-9A-Fa-f]{6}", fig.to_json()))
    assert used <= set(theme.DARK) | {"#000000", "#FEFEFE"}


@each_topic
def test_a_topic_has_three_experiments_or_more(topic):
    titles = [experiment.title for experiment in compute(topic.slug).EXPERIMENTS]
    assert len(titles) >= 3
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(("slug", "experiment"), EXPERIMENTS)
def test_an_experiment_is_a_call_that_its_view_understands(slug, experiment: Experiment):
    function = getattr(compute(slug), experiment.view)
    parameters = inspect.signature(function).parameters
    assert set(experiment.settings) <= set(parameters)
    for name, value in experiment.settings.items():
        assert value != parameters[name].default, f"{name} is the default already: leave it out"


@pytest.mark.parametrize(("slug", "experiment"), EXPERIMENTS)
def test_the_figure_of_an_experiment_is_valid_plotly_in_the_colors_of_the_theme(slug, experiment):
    found = getattr(compute(slug), experiment.view)(**experiment.settings)
    record = next(found) if inspect.isgenerator(found) else found
    fig = getattr(importlib.import_module(f"nnplay.figures.{slug}"), experiment.view)(record)
    fig = fig[0] if isinstance(fig, tuple) else fig
    go.Figure(json.loads(fig.to_json()))  # raises where an attribute does not exist or has no such value
    assert set(re.findall(r"#[0-9A-Fa-f]{6}", fig.to_json())) <= set(theme.DARK) | {"#000000", "#FEFEFE"}


@each_topic
def test_a_view_takes_keywords_with_defaults_only(topic):
    for view in {experiment.view for experiment in compute(topic.slug).EXPERIMENTS}:
        for parameter in inspect.signature(getattr(compute(topic.slug), view)).parameters.values():
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
            hash(parameter.default)


def test_slugs_are_unique_and_no_prefix_of_each_other():
    slugs = [topic.slug for topic in TOPICS]
    assert len(set(slugs)) == len(slugs)
    assert not [(a, b) for a in slugs for b in slugs if a != b and b.startswith(f"{a}_")]


def test_pages_without_a_topic():
    pages = {path.stem for path in (ROOT / "pages").glob("*.py")}
    assert pages == {topic.slug for topic in TOPICS} | {"home"}


def test_the_readme_lists_the_topics_as_the_table_does():
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    assert rows[2:] == [(topic.title, topic.question) for topic in TOPICS]


def test_a_table_as_text_has_aligned_columns():
    lines = text({"name": ["a", "long"], "value": [1.0, 1 / 3]}).splitlines()
    assert lines == ["name     value", "   a         1", "long  0.333333"]


def test_unknown_topics_are_key_errors():
    with pytest.raises(KeyError):
        find("nowhere")
