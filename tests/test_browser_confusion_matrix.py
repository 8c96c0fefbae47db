"""The Confusion matrix page in a browser: a run in sight, cells and boxes by click, a dragged threshold."""

import re

import pytest
from playwright.sync_api import expect
from serving import grab, hit, pictures, settled, visit

pytestmark = pytest.mark.browser
FIGURE = "document.querySelector('.js-plotly-plot')"
CHART = "document.querySelector('.nnplay-chart').chart"
LABEL = ".nnplay-chart .label"
LONG = 60_000
VIEWS = ("Matrix", "Metrics", "One against the rest", "Average precision", "Detection")
SCORED = "label,cat,dog\n" + "cat,0.9,0.1\ndog,0.2,0.8\ncat,0.4,0.6\n" * 5


def address(app, view, **given):
    query = "&".join(f"confusion_matrix_{name}={value}" for name, value in {"view": view, **given}.items())
    return f"{app}/confusion_matrix?{query}"


def place(page, x: float, y: float, on: str = "") -> tuple[float, float]:
    """Where a point of the axes `on` is on the screen."""
    return tuple(
        page.evaluate(
            f"""([x, y]) => {{ const box = {FIGURE}.getBoundingClientRect();
                const {{ xaxis{on}: xa, yaxis{on}: ya }} = {FIGURE}._fullLayout;
                return [box.x + xa._offset + xa.d2p(x), box.y + ya._offset + ya.d2p(y)]; }}""",
            [x, y],
        )
    )


def notes(page) -> str:
    return page.evaluate(f"{FIGURE}.layout.annotations.map(note => note.text).join(' ')")


def test_the_classifier_is_trained_in_sight_and_played_again(app, page):
    page.goto(address(app, "Matrix", samples=1200, seed=3))
    expect(page.locator(LABEL)).to_have_text("epoch 14", timeout=LONG)
    expect(page.get_by_role("button", name="Run again")).to_be_visible(timeout=LONG)
    settled(page)
    last = notes(page)
    page.locator(".nnplay-chart .scrub").press("Home")
    expect(page.locator(LABEL)).to_have_text("epoch 0")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator(LABEL)).to_have_text("epoch 14", timeout=LONG)
    settled(page)
    assert notes(page) == last
    texts = page.locator(".textpoint text").all_text_contents()
    counts = [int(text) for text in texts if text.strip().isdecimal()]
    assert sum(counts) == 597  # every test digit is in a cell that shows its number


def test_a_cell_is_chosen_by_click_and_by_key_and_the_end_stays_the_end(app, page):
    visit(page, address(app, "Matrix", model="k+nearest"))
    hit(page, *place(page, 8, 3))
    page.wait_for_url(re.compile("predicted=8"))
    assert "true=3" in page.url
    expect(page.get_by_text(re.compile("true 3, predicted 8")).first).to_be_visible()
    page.locator(".st-key-confusion_matrix_true input[type=range]").press("ArrowRight")
    expect(page.get_by_text(re.compile("true 4, predicted 8")).first).to_be_visible()
    visit(page, address(app, "Matrix"))
    expect(page.locator(LABEL)).to_have_text("epoch 14", timeout=LONG)
    hit(page, *place(page, 4, 4))
    expect(page.get_by_text(re.compile("true 4, predicted 4")).first).to_be_visible()
    settled(page)
    expect(page.locator(LABEL)).to_have_text("epoch 14")


def test_a_confused_pair_leads_to_its_images(app, page):
    visit(page, address(app, "Matrix", model="k+nearest"))
    hit(page, *place(page, 3.6, 50.9, "2"))
    expect(page.get_by_text(re.compile("true 8, predicted 1")).first).to_be_visible()


def test_a_row_of_the_metrics_is_chosen_by_click(app, page):
    visit(page, address(app, "Metrics"))
    hit(page, *place(page, 2, 4))
    page.wait_for_url(re.compile("row=4"))
    expect(page.get_by_text("against the rest:").first).to_be_visible()
    page.wait_for_function(f"() => {FIGURE}.layout.shapes[0].y0 === 3.5")


def test_the_threshold_is_dragged_on_the_scores_and_everything_follows(app, page):
    visit(page, address(app, "One against the rest"))
    before, shown = notes(page), pictures(page)
    drawn = int(page.locator(".nnplay-chart").first.get_attribute("data-drawn"))
    page.evaluate(f"() => {{ {CHART}.drawSoon = () => {{}}; }}")  # a pause of the pointer is no rest
    x, y = place(page, 0.5, 1)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(x - 12 * step, y)
        page.wait_for_function("n => document.querySelector('.nnplay-chart').dataset.pictures > n", arg=shown)
        shown = pictures(page)
    # moved, and not drawn anew by Plotly
    assert int(page.locator(".nnplay-chart").first.get_attribute("data-drawn")) == drawn
    page.evaluate(f"() => {{ delete {CHART}.drawSoon; {CHART}.drawSoon(); }}")
    page.mouse.up()
    page.wait_for_url(re.compile(r"threshold=0\.[23]"))
    settled(page)
    page.wait_for_function(f"() => {FIGURE}.layout.shapes[0].x0 < 0.4")
    assert notes(page) != before
    recall = float(re.search(r"recall = .*?<b>([\d.]+)</b>", notes(page))[1])
    assert page.evaluate(f"{FIGURE}.data.at(-4).y[0]") == pytest.approx(recall, abs=1e-3)


