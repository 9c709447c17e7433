"""Checking a file without filing it: this console's one process for it, and a first test file as pages tell of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Request
from flask_babel import gettext

from huxin.console import texts
from huxin.console.desk import desk
from huxin.console.findings import Group, groups_of_check
from huxin.errors import HuxinError
from huxin.registry.onboardings import Tested

if TYPE_CHECKING:
    from huxin.nightly.checker import Checker

TEST_LIMIT = 8 << 20


@dataclass(frozen=True)
class Told:
    """What a page says of a test file: how it ended, and its findings by rule."""

    tested: Tested
    refused: bool
    accepted: int
    warned: int
    groups: list[Group]


@lru_cache(maxsize=1)
def checker() -> Checker:
    """This process's; like the API's it has no key and no database."""
    from huxin.nightly.checker import Checker  # only whoever checks a file waits for it

    return Checker()


def check_whole(member: str, name: str, blocks: Iterable[bytes], manifest: bytes | None) -> dict[str, Any]:
    """What validation says of a file; without a manifest it is a whole book of today. HuxinError H1405, H1406."""
    with checker() as one:
        one.give(blocks)
        return one.answer(
            {
                "now": desk().settings.now().isoformat(),
                "language": texts.language(),
                "member": member,
                "file": name,
                "manifest": None if manifest is None else manifest.decode(),
            }
        )


def check_test(member: str, request: Request) -> Told:
    """Checks the file of a form; it is in memory only, and kept nowhere. HuxinError H2013 (none chosen), H1404, H1405.

    It passes when it has rows and none of them is rejected: whoever begins with a fault begins with mending.
    """
    from huxin.nightly.filing import plain_name

    request.max_content_length = TEST_LIMIT + (1 << 16)
    given = request.files.get("file")
    if given is None or not given.filename:
        raise HuxinError("H2013")
    content = given.stream.read(TEST_LIMIT + 1)
    if len(content) > TEST_LIMIT:
        raise HuxinError("H1404", limit=TEST_LIMIT)
    told = check_whole(member, plain_name(given.filename), [content], None)
    return _told(told)


def _told(told: dict[str, Any]) -> Told:
    refused = told["state"] == "REFUSED"
    rows, rejected = told["rows"], told["rejected"]
    passed = not refused and bool(rows) and not rejected
    tested = Tested(passed, rows, rejected, bytes.fromhex(told["sha256"]), told["ruleset"])
    return Told(tested, refused, told["accepted"] or 0, told["warned"] or 0, groups_of_check(told))


def outcome(told: Told) -> str:
    """How it ended, in a sentence."""
    if told.refused:
        return gettext("整份文件不会被接受。")
    return gettext(
        "可入库 %(good)s 行，拒收 %(bad)s 行，提醒 %(warned)s 行。",
        good=told.accepted,
        bad=told.tested.rejected or 0,
        warned=told.warned,
    )
