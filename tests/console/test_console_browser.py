"""A browser's first day: by the link, with password and phone, in, round and out again; in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyotp
import pytest
from browsing import PHONE, WIDE, browser, console_served, faults, fits, page_of, ready, shot
from console_world import PASSWORD, Console
from playwright.sync_api import Browser, ElementHandle, Page, expect

from huxin.console.config import present
from huxin.registry.audit_acts import note_act
from huxin.registry.sequencing import drain
from huxin.registry.session import connection


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
PAGES = {
    "account": "/account",
    "people": "/people",
    "people-new": "/people/new",
    "approvals": "/approvals",
    "audit": "/audit",
    "audit-leaf": "/audit/0",
    "calendar": "/calendar",
    "calendar-late": "/calendar/late",
    "calendar-member": "/calendar/members/M0001",
    "reports": "/reports",
    "quality": "/quality",
    "quality-member": "/quality/M0001",
    "enquiries": "/enquiries",
    "alarms": "/alarms",
    "sector": "/sector",
}


def every_page_is_sound(page: Page) -> None:
    """On a wide screen and on a phone: nothing serious for axe, nothing beyond the edge; a picture of each."""
    for name, path in PAGES.items():
        for suffix, size in (("", WIDE), ("-phone", PHONE)):
            page.set_viewport_size({"width": size["width"], "height": size["height"]})
            page.goto(path)
            assert faults(page) == [], name
            assert fits(page), name
            shot(page, name + suffix)


def the_log_is_proved(page: Page, console: Console) -> None:
    """By the browser: right as it is, wrong by another key, another word, or a past that is not its own."""
    good, bad = "核验通过", "核验未通过"
    page.goto("/audit")
    page.get_by_role("row", name="人员加入").get_by_role("link").click()
    assert checked(page).startswith(good)
    shot(page, "audit-checked")
    older = page.locator("pre.proof-step").inner_text()
    page.get_by_label("公钥").fill("huxin/log/x+00000000+" + "A" * 44)
    assert checked(page).startswith(bad)
    page.reload()
    page.evaluate("p => { p.textContent = p.textContent.replace('administrator', 'auditor') }", proof(page))
    assert checked(page).startswith(bad)
    for number in range(5):
        console.invited(f"one.{number}", "steward")
        with connection(console.settings) as database:
            note_act(database, "person.invited", {"person": f"one.{number}"}, console.settings.now())
    drain(console.settings)
    page.reload()
    page.get_by_label("先前保存的检查点").fill(older)
    assert checked(page).startswith(good)
    assert "✓" in page.locator('[data-step="growth"]').inner_text()
    page.get_by_label("先前保存的检查点").fill(older.replace("\n", "\n1", 1))
    assert checked(page).startswith(bad)


def by_keyboard(page: Page, *texts: str) -> None:
    """Fills a form without the mouse: past the skip link and the language, field by field, Enter at the end."""
    for _ in range(2):
        page.keyboard.press("Tab")
    for text in texts:
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")


def proof(page: Page) -> ElementHandle:
    return page.locator("#proof").element_handle()


def checked(page: Page) -> str:
    """What the page says when it has been asked to check."""
    ready(page).get_by_role("button", name="核验").click()
    expect(page.locator("#verdict")).not_to_have_text("")
    return page.locator("#verdict").inner_text()


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
        drain(console.settings)
        every_page_is_sound(page)
        the_log_is_proved(page, console)
        page.set_viewport_size({"width": WIDE["width"], "height": WIDE["height"]})
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
        page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        assert fits(page)
        assert faults(page) == []
        shot(page, "home-phone")
        page.goto("/")
        page.get_by_role("button", name="打开菜单").click()
        page.get_by_role("link", name="人员").click()
        expect(page.get_by_role("heading", name="人员", exact=True)).to_be_visible()
        page.goto("/")
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
        by_keyboard(
            page, "li.na", PASSWORD, pyotp.TOTP(totp).generate_otp(int(present().timestamp()) // 30 + 1)
        )
        expect(page.get_by_role("heading", name="待办")).to_be_visible()
        # Nothing was fetched from elsewhere.
        assert [url for url in asked if not re.match(rf"{re.escape(address)}/|data:", url)] == []
