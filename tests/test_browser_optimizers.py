"""The Optimizers page in a browser: clicks, dragging, the player and its rule, 3-D, the phone."""

import json
import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect
from test_browser import NUMBERS, grab, pictures, settled, visit

pytestmark = pytest.mark.browser
FIGURE = "document.querySelector('.js-plotly-plot')"
LABEL = ".nnplay-chart .label"
# Trace i as drawn: its x and y, as numbers.
TRACE = f"i => ['x', 'y'].map(axis => [...{FIGURE}._fullData[i][axis]].map(Number))"


def click_at(page, x: float, y: float) -> None:
    """Click where the first pair of axes has these coordinates."""
    place = page.evaluate(
        f"""([x, y]) => {{ const box = {FIGURE}.getBoundingClientRect(), layout = {FIGURE}._fullLayout;
            return [box.x + layout.xaxis._offset + layout.xaxis.d2p(x),
                    box.y + layout.yaxis._offset + layout.yaxis.d2p(y)]; }}""",
        [x, y],
    )
    page.mouse.click(*place)


def held(page, name: str) -> float:
    return float(page.locator(f".st-key-optimizers_{name} [data-testid=stSliderThumbValue]").inner_text())


def choose(page, name: str, option: str) -> None:
    page.locator(f".st-key-optimizers_{name} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_click_on_the_surface_sets_the_start_and_a_link_gives_the_same_paths(app, browser, page):
    visit(page, f"{app}/optimizers")
    click_at(page, -2.0, 3.0)
    page.wait_for_url(re.compile(r"start_x=-(1\.9|2\.0).*start_y=(2\.9|3\.0)"))
    settled(page)
    start = [held(page, "start_x"), held(page, "start_y")]
    page.wait_for_function(f"x => Math.abs(({TRACE})(3)[0][0] - x) < 1e-5", arg=start[0])
    for path in range(3, 7):
        x, y = page.evaluate(TRACE, path)
        assert [x[0], y[0]] == pytest.approx(start, abs=1e-5)
    other = browser.new_page(viewport={"width": 1440, "height": 900})
    visit(other, page.url)
    assert json.loads(other.evaluate(NUMBERS)) == json.loads(page.evaluate(NUMBERS))
    other.close()


def test_a_click_beside_the_surface_changes_nothing(app, page):
    visit(page, f"{app}/optimizers")
    box = page.locator(".nsewdrag").nth(1).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    settled(page)
    assert "start" not in page.url


def test_a_click_on_the_plane_sets_learning_rate_and_momentum(app, page):
    visit(page, f"{app}/optimizers?optimizers_view=Learning+rate")
    click_at(page, 0.3, 0.7)
    page.wait_for_url(re.compile("optimizers_lr=0.*optimizers_momentum=0"))
    settled(page)
    assert held(page, "lr") == pytest.approx(0.3, rel=0.05)
    assert held(page, "momentum") == pytest.approx(0.7, abs=0.02)


def test_the_learning_rate_is_dragged_past_the_limit(app, page):
    visit(page, f"{app}/optimizers?optimizers_view=Learning+rate&optimizers_lr=0.15")
    axes = f"() => ['xaxis2', 'yaxis2', 'xaxis3', 'yaxis3'].map(name => {FIGURE}._fullLayout[name].range)"
    before, shown = page.evaluate(axes), pictures(page)
    expect(page.get_by_text("diverged at step")).to_have_count(0)
    x, y = grab(page, "optimizers_lr")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 45, y, steps=5)
    expect(page.get_by_text("diverged at step")).to_be_visible()  # while it is still held
    assert "lr=0.15" in page.url
    assert pictures(page) > shown
    page.mouse.up()
    page.wait_for_url(re.compile(r"lr=(0\.[2-9]|1)"))
    assert page.evaluate(axes) == before


