"""Tokens to ids: the same answer whichever side goes to the other, and nothing on record before it is claimed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from huxin.registry import aliases
from huxin.registry.aliases import MOBILES, SUBJECTS, Directory, Found, claim, ids_of, keyed
from huxin.registry.bulk import CONTENDED, Bulk, BulkError, bulk
from huxin.registry.migrate import upgrade
from huxin.settings import Settings

NOW = datetime(2026, 5, 31, tzinfo=UTC)


@pytest.fixture(params=[SUBJECTS, MOBILES], ids=lambda directory: directory.table)
def directory(request: pytest.FixtureRequest) -> Directory:
    found: Directory = request.param
    return found


@pytest.fixture
def session(settings: Settings) -> Iterator[Bulk]:
    upgrade(settings)
    with bulk(settings) as opened:
        aliases.open_tables(opened)
        opened.commit()
        yield opened


def look_up(
    session: Bulk, directory: Directory, numbers: list[int], claiming: bool = True, contended: bool = False
) -> Found:
    tokens = np.zeros((len(numbers), 16), np.uint8)
    tokens[:, 3] = numbers
    rows = keyed(tokens, np.ones(len(numbers), np.int16))
    return ids_of(session, directory, rows, np.full(len(numbers), claiming), NOW, contended)


def ids(found: Found) -> list[bytes]:
    return [row.tobytes() for row in found.ids]


def test_ids_are_on_record_when_they_are_claimed_and_not_before(session: Bulk, directory: Directory) -> None:
    made = look_up(session, directory, [5, 3, 5])
    assert made.fresh.all()
    assert made.unwritten.height == 2
    assert ids(made)[0] == ids(made)[2] != ids(made)[1]
    assert session.rows(f"SELECT count(*) FROM {directory.table}") == [(0,)]
    claim(session, directory, made.unwritten, NOW)
    session.commit()
    again = look_up(session, directory, [3, 5])
    assert ids(again) == [ids(made)[1], ids(made)[0]]
    assert not again.fresh.any()
    assert again.unwritten.height == 0


@pytest.mark.parametrize("asked", [[4], [1, 2], list(range(1, 40))], ids=len)
def test_few_and_many_are_found_alike(session: Bulk, directory: Directory, asked: list[int]) -> None:
    made = look_up(session, directory, list(range(1, 11)))
    claim(session, directory, made.unwritten, NOW)
    held = dict(zip(range(1, 11), ids(made), strict=True))
    found = look_up(session, directory, asked, claiming=False)
    assert found.known.tolist() == [number in held for number in asked]
    assert ids(found) == [held.get(number, bytes(16)) for number in asked]
    assert found.unwritten.height == 0


def test_what_somebody_else_claimed_meanwhile_is_told_and_then_taken(
    session: Bulk, directory: Directory, settings: Settings
) -> None:
    mine = look_up(session, directory, [1, 2])
    with bulk(settings) as other:
        aliases.open_tables(other)
        theirs = look_up(other, directory, [2, 3])
        claim(other, directory, theirs.unwritten, NOW)
        other.commit()
    with pytest.raises(BulkError) as failed:
        claim(session, directory, mine.unwritten, NOW)
    assert failed.value.sqlstate in CONTENDED
    with bulk(settings) as patient:
        aliases.open_tables(patient)
        agreed = look_up(patient, directory, [1, 2, 3], contended=True)
        assert agreed.unwritten.height == 0
        assert ids(agreed)[1:] == ids(theirs)
        assert patient.rows(f"SELECT count(*) FROM {directory.table}") == [(3,)]


def test_new_subjects_rise_in_the_order_of_the_rows_that_name_them_first(session: Bulk) -> None:
    first = look_up(session, SUBJECTS, [7])
    claim(session, SUBJECTS, first.unwritten, NOW)
    numbers = [9, 7, 200, 9, 1, 200, 3, 3]
    found = look_up(session, SUBJECTS, numbers)
    made = dict(zip(numbers, ids(found), strict=True))
    assert made[7] == ids(first)[0]
    assert made[9] < made[200] < made[1] < made[3]
    # Seven was there before; nine and two hundred come again behind somebody later; three behind itself.
    assert found.rising.tolist() == [True, False, True, False, True, False, True, True]
    tokens = found.unwritten.select("high", "low").rows()
    assert tokens == sorted(tokens)


def test_an_id_is_random_whatever_its_place(session: Bulk) -> None:
    found = look_up(session, SUBJECTS, list(range(200)))
    words = np.array([list(each) for each in ids(found)])
    assert len(set(ids(found))) == 200
    assert set(words[:, 6] >> 4) == {4}
    assert set(words[:, 8] >> 6) == {2}
    assert len(set(words[:, 1])) > 40 and len(set(words[:, 15])) > 40
