"""What only a browser shows: links, dragging, clicks, zoom, keys, themes, the phone, no network."""

import json
import re

import pytest
from playwright.sync_api import expect
from serving import NUMBERS, differing, grab, pictures, seen, serve, settled, visit

from nnplay.topics import TOPICS

pytestmark = pytest.mark.browser
PATHS = ["", *(topic.slug for topic in TOPICS)]


@pytest.fixture(scope="module")
def harness(tmp_path_factory):
    with serve("tests/harness/app.py", tmp_path_factory.mktemp("harness") / "log.txt") as url:
        yield url


def test_a_cold_deep_link_opens_that_state_in_its_frame(browser, tmp_path):
    with serve("app.py", tmp_path / "log.txt") as url:  # a server that nobody has visited
        page = browser.new_page()
        visit(page, f"{url}/activations?activations_x=-2.5")
        expect(page.locator(".st-key-activations_x [data-testid=stSliderThumbValue]")).to_have_text("-2.50")
        expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(len(PATHS))
        assert page.get_by_role("dialog").count() == 0
        page.close()


def test_a_shared_link_gives_the_same_numbers_in_another_browser(app, browser, page):
    visit(page, f"{app}/activations")
    for _ in range(5):
        page.locator(".st-key-activations_x input[type=range]").press("ArrowLeft")
    page.wait_for_url(re.compile("activations_x="))
    settled(page)
    expect(page.locator(".st-key-activations_x [data-testid=stSliderThumbValue]")).to_have_text("0.95")
    page.wait_for_function(f"() => ({NUMBERS})().includes('0.95')")
    settled(page)
    other = browser.new_page()
    visit(other, page.url)
    assert json.loads(other.evaluate(NUMBERS)) == json.loads(page.evaluate(NUMBERS))
    other.close()


def test_a_reload_and_the_back_button_restore_the_state(app, page):
    visit(page, f"{app}/activations")
    first = page.locator(".nnplay-links a").first
    first.click()
    expect(first).to_have_attribute("aria-current", "true")
    opened = page.url
    page.reload()
    expect(page.locator(".nnplay-links a").first).to_have_attribute("aria-current", "true")
    page.go_back()
    expect(page.locator(".nnplay-links a[aria-current]")).to_have_count(0)
    page.go_forward()
    expect(page.locator(".nnplay-links a").first).to_have_attribute("aria-current", "true")
    assert page.url == opened


def test_the_picture_moves_while_the_slider_is_still_held(app, page):
    visit(page, f"{app}/activations")
    marks = "[...document.querySelectorAll('.shapelayer path')].map(path => path.getAttribute('d')).join()"
    before, shown = page.evaluate(marks), pictures(page)
    page.evaluate("window.node = document.querySelector('.js-plotly-plot')")
    x, y = grab(page, "activations_x")
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x + 3 * step, y)
        page.wait_for_function("n => document.querySelector('.nnplay-chart').dataset.pictures > n", arg=shown)
        shown = pictures(page)
    assert page.evaluate(marks) != before
    assert "activations_x" not in page.url  # still held: the address waits for the release
    page.mouse.up()
    page.wait_for_url(re.compile("activations_x="))
    assert page.evaluate("window.node === document.querySelector('.js-plotly-plot')")


def test_a_key_press_is_drawn_at_once_and_not_only_when_the_slider_is_let_go(app, page):
    visit(page, f"{app}/activations")
    shown = pictures(page)
    page.evaluate("document.querySelector('.nnplay-chart').chart.report = () => {}")  # nothing by the script
    page.locator(".st-key-activations_x input[type=range]").press("ArrowRight")
    page.wait_for_function("n => document.querySelector('.nnplay-chart').dataset.pictures > n", arg=shown)


def test_x_is_dragged_on_the_chart_itself(app, page):
    visit(page, f"{app}/activations")
    box = page.locator(".nsewdrag").first.bounding_box()
    x, y = box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile("activations_x=-"))
    shown = page.locator(".st-key-activations_x [data-testid=stSliderThumbValue]")
    expect(shown).to_have_text(re.compile(r"^-[12]\.\d\d$"))


def test_zoom_survives_an_update(harness, page):
    visit(page, harness)
    page.evaluate("Plotly.relayout(document.querySelector('.js-plotly-plot'), {'xaxis.range': [0, 1]})")
    page.get_by_label("Step forward").click()
    expect(page.locator(".nnplay-chart .label")).to_have_text("step 1")
    assert page.evaluate("document.querySelector('.js-plotly-plot').layout.xaxis.range") == [0, 1]


def test_a_click_on_a_cell_comes_back(harness, page):
    visit(page, harness)
    box = page.locator(".nsewdrag").first.bounding_box()
    x, y = (
        box["x"] + box["width"] * 2.5 / 4,
        box["y"] + box["height"] * 1.5 / 3,
    )  # the middle row, third column
    page.mouse.move(x, y)
    expect(page.locator(".nnplay-chart .label")).to_have_text("step 6")  # hovering shows the cell's own frame
    page.mouse.click(x, y)
    expect(page.get_by_text("Clicked: trace 0 cell (1, 2)")).to_be_visible()


def test_frames_are_played_stepped_and_scrubbed_by_mouse_and_keyboard(harness, page):
    visit(page, harness)
    label = page.locator(".nnplay-chart .label")
    page.get_by_label("Step forward").click()
    expect(label).to_have_text("step 1")
    expect(page.get_by_text("Position: 1")).to_be_visible()
    page.get_by_label("Frame of cells").press("ArrowRight")
    expect(label).to_have_text("step 2")
    page.locator("body").press("Space")
    expect(label).to_have_text("step 11")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()  # it ends by itself


