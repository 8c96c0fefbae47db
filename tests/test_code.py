"""The script of every experiment runs by itself and prints the numbers that its page shows."""

import inspect
import os
import subprocess
import sys
from collections import deque
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from test_contract import EXPERIMENTS, compute

from nnplay.records import text
from nnplay.topics import TOPICS
from nnplay.ui import code

ROOT = Path(__file__).parents[1]


def printed(function, experiment) -> str:
    """What the page shows as numbers."""
    found = function(**experiment.settings)
    record = deque(found, maxlen=1)[0] if inspect.isgenerator(found) else found
    return text(record.table())


@pytest.mark.parametrize(("slug", "experiment"), EXPERIMENTS)
def test_the_script_prints_the_numbers_of_the_page(slug, experiment):
    function = getattr(compute(slug), experiment.view)
    with redirect_stdout(StringIO()) as out:
        exec(code.script(function, experiment.settings), {})
    assert out.getvalue().strip("\n") == printed(function, experiment)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.slug)
def test_a_script_runs_by_itself(topic, tmp_path):
    experiment = compute(topic.slug).EXPERIMENTS[0]
    function = getattr(compute(topic.slug), experiment.view)
    file = tmp_path / "script.py"
    file.write_text(code.script(function, experiment.settings), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, file],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip("\n") == printed(function, experiment)


def test_the_source_is_the_function_itself():
    function = code.script
    assert code.source(function).startswith("def script(")
