"""The API's documentation page in a browser: what it says is drawn as text, links and code, from our own files."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from browsing import WIDE, browser, page_of
from playwright.sync_api import Page, Route

from huxin.api.app import described_app

ADDRESS = "http://docs.invalid"


@pytest.fixture(scope="module")
def docs() -> Iterator[Page]:
    """The page, answered by the app itself: nobody listens, and nothing else is reached."""
    client = described_app().test_client()
    asked: list[str] = []

    def answered(route: Route) -> None:
        address = urlsplit(route.request.url)
        asked.append(f"{address.scheme}://{address.netloc}")
        told = client.get(address.path)
        route.fulfill(status=told.status_code, headers=dict(told.headers), body=told.data)

    with browser() as opened, page_of(opened, ADDRESS, WIDE) as page:
        page.route("**/*", answered)
        page.goto("/docs")
        page.wait_for_selector("#schema-Answered table")
        yield page
        assert set(asked) == {ADDRESS}


def test_no_markdown_is_left_in_what_is_read(docs: Page) -> None:
    text = docs.inner_text("main")
    assert "`" not in text
    assert "](" not in text
    assert docs.locator("main code", has_text="/oauth/token").count() > 0


def test_paragraphs_are_drawn_as_such(docs: Page) -> None:
    """The lines of the source are no lines of the page, and Chinese has no blanks where one was broken."""
    chinese, english = (
        docs.locator("main > div").first.locator("p").nth(each).inner_text() for each in (0, 1)
    )
    assert chinese.endswith("用中文或英文。")
    assert "访问令牌，再调用其他接口" in chinese
    assert english.startswith("The interfaces of a shared credit registry")
    assert "five minutes from" in english


def test_codes_lead_to_their_texts(docs: Page) -> None:
    link = docs.locator("#enquiries_ask details a", has_text="H1201").first
    assert link.get_attribute("href") == "#H1201"
    assert docs.locator("#H1201").count() == 1
