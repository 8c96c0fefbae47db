"""The Playground in a browser: it trains, plays, forks; the drawn net is clicked; links; a closed tab."""

import json
import re

import pytest
from playwright.sync_api import expect
from serving import hit, settled, visit

pytestmark = pytest.mark.browser
CHART = "document.querySelector('.nnplay-chart').chart"
FIGURE = "document.querySelector('.js-plotly-plot')"
LABEL = ".nnplay-chart .label >> nth=0"
# The numbers in the picture: weights as shown on hover, biases, losses.
NUMBERS = f"""() => JSON.stringify([3, 4, 8, 9].map(i => ['y', 'customdata'].map(
    name => {FIGURE}._fullData[i][name] && [...{FIGURE}._fullData[i][name]].map(Number))))"""
DONE = (
    f"() => {CHART}?.frames.length && !{CHART}.data.frames.growing"
    f" && !{CHART}.playing && !{CHART}.owed && !{CHART}.busy"
)
SHORT = "playground_epochs=20&playground_samples=100"


def finished(page) -> None:
    """The run has ended, and the player has played all of it."""
    page.wait_for_function(DONE)
    settled(page)


def place(page, trace: int, point: int) -> list[float]:
    """Where a point of a trace is on the screen."""
    return page.evaluate(
        f"""([trace, point]) => {{ const box = {FIGURE}.getBoundingClientRect();
            const of = {FIGURE}._fullData[trace], layout = {FIGURE}._fullLayout;
            const [xa, ya] = [of.xaxis, of.yaxis].map(id => layout[id.replace(/^([xy])/, '$1axis')]);
            const [x, y] = [xa.d2p(of.x[point]), ya.d2p(of.y[point])];
            return [box.x + xa._offset + x, box.y + ya._offset + y]; }}""",
        [trace, point],
    )


def click(page, trace: int, point: int) -> None:
    settled(page)
    hit(page, *place(page, trace, point), trace, point)


def press(page, button: str) -> None:
    """A button of the first chart's player."""
    page.locator(f".nnplay-chart .player .{button} >> nth=0").click()


def drawn_units(page, n: int) -> None:
    """Wait for a run of a net of so many units, output included, and for its end."""
    page.wait_for_function(f"n => {FIGURE}._fullData[5].x.length === 7 + n", arg=n)
    finished(page)


def test_it_trains_plays_and_can_be_scrubbed_back(app, page):
    visit(page, f"{app}/playground?{SHORT}")
    finished(page)
    label = page.locator(LABEL)
    expect(label).to_have_text("epoch 20")
    end = page.evaluate(NUMBERS)
    press(page, "first")
    expect(label).to_have_text("epoch 0")
    press(page, "next")
    expect(label).to_have_text("epoch 1")
    press(page, "back")
    expect(label).to_have_text("epoch 0")
    finished(page)
    assert page.evaluate(NUMBERS) != end
    press(page, "toggle")
    expect(label).to_have_text("epoch 20")
    finished(page)
    assert page.evaluate(NUMBERS) == end


def test_every_moment_is_drawn_without_a_blank_frame(app, page):
    visit(page, f"{app}/playground?{SHORT}")
    finished(page)
    drawn, blank = page.evaluate(
        f"""async () => {{ let drawn = 0, blank = 0;
            for (let t = 0; t <= 20; t++) {{
                {CHART}.apply(t); await {CHART}.draw(); drawn++;
                const images = [...document.querySelectorAll('.imagelayer image')];
                const source = image => image.getAttribute('xlink:href') ?? image.getAttribute('href');
                blank += images.length !== 5 || !images.every(source);
            }} return [drawn, blank]; }}"""
    )
    assert (drawn, blank) == (21, 0)


def test_a_link_gives_the_same_run_elsewhere(app, browser, page):
    address = f"{app}/playground?{SHORT}&playground_dataset=Spiral&playground_edits=5:1.2.1%3D0.5"
    visit(page, address)
    finished(page)
    other = browser.new_page(viewport={"width": 1440, "height": 900})
    visit(other, page.url)
    finished(other)
    assert json.loads(other.evaluate(NUMBERS)) == json.loads(page.evaluate(NUMBERS))
    other.close()


def test_a_run_is_stopped_and_goes_on(app, page):
    visit(page, f"{app}/playground?playground_epochs=5000&playground_samples=2000")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    settled(page)
    reached = page.evaluate(f"{CHART}.frames.length")
    assert not page.evaluate(f"{CHART}.data.frames.growing")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_function(f"n => {CHART}.frames.length > n", arg=reached)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()