def test_a_bar_chooses_the_class(app, page):
    visit(page, address(app, "Average precision"))
    hit(page, *place(page, 2, 0.5, "2"))
    page.wait_for_url(re.compile("positive=2"))
    expect(page.get_by_text("class 2: AP").first).to_be_visible()


def test_a_box_is_chosen_and_moved_on_the_picture(app, page):
    visit(page, address(app, "Detection"))
    x, y = place(page, 45.5, 64)  # of a false box the name stands at its foot
    hit(page, x + 8, y - 8)
    page.wait_for_url(re.compile("box=G"))
    expect(page.locator(".st-key-confusion_matrix_x [data-testid=stSliderThumbValue]")).to_have_text("45")
    page.wait_for_function(f"() => {FIGURE}.layout.shapes[5].path.startsWith('M44,39')")
    settled(page)
    page.mouse.move(*place(page, 82, 64))
    page.wait_for_function(f"() => {FIGURE}._hoverdata?.[0].curveNumber === 0")  # Plotly has seen the move
    hit(page, *place(page, 82, 64))
    page.wait_for_url(re.compile("x=73"))
    page.wait_for_function(f"() => {FIGURE}.layout.annotations[0].text.includes('5 matched')")
    settled(page)
    x, y = grab(page, "confusion_matrix_iou")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 90, y, steps=5)
    expect(page.get_by_text("1 matched").first).to_be_visible()  # while it is still held
    page.mouse.up()
    page.wait_for_url(re.compile("iou=0[.][89]"))


def test_a_box_is_dragged_and_its_match_follows_while_it_is_held(app, page):
    visit(page, address(app, "Detection"))
    page.evaluate("document.querySelector('.nnplay-chart').chart.report = () => {}")  # nothing by the script
    page.mouse.move(*place(page, 36, 67))
    page.mouse.down()
    page.mouse.move(*place(page, 60, 40), steps=5)
    expect(page.get_by_text("3 matched").first).to_be_visible()  # D has left its 9
    page.mouse.move(*place(page, 32, 64), steps=5)
    expect(page.get_by_text("4 matched").first).to_be_visible()
    assert "confusion_matrix_x" not in page.url
    page.mouse.up()
    page.wait_for_url(re.compile("x=2[123]"))
    page.wait_for_url(re.compile("y=(49|50|51)"))
    expect(page.get_by_text("4 matched").first).to_be_visible()


def test_a_file_of_predictions_is_judged_and_leaves_no_trace_in_the_address(app, page):
    visit(page, address(app, "One against the rest", data="your+CSV"))
    expect(page.get_by_text("There is no file yet").first).to_be_visible()
    file = {"name": "mine.csv", "mimeType": "text/csv", "buffer": SCORED.encode()}
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text(re.compile("predicted.?dog")).first).to_be_visible()
    settled(page)
    assert "cat" not in page.url
    bad = {"name": "mine.csv", "mimeType": "text/csv", "buffer": b"label,cat,dog\ncow,0.5,0.5\ncat,0.1,0.9"}
    page.locator("input[type=file]").set_input_files(bad)
    expect(page.get_by_text('The label "cow" is not the name of any column').first).to_be_visible()


def test_the_predictions_are_taken_home(app, page):
    visit(page, address(app, "Matrix", below="Take+home", model="k+nearest"))
    with page.expect_download() as download:
        page.get_by_role("button", name="predictions.csv").click()
    with open(download.value.path(), encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert lines[0] == "label,0,1,2,3,4,5,6,7,8,9"
    assert len(lines) == 598


@pytest.mark.parametrize("view", VIEWS)
def test_on_a_phone_nothing_is_wider_than_the_page(app, page, view):
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, address(app, view, model="k+nearest"))
    assert page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth") <= 0


@pytest.mark.parametrize("view", VIEWS)
def test_chart_and_first_control_are_on_the_first_screen(app, page, view):
    visit(page, address(app, view))
    chart = page.locator(".js-plotly-plot").first.bounding_box()
    assert chart["y"] + chart["height"] <= 900
    control = page.locator("[class*=st-key-confusion_matrix_]").nth(3).bounding_box()
    assert control["y"] + control["height"] < 900


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS[1:])
def test_every_view_is_without_barriers(app, browser, view, scheme):
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    visit(page, address(app, view, model="k+nearest"))
    found = Axe().run(page, context={"include": [["[data-testid=stMain]"]]}).response["violations"]
    context.close()
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
