"""How fast it is, each number beside its floor measured in the same run.

    python benchmarks/run.py

Needs the development requirements and a Chromium, takes some minutes, and wants a machine that does nothing
else. Prints a row per promise: p50 and p95, the floor's, the ratio of the p50s, and what was promised.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from playwright.sync_api import sync_playwright  # noqa: E402
from serving import FLAGS, chromium, serve  # noqa: E402
from visitor import Visitor  # noqa: E402

from nnplay.topics import TOPICS  # noqa: E402

PRESSES = 60
MOVES_OF_A_DRAG = 300
VISITORS = 25
VISITS = 7
PICTURE = ".nnplay-chart[data-pictures]"
MOVES = 20
FORGOTTEN = 35
"""Seconds after which the server has let go of visitors who left (.streamlit/config.toml)."""

# Resolves with the milliseconds from the next key press to the frame after the chosen change.
KEY_TO_PAINT = """([selector, attribute]) => { window.painted = new Promise(resolve => {
  let start; addEventListener('keydown', () => { start = performance.now(); }, { once: true, capture: true });
  const seen = new MutationObserver(() => { if (!start) return; seen.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start))); });
  seen.observe(document.querySelector(selector), attribute
    ? { attributes: true, attributeFilter: [attribute] }
    : { subtree: true, childList: true, characterData: true }); }); }"""
# Resolves with the milliseconds from the next click to the frame in which a stopped run can be resumed.
CLICK_TO_END = """() => { window.ended = new Promise(resolve => {
  let start; addEventListener('click', () => { start = performance.now(); }, { once: true, capture: true });
  const seen = new MutationObserver(() => { if (!start || !document.body.innerText.includes('Go on')) return;
    seen.disconnect(); requestAnimationFrame(() => resolve(performance.now() - start)); });
  seen.observe(document.body, { subtree: true, childList: true, characterData: true }); }); }"""
# Notes the milliseconds from the address to the frame after a first element matches.
READY = """ready => new MutationObserver((_, seen) => { if (!document.querySelector(ready)) return;
  seen.disconnect(); requestAnimationFrame(() => { window.ready = performance.now(); });
}).observe(document, { subtree: true, childList: true, attributes: true })"""
LEADS = (
    ("activations", "Curves", "x"),
    ("activations", "Softmax", "logit_1"),
    ("activations", "Depth", "depth"),
    ("convolution", "Kernel", "kernel_height"),
    ("convolution", "Channels", "kernel_size"),
    ("convolution", "Down and up", "factor"),
    ("convolution", "Transposed", "kernel_size"),
    ("convolution", "Images", "kernel_height"),
    ("convolution", "Feature maps", "sample"),
    ("optimizers", "Race", "start_x"),
    ("optimizers", "Learning rate", "lr"),
    ("optimizers", "Schedules", "lr"),
    ("optimizers", "Mini-batches", "batch_size"),
    ("overfitting", "Capacity", "degree"),
    ("overfitting", "Double descent", "features"),
    ("augmentation", "Chain", "rotation_angle"),
    ("augmentation", "Mixing", "lam"),
    ("confusion_matrix", "One against the rest", "threshold"),
    ("confusion_matrix", "Detection", "iou"),
)
"""Topic, view and the control that is dragged there."""

RUNS = (
    "activations?activations_view=Training&activations_epochs=1000",
    "overfitting?overfitting_view=Training",
    "playground?playground_epochs=1000",
    "augmentation?augmentation_view=Payoff&augmentation_epochs=200",
)
"""Pages that train as soon as they are opened."""

# From now on notes when the pointer asked for a picture and when that picture was there.
WATCH_DRAG = """() => { const chart = document.querySelector('.nnplay-chart').chart;
  window.pictures = []; window.values = 0;
  let sent = null, waiting = null, mine = null;  // when the pointer was where the question says
  const ask = chart.ask.bind(chart), follow = chart.follow.bind(chart), draw = chart.draw.bind(chart);
  const answered = chart.channel.onmessage;
  chart.follow = (key, value) => { window.values++; return follow(key, value); };
  chart.ask = moves => { const now = performance.now();
    if (chart.asked) waiting = now; else { sent = waiting ?? now; waiting = null; }
    return ask(moves); };
  chart.channel.onmessage = event => { mine = sent; answered(event); };
  chart.draw = async () => { const from = mine; mine = null; await draw(); if (from === null) return;
    while (chart.busy) await new Promise(requestAnimationFrame);
    requestAnimationFrame(() => window.pictures.push([performance.now(), performance.now() - from])); }; }"""
# Moves the slider of that key to and fro, over most of its track in a second, by a pointer that moves before
# each frame as a hand's does. (One moved from outside waits for an answer each time, and asks for less.)
DRAG = """([key, moves]) => new Promise(done => {
  const slider = document.querySelector(`.st-key-${key} input[type=range]`);
  const track = slider.closest('[data-orientation]');
  const thumb = slider.getBoundingClientRect(), { left, width } = track.getBoundingClientRect();
  const send = (type, clientX) => track.dispatchEvent(new PointerEvent(type, { bubbles: true,
    cancelable: true, pointerId: 1, pointerType: 'mouse', isPrimary: true, button: -(type === 'pointermove'),
    buttons: type === 'pointerup' ? 0 : 1, clientX, clientY: thumb.y + thumb.height / 2 }));
  let i = 0;
  const move = () => {
    if (i === moves) {
      const found = [window.pictures, window.values];
      setTimeout(() => { send('pointerup', left + width / 2); done(found); }, 200);
      return;
    }
    send('pointermove', left + width * (0.1 + 0.8 * Math.abs((i++ / 60) % 2 - 1)));
    requestAnimationFrame(move);
  };
  send('pointerdown', thumb.x + thumb.width / 2);
  requestAnimationFrame(move); })"""
COUNT = """() => { window.times = [];
  new MutationObserver(() => window.times.push(performance.now())).observe(
    document.querySelector('.nnplay-chart'), { attributes: true, attributeFilter: ['data-pictures'] }); }"""


def row(what: str, found: list[float], unit: str, floor: list[float] | None, promise: str) -> None:
    p50, p95 = np.percentile(found, [50, 95])
    base = ratio = "-"
    if floor:
        low, high = np.percentile(floor, [50, 95])
        base, ratio = f"{low:.1f} | {high:.1f}", f"{p50 / low:.2f}"
    print(f"| {what} | {p50:.1f} | {p95:.1f} {unit} | {base} | {ratio} | {promise} |", flush=True)


def press(page, key: str, selector: str, attribute: str | None) -> list[float]:
    """Milliseconds from key to paint, many times, on the slider of that key."""
    slider = page.locator(f".st-key-{key} input[type=range]")
    slider.focus()
    found = []
    for i in range(PRESSES):
        page.evaluate(KEY_TO_PAINT, [selector, attribute])
        page.keyboard.press("ArrowRight" if i % 6 < 3 else "ArrowLeft")  # some sliders are short
        found.append(page.evaluate("window.painted"))
    return found[5:]


def opened(browser, url: str, ready: str):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    start = time.perf_counter()
    page.goto(url)
    page.wait_for_selector(ready)
    return page, 1000 * (time.perf_counter() - start)


def first(browser, url: str, ready: str) -> float:
    """Milliseconds of a visitor who has never been here, by the browser's own clock."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(f"({READY})({ready!r})")
    page.goto(url)
    page.wait_for_function("window.ready")
    found = page.evaluate("window.ready")
    page.wait_for_timeout(2000)  # what is loaded after that shall not slow the next visit down
    page.context.close()
    return found