def test_the_rule_follows_the_player(app, page):
    visit(page, f"{app}/optimizers?optimizers_shown=Adam")
    rule = page.get_by_test_id("stCode").first
    expect(page.get_by_text("Step 100 of Adam")).to_be_visible()
    page.locator(".nnplay-chart .scrub").first.press("Home")
    for step in range(1, 4):
        page.get_by_label("Step forward").first.click()
        expect(page.locator(LABEL).first).to_have_text(f"step {step}")
    expect(page.get_by_text("Step 3 of Adam")).to_be_visible()
    expect(rule).to_contain_text("1 - 0.9**3")
    settled(page)
    x, y = page.evaluate(TRACE, 6)
    assert len(x) == 4  # the start and three steps
    written = re.search(r"by torch = \((\S+), (\S+)\)", rule.inner_text())
    assert [float(number) for number in written.groups()] == pytest.approx([x[-1], y[-1]], rel=1e-6)
    page.get_by_role("button", name="Play", exact=True).first.click()
    expect(page.locator(LABEL).first).to_have_text("step 100")
    expect(page.get_by_text("Step 100 of Adam")).to_be_visible()


def test_another_surface_brings_its_start_and_rates_and_an_experiment_its_own(app, page):
    visit(page, f"{app}/optimizers?optimizers_start_x=2.0")
    choose(page, "surface", "Rosenbrock")
    page.wait_for_url(re.compile("start_x=-1.5"))
    settled(page)
    assert [held(page, "start_x"), held(page, "start_y"), held(page, "sgd_lr")] == [-1.5, 2.5, 0.0005]
    page.get_by_role("button", name="Nesterov").click()
    page.wait_for_url(re.compile("nesterov_lr=0.0005"))
    choose(page, "surface", "Bowl")
    page.wait_for_url(re.compile("start_x=-3.5"))
    settled(page)
    assert held(page, "nesterov_lr") == 0.1
    page.get_by_role("link", name="A saddle holds SGD up").click()
    expect(page.locator(".nnplay-links a[aria-current]")).to_have_text(re.compile("A saddle"))
    settled(page)
    assert [held(page, "start_x"), held(page, "start_y"), held(page, "sgd_lr")] == [-1.7, 0.01, 0.1]


def test_an_experiment_is_left_by_a_setting_not_by_a_look_and_the_next_one_follows(app, page):
    visit(page, f"{app}/optimizers?present=true")
    page.locator("body").press("PageDown")
    links, look = page.locator(".nnplay-links a"), page.locator(".nnplay-links .look")
    expect(links.nth(0)).to_have_attribute("aria-current", "true")
    settled(page)
    page.get_by_role("tab", name="Momentum").click()
    page.wait_for_url(re.compile("shown=Momentum"))
    expect(page.get_by_text(re.compile(r"Step \d+ of Momentum"))).to_be_visible()
    expect(look).to_contain_text("Across the ravine")
    page.locator(".st-key-optimizers_condition_number input[type=range]").press("ArrowRight")
    expect(look).to_have_text("")
    page.keyboard.press("PageDown")  # the slider has the focus, a presenter's clicker comes first
    expect(links.nth(1)).to_have_attribute("aria-current", "true")


def test_a_run_that_diverged_is_marked_on_the_border(app, page):
    visit(page, f"{app}/optimizers?optimizers_surface=Rosenbrock&optimizers_sgd_lr=0.2")
    expect(page.get_by_text("SGD diverged at step")).to_be_visible()
    assert page.evaluate(f"{FIGURE}._fullLayout.yaxis.range") == [-1, 3]
    x, y = page.evaluate(TRACE, 13)
    assert x[0] in (-2, 2) or y[0] in (-1, 3)


def test_in_three_dimensions_and_back(app, page):
    visit(page, f"{app}/optimizers")
    page.evaluate(f"window.node = {FIGURE}")
    for label, kind in (("In 3-D", "surface"), ("From above", "contour")):
        page.get_by_role("radio", name=label).click()
        page.wait_for_function(f"kind => {FIGURE}._fullData[0].type === kind", arg=kind)
    assert page.evaluate(f"window.node === {FIGURE}")


@pytest.mark.parametrize("view", ["Race", "Learning rate", "Schedules", "Mini-batches"])
def test_on_a_phone_the_parts_stand_one_below_the_other(app, page, view):
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, f"{app}/optimizers?optimizers_view={view}")
    stacked = f"""() => {FIGURE}._fullLayout._subplots.yaxis.map(
        id => {FIGURE}._fullLayout['yaxis' + id.slice(1)].domain)"""
    domains = sorted(page.evaluate(stacked))
    assert all(below[1] < above[0] for below, above in pairwise(domains))
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    page.set_viewport_size({"width": 1440, "height": 900})
    page.wait_for_function(f"() => ({stacked})().some(domain => domain[1] - domain[0] > 0.9)")
