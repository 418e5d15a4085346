"""Every page of the manual opens from a file, on a phone, without a fault and without asking anyone else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, async_playwright

from env.browser import FLAGS, ensure_chromium
from tests.browser import PHONE_WIDTH, leaves_the_machine

PAGES_AT_ONCE = 4


@pytest.fixture
def pages(manual: Path) -> list[Path]:
    """Every page of the manual."""
    return sorted(manual.rglob("*.html"))


async def test_every_page_opens_on_a_phone_without_a_fault(manual: Path, pages: list[Path]) -> None:
    """Reads all pages in one browser; names each page with what is wrong on it."""
    assert pages, f"{manual} holds no page"
    faults: dict[str, list[str]] = {}
    waiting = iter(pages)

    async def read_on(context: BrowserContext) -> None:
        for path in waiting:
            if found := await _faults(context, path):
                faults[path.relative_to(manual).as_posix()] = found

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=ensure_chromium(), args=list(FLAGS))
        context = await browser.new_context(viewport={"width": PHONE_WIDTH, "height": 844})
        await asyncio.gather(*(read_on(context) for _ in range(PAGES_AT_ONCE)))
        await browser.close()
    assert faults == {}


async def _faults(context: BrowserContext, path: Path) -> list[str]:
    faults: list[str] = []
    page = await context.new_page()
    page.on(
        "request",
        lambda request: faults.append(f"asks for {request.url}") if leaves_the_machine(request.url) else None,
    )
    page.on("requestfailed", lambda request: faults.append(f"cannot load {request.url}"))
    page.on(
        "console",
        lambda message: faults.append(f"console: {message.text}") if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    await page.goto(path.as_uri())
    width = await page.evaluate("document.documentElement.scrollWidth")
    if width > PHONE_WIDTH:
        faults.append(f"is {width} px wide on a screen of {PHONE_WIDTH} px")
    await page.close()
    return faults
