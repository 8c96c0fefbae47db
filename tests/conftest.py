"""One app and one browser for all browser tests: skipped where there is no Chromium, but never in CI."""

import os

import pytest
import threadpoolctl
import torch
from serving import FLAGS, chromium, serve

torch.set_num_threads(1)
threadpoolctl.threadpool_limits(1)  # as app.py does: two threads on small arrays are far slower than one


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("browser"):  # one browser and one server at a time
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def browser():
    path = chromium()
    if not path:
        reason = "no Chromium: install it, or name it in the environment variable CHROMIUM"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # the machine may be busy
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    """Address of a freshly started app."""
    with serve("app.py", tmp_path_factory.mktemp("app") / "log.txt") as url:
        yield url


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def page(context):
    """A page of its own; a script's error in it fails the test."""
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []
