"""The convolution page in a browser: cells pointed at, clicked, typed; uploads; settings that are refused."""

import io
import json
import re
import struct
import zlib
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect
from serving import NUMBERS, grab, hit, pictures, settled, visit

pytestmark = pytest.mark.browser
VIEWS = ("Kernel", "Channels", "Down and up", "Transposed", "Images", "Feature maps")
# Where the middle of a cell of a trace of the first chart is on the screen.
CELL = """([trace, row, column]) => { const plot = document.querySelector('.js-plotly-plot');
    const { x0, dx, y0, dy } = plot._fullData[trace], { xaxis, yaxis } = plot._fullLayout;
    const box = plot.getBoundingClientRect();
    return [box.left + xaxis._offset + xaxis.d2p(x0 + column * dx),
            box.top + yaxis._offset + yaxis.d2p(y0 + row * dy)]; }"""
SHAPES = "document.querySelector('.js-plotly-plot')._fullData.map(t => t.z && [t.z.length, t.z[0].length])"
SUM = "document.querySelector('.nnplay-chart').chart.shown.layout.annotations[0].text"


def opened(page, app, view="Kernel", **query):
    settings = {f"convolution_{name}": value for name, value in query.items()}
    return visit(page, f"{app}/convolution?{urlencode({'convolution_view': view} | settings)}")


def point(page, trace: int, row: int, column: int) -> None:
    page.mouse.move(*page.evaluate(CELL, [trace, row, column]))


def click(page, trace: int, row: int, column: int) -> None:
    settled(page)
    hit(page, *page.evaluate(CELL, [trace, row, column]), trace, row, column)


def at(page):
    return page.locator(".nnplay-chart .label").first


def test_a_pointed_output_cell_is_spelled_out_and_a_clicked_one_kept(app, page):
    opened(page, app)
    point(page, 2, 3, 4)
    expect(at(page)).to_have_text("(3, 4)")
    assert "<b>= 15</b> at (3, 4); F.conv2d: 15" in page.evaluate(SUM)
    page.mouse.move(5, 5)
    expect(at(page)).to_have_text("(0, 0)")  # only pointed at: back to the one that is kept
    click(page, 2, 3, 4)
    page.wait_for_url(re.compile("convolution_row=3&convolution_col=4"))
    page.mouse.move(5, 5)
    page.reload()
    expect(at(page)).to_have_text("(3, 4)")
    assert "at (3, 4)" in page.evaluate(SUM)


def test_a_clicked_input_cell_shows_what_it_feeds_until_it_is_clicked_again(app, page):
    opened(page, app)
    click(page, 0, 2, 2)
    page.wait_for_url(re.compile("convolution_input_row=2&convolution_input_col=2"))
    settled(page)
    click(page, 0, 2, 2)
    page.wait_for_url(lambda url: "input_row" not in url)


def test_all_output_cells_are_played(app, page):
    opened(page, app, height=3, width=3)
    page.get_by_label("Play", exact=True).click()
    expect(at(page)).to_have_text("(0, 0)")
    opened(page, app, height=4)
    page.get_by_label("Play", exact=True).click()
    expect(at(page)).to_have_text("(1, 1)")
    expect(page.get_by_label("Play", exact=True)).to_be_visible()


def test_height_and_width_are_dragged_together_or_apart(app, page):
    opened(page, app)
    shown = pictures(page)
    x, y = grab(page, "convolution_height")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y, steps=4)
    page.wait_for_function("n => document.querySelector('.nnplay-chart').dataset.pictures > n", arg=shown)
    page.wait_for_function(f"() => {SHAPES}[0][0] > 8")
    height, width = page.evaluate(SHAPES)[0]
    assert height == width
    assert "convolution_height" not in page.url  # still held
    page.mouse.up()
    page.wait_for_url(re.compile("convolution_height="))
    opened(page, app, apart="true", height=5)
    page.locator(".st-key-convolution_width input[type=range]").press("ArrowRight")
    page.wait_for_function(f"() => {SHAPES}[0][1] === 9")
    assert page.evaluate(SHAPES)[0] == [5, 9]


