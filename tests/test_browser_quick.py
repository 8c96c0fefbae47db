"""What is moved without Plotly (nnplay/ui/quick.js) looks as Plotly itself draws it."""

import pytest
from serving import differing, grab, pictures, seen, visit

pytestmark = pytest.mark.browser

# Topic, view, slider, and how many steps it is moved.
MOVES = [
    ("activations", "Curves", "x", 9),
    ("activations", "Softmax", "temperature", 2),
    ("activations", "Depth&activations_depth=14", "depth", 2),
    ("convolution", "Kernel", "kernel_height", 2),
    ("convolution", "Down and up", "factor", 1),
    ("convolution", "Transposed", "pad", 1),
    ("convolution", "Images", "kernel_height", 2),
    ("convolution", "Feature maps", "sample", 1),
    ("optimizers", "Learning rate", "lr", 3),
    ("optimizers", "Schedules", "noise", 1),
    ("optimizers", "Mini-batches", "batch_size", 2),
    ("overfitting", "Double descent", "features", 2),
]
HOLD = """() => { const chart = document.querySelector('.nnplay-chart').chart;
    chart.drawSoon = chart.report = () => {}; }"""
# On the axes that are there: while a chart is moved they hold still, and only at rest do they fit again.
DRAW = """() => { const chart = document.querySelector('.nnplay-chart').chart;
    for (const [name, held] of Object.entries(chart.plot._fullLayout)) {
        const axis = /^[xy]axis/.test(name) && chart.spec.layout[name];
        if (axis?.range) axis.range = [...held.range];
    }
    return chart.redraw(); }"""
ANSWERED = """() => { const { asked, question, busy } = document.querySelector('.nnplay-chart').chart;
    return !asked && !question && !busy; }"""
PLOT = ".nnplay-chart .plot"
DRAWN = "() => +document.querySelector('.nnplay-chart').dataset.drawn"


@pytest.mark.parametrize(("topic", "view", "key", "steps"), MOVES)
def test_what_is_moved_looks_as_plotly_draws_it(app, page, topic, view, key, steps):
    visit(page, f"{app}/{topic}?{topic}_view={view}")
    page.evaluate(HOLD)
    before, drawn = seen(page.locator(PLOT).first), page.evaluate(DRAWN)
    slider = page.locator(f".st-key-{topic}_{key} input[type=range]")
    for _ in range(steps):
        shown = pictures(page)
        slider.press("ArrowRight")
        page.wait_for_function("n => document.querySelector('.nnplay-chart').dataset.pictures > n", arg=shown)
    page.wait_for_function(ANSWERED)
    page.mouse.move(5, 5)
    assert page.evaluate(DRAWN) == drawn  # all of it moved, nothing drawn
    moved = seen(page.locator(PLOT).first)
    page.evaluate(DRAW)
    after = seen(page.locator(PLOT).first)
    assert differing(before, after) > 0.0005  # something has happened
    assert differing(moved, after) < (0.002 if view == "Transposed" else 0.0005)  # headings, by half a pixel


def test_frames_are_moved_and_end_as_plotly_draws_them(app, page):
    visit(page, f"{app}/optimizers?optimizers_view=Schedules")
    page.evaluate(HOLD)
    drawn = page.evaluate(DRAWN)
    scrub = page.get_by_label(
        "Frame of Learning rate and distance to the minimum at every step, and the path"
    )
    for _ in range(3):
        scrub.press("PageDown")
    assert page.evaluate(DRAWN) == drawn
    moved = seen(page.locator(PLOT).first)
    page.evaluate(DRAW)
    assert differing(moved, seen(page.locator(PLOT).first)) < 0.0005


def test_a_drag_on_the_chart_ends_drawn_by_plotly(app, page):
    visit(page, f"{app}/activations")
    x, y = grab(page, "activations_x")
    drawn = page.evaluate(DRAWN)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=4)
    page.mouse.up()
    page.wait_for_function(f"n => ({DRAWN})() > n", arg=drawn)