def test_units_and_layers_are_added_and_removed_on_the_drawn_net(app, page):
    visit(page, f"{app}/playground?{SHORT}")
    finished(page)
    click(page, 7, 0)  # one more unit in the first layer
    drawn_units(page, 8)
    assert "units_1=5" in page.url
    click(page, 7, 3)  # one fewer in the second
    drawn_units(page, 7)
    assert "units_2=1" in page.url
    last = page.evaluate(f"{FIGURE}._fullData[7].x.length") - 1
    click(page, 7, last)  # one fewer layer
    drawn_units(page, 6)
    assert "hidden_layers=1" in page.url
    click(page, 5, 2)  # the input x1²
    page.wait_for_function(
        "() => new URLSearchParams(location.search).getAll('playground_inputs').length === 3"
    )


def test_a_weight_is_set_by_a_click_on_its_edge(app, page):
    visit(page, f"{app}/playground?{SHORT}")
    finished(page)
    press(page, "first")
    press(page, "next")
    expect(page.locator(LABEL)).to_have_text("epoch 1")
    finished(page)
    click(page, 3, 0)
    field = page.get_by_label(re.compile("Layer 1, unit 1, weight from input 1: from epoch 1 on"))
    field.fill("3")
    field.press("Enter")
    page.wait_for_url(re.compile(r"edits=1(:|%3A)1\.1\.1(=|%3D)3"))
    finished(page)
    press(page, "first")
    press(page, "next")
    finished(page)
    assert page.evaluate(f"{FIGURE}._fullData[3].customdata[0]") == 3


def test_a_point_is_added_by_a_click_on_the_map(app, page):
    visit(page, f"{app}/playground?{SHORT}")
    finished(page)
    page.locator(".st-key-playground_adds").get_by_text("1", exact=True).click()
    settled(page)
    click(page, 0, 312)  # the middle of the map
    page.wait_for_url(re.compile("playground_points="))
    finished(page)
    assert page.evaluate(f"{CHART}.spec.layout.meta.rasters[4].values.length") == 51


def test_a_fork_is_drawn_beside(app, page):
    visit(page, f"{app}/playground?{SHORT}&playground_fork=lr&playground_fork_at=10")
    finished(page)
    expect(page.get_by_text("fork: lr 0.3")).to_be_visible()
    lengths = page.evaluate(
        f"() => [8, 10].map(i => [...{FIGURE}._fullData[i].y].filter(v => v === v).length)"
    )
    assert lengths == [21, 11]


def test_the_pointer_on_a_unit_shows_it_large(app, page):
    visit(page, f"{app}/playground?{SHORT}")
    finished(page)
    source = f"() => {CHART}.spec.layout.images[2].source"
    before = page.evaluate(source)
    x, y = place(page, 5, 8)
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)
    page.wait_for_function(f"before => ({source})() !== before", arg=before)
    page.mouse.move(700, 30)
    page.wait_for_function(f"before => ({source})() === before", arg=before)


def test_a_run_that_diverges_is_explained(app, page):
    visit(
        page,
        f"{app}/playground?playground_dataset=Plane+(regression)&playground_activation=ReLU&playground_lr=3.0",
    )
    expect(page.get_by_text("its numbers are no longer finite")).to_be_visible()
    assert page.evaluate(f"{FIGURE}._fullLayout.yaxis3.range.every(Number.isFinite)")


def test_the_address_hides_controls_which_keep_their_value(app, page):
    visit(page, f"{app}/playground?{SHORT}&playground_noise=20&hide=playground_noise,playground_lr")
    finished(page)
    expect(page.locator(".st-key-playground_lr")).to_be_hidden()
    expect(page.locator(".st-key-playground_train_share")).to_be_visible()
    assert "playground_noise=20" in page.url


def test_finished_runs_are_remembered_and_weights_are_taken_home(app, page):
    visit(page, f"{app}/playground?{SHORT}&playground_below=Take+home")
    finished(page)
    expect(page.get_by_text("Runs of this session (1)")).to_be_visible()
    with page.expect_download() as found:
        page.get_by_role("button", name="weights.pt").click()
    assert found.value.suggested_filename == "weights.pt"
    page.get_by_role("button", name="New start").click()
    page.wait_for_url(re.compile("playground_seed=1"))
    expect(page.get_by_text("Runs of this session (2)")).to_be_visible()


def test_a_closed_tab_ends_its_run(app, browser):
    """The next piece of a run is computed when the browser asks for it, having drawn the last."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page, asked = context.new_page(), []
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: asked.append(1)))
    visit(page, f"{app}/playground?playground_epochs=5000&playground_samples=2000")
    page.wait_for_function(f"() => {CHART}.frames.length > 3")
    assert page.evaluate(f"{CHART}.data.frames.growing")
    page.close()
    before = len(asked)
    other = context.new_page()
    visit(other, f"{app}/playground?{SHORT}")
    finished(other)
    assert len(asked) == before
    context.close()


@pytest.mark.parametrize("view", ["Train", "Seeds", "Curvature", "Callbacks"])
def test_every_view_runs_to_its_end(app, page, view):
    visit(page, f"{app}/playground?{SHORT}&playground_view={view}")
    finished(page)
    expect(page.locator(LABEL)).to_have_text(re.compile(r"epoch \d+"))
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
