"""The Overfitting page in a browser: dragging, clicks, a run that is played and stopped, files, the phone."""

import io
import re

import pytest
import torch
from playwright.sync_api import expect
from serving import grab, pictures, settled, visit

pytestmark = pytest.mark.browser
FIGURE = "document.querySelector('.js-plotly-plot')"
LABEL = ".nnplay-chart .label"
LONG = 60_000
VIEWS = ("Capacity", "Training", "Remedies", "Bias and variance", "Double descent")


def address(app, view, **given):
    query = "&".join(f"overfitting_{name}={value}" for name, value in {"view": view, **given}.items())
    return f"{app}/overfitting?{query}"


def test_the_degree_is_dragged(app, page):
    visit(page, address(app, "Capacity"))
    axes = f"() => ['xaxis2', 'yaxis2'].map(name => {FIGURE}._fullLayout[name].range)"
    before, shown = page.evaluate(axes), pictures(page)
    x, y = grab(page, "overfitting_degree")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 70, y, steps=6)
    expect(page.get_by_text(re.compile("degree 1[0-5]")).first).to_be_visible()  # while it is still held
    assert "degree" not in page.url
    assert pictures(page) > shown
    page.mouse.up()
    page.wait_for_url(re.compile("overfitting_degree=1[0-5]"))
    assert page.evaluate(axes) == before


def test_a_click_on_a_curve_sets_the_degree(app, page):
    visit(page, address(app, "Capacity"))
    place = page.evaluate(
        f"""() => {{ const box = {FIGURE}.getBoundingClientRect();
            const {{ xaxis2, yaxis2 }} = {FIGURE}._fullLayout;
            const line = {FIGURE}._fullData[5];
            return [box.x + xaxis2._offset + xaxis2.d2p(2),
                    box.y + yaxis2._offset + yaxis2.d2p(line.y[2])]; }}"""
    )
    page.mouse.click(*place)
    page.wait_for_url(re.compile("overfitting_degree=2"))
    expect(page.get_by_text("degree 2").first).to_be_visible()


@pytest.mark.parametrize(("view", "epochs"), [("Training", 60), ("Remedies", 60)])
def test_a_run_is_played_to_its_end_and_scrubbed_back(app, page, view, epochs):
    visit(page, address(app, view, epochs=epochs))
    expect(page.get_by_role("button", name="Run again")).to_be_visible(timeout=LONG)
    expect(page.locator(LABEL)).to_have_text(f"epoch {epochs}", timeout=LONG)
    page.locator(".nnplay-chart .scrub").press("Home")
    expect(page.locator(LABEL)).to_have_text("epoch 0")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator(LABEL)).to_have_text(f"epoch {epochs}", timeout=LONG)


def test_a_run_stops_and_goes_on(app, page):
    page.goto(address(app, "Training", epochs=1000, width=64))
    expect(page.locator(LABEL)).to_have_text(re.compile("epoch [1-9]"), timeout=LONG)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    settled(page)
    last = page.locator(".nnplay-chart .scrub").get_attribute("max")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.wait_for_function(
        "last => +document.querySelector('.nnplay-chart .scrub').max > last", arg=int(last)
    )


def test_the_best_weights_are_taken_home(app, page):
    visit(page, address(app, "Training", epochs=20, below="Take+home"))
    expect(page.get_by_role("button", name="Run again")).to_be_visible(timeout=LONG)
    expect(page.get_by_role("button", name="last.pt")).to_be_visible()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="best.pt").click()
    with open(download.value.path(), "rb") as file:
        state = torch.load(io.BytesIO(file.read()), weights_only=True)
    assert [tuple(value.shape) for value in state.values()][:2] == [(32, 2), (32,)]
    assert download.value.suggested_filename == "best.pt"


@pytest.mark.parametrize("view", VIEWS)
def test_on_a_phone_nothing_is_wider_than_the_page(app, page, view):
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, address(app, view, epochs=20))
    assert page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth") <= 0


@pytest.mark.parametrize("view", VIEWS)
def test_chart_and_first_control_are_on_the_first_screen(app, page, view):
    visit(page, address(app, view, epochs=20))
    chart = page.locator(".js-plotly-plot").first.bounding_box()
    assert chart["y"] + chart["height"] <= 900
    control = page.locator("[class*=st-key-overfitting_]").first.bounding_box()
    assert control["y"] < 900


def test_an_experiment_opens_its_view(app, page):
    visit(page, f"{app}/overfitting")
    page.get_by_role("link", name="L1 empties the net").click()
    page.wait_for_url(re.compile("overfitting_l1=0.2"))
    expect(page.get_by_text(re.compile(r"\d+ of 1120")).first).to_be_visible()


def test_in_presenter_mode_type_keeps_its_size(app, page):
    visit(page, address(app, "Capacity") + "&present=true")
    size = f"() => {FIGURE}._fullLayout.font.size"
    before = page.evaluate(size)
    for _ in range(3):
        shown = pictures(page)
        page.locator(".st-key-overfitting_degree input[type=range]").press("ArrowRight")
        page.wait_for_function("n => document.querySelector('.nnplay-chart').dataset.pictures > n", arg=shown)
    assert before > 15
    assert page.evaluate(size) == before
