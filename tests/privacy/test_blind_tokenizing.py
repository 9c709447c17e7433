"""A member's file without its people: what is left of a row, what of a faulty one, what a second night costs."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import pytest
from blind_world import Platform

from huxin_privacy import blind
from huxin_privacy.blind.sealed import Cells, FileKey
from huxin_privacy.blind.tokenizing import plain
from support import rows as support

MEMBER = "M0001"


@pytest.fixture(scope="module")
def platform() -> Platform:
    return Platform()


def run(
    platform: Platform, rows: list[dict[str, str]], cache: blind.Cache | None = None
) -> tuple[blind.Tokenized, list[dict[str, str]], bytes]:
    target = io.BytesIO()
    blinder = blind.Blinder(platform.pinned(), platform.evaluate, cache)
    done = blind.tokenize_file(rows, target, blinder, MEMBER, types={"居民身份证": "resident_id"})
    content = target.getvalue()
    return done, list(csv.DictReader(io.StringIO(content.decode()))), content


def cells_of(platform: Platform, done: blind.Tokenized) -> Cells:
    key = FileKey.unwrapped(platform.secrets, MEMBER, done.sha256, done.element_key)
    assert key.epoch == platform.key.epoch
    return Cells(key)


def test_the_loan_stays_and_the_person_goes(platform: Platform) -> None:
    rows = [support.loan(MEMBER, n) for n in range(1, 6)]
    done, written, content = run(platform, rows)
    assert (done.rows, done.evaluated, done.faults) == (5, 5, [])
    assert done.sha256 == hashlib.sha256(content).hexdigest()
    cells = cells_of(platform, done)
    for row, out in zip(rows, written, strict=True):
        gone = {"id_no", "name", "mobile", "id_country"}
        assert {k: v for k, v in out.items() if k != "id_no"} == {
            k: v for k, v in row.items() if k not in gone
        }
        element = blind.element(platform.key.secret, blind.message("resident_id", row["id_no"]))
        assert cells.open(out["loan_no"], "resident_id", out["id_no"]) == element
        for said in (row["id_no"], row["name"], row["mobile"]):
            assert said.encode() not in content


def test_spellings_of_a_person_are_one_element(platform: Platform) -> None:
    number = support.resident_id(9)
    spellings = [
        number,
        f" {number} ",
        f"'{number}",
        number.translate({ord(d): 0xFEE0 + ord(d) for d in "0123456789"}),
    ]
    rows = [support.loan(MEMBER, 9, id_no=text, id_type="居民身份证") for text in spellings]
    done, written, _ = run(platform, rows)
    assert len({out["id_no"] for out in written}) == 1
    assert done.evaluated == 1


def test_a_faulty_row_keeps_its_loan_number_and_tells_its_code_here(platform: Platform) -> None:
    good = support.resident_id(1)
    faults = {
        good[:-1] + ("0" if good[-1] != "0" else "1"): "E1101",
        "1.2E+17": "E1102",
        "999": "E1104",
        "": "E1001",
        "无": "E1001",
    }
    rows = [support.loan(MEMBER, 2)] + [
        support.loan(MEMBER, n, id_no=text) for n, text in enumerate(faults, 3)
    ]
    rows.append(support.loan(MEMBER, 20, id_type="营业执照"))
    done, written, content = run(platform, rows)
    told = {fault.record: fault.codes for fault in done.faults}
    assert told == {n: (code,) for n, code in enumerate([*faults.values(), "E1301"], 2)}
    assert [out["id_no"] == "" for out in written] == [False] + [True] * 6
    assert all(out["loan_no"] for out in written)
    assert not any(len(text) > 3 and text.encode() in content for text in faults)


def test_the_second_night_evaluates_new_people_only(platform: Platform, tmp_path: Path) -> None:
    cache = blind.Cache(tmp_path, platform.pinned().oprf)
    first, _, _ = run(platform, [support.loan(MEMBER, n) for n in range(1, 31)], cache)
    before = platform.asked
    second, written, _ = run(
        platform,
        [support.loan(MEMBER, n) for n in range(1, 34)],
        blind.Cache(tmp_path, platform.pinned().oprf),
    )
    assert (first.evaluated, second.evaluated, platform.asked - before) == (30, 3, 3)
    cells = cells_of(platform, second)
    assert all(cells.open(out["loan_no"], "resident_id", out["id_no"]) for out in written)


def test_nothing_of_two_files_can_be_compared(platform: Platform) -> None:
    rows = [support.loan(MEMBER, 1)]
    (_, (one,), _), (_, (two,), _) = run(platform, rows), run(platform, rows)
    assert one["id_no"] != two["id_no"]


def test_an_empty_file_is_one(platform: Platform) -> None:
    done, written, content = run(platform, [])
    assert (done.rows, written, content) == (0, [], b"")
    assert done.sha256 == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("\u3000ＪＪ００１ ", "JJ001"),
        ("''JJ001", "JJ001"),
        ("' JJ", "JJ"),
        ("NULL", ""),
        ("a b", "a b"),
        ("\ufeff-", ""),
    ],
)
def test_a_plain_cell_stays_as_it_is(cell: str, wanted: str) -> None:
    assert plain(cell) == wanted == plain(plain(cell))
