"""The first day of an operator and of a clerk, by what it costs them: real clicks in a real browser, from page one.

Fields are reached with Tab and choices kept as they stand, so that filling one costs no click; choosing in the
system's own dialog of files counts as one, for the browser does not hear it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest
from browsing import PHONE, WIDE, browser, console_served, faults, fits, page_of, ready, shot
from console_world import Console
from first_day_world import happened, stricter
from members_world import as_csv, book, first_sheet
from playwright.sync_api import Browser, Page, expect
from test_console_browser import enter

from huxin.console.config import present
from huxin.nightly.pipeline import run_group
from huxin.nightly.timings import Timings
from huxin.settings import Settings
from support.rows import resident_id

# A key that is pressed clicks, too, but with no count of presses of the button.
COUNTING = """addEventListener("click", (event) => {
  if (event.isTrusted && event.detail) sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
}, true);"""
SLOW = 180_000
Sizes = tuple[tuple[str, dict[str, int]], ...]
BOTH: Sizes = (("-phone", PHONE), ("", WIDE))
DIALOG = 1


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with browser() as made:
        yield made


@pytest.fixture
def console(settings: Settings, tmp_path: Path) -> Console:
    return happened(settings, tmp_path)


def begin(page: Page) -> None:
    """Back on the first page, with nothing clicked yet."""
    page.goto("/")
    page.evaluate("sessionStorage.clicks = 0")


def clicks(page: Page) -> int:
    return int(page.evaluate("Number(sessionStorage.clicks)"))


def chosen(page: Page, label: str, file: Path) -> int:
    """A file chosen as people do: a click on the field, and one in the dialog that follows."""
    with page.expect_file_chooser() as asked:
        page.get_by_label(label).click()
    asked.value.set_files(file)
    return DIALOG


def a_member_comes_in(page: Page, folder: Path) -> int:
    """From nothing to active; each page of it is sound on both screens."""
    begin(page)
    page.get_by_role("link", name="会员", exact=True).click()
    page.get_by_role("link", name="登记会员").click()
    sound(page, "onboarding-1", BOTH[1:])
    page.get_by_label("会员代码").fill("M0003")
    page.get_by_label("机构全称").fill("丙小额贷款有限公司")
    page.get_by_role("button", name="下一步").click()
    sound(page, "onboarding-2", BOTH[1:])
    page.get_by_label("第一位人员（会员管理员）的用户名").fill("zhao.min")
    page.get_by_label("机构联系方式").fill("022-12345678")
    page.get_by_role("button", name="生成邀请链接").click()
    expect(page.locator("#link")).to_contain_text("/join/")
    page.get_by_role("link", name="下一步").click()
    sound(page, "onboarding-3", BOTH[1:])
    page.get_by_role("button", name="以后再登记").click()
    file = folder / "测试.csv"
    file.write_bytes(as_csv(book("M0003")))
    extra = chosen(page, "测试文件", file)
    ready(page).get_by_role("button", name="校验").click()
    expect(page.get_by_text("测试文件通过。")).to_be_visible(timeout=SLOW)
    sound(page, "onboarding-passed")
    page.get_by_role("button", name="启用会员").click()
    expect(page.get_by_text("会员已启用，可以报送和查询。")).to_be_visible()
    sound(page, "member")
    return clicks(page) + extra


def a_refusal_is_explained(page: Page) -> int:
    begin(page)
    page.get_by_role("link", name="个文件被拒收").click()
    page.locator("tbody th a").first.click()
    expect(page.get_by_text("已拒收").first).to_be_visible()
    expect(page.get_by_text("清单与文件").or_(page.get_by_text("F000")).first).to_be_visible()
    spent = clicks(page)
    sound(page, "report")
    return spent


def march_is_answered(page: Page) -> int:
    """Who asked about this borrower in March."""
    begin(page)
    page.get_by_role("link", name="查询检索").click()
    page.get_by_text("谁查询过某人").click()
    page.get_by_label("证件号码").fill(resident_id(5))
    page.locator("#person-since").fill("2026-03-01")
    page.locator("#person-until").fill("2026-03-31")
    page.get_by_role("button", name="检索并记录").click()
    row = page.get_by_role("row").filter(has_text="SQ-MARCH")
    expect(row).to_contain_text("M0001")
    expect(row).to_contain_text("S-7")
    spent = clicks(page)
    sound(page, "enquiries-person")
    return spent


def a_key_is_destroyed(page: Page, file: Path) -> None:
    """By a signature that the browser makes: the private key is asked for by nobody else."""
    begin(page)
    sent: list[bytes] = []
    page.on("request", lambda asked: sent.append(asked.post_data_buffer or b""))
    page.get_by_role("link", name="项密钥销毁等待复核").click()
    sound(page, "approvals")
    page.locator("a[href^='/approvals/keys/']").click()
    expect(page.get_by_text("没有，可以销毁。")).to_be_visible(timeout=SLOW)
    ready(page).set_input_files("#key", file)
    expect(page.locator("#signature")).not_to_have_value("")
    sound(page, "approvals-key")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="批准并销毁").click()
    expect(page.get_by_text("已销毁。")).to_be_visible(timeout=SLOW)
    assert any(b"signature=" in body for body in sent)
    assert [body for body in sent if b"PRIVATE" in body] == []


def a_faulty_row_is_sent_again(page: Page, console: Console, folder: Path) -> int:
    """The clerk's: mended in a spreadsheet, and sent back."""
    begin(page)
    page.get_by_role("link", name="报送", exact=True).click()
    page.locator("tbody a").first.click()
    with page.expect_download() as taken:
        page.get_by_role("link", name="下载要修改的行").click()
    sheet, mended = folder / "rows.xlsx", folder / "mended.xlsx"
    taken.value.save_as(sheet)
    table = first_sheet(io.BytesIO(sheet.read_bytes()))
    table.with_columns(pl.lit(resident_id(3)).alias("证件号码")).write_excel(mended)
    # Dropped from the folder where it lies: one act of the hand, like a click.
    ready(page).set_input_files("#mended", mended)
    expect(page.get_by_role("heading", name="核对清单")).to_be_visible(timeout=SLOW)
    sound(page, "my-manifest-mended")
    page.get_by_role("button", name="报送", exact=True).click()
    page.wait_for_url("**/my/files/*")
    run_group(console.settings, [UUID(page.url.rsplit("/", 1)[1])], Timings())
    expect(page.get_by_text("没有发现问题")).to_be_visible(timeout=SLOW)
    return clicks(page) + DIALOG


