"""A real browser before a real server: Debian's chromium, driven by Playwright; and what axe finds in a page."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

from huxin.settings import Settings

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
SHOTS = Path(os.environ.get("HUXIN_SHOTS") or Path(__file__).parents[2] / ".pytest_cache" / "shots")
WIDE = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
_FITS = "document.documentElement.scrollWidth <= window.innerWidth + 1"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
# Chromium's own sandbox needs what a root user in a container does not have.
_FLAGS = ("--lang=zh-CN", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
_PATIENCE = 120_000  # ms: the machine may be busy with other tests


def chromium() -> str:
    """Where the browser is. There has to be one: `sh requirements/browser.sh` installs it."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    assert found, "no chromium: run sh requirements/browser.sh"
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """One for as many tests as share it."""
    with sync_playwright() as driver:
        expect.set_options(timeout=_PATIENCE)
        opened = driver.chromium.launch(executable_path=chromium(), args=list(_FLAGS), timeout=_PATIENCE)
        yield opened
        opened.close()


@contextmanager
def console_served(settings: Settings) -> Iterator[str]:
    """`huxin console` as anybody runs it; its address."""
    address, process = _started(settings)
    try:
        yield address
    finally:
        _stop(process)


def _started(settings: Settings) -> tuple[str, subprocess.Popen[bytes]]:
    """At a port that was free a moment ago; where somebody else was quicker to take it, at another."""
    env = {**os.environ, "HUXIN_HOME": str(settings.home), "HUXIN_DATABASE_URL": settings.database_url or ""}
    for _ in range(3):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "huxin", "console", "--port", str(port)]
        process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE)
        if _answers(f"http://127.0.0.1:{port}/healthz", process):
            return f"http://127.0.0.1:{port}", process
        _stop(process)
    raise AssertionError("the console did not come up")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.communicate(timeout=120)


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + 180
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(address).status_code == 200:
                return True
        except httpx.TransportError:
            time.sleep(0.1)
    return False


@contextmanager
def page_of(opened: Browser, address: str, size: dict[str, int], language: str = "zh-CN") -> Iterator[Page]:
    """A window with no cookies; whatever the page's policy blocked or its scripts threw fails the test."""
    context = opened.new_context(
        base_url=address,
        viewport={"width": size["width"], "height": size["height"]},
        locale=language,
        reduced_motion="reduce",  # on a slow machine a link under a moving menu is missed
    )
    context.set_default_timeout(_PATIENCE)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert [text for text in said if "status of 4" not in text] == []


def shot(page: Page, name: str) -> Path:
    """A picture of the whole page, kept for people to look at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    file = SHOTS / f"{name}.png"
    page.screenshot(path=file, full_page=True)
    return file


def ready(page: Page) -> Page:
    """The same when its scripts have run: what a link led to can be seen and clicked before, and to no effect."""
    page.wait_for_load_state()
    return page


def faults(page: Page) -> list[str]:
    """What axe finds serious or critical: "rule: where"."""
    ready(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: Any = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {node['target']}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def fits(page: Page) -> bool:
    """Whether nothing stands beyond the window's right edge; a chart follows the window's size a moment later."""
    ready(page)
    until = time.monotonic() + 20
    while not (found := bool(page.evaluate(_FITS))) and time.monotonic() < until:
        page.wait_for_timeout(100)
    return found
