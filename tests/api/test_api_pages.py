"""Cursors and quota headers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from api_world import World
from hypothesis import given, settings
from hypothesis import strategies as st

from huxin.api import paging
from huxin.api.caller import Caller
from huxin.api.limits import rate_headers, require_quota
from huxin.errors import HuxinError
from huxin.ids import new_id


@pytest.fixture
def parts(world: World) -> tuple[Any, Caller]:
    caller = Caller(1, "M0001", "member", frozenset(), new_id())
    return world.app.extensions["huxin"], caller


def test_pages_follow_one_another_without_gap_or_repeat(parts: tuple[Any, Caller]) -> None:
    shell, caller = parts
    rows = list(range(25))
    seen: list[int] = []
    cursor: str | None = None
    for _ in range(10):
        after = paging.place_of(shell, caller, "things", cursor)
        rest = [row for row in rows if after is None or row > after]
        shown, cursor = paging.page(shell, caller, "things", rest[: 10 + 1], 10, lambda row: row)
        seen += shown
        if cursor is None:
            break
    assert seen == rows


def test_a_cursor_is_good_for_its_caller_and_interface_only(parts: tuple[Any, Caller]) -> None:
    shell, caller = parts
    cursor = paging.cursor(shell, caller, "things", "0190")
    assert paging.place_of(shell, caller, "things", cursor) == "0190"
    wrong = [
        (replace(caller, member_id=2), "things", cursor),
        (replace(caller, role="operator"), "things", cursor),
        (caller, "others", cursor),
        (caller, "things", cursor[:-1]),
        (caller, "things", cursor + "A"),
        (caller, "things", "A" + cursor),
        (caller, "things", ""),
        (caller, "things", "é"),
        (caller, "things", "A" * 10_000),
    ]
    for each in wrong:
        with pytest.raises(HuxinError, match="H1124"):
            paging.place_of(shell, *each)


def test_an_empty_list_is_one_page(parts: tuple[Any, Caller]) -> None:
    assert paging.page(*parts, "things", [], 10, str) == ([], None)


@settings(deadline=None)
@given(st.integers(1, 10**6), st.integers(1, 86400), st.integers(-5, 10**6), st.integers(-5, 86400))
def test_quota_headers_are_structured_fields(limit: int, window: int, remaining: int, reset: int) -> None:
    policy, left = rate_headers("application", limit, window, remaining, reset)
    assert policy == ("RateLimit-Policy", f'"application";q={limit};w={window}')
    assert left == ("RateLimit", f'"application";r={max(0, remaining)};t={max(0, reset)}')


def test_nothing_but_our_own_words_enters_a_header() -> None:
    for purpose in ('a"b', "a\r\nb", "贷前", "", "A", "x" * 40):
        with pytest.raises(AssertionError):
            rate_headers(purpose, 1, 1, 1, 1)


def test_a_quota_stops_only_who_has_used_it_up() -> None:
    require_quota("application", 5, 60, 10, False)
    with pytest.raises(HuxinError) as caught:
        require_quota("application", 5, 60, 0, True)
    assert (caught.value.code, caught.value.facts["retry_s"]) == ("H1123", 1)
