"""A browser's first day: by the link, with password and phone, in, round and out again; in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyotp
import pytest
from browsing import PHONE, WIDE, browser, console_served, faults, fits, page_of, shot
from console_world import PASSWORD, Console
from playwright.sync_api import Browser, Page, expect

from huxin.console.config import present


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with browser() as made:
        yield made


def enter(page: Page, console: Console, path: str) -> str:
    """Joins by a link; returns the secret that the phone keeps."""
    page.goto(path)
    totp = page.locator("#totp").inner_text()
    page.get_by_label("设置密码").fill(PASSWORD)
    page.get_by_label("再输入一次密码").fill(PASSWORD)
    page.get_by_label("动态码").fill(pyotp.TOTP(totp).now())
    page.get_by_role("button", name="启用并登录").click()
    expect(page.get_by_role("heading", name="待办")).to_be_visible()
    return totp


# Pages that open without naming anything, by the picture's name.
PAGES = {"people": "/people", "people-new": "/people/new", "approvals": "/approvals"}


def every_page_is_sound(page: Page) -> None:
    """On a wide screen and on a phone: nothing serious for axe, nothing beyond the edge; a picture of each."""
    for name, path in PAGES.items():
        for suffix, size in (("", WIDE), ("-phone", PHONE)):
            page.set_viewport_size({"width": size["width"], "height": size["height"]})
            page.goto(path)
            assert faults(page) == [], name
            assert fits(page), name
            shot(page, name + suffix)


def test_from_the_link_to_the_first_page_and_out(console: Console, opened: Browser) -> None:
    console.clock.at = present()  # the served console has the machine's clock
    path = console.invited("li.na", "administrator")
    with console_served(console.settings) as address, page_of(opened, address, WIDE) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path)
        assert faults(page) == []
        shot(page, "joining")
        totp = enter(page, console, path)
        assert faults(page) == []
        assert fits(page)
        shot(page, "home")
        every_page_is_sound(page)
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
        page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        assert fits(page)
        assert faults(page) == []
        shot(page, "home-phone")
        page.get_by_role("button", name="English").click()
        expect(page.get_by_role("heading", name="To do")).to_be_visible()
        page.get_by_role("button", name="中文").click()
        page.get_by_role("button", name="退出").click()
        expect(page.get_by_role("heading", name="登录")).to_be_visible()
        assert faults(page) == []
        shot(page, "sign-in")
        # The link is used up, and so is the code that was shown with it.
        assert page.goto(path).status == 404  # type: ignore[union-attr]
        page.goto("/")
        page.get_by_label("用户名").fill("li.na")
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_label("动态码").fill(pyotp.TOTP(totp).generate_otp(int(present().timestamp()) // 30 + 1))
        page.get_by_role("button", name="登录", exact=True).click()
        expect(page.get_by_role("heading", name="待办")).to_be_visible()
        # Nothing was fetched from elsewhere.
        assert [url for url in asked if not re.match(rf"{re.escape(address)}/|data:", url)] == []