def test_a_link_restores_typed_cells_in_another_browser(app, browser, page):
    opened(page, app)
    page.get_by_role("button", name="Edit the cells").click()
    canvas = page.get_by_role("dialog").locator("canvas").first
    cell = canvas.get_by_test_id("glide-cell-0-0")  # what a screen reader finds in the drawn grid
    expect(cell).to_be_attached()
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + 40, box["y"] + 52)  # the first cell below the header
    expect(cell).to_have_attribute("aria-selected", "true")
    page.keyboard.press("7")
    expect(page.locator(".gdg-input")).to_have_value("7")
    page.keyboard.press("Enter")
    expect(cell).to_have_text("7")
    page.get_by_role("button", name="Use these").click()
    page.wait_for_url(re.compile("convolution_kernel_cells=7"))
    page.wait_for_function("document.querySelector('.js-plotly-plot')._fullData[1].z[0][0] === 7")
    expect(page.get_by_role("dialog")).to_have_count(0)
    other = browser.new_page()
    visit(other, page.url)
    assert json.loads(other.evaluate(NUMBERS)) == json.loads(page.evaluate(NUMBERS))
    other.close()


def test_what_torch_refuses_is_said_and_the_next_step_draws_again(app, page):
    opened(page, app, padding="same")
    stride = page.locator(".st-key-convolution_stride_h input[type=range]")
    stride.press("ArrowRight")
    expect(page.get_by_text("torch refuses")).to_be_visible()
    stride.press("ArrowLeft")
    expect(page.get_by_text("torch refuses")).to_have_count(0)
    page.wait_for_function(f"() => {SHAPES}[2]?.[0] === 8")
    click(page, 2, 1, 1)
    page.wait_for_url(re.compile("convolution_row=1"))


@pytest.mark.parametrize(
    ("view", "cell", "chosen"),
    [
        ("Channels", (5, 10, 36 + 10), "convolution_channel=1"),
        ("Down and up", (3, 5, 5), "convolution_down=nearest"),
        ("Feature maps", (4, 2, 9 + 5), "layer_name=relu1.*unit_channel=1.*unit_row=2.*unit_col=5"),
    ],
)
def test_a_click_chooses(app, page, view, cell, chosen):
    opened(page, app, view)
    click(page, *cell)
    page.wait_for_url(re.compile(chosen))


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "orange").save(file, "PNG")
    return file.getvalue()


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 81 million pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">2I5B", 9_000, 9_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("view", "select"), [("Images", "source"), ("Down and up", "picture")])
def test_an_own_picture_is_taken_and_a_hostile_one_refused(app, page, view, select):
    visit(
        page, f"{app}/convolution?{urlencode({'convolution_view': view, f'convolution_{select}': 'upload'})}"
    )
    expect(page.get_by_text("There is no picture yet")).to_be_visible()
    file = page.locator("input[type=file]")
    file.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": png(300, 200)})
    expect(page.get_by_text("There is no picture yet")).to_have_count(0)
    page.wait_for_function("document.querySelector('.js-plotly-plot')._fullLayout.annotations.length > 1")
    texts = page.evaluate(
        "document.querySelector('.js-plotly-plot')._fullLayout.annotations.map(a => a.text).join()"
    )
    assert "64 × 96" in texts
    for content, reason in ((b"MZ\x90 no picture", "no picture that can be read"), (bomb(), "million")):
        file.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": content})
        expect(page.get_by_text(reason)).to_be_visible()
    expect(page.get_by_role("heading", name="Convolution")).to_be_visible()


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_and_its_lead_control_are_on_the_first_screen(app, page, view):
    opened(page, app, view)
    for place in (
        page.locator(".nnplay-chart .plot").first,
        page.locator("[class*=st-key-convolution_] input[type=range]").first,
    ):
        box = place.bounding_box()
        assert box["y"] + box["height"] <= 900


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_scrolls_nothing_but_the_chart_and_meets_no_barrier(app, browser, view):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    opened(page, app, view)
    assert page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    found = Axe().run(page, context={"include": [["[data-testid=stMain]"]]}).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    assert errors == []
    context.close()
