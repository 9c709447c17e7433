"""The first day of an operator and of a clerk, by what it costs them: real clicks in a real browser, from page one.

Fields are reached with Tab and choices kept as they stand, so that filling one costs no click; choosing in the
system's own dialog of files counts as one, for the browser does not hear it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest
from browsing import PHONE, WIDE, browser, console_served, faults, fits, page_of, shot
from console_world import Console
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from members_world import as_csv, book, first_sheet, lending, published
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text
from test_console_browser import enter

from huxin.console.config import present
from huxin.enquiry.desk import Desk
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import Person
from huxin.nightly.pipeline import run_group
from huxin.nightly.submitting import submit
from huxin.nightly.timings import Timings
from huxin.oversight import key_epochs
from huxin.oversight.key_approval import ask_or_approve
from huxin.oversight.key_retiring import retire
from huxin.registry.reminders import add_reminder
from huxin.registry.session import connection
from huxin.settings import SHANGHAI, Settings
from support.operators import Operators
from support.rows import AS_OF, resident_id, write_submission

# A key that is pressed clicks, too, but with no count of presses of the button.
COUNTING = """addEventListener("click", (event) => {
  if (event.isTrusted && event.detail) sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
}, true);"""
SLOW = 60_000
Sizes = tuple[tuple[str, dict[str, int]], ...]
BOTH: Sizes = (("-phone", PHONE), ("", WIDE))
DIALOG = 1


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with browser() as made:
        yield made


@pytest.fixture
def console(settings: Settings, tmp_path: Path) -> Console:
    """M0001's file had a faulty row, M0002's was refused whole; M0001 asked about somebody in March.

    M0001 was reminded of a day, and Anna has asked by the command that the registry's first key be destroyed.
    """
    made = lending(settings)
    with connection(settings) as database:
        words = ("请报送。", "Please send it.")
        add_reminder(database, made.members["M0001"], "missing", [AS_OF], words, "li.na", settings.now())
        database.execute(text("UPDATE member SET created_at = created_at - interval '9 days'"))
    published(made, "M0001", book("M0001", wrong=(3,)), tmp_path / "a")
    refused = write_submission(
        tmp_path / "b", "M0002", book("M0002"), AS_OF, 1, "full", manifest_changes={"record_count": 9}
    )
    submit(settings, refused, "M0002")
    march = Desk(replace(settings, fixed_now=datetime(2026, 3, 10, 9, 0, tzinfo=SHANGHAI)))
    about = Person("resident_id", resident_id(5))
    request = EnquiryRequest(about, "application", "SQ-MARCH", date(2027, 1, 1), "S-7", "case-7")
    march.enquire(Asker(made.members["M0001"], "M0001"), request, "key-1")
    march.close()
    key_epochs.new_epoch(settings, "registry")
    key_epochs.activate(settings, "registry", 2, 5.0, lambda behind: None)
    retire(settings, "registry", 1, 5.0, lambda behind: None, lambda stage, done, total: None)
    operators = Operators(settings, tmp_path / "keys")
    operators.register("li.na", Ed25519PrivateKey.generate(), "EdDSA")
    ask_or_approve(settings, "registry", 1, operators.named("anna"))
    return made


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
    page.get_by_role("button", name="校验").click()
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
    return clicks(page)


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
    return clicks(page)


def a_key_is_destroyed(page: Page, file: Path) -> None:
    """By a signature that the browser makes: the private key is asked for by nobody else."""
    begin(page)
    sent: list[bytes] = []
    page.on("request", lambda asked: sent.append(asked.post_data_buffer or b""))
    page.get_by_role("link", name="项密钥销毁等待复核").click()
    sound(page, "approvals")
    page.get_by_role("link", name="查看并决定").click()
    expect(page.get_by_text("没有，可以销毁。")).to_be_visible(timeout=SLOW)
    page.set_input_files("#key", file)
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
    page.set_input_files("#mended", mended)
    expect(page.get_by_role("heading", name="核对清单")).to_be_visible(timeout=SLOW)
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
        with page_of(opened, address, WIDE) as page:
            page.add_init_script(COUNTING)
            enter(page, console, paths["zhou"])
            spent["mended and sent again"] = a_faulty_row_is_sent_again(page, console, tmp_path)
            each_is_sound(page, MY_PAGES)
    print(spent)
    assert {name: number for name, number in spent.items() if number > MOST[name]} == {}
    assert all(number > 0 for number in spent.values()), "nothing was counted"


PEOPLE = (("li.na", "administrator", None), ("zhou", "clerk", "M0001"))
PAGES = {
    "members": "/members",
    "member-active": "/members/M0001",
    "reminders-words": "/reminders/words",
    "calendar-late-reminded": "/calendar/late",
}
MY_PAGES = {"my-reminders": "/my/reminders", "my-start": "/my/start"}
MOST = {
    "a member onboarded": 12,
    "why a file was refused": 3,
    "who asked in March": 4,
    "mended and sent again": 5,
}
