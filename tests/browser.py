"""Chromium for tests: a started browser, and pages that record what they asked for and what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from env.browser import FLAGS, ensure_chromium

Scheme = Literal["light", "dark"]
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PHONE_WIDTH = 390
"""Width of a phone's screen, in CSS pixels."""


def leaves_the_machine(address: str) -> bool:
    """Whether a request for this address would go to another machine.

    Args:
        address: the URL that a page asked for.
    """
    parts = urlsplit(address)
    return parts.scheme not in {"file", "data", "blob", "about"} and parts.hostname not in LOOPBACK


@dataclass
class Visit:
    """One opened page and what happened on it so far."""

    page: Page
    requests: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)
    page_errors: list[str] = field(default_factory=list)

    @property
    def outside_requests(self) -> list[str]:
        """Addresses on other machines that the page asked for."""
        return [address for address in self.requests if leaves_the_machine(address)]


class OpenPage(Protocol):
    """What the `open_page` fixture gives."""

    def __call__(
        self, path: Path | str, *, width: int = 1440, scheme: Scheme = "light", javascript: bool = True
    ) -> Visit:
        """Open a page of its own, as a new reader would.

        Args:
            path: a file, or an address on this machine (may carry a query and a fragment).
            width: of the window, in CSS pixels.
            scheme: the colours that the reader's system prefers.
            javascript: whether scripts run.
        """


# One browser a module, not a session: while Playwright's synchronous interface is started its event loop counts as
# running, and an asynchronous test in the same process could not start its own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A started Chromium; tests of a module that uses it are synchronous."""
    executable = ensure_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens pages; at the end of the test, fails if one of them asked another machine for anything."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def open_one(
        path: Path | str, *, width: int = 1440, scheme: Scheme = "light", javascript: bool = True
    ) -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=javascript
        )
        contexts.append(context)
        visit = Visit(context.new_page())
        visits.append(visit)
        watch(visit)
        visit.page.goto(path.resolve().as_uri() if isinstance(path, Path) else path)
        return visit

    yield open_one
    for context in contexts:
        context.close()
    outside = sorted({address for visit in visits for address in visit.outside_requests})
    assert not outside, f"pages asked other machines for {outside}"


def watch(visit: Visit) -> None:
    """Record on a visit every request, console error and uncaught error of its page.

    Args:
        visit: a page that has not been sent anywhere yet.
    """
    visit.page.on("request", lambda request: visit.requests.append(request.url))
    visit.page.on(
        "console",
        lambda message: visit.console_errors.append(message.text) if message.type == "error" else None,
    )
    visit.page.on("pageerror", lambda error: visit.page_errors.append(str(error)))