def sound(page: Page, name: str, sizes: Sizes = BOTH) -> None:
    """Nothing serious for axe, nothing beyond the edge, on a wide screen and on a phone; a picture of each."""
    expect(page.locator("main")).to_be_visible()
    for suffix, size in sizes:
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        assert faults(page) == [], name
        assert fits(page), name
        shot(page, name + suffix)


def each_is_sound(page: Page, pages: dict[str, str]) -> None:
    for name, path in pages.items():
        page.goto(path)
        sound(page, name)


def linked_are_sound(page: Page, pages: dict[str, tuple[str, str]]) -> None:
    """Pages of one thing, by the first link to one that another page shows."""
    for name, (listing, address) in pages.items():
        page.goto(listing)
        page.locator(f"tbody a[href^='{address}']").last.click()
        page.wait_for_url(f"**{address}*")
        sound(page, name)


def a_change_is_tried(page: Page) -> None:
    """On last month, from its own page; what it would do stands there by itself. A fault is shown at its line."""
    page.goto("/policy")
    page.locator("tbody a[href^='/policy/changes/']").click()
    ready(page).get_by_role("button", name="模拟上月").click()
    expect(page.get_by_text("结论改变 0 笔")).to_be_visible(timeout=SLOW)
    sound(page, "policy-change")
    page.goto("/policy/edit")
    page.get_by_label("规则（YAML）").fill(stricter().replace("max_lenders: 1", "max_lenders: 0"))
    page.get_by_role("button", name="检查并比较").click()
    expect(page.locator(".line-wrong")).to_contain_text("max_lenders: 0")
    sound(page, "policy-fault")


def test_first_days_by_their_clicks(
    console: Console, opened: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUXIN_NOW", console.settings.now().isoformat())
    console.clock.at = present()
    paths = {name: console.invited(name, role, of) for name, role, of in PEOPLE}
    with console_served(console.settings) as address:
        with page_of(opened, address, WIDE) as page:
            page.add_init_script(COUNTING)
            enter(page, console, paths["li.na"])
            spent = {
                "a member onboarded": a_member_comes_in(page, tmp_path),
                "why a file was refused": a_refusal_is_explained(page),
                "who asked in March": march_is_answered(page),
            }
            a_key_is_destroyed(page, tmp_path / "keys" / "li.na.pem")
            each_is_sound(page, PAGES)
            linked_are_sound(page, LINKED)
            a_change_is_tried(page)
        with page_of(opened, address, WIDE) as page:
            page.add_init_script(COUNTING)
            enter(page, console, paths["zhou"])
            spent["mended and sent again"] = a_faulty_row_is_sent_again(page, console, tmp_path)
            each_is_sound(page, MY_PAGES)
            linked_are_sound(page, MY_LINKED)
        with page_of(opened, address, WIDE) as page:
            enter(page, console, paths["chen"])
            each_is_sound(page, {"my-keys": "/my/keys", "my-people": "/people"})
    print(spent)
    assert {name: number for name, number in spent.items() if number > MOST[name]} == {}
    assert all(number > 0 for number in spent.values()), "nothing was counted"


PEOPLE = (
    ("li.na", "administrator", None),
    ("zhou", "clerk", "M0001"),
    ("chen", "member_administrator", "M0001"),
)
PAGES = {
    "members": "/members",
    "member-active": "/members/M0001",
    "reminders-words": "/reminders/words",
    "calendar-late-reminded": "/calendar/late",
    "policy": "/policy",
    "policy-edit": "/policy/edit",
    "nothing": "/nothing",
}
LINKED = {"alarm": ("/alarms", "/alarms/"), "person": ("/people", "/people/")}
MY_PAGES = {
    "my-reminders": "/my/reminders",
    "my-start": "/my/start",
    "my-files": "/my/files",
    "my-rules": "/my/files/rules",
    "my-enquiries": "/my/enquiries",
    "my-quality": "/my/quality",
    "my-home": "/",
}
MY_LINKED = {"my-file": ("/my/files", "/my/files/"), "my-answer": ("/my/enquiries", "/my/enquiries/")}
MOST = {
    "a member onboarded": 12,
    "why a file was refused": 3,
    "who asked in March": 4,
    "mended and sent again": 5,
}
