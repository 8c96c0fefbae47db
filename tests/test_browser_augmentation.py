"""The Augmentation page in a browser: draws follow a slider, tiles are clicked, the chain is changed."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import expect
from serving import grab, hit, pictures, settled, visit

pytestmark = pytest.mark.browser
LONG = 60_000
VIEWS = ("Chain", "Mixing", "Payoff")
SOURCES = "[...document.querySelectorAll('.imagelayer image')].map(e => e.getAttribute('href')).join()"
FIGURE = "document.querySelector('.js-plotly-plot')"


def address(app, **given):
    return f"{app}/augmentation?" + "&".join(f"augmentation_{name}={value}" for name, value in given.items())


def test_the_draws_follow_while_the_slider_is_still_held(app, page):
    visit(page, address(app, chain="rotation"))
    before, shown = page.evaluate(SOURCES), pictures(page)
    drawn = int(page.locator(".nnplay-chart").first.get_attribute("data-drawn"))
    x, y = grab(page, "augmentation_rotation_degrees")
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x + 6 * step, y)
        page.wait_for_function("n => document.querySelector('.nnplay-chart').dataset.pictures > n", arg=shown)
        shown = pictures(page)
    assert page.evaluate(SOURCES) != before
    assert "rotation_degrees" not in page.url
    # the pictures were moved, not drawn by Plotly anew
    assert int(page.locator(".nnplay-chart").first.get_attribute("data-drawn")) <= drawn + 1
    page.mouse.up()
    page.wait_for_url(re.compile("augmentation_rotation_degrees=[5-9]"))


def test_a_click_on_a_draw_shows_it_stage_by_stage(app, page):
    visit(page, address(app, source="Digits", chain="rotation"))
    place = page.evaluate(
        f"""() => {{ const box = {FIGURE}.getBoundingClientRect();
            const {{ xaxis, yaxis }} = {FIGURE}._fullLayout, cells = {FIGURE}._fullData[0];
            return [box.x + xaxis._offset + xaxis.d2p(cells.x0 + 3),
                    box.y + yaxis._offset + yaxis.d2p(cells.y0)]; }}"""
    )
    hit(page, *place)
    page.wait_for_url(re.compile("augmentation_draw=4"))
    expect(page.get_by_text("Draw 4, stage by stage")).to_be_visible()
    settled(page)
    expect(page.get_by_text("Made again from these lines, 0 of 256 values differ.")).to_be_visible()


def test_a_transform_is_added_moved_and_removed(app, page):
    visit(page, address(app, chain="rotation"))
    box = page.locator(".st-key-augmentation-add input")
    box.click()
    box.fill("Noise")
    page.get_by_role("option", name="Noise", exact=True).click()
    page.wait_for_url(re.compile(r"augmentation_chain=rotation(%2C|,)(\+|%20)noise"))
    expect(page.locator(".st-key-augmentation_noise_sigma input[type=range]")).to_be_visible()  # it is opened
    expect(page.get_by_text("2 Noise")).to_be_visible()
    page.locator(".st-key-augmentation-Earlier-1 button").click()
    page.wait_for_url(re.compile(r"augmentation_chain=noise"))
    expect(page.get_by_text("1 Noise")).to_be_visible()
    page.locator(".st-key-augmentation-Remove-0 button").click()
    page.wait_for_url(re.compile(r"augmentation_chain=rotation$"))
    expect(page.get_by_text("Noise", exact=True)).to_have_count(0)


def test_new_draw_draws_anew_and_the_address_knows_it(app, page):
    visit(page, address(app, chain="crop"))
    before = page.evaluate(SOURCES)
    page.get_by_role("button", name="New draw").click()
    page.wait_for_url(re.compile("augmentation_seed=1"))
    page.wait_for_function(f"before => {SOURCES} !== before", arg=before)


def test_an_own_picture_is_augmented(app, page):
    visit(page, address(app, source="Your+picture", chain="hflip"))
    data = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(data, "PNG")
    page.locator("input[type=file]").set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": data.getvalue()}
    )
    expect(page.get_by_text("original: upload")).to_be_visible()
    page.locator("input[type=file]").set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": b"MZ no picture"}
    )
    expect(page.get_by_text("This is no picture that can be read")).to_be_visible()


def test_the_payoff_is_played_to_its_end(app, page):
    visit(page, address(app, view="Payoff", epochs=20, seeds=2, chain="rotation"))
    expect(page.get_by_role("button", name="Run again")).to_be_visible(timeout=LONG)
    expect(page.locator(".nnplay-chart .label")).to_have_text("epoch 20", timeout=LONG)
    expect(page.get_by_text(re.compile(r"rotated \d+% → \d+%")).first).to_be_visible()


def test_the_chain_of_the_first_view_is_that_of_the_payoff(app, page):
    visit(page, address(app, chain="noise"))
    page.get_by_role("radio", name="Payoff").click()
    expect(page.locator(".st-key-augmentation_noise_sigma")).to_be_visible(timeout=LONG)
    assert "augmentation_chain=noise" in page.url


@pytest.mark.parametrize("view", VIEWS)
def test_on_a_phone_nothing_is_wider_than_the_page(app, page, view):
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, address(app, view=view, epochs=10, seeds=2))
    assert page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth") <= 0


@pytest.mark.parametrize("view", VIEWS)
def test_chart_and_first_control_are_on_the_first_screen(app, page, view):
    visit(page, address(app, view=view, epochs=10, seeds=2))
    chart = page.locator(".js-plotly-plot").first.bounding_box()
    assert chart["y"] + chart["height"] <= 900
    for slider in ("rotation_degrees", "lam"):
        found = page.locator(f".st-key-augmentation_{slider} input[type=range]")
        if found.count():
            assert found.bounding_box()["y"] < 900


@pytest.mark.parametrize("source", ["Photo:+temple", "Digits"])
@pytest.mark.parametrize(
    "chain", ["rotation,hflip,crop,jitter", "randaugment,perspective", "rotation,crop,noise,mixup,cutmix"]
)
def test_no_text_lies_on_another(app, page, source, chain):
    visit(page, address(app, source=source, chain=chain))
    overlaps = page.evaluate(
        """() => {
            const boxes = [...document.querySelectorAll('.annotation-text')].filter(e => e.textContent.trim())
                .map(e => [e.textContent, e.getBoundingClientRect()]);
            const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
                && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
            return boxes.flatMap(([s, a], i) =>
                boxes.slice(i + 1).filter(([, b]) => over(a, b)).map(([t]) => [s, t])); }"""
    )
    assert overlaps == []