def test_a_growing_run_is_asked_for_until_it_ends(harness, page):
    visit(page, f"{harness}/?grow=true", charts=2)
    expect(page.get_by_text("Computed: 40")).to_be_visible()
    expect(page.locator(".nnplay-chart .label").nth(1)).to_have_text("epoch 39")


def test_a_closed_tab_asks_no_more(app, context, harness):
    """A run goes on only while a browser asks for it: with the tab, the asking ends."""
    page = context.new_page()
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append(1)))
    visit(page, f"{harness}/?grow=true", charts=2)
    page.close()
    assert sent


def test_a_fault_is_a_sentence_and_a_way_back(harness, page):
    visit(page, f"{harness}/?fault=true")
    expect(page.get_by_text("ran into a fault of its own")).to_be_visible()
    assert "secret" not in page.inner_text("body")
    assert "Traceback" not in page.inner_text("body")
    expect(page.get_by_role("link", name="Start this page afresh")).to_be_visible()


def test_a_missing_plotly_is_said_in_the_page(app, page):
    page.route("**/plotly.min.js*", lambda route: route.abort())
    visit(page, f"{app}/activations", charts=0)
    expect(page.get_by_text("could not be loaded from this server")).to_be_visible()


def test_presenter_mode_by_key_and_by_address(app, page):
    visit(page, f"{app}/activations")
    size = "getComputedStyle(document.documentElement).fontSize"
    page.locator("body").press("p")
    page.wait_for_url(re.compile("present=true"))
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    page.wait_for_function(f"() => {size} === '20px'")
    links = page.locator(".nnplay-links a")
    page.locator("body").press("PageDown")
    expect(links.nth(0)).to_have_attribute("aria-current", "true")
    page.locator("body").press("PageDown")
    expect(links.nth(1)).to_have_attribute("aria-current", "true")
    page.locator("body").press("PageUp")
    expect(links.nth(0)).to_have_attribute("aria-current", "true")
    assert "present=true" in page.url
    page.locator("body").press("p")
    expect(page.get_by_test_id("stSidebar")).to_be_visible()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_without_network_in_its_colors_and_without_barriers(app, browser, path, scheme):
    """No other host is asked, no error is logged, charts wear the page's colors, axe finds nothing."""
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page, foreign, errors = context.new_page(), [], []
    context.route(
        lambda url: "127.0.0.1" not in url, lambda route: (foreign.append(route.request.url), route.abort())
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    visit(page, f"{app}/{path}")
    if path:  # a card has no background of its own
        background, paper = page.evaluate(
            """() => [getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor,
                      getComputedStyle(document.querySelector('.main-svg')).backgroundColor]"""
        )
        assert background == paper
    found = Axe().run(page, context={"include": [["[data-testid=stMain]"]]}).response["violations"]
    serious = [v["id"] for v in found if v["impact"] in ("serious", "critical")]
    assert (foreign, errors, serious) == ([], [], [])
    context.close()


def test_the_chart_follows_a_change_of_theme(app, page):
    visit(page, f"{app}/activations")
    paper = "getComputedStyle(document.querySelector('.main-svg')).backgroundColor"
    light = page.evaluate(paper)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"light => {paper} !== light", arg=light)


@pytest.mark.parametrize("path", PATHS)
def test_a_phone_sees_all_of_it(app, browser, path):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    visit(page, f"{app}/{path}")
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    context.close()


def test_a_card_opens_its_topic(app, page):
    visit(page, app, charts=len(TOPICS))
    page.get_by_test_id("stMain").get_by_role("link", name=TOPICS[0].title).click()
    page.wait_for_url(f"**/{TOPICS[0].slug}")
    expect(page.get_by_role("heading", name=TOPICS[0].title)).to_be_visible()


def test_the_cards_need_no_plotly(app, page):
    page.route("**/plotly.min.js*", lambda route: route.abort())
    visit(page, app, charts=len(TOPICS))
    assert page.locator(".nnplay-chart svg[aria-hidden]").count() == len(TOPICS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_cards_look_as_plotly_draws_them(app, page, scheme):
    page.emulate_media(color_scheme=scheme)
    visit(page, app, charts=len(TOPICS))
    page.wait_for_function("() => window.Plotly")  # loaded for the page that is opened next
    for i, topic in enumerate(TOPICS):
        plot = page.locator(".nnplay-chart .plot").nth(i)
        own = seen(plot)
        plot.evaluate("""plot => { const { data, layout } = plot.closest('.nnplay-chart').chart.spec;
            const { clientWidth: width, clientHeight: height } = plot;
            plot.replaceChildren();
            const sized = { ...layout, width, height, autosize: false };
            return Plotly.newPlot(plot, data, sized, { staticPlot: true }); }""")
        assert differing(own, seen(plot)) < 0.02, topic.slug
        assert own.std() > 10


@pytest.mark.parametrize("path", PATHS[1:])
def test_the_main_picture_and_its_controls_are_on_the_first_screen(app, page, path):
    visit(page, f"{app}/{path}")
    chart = page.locator(".nnplay-chart .plot").first.bounding_box()
    slider = page.locator(f"[class*=st-key-{path}_]").nth(2).bounding_box()
    assert chart["y"] + chart["height"] <= 900
    assert slider["y"] + slider["height"] <= 900
