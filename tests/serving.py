"""Starting the app, finding a browser and moving in it: for whoever looks at the app from outside."""

import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]

READY = "[data-testid=stApp][data-test-script-state=notRunning]"
# The numbers in the picture: what a shared link has to reproduce.
NUMBERS = """() => JSON.stringify([...document.querySelectorAll('.js-plotly-plot')].map(chart => [
    chart._fullData.map(trace => ['x', 'y', 'z'].map(axis =>
        trace[axis]?.length && [...trace[axis]].flatMap(row => [...[row]].flat()).map(Number))),
    (chart.layout.shapes ?? []).map(shape => [shape.x0, shape.x1, shape.y0, shape.y1, shape.yanchor]),
    (chart.layout.annotations ?? []).map(note => note.text)]))"""


def chromium() -> str | None:
    """Path of a Chromium: the environment's CHROMIUM, or the first that is installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@contextmanager
def serve(entry: str, log: Path):
    """Start a server of that file and yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", entry, "--server.port", str(port)]
    command += ["--server.address", "127.0.0.1", "--server.headless", "true"]
    with log.open("w") as out:
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            _wait(server, f"http://127.0.0.1:{port}", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def _wait(server: subprocess.Popen, url: str, log: Path) -> None:
    """Return when the app answers; raise with its log when it has ended or does not come up."""
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url + "/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the app did not start:\n{log.read_text()[-3000:]}")


def visit(page, url: str, charts: int = 1):
    page.goto(url)
    if charts:
        page.wait_for_function(
            f"() => document.querySelectorAll('.nnplay-chart[data-pictures]').length >= {charts}"
        )
    settled(page)
    return page


def settled(page) -> None:
    """The script has run, and Plotly has drawn what was moved (see nnplay/ui/quick.js)."""
    page.wait_for_selector(READY)
    page.wait_for_function(
        "() => ![...document.querySelectorAll('.nnplay-chart')].some("
        "e => e.chart?.busy || (e.chart?.owed && !e.chart.playing))"
    )


def hit(page, x: float, y: float, *mark: int) -> None:
    """Click there as a hand does: Plotly's click is on what it has seen the pointer over. `mark`: which trace
    and point, or row and column, that has to be."""
    settled(page)
    page.mouse.move(5, 5)  # what it was over before may be long redrawn
    page.wait_for_function("() => !document.querySelector('.js-plotly-plot')._hoverdata?.length")
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)
    page.wait_for_function(
        """mark => { const hit = document.querySelector('.js-plotly-plot')._hoverdata?.[0];
            const found = [hit?.curveNumber, hit?.pointNumber].flat().join();
            return hit && (!mark.length || found === mark.join()); }""",
        arg=list(mark),
    )
    page.mouse.down()
    page.mouse.up()


def grab(page, key: str) -> tuple[float, float]:
    """Where the thumb of a slider is."""
    slider = page.locator(f".st-key-{key} input[type=range]")
    return tuple(slider.evaluate("e => { const r = e.getBoundingClientRect(); return [r.x + 1, r.y + 1]; }"))


def seen(part) -> np.ndarray:
    """The pixels of a part of a page, (height, width, 3) from 0 to 255."""
    return np.asarray(Image.open(io.BytesIO(part.screenshot())).convert("RGB")).astype(int)


def differing(a: np.ndarray, b: np.ndarray) -> float:
    """The share of pixels that the eye could tell apart."""
    return float((np.abs(a - b).max(2) > 100).mean())


def pictures(page) -> int:
    return int(page.locator(".nnplay-chart").first.get_attribute("data-pictures"))