def drag(browser, url: str, key: str) -> tuple[float, float, list[float]]:
    """Pictures a second while the lead control is dragged; how often its value changes, which is as many as
    can be asked for: a slider of few steps, or a pointer that turns, asks for less than the screen could
    show; and how far each picture is behind the pointer in ms.
    """
    page, _ = opened(browser, url, PICTURE)
    page.evaluate(WATCH_DRAG)
    pictures, values = page.evaluate(DRAG, [key, MOVES_OF_A_DRAG])
    page.close()
    pictures = np.array(pictures)
    seconds = np.ptp(pictures[:, 0]) / 1000
    return (len(pictures) - 1) / seconds, values / seconds, list(pictures[2:, 1])


def train(browser, address: str) -> list[float]:
    """Pictures a second in each half second while a run trains and plays."""
    page, _ = opened(browser, address, PICTURE)
    page.evaluate(COUNT)
    page.wait_for_timeout(3000)
    times = np.array(page.evaluate("window.times"))
    page.close()
    return list(np.histogram(times, np.arange(times[0], times[-1], 500))[0] * 2.0)


def stop(browser, address: str) -> list[float]:
    """Milliseconds from the click on Stop to the browser's knowing that the run has ended."""
    found = []
    for _ in range(8):
        page, _ = opened(browser, address, PICTURE)
        page.evaluate(CLICK_TO_END)
        page.get_by_role("button", name="Stop").click()
        found.append(page.evaluate("window.ended"))
        page.close()
    return found


