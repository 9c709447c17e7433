"""A file checked without being filed: the same findings, and not a byte of it anywhere afterwards."""

from __future__ import annotations

import hashlib
import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from http_world import ME, OTHER, World, code_of, smaller, until
from night_tools import book, sent
from sqlalchemy import text

from huxin.api import submission_check
from huxin.errors import HuxinError
from huxin.nightly.checker import Checker
from huxin.registry.session import connection

CHECK = "/v1/submissions/check"


@pytest.fixture(scope="module")
def one() -> Iterator[Checker]:
    """One process for the whole file: starting it takes seconds."""
    made = Checker(patience=0.1)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _shared(one: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission_check, "_checker", lambda: one)


def counts(world: World) -> dict[str, int]:
    """Rows of every table."""
    with connection(world.settings) as database:
        names = database.execute(
            text(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')  AND relnamespace = 'public'::regnamespace"
            )
        )
        return {
            name: database.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()
            for name in names.scalars()
        }


def files(world: World) -> set[Path]:
    return {path for path in world.settings.home.rglob("*") if "keys" not in path.parts}


def damaged() -> list[dict[str, str]]:
    rows = book(ME, wrong=[3])
    rows[7]["id_no"] = rows[7]["id_no"][:-1] + ("1" if rows[7]["id_no"][-1] != "1" else "2")
    return [*rows, dict(rows[9])]


def test_it_says_what_sending_would_say_and_keeps_nothing(world: World) -> None:
    data = world.written(damaged())
    rows, before = counts(world), files(world)
    response = world.post(data, path=CHECK)
    assert response.status_code == 200, response.text
    assert counts(world) == rows
    assert files(world) == before
    said = response.json
    world.post(data)
    world.work()
    (item,) = world.get("/v1/submissions").json["items"]
    names = (
        "rows",
        "accepted",
        "rejected",
        "warned",
        "codes",
        "sha256",
        "ruleset",
        "mode",
        "sequence",
        "as_of_date",
    )
    assert {name: said[name] for name in names} == {name: item[name] for name in names}
    assert said["findings"] == world.get(f"/v1/submissions/{item['id']}/findings").json["items"]
    assert (said["outcome"], said["more"], item["state"]) == ("accepted", 0, "published")
    assert damaged()[7]["id_no"] not in response.text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sum_balance": "1.00"}, "F0002"),
        ({"sha256": "0" * 64}, "F0001"),
        ({"member": OTHER}, "F0007"),
        ({"record_count": 2**31 - 1}, "F0002"),
    ],
)
def test_a_manifest_that_does_not_fit_is_told(world: World, changes: dict[str, Any], code: str) -> None:
    said = world.post(world.written(damaged(), manifest_changes=changes), path=CHECK).json
    assert (said["outcome"], said["findings"][0]["code"]) == ("refused", code)
    assert said["accepted"] == 0


def test_a_file_alone_is_a_whole_book_of_today(world: World) -> None:
    data = world.written(damaged())
    said = world.form({"file": (io.BytesIO(data.read_bytes()), "x")}, path=CHECK).json
    assert (said["outcome"], said["as_of_date"], said["mode"], said["sequence"]) == (
        "accepted",
        "2026-05-31",
        "full",
        None,
    )
    assert (said["rows"], said["rejected"]) == (41, 3)


def test_a_file_that_cannot_be_read_is_told(world: World) -> None:
    said = world.form({"file": (io.BytesIO(b"PK\x03\x04" + b"nothing" * 50), "x.xlsx")}, path=CHECK).json
    assert (said["outcome"], said["findings"][0]["code"]) == ("refused", "F0004")


def test_a_long_file_is_to_be_sent(world: World) -> None:
    smaller(world, check_limit=5_000)
    response = world.post(world.written(), path=CHECK)
    assert (response.status_code, code_of(response), response.json["facts"]) == (
        413,
        "H1404",
        {"limit": 5_000},
    )
    smaller(world, check_limit=1 << 20)
    assert world.post(world.written(), path=CHECK).status_code == 200


def test_who_comes_while_others_are_checked_is_told_to_wait(world: World, one: Checker) -> None:
    with one:
        response = world.post(world.written(), path=CHECK)
    assert (response.status_code, code_of(response), response.headers["Retry-After"]) == (503, "H1405", "10")


def test_a_form_of_other_parts_is_told_and_forgotten(world: World, one: Checker) -> None:
    world.post(world.written(), path=CHECK)
    process = one._process
    for parts in ({"manifest": "{}"}, {"file": "loan_no", "more": "x"}):
        assert code_of(world.form(parts, path=CHECK)) == "H1403"
    said = world.post(world.written(), path=CHECK)
    assert (said.status_code, said.json["rows"]) == (200, 40)
    assert one._process is process


def test_a_process_that_dies_is_told_and_replaced(world: World, one: Checker) -> None:
    data = world.written()
    assert world.post(data, path=CHECK).status_code == 200
    process = one._process
    assert process is not None
    now = world.settings.now().isoformat()
    asked = {"now": now, "language": "zh", "member": ME, "file": data.name, "manifest": sent(data).decode()}
    with pytest.raises(HuxinError) as told, one:
        one.give([data.read_bytes()])
        os.kill(process.pid, signal.SIGKILL)
        process.wait(120)  # with all that it was given: another one would judge an empty file
        one.answer(asked)
    assert told.value.code == "H1406"
    assert world.post(data, path=CHECK).status_code == 200


def test_it_holds_no_key_and_ends_with_who_started_it(world: World, one: Checker) -> None:
    world.post(world.written(), path=CHECK)
    process = one._process
    assert process is not None
    environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"HUXIN_" not in environment
    assert process.stdin is not None
    process.stdin.close()
    until(lambda: process.poll() is not None)
    one.stop()


def test_a_file_that_follows_a_forgotten_one_at_once_is_answered() -> None:
    """Both have come before the process is ready: what was read of the second with the first is not waited for."""
    now = "2026-05-31T22:00:00+08:00"
    asked = {"now": now, "language": "zh", "member": ME, "file": "a.csv", "manifest": None}
    checker = Checker(seconds=60.0)
    try:
        with pytest.raises(ZeroDivisionError), checker:
            checker.give([b"the first"])
            raise ZeroDivisionError
        with checker:
            checker.give([b"the second"])
            assert checker.answer(asked)["sha256"] == hashlib.sha256(b"the second").hexdigest()
    finally:
        checker.stop()
