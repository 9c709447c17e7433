"""A clerk's first day before a real browser: send by drag and drop, find the fault, mend it, send it again, ask."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest
from browsing import PHONE, WIDE, browser, console_served, faults, fits, page_of, ready, shot
from console_world import Console
from members_world import as_csv, book, first_sheet, lending, published
from playwright.sync_api import Browser, Page, expect
from test_console_browser import enter

from huxin.console.config import present
from huxin.nightly.parts import PART
from huxin.nightly.pipeline import run_group
from huxin.nightly.timings import Timings
from huxin.registry.sequencing import drain
from huxin.settings import Settings
from support.rows import name, resident_id

DROP = """async ([selector, name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, {type: "text/csv"}));
  const options = {bubbles: true, cancelable: true, dataTransfer: data};
  document.querySelector(selector).dispatchEvent(new DragEvent("drop", options));
}"""


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with browser() as made:
        yield made


@pytest.fixture
def console(settings: Settings, tmp_path: Path) -> Console:
    made = lending(settings)
    published(made, "M0002", book("M0002"), tmp_path)
    return made


def an_interrupted_upload_goes_on(page: Page, file: Path) -> None:
    """The line goes dead in the middle and the window is closed: the same file again sends what is missing only."""
    file.write_bytes(as_csv(book("M0001", count=16_000)))
    assert PART < file.stat().st_size < 2 * PART
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url[-1]) if "/parts/" in asked.url else None)
    page.route("**/parts/1", lambda _: None)
    with page.expect_request("**/parts/1"):
        page.set_input_files("#file", file)
    expect(page.get_by_role("progressbar", name="发送进度")).to_be_visible()
    page.goto("/my/files")
    page.unroute("**/parts/1")
    page.set_input_files("#file", file)
    expect(page.get_by_role("heading", name="核对清单")).to_be_visible()
    expect(page.get_by_text("16,000")).to_be_visible()
    assert sent == ["0", "1", "1"]
    page.get_by_role("button", name="放弃").click()
    expect(page.get_by_role("heading", name="报送", exact=True)).to_be_visible()


def a_dead_line_is_said_in_the_readers_language(page: Page, file: Path) -> None:
    """And what to do: not the browser's own words."""
    ready(page).evaluate("() => { window.fetch = () => Promise.reject(new TypeError('Failed to fetch')); }")
    page.set_input_files("#file", file)
    expect(page.get_by_role("alert")).to_have_text("发送中断。请再选一次同一文件，会从中断处继续。")
    page.goto("/my/files")


def the_receipt_is_proved(page: Page, console: Console) -> None:
    """By the member's own browser, from the page of its submission."""
    drain(console.settings)
    page.get_by_role("link", name="核验存证").click()
    assert faults(page) == []
    page.get_by_role("button", name="核验").click()
    expect(page.locator("#verdict")).to_contain_text("核验通过")
    shot(page, "my-proof")


def test_a_clerks_first_day(
    console: Console, opened: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUXIN_NOW", console.settings.now().isoformat())
    console.clock.at = present()
    path = console.invited("zhou", "clerk", "M0001")
    with console_served(console.settings) as address, page_of(opened, address, WIDE) as page:
        enter(page, console, path)
        page.goto("/my/files")
        assert faults(page) == []
        an_interrupted_upload_goes_on(page, tmp_path / "large.csv")
        a_dead_line_is_said_in_the_readers_language(page, tmp_path / "large.csv")
        page.evaluate(DROP, ["form[data-upload]", "五月.csv", as_csv(book("M0001", wrong=(3,))).decode()])
        expect(page.get_by_role("heading", name="核对清单")).to_be_visible()
        assert faults(page) == []
        shot(page, "my-manifest")
        page.get_by_role("button", name="报送", exact=True).click()
        page.wait_for_url("**/my/files/*")
        run_group(console.settings, [UUID(page.url.rsplit("/", 1)[1])], Timings())
        # It shows by itself what became of the file, and why: no click.
        expect(page.get_by_text("证件号码的校验码不对")).to_be_visible()
        assert faults(page) == []
        assert fits(page)
        shot(page, "my-file")
        # Mended and sent again in two clicks and a drop.
        with page.expect_download() as taken:
            page.get_by_role("link", name="下载要修改的行").click()
        sheet = tmp_path / "rows.xlsx"
        taken.value.save_as(sheet)
        table = first_sheet(io.BytesIO(sheet.read_bytes()))
        mended = tmp_path / "mended.xlsx"
        table.with_columns(pl.lit(resident_id(3)).alias("证件号码")).write_excel(mended)
        ready(page).set_input_files("#mended", mended)
        expect(page.get_by_role("heading", name="核对清单")).to_be_visible()
        page.get_by_role("button", name="报送", exact=True).click()
        page.wait_for_url("**/my/files/*")
        run_group(console.settings, [UUID(page.url.rsplit("/", 1)[1])], Timings())
        expect(page.get_by_text("没有发现问题")).to_be_visible()
        the_receipt_is_proved(page, console)
        # And an enquiry, on a phone.
        page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        page.goto("/my/ask")
        assert faults(page) == []
        assert fits(page)
        page.get_by_label("证件号码").fill(resident_id(3))
        page.get_by_label("姓名或名称").fill(name(3))
        page.get_by_label("授权编号").fill("SQ-1")
        page.get_by_label("授权有效期至").fill("2027-12-31")
        page.get_by_label("业务编号").fill("case-1")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="查询结果")).to_be_visible()
        assert faults(page) == []
        assert fits(page)
        page.set_viewport_size({"width": WIDE["width"], "height": WIDE["height"]})
        shot(page, "my-answer")
        for place, heading in (
            ("/my/enquiries", "查询与占用"),
            ("/my/files", "报送"),
            ("/my/files/rules", "校验规则"),
            ("/my/quality", "数据质量评分"),
        ):
            page.goto(place)
            expect(page.get_by_role("heading", name=heading).first).to_be_visible()
            assert faults(page) == []