async def crowd(url: str, visitors: int, page: str) -> list[float]:
    """Milliseconds from a slider's move to the new picture sent, of so many visitors at once."""

    async def one(i: int) -> list[float]:
        async with Visitor(url) as visitor:
            await visitor.open(page)
            await asyncio.sleep(i / visitors)
            found = []
            for k in range(MOVES):
                found.append(await visitor.move(0.01 * (i * MOVES + k) - 5))
                await asyncio.sleep(0.5)
            return found

    return [1000 * t for found in await asyncio.gather(*map(one, range(visitors))) for t in found[1:]]


async def tour(url: str, visitors: int, rounds: int, memory) -> list[float]:
    """Megabytes of the server after each round of so many visitors who open every page."""
    found = []
    for _ in range(rounds):
        await asyncio.sleep(FORGOTTEN)
        guests = [Visitor(url) for _ in range(visitors)]
        for guest in guests:
            await guest.__aenter__()
            for topic in TOPICS:
                await guest.open(topic.slug)
        found.append(memory())
        for guest in guests:
            await guest.__aexit__()
    return found


def memory(port: str) -> float:
    """Resident megabytes of the server on that port."""
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = status.read_bytes().split(b"\0")
        except OSError:
            continue
        if port.encode() in line and b"streamlit" in line:
            statm = (status.parent / "statm").read_text()
            return int(statm.split()[1]) * 4096 / 2**20
    raise RuntimeError("the server is gone")


def in_a_browser(url: str, floor: str, started: tuple[float, float]) -> None:
    """The rows that need a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        row("server start", [started[0]], "ms", [started[1]], "imports come before the first visitor")
        cold = [
            first(browser, *visit)
            for _ in range(VISITS)
            for visit in ((floor, "[data-testid=stSlider]"), (url, "[data-testid=stHeading]"), (url, PICTURE))
        ]
        row("cold visit to the home page", cold[1::3], "ms", cold[::3], "1.3x")
        row("cold visit to the first picture", cold[2::3], "ms", cold[::3], "1.3x")
        page, _ = opened(browser, floor, "[data-testid=stSlider]")
        base = press(page, "floor_x", "[data-testid=stMarkdown]", None)
        page.close()
        for topic, view, key in LEADS:
            page, _ = opened(browser, f"{url}/{topic}?{topic}_view={view}", PICTURE)
            found = press(page, f"{topic}_{key}", ".nnplay-chart", "data-pictures")
            row(f"key to picture, {topic} {view} {key}", found, "ms", base, "3x")
            page.close()
        for topic, view, key in LEADS:
            rate, asked, behind = drag(browser, f"{url}/{topic}?{topic}_view={view}", f"{topic}_{key}")
            what = f"pictures a second while dragging, {topic} {view} {key}"
            row(what, [rate], "/s", [asked], "30, or all that is asked for")
            row(f"the picture behind the pointer, {topic} {view} {key}", behind, "ms", None, "60")
        for run in RUNS:
            topic = run.split("?")[0]
            row(
                f"pictures a second while training, {topic}", train(browser, f"{url}/{run}"), "/s", None, "30"
            )
            row(f"stop pressed to run ended, {topic}", stop(browser, f"{url}/{run}"), "ms", None, "500")
        browser.close()


def many_visitors(url: str) -> None:
    """The rows that need many visitors."""
    alone = asyncio.run(crowd(url, 1, "activations"))
    together = asyncio.run(crowd(url, VISITORS, "activations"))
    row(f"slider to picture sent, {VISITORS} visitors against one", together, "ms", alone, "p95 2x")
    port = url.rsplit(":", 1)[1]
    time.sleep(FORGOTTEN)
    one, *_ = asyncio.run(tour(url, 1, 1, lambda: memory(port)))
    for i, held in enumerate(asyncio.run(tour(url, VISITORS, 3, lambda: memory(port))), 1):
        row(f"memory a visitor, round {i}", [(held - one) / VISITORS], "MB", None, "5, then flat")


def main() -> None:
    logs = Path(tempfile.mkdtemp())
    print(
        "| what | p50 | p95 | floor p50 and p95 | ratio | promised |\n| --- | --- | --- | --- | --- | --- |"
    )
    start = time.perf_counter()
    with serve("benchmarks/floor/app.py", logs / "floor") as floor:
        floor_started = 1000 * (time.perf_counter() - start)
        start = time.perf_counter()
        with serve("app.py", logs / "app") as url:
            in_a_browser(url, floor, (1000 * (time.perf_counter() - start), floor_started))
            many_visitors(url)


if __name__ == "__main__":
    main()
