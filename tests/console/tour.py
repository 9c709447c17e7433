"""`make tour`: pictures of the console's pages for the README, made anew on a registry of invented lenders."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

TREE = Path(__file__).parents[2]
sys.path[:0] = [str(TREE / name) for name in ("tests", "benches")]

import pyotp  # noqa: E402
from browsing import browser, console_served  # noqa: E402
from consolebench.filler import Sizes, fill  # noqa: E402
from consolebench.member_side import lend  # noqa: E402
from members_world import as_csv, book  # noqa: E402
from playwright.sync_api import Page, expect  # noqa: E402
from sqlalchemy import text  # noqa: E402

from huxin.cli.setup import prepare  # noqa: E402
from huxin.demo.night import NAMES  # noqa: E402
from huxin.nightly.pipeline import run_group  # noqa: E402
from huxin.nightly.timings import Timings  # noqa: E402
from huxin.registry import embedded, people, people_links  # noqa: E402
from huxin.registry.sector import close_sector  # noqa: E402
from huxin.registry.sequencing import drain  # noqa: E402
from huxin.registry.session import connection, forget_engine  # noqa: E402
from huxin.settings import SHANGHAI, Settings  # noqa: E402
from support.rows import name, resident_id  # noqa: E402

FOLDER = TREE / "docs" / "tour"
MOST = 150_000
PASSWORD = "correct horse staple"
SIZE = {"width": 1280, "height": 800}
NIGHT = datetime(2026, 5, 31, 22, 0, tzinfo=SHANGHAI)
SIZES = Sizes(loans=12_000, members=12, enquiries=3_000, findings=60)


@dataclass(frozen=True)
class Tour:
    """Where pictures go, what is taken of, and on which registry."""

    settings: Settings
    address: str
    open: Callable[[], Page]

    def take(self, page: Page, name: str, height: int = SIZE["height"]) -> None:
        """A picture of the page's upper part. ValueError where it is too large for a README."""
        page.set_viewport_size({"width": SIZE["width"], "height": height})
        page.wait_for_timeout(300)  # the chart follows the window
        file = FOLDER / f"{name}.png"
        page.screenshot(path=file)
        if file.stat().st_size > MOST:
            raise ValueError(f"{file.name}: {file.stat().st_size} bytes")
        sys.stdout.write(f"{file.relative_to(TREE)}  {file.stat().st_size:,}\n")

    def joined(self, login: str, role: str, member: int) -> Page:
        """A window in which somebody has joined by his link."""
        now = datetime.now(UTC)
        with connection(self.settings) as database:
            id_ = people.add_person(database, login, role, member, "tour", now)
            link = people_links.make_link(database, id_, people_links.JOIN, now)
        page = self.open()
        page.goto(f"/join/{link}")
        totp = page.locator("#totp").inner_text()
        page.get_by_label("设置密码").fill(PASSWORD)
        page.get_by_label("再输入一次密码").fill(PASSWORD)
        page.get_by_label("动态码").fill(pyotp.TOTP(totp).now())
        page.get_by_role("button", name="启用并登录").click()
        expect(page.get_by_role("heading", name="待办")).to_be_visible()
        return page


def main() -> None:
    """Fills a home of its own, walks round as an operator and as a member's clerk, and leaves docs/tour/*.png."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="huxin-tour-") as folder:
        settings = replace(Settings(home=Path(folder) / "home"), fixed_now=NIGHT)
        os.environ["HUXIN_NOW"] = NIGHT.isoformat()
        try:
            filled(settings)
            with walking(settings) as tour:
                as_clerk(tour)
                as_operator(tour)
        finally:
            forget_engine(settings)
            embedded.stop(settings)


@contextmanager
def walking(settings: Settings) -> Iterator[Tour]:
    with console_served(settings) as address, browser() as opened:

        def page() -> Page:
            window = {"width": SIZE["width"], "height": SIZE["height"]}
            context = opened.new_context(base_url=address, viewport=window, locale="zh-CN")  # type: ignore[arg-type]
            return context.new_page()

        yield Tour(settings, address, page)


def filled(settings: Settings) -> None:
    """A dozen lenders with two months of reports behind them."""
    prepare(settings)
    fill(settings, SIZES)
    with connection(settings) as database:
        for code, called in NAMES.items():
            database.execute(
                text("UPDATE member SET name = :name WHERE code = :code"), {"name": called, "code": code}
            )
        close_sector(database, settings.now())


def as_clerk(tour: Tour) -> None:
    """A file with two faults, mended; a question and its answer."""
    page = tour.joined("zhou.min", people.CLERK, 1)
    page.goto("/my/files")
    rows = book("M0001", wrong=(3, 7), count=60)
    page.set_input_files("#file", {"name": "五月报送.csv", "mimeType": "text/csv", "buffer": as_csv(rows)})
    expect(page.get_by_role("heading", name="核对清单")).to_be_visible(timeout=60_000)
    page.get_by_label("方式").select_option("incremental")
    tour.take(page, "my-manifest", 640)
    page.get_by_role("button", name="报送", exact=True).click()
    page.wait_for_url("**/my/files/*")
    run_group(tour.settings, [UUID(page.url.rsplit("/", 1)[1])], Timings())
    expect(page.get_by_text("证件号码的校验码不对")).to_be_visible(timeout=60_000)
    tour.take(page, "my-file", 1080)
    asked(page, "SQ-2026-0412")
    with connection(tour.settings) as database:
        newest = "SELECT subject_id FROM enquiry ORDER BY id DESC LIMIT 1"
        lend(database, database.execute(text(newest)).scalar_one(), tour.settings.now())
    asked(page, "SQ-2026-0413")
    tour.take(page, "my-answer", 1560)
    page.goto("/my/quality")
    tour.take(page, "my-quality")


def asked(page: Page, consent: str) -> None:
    page.goto("/my/ask")
    page.get_by_label("证件号码").fill(resident_id(3))
    page.get_by_label("姓名或名称").fill(name(3))
    page.get_by_label("拟发放金额").fill("20000")
    page.get_by_label("授权编号").fill(consent)
    page.get_by_label("授权有效期至").fill("2027-12-31")
    page.get_by_label("业务编号").fill("case-118")
    page.get_by_role("button", name="查询", exact=True).click()
    expect(page.get_by_role("heading", name="查询结果")).to_be_visible()


def as_operator(tour: Tour) -> None:
    """What waits, who reported, how well, where the sector stands, and a leaf of the log proved."""
    page = tour.joined("li.na", people.ADMINISTRATOR, people.NO_MEMBER)
    drain(tour.settings)
    for place, picture, height in (
        ("/", "home", 560),
        ("/members", "members", 800),
        ("/calendar", "calendar", 900),
        ("/quality", "quality", 900),
        ("/sector", "sector", 1100),
        ("/enquiries?since=2026-03-01&until=2026-03-31", "enquiries", 800),
        ("/policy/edit", "policy", 900),
    ):
        page.goto(place)
        tour.take(page, picture, height)
    page.goto("/audit")
    page.get_by_role("row", name="贷前查询及结果").first.get_by_role("link").click()
    page.get_by_role("button", name="核验").click()
    expect(page.locator("#verdict")).not_to_have_text("")
    tour.take(page, "audit", 1080)


if __name__ == "__main__":
    main()
