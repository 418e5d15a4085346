"""The browser of the tests: what goes wrong on a page is seen, and no page reaches another machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from env import browser
from tests.browser import PHONE_WIDTH, OpenPage, Visit, leaves_the_machine, watch


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/a.js",
        "https://127.0.0.1.example.org/",
        "//example.org/a.css",
        "wss://example.org/",
    ],
)
def test_an_address_on_another_machine_is_known_as_one(address: str) -> None:
    assert leaves_the_machine(address)


@pytest.mark.parametrize(
    "address",
    ["file:///srv/index.html", "http://127.0.0.1:8000/", "http://[::1]:8000/", "data:image/png;base64,AA=="],
)
def test_an_address_on_this_machine_is_known_as_one(address: str) -> None:
    assert not leaves_the_machine(address)


def test_a_request_to_another_machine_is_recorded_and_fails(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text('<title>t</title><img src="http://localhost.example.org/a.png">', encoding="utf-8")
    visit = Visit(chromium.new_page())
    watch(visit)
    failures: list[str | None] = []
    visit.page.on("requestfailed", lambda request: failures.append(request.failure))
    visit.page.goto(file.as_uri())
    assert visit.outside_requests == ["http://localhost.example.org/a.png"]
    assert failures == ["net::ERR_NAME_NOT_RESOLVED"]
    visit.page.close()


def test_errors_on_a_page_are_recorded(open_page: OpenPage, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<script>console.error('said'); throw new Error('thrown')</script>", encoding="utf-8")
    visit = open_page(file)
    assert visit.console_errors == ["said"]
    assert visit.page_errors == ["thrown"]


def test_a_page_opens_at_the_width_and_in_the_scheme_asked_for(open_page: OpenPage, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text('<meta name="viewport" content="width=device-width">', encoding="utf-8")
    page = open_page(file, width=PHONE_WIDTH, scheme="dark").page
    assert page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]") == [
        PHONE_WIDTH,
        True,
    ]


def test_a_page_without_javascript_runs_no_script(open_page: OpenPage, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<title>before</title><script>document.title = 'after'</script>", encoding="utf-8")
    assert open_page(file, javascript=False).page.title() == "before"


def test_a_variable_that_names_no_browser_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(browser.VARIABLE, "/nowhere/chromium")
    with pytest.raises(browser.NoBrowser, match="/nowhere/chromium is not an executable"):
        browser.ensure_chromium()
