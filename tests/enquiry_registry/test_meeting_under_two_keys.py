"""Two that come first with one person meet, whichever key each holds as the present one; an exchange hides nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
import pytest
from registry_world import Desk, token
from test_meeting import together

from huxin.errors import HuxinError
from huxin.registry import aliases, rekeying, schemes
from huxin.registry.bulk import CONTENDED, BulkError, bulk
from huxin.registry.connect import libpq_uri
from huxin.registry.directories import MOBILES, SUBJECTS, Directory, keyed, known_also
from huxin.registry.rekeying import Turn
from huxin.registry.session import connection

NOW = datetime(2026, 5, 31, tzinfo=UTC)
R1, R2, E2, OTHER = 1, 2, 3, 4  # schemes: an old and a new registry key, a new entry key, another type
ROUNDS = 25
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
def two_keys(desk: Desk) -> Desk:
    rows = [
        (R1, "resident_id", 1, 1),
        (R2, "resident_id", 1, 2),
        (E2, "resident_id", 2, 2),
        (OTHER, "uscc", 1, 1),
    ]
    for row in rows:
        desk.run(
            "INSERT INTO token_scheme (id, suite, id_type, entry_epoch, registry_epoch) "
            "VALUES (%s, 'S256', %s, %s, %s)",
            row,
        )
    return desk


def old(tokens: tuple[bytes, bytes]) -> list[tuple[bytes, int]]:
    """The keys of a process that has not read the new keyring yet."""
    return [(tokens[0], R1)]


def new(tokens: tuple[bytes, bytes]) -> list[tuple[bytes, int]]:
    """Those of one that has."""
    return [(tokens[1], R2), (tokens[0], R1)]


def pair() -> tuple[bytes, bytes]:
    return token(), token()


def subject(desk: Desk, keys: list[tuple[bytes, int]], **changed: Any) -> UUID | None:
    return desk.gather(1, b"", keys=keys, **changed).subject_id


def close(desk: Desk, *numbers: int) -> bool:
    with connection(desk.settings) as database:
        return schemes.close(database, numbers)


@pytest.mark.parametrize("views", [(old, new), (new, old), (new, new), (old, old)])
def test_they_meet_in_either_order(two_keys: Desk, views: tuple[Any, Any]) -> None:
    tokens = pair()
    first, second = (subject(two_keys, view(tokens)) for view in views)
    assert first is not None
    assert first == second
    assert {row[0] for row in two_keys.run("SELECT subject_id FROM alias")} == {first}


def test_they_meet_at_once(two_keys: Desk) -> None:
    """Processes with either view, and mobiles beside the persons."""
    views = [old, new, new, old]
    for round_ in range(ROUNDS):
        tokens, mobiles = pair(), pair()
        mine = (
            views[round_ % 4 :] + views[: round_ % 4]
        )  # whichever thread is mostly first, it is not always of one view

        def asked(
            number: int,
            tokens: tuple[bytes, bytes] = tokens,
            mobiles: tuple[bytes, bytes] = mobiles,
            mine: list[Any] = mine,
        ) -> object:
            view = mine[number]
            found = two_keys.gather(1, b"", keys=view(tokens), mobile_keys=view(mobiles))
            return found.subject_id, found.mobile_id

        met = together(4, asked)
        assert len(set(met)) == 1, met
        assert isinstance(met[0], tuple)
        assert all(isinstance(each, UUID) for each in met[0])
    for table, id_ in (("alias", "subject_id"), ("mobile_alias", "mobile_id")):
        assert two_keys.count(table) > ROUNDS, "some were claimed under both"
        assert two_keys.run(f"SELECT count(DISTINCT {id_}) FROM {table}") == [(ROUNDS,)]


def test_who_came_by_one_key_takes_what_he_made_by_the_other_to_the_first(two_keys: Desk) -> None:
    """The second wrote its own key before it saw the first's: it goes with it, and a third finds one subject."""
    tokens = pair()
    with psycopg.connect(libpq_uri(two_keys.settings)) as first:
        query = "SELECT subject_of(ARRAY[%s]::uuid[], ARRAY[1]::smallint[], true, now())"
        row = first.execute(query, (UUID(bytes=tokens[0]),)).fetchone()
        assert row is not None

        def asked(number: int) -> object:
            if number:
                while not two_keys.run(WAITING):
                    pass
                first.commit()
                return row[0]
            return subject(two_keys, new(tokens))

        assert together(2, asked) == [row[0], row[0]]
    assert subject(two_keys, [(tokens[1], R2)], claim=False) == row[0]


def test_a_closed_key_is_only_looked_up(two_keys: Desk) -> None:
    before, after = pair(), pair()
    known = subject(two_keys, old(before))
    assert close(two_keys, R1)
    assert subject(two_keys, new(before)) == known
    fresh = subject(two_keys, new(after))
    rows = two_keys.run("SELECT scheme FROM alias WHERE subject_id = %s", (fresh,))
    assert rows == [(R2,)]
    with pytest.raises(HuxinError, match="H1601"):
        subject(two_keys, old(before))
    with pytest.raises(HuxinError, match="H1601"):
        subject(two_keys, old(after))


def test_closing_waits_for_who_writes_under_the_key(two_keys: Desk) -> None:
    with psycopg.connect(libpq_uri(two_keys.settings)) as writer:
        writer.execute("SELECT subject_of(ARRAY[gen_random_uuid()], ARRAY[1]::smallint[], true, now())")
        assert not close(two_keys, R1)
        assert not close(two_keys, R1, R2)
        assert close(two_keys, OTHER)
        writer.commit()
        assert close(two_keys, R1)


def test_who_lacks_a_key_in_force_is_not_served(two_keys: Desk) -> None:
    """He would miss what was made under it, and tell a person unknown or a name another."""
    tokens = pair()
    subject(two_keys, old(tokens))
    with connection(two_keys.settings) as database:
        schemes.put_in_force(
            database, [("S256", "resident_id", 1, 1), ("S256", "resident_id", 1, 2), ("S256", "uscc", 1, 1)]
        )
    for keys in (old(tokens), [(tokens[1], R2)]):
        with pytest.raises(HuxinError, match="H1601") as refused:
            subject(two_keys, keys)
        assert refused.value.status == 503
    assert subject(two_keys, new(tokens)) is not None
    assert subject(two_keys, [(token(), OTHER)]) is not None, "of another type nothing is demanded"


def test_who_is_known_by_an_earlier_entry_key_follows_to_the_present_one(two_keys: Desk) -> None:
    first, second = pair()
    known = subject(two_keys, [(first, R2)])
    assert subject(two_keys, [(second, E2), (first, R2)], claim=False) == known
    assert two_keys.count("alias") == 1, "a mere look moves nothing"
    assert subject(two_keys, [(second, E2), (first, R2)]) == known
    assert two_keys.count("alias") == 2, "while both keys are open, both lead there"
    assert close(two_keys, R2)
    later = token()
    other = subject(two_keys, [(later, E2), (token(), R2)])
    assert other != known
    assert subject(two_keys, [(second, E2), (first, R2)]) == known
    two_keys.run("DELETE FROM alias WHERE scheme = %s", (E2,))
    assert subject(two_keys, [(second, E2), (first, R2)]) == known
    assert two_keys.run("SELECT scheme FROM alias WHERE subject_id = %s", (known,)) == [(E2,)]


# By the hundred, as the night does --------------------------------------------------------------------
def look_up(
    desk: Desk,
    directory: Directory,
    tokens: list[tuple[bytes, bytes]],
    second: int = R1,
    renews: bool = False,
) -> list[UUID]:
    """The ids of many by their new keys and what they were known as, claimed where nobody knew them."""
    own, other = (np.array([list(each[place]) for each in tokens], np.uint8) for place in (1, 0))
    count = len(tokens)
    rows = keyed(own, np.full(count, E2 if renews else R2, np.int16))
    before = keyed(other, np.full(count, second, np.int16))
    rows = known_also(rows, 0, before, np.ones(count, np.bool_), np.full(count, renews))
    with bulk(desk.settings) as session:
        aliases.open_tables(session)
        session.commit()
        found = aliases.ids_of(session, directory, rows, np.ones(count, np.bool_), NOW, False)
        session.commit()
    return [UUID(bytes=row.tobytes()) for row in found.ids]


@pytest.mark.parametrize("directory", [SUBJECTS, MOBILES], ids=lambda each: each.table)
def test_the_night_finds_and_claims_by_both_keys(two_keys: Desk, directory: Directory) -> None:
    tokens = [pair() for _ in range(20)]
    first = look_up(two_keys, directory, tokens[:15])
    again = look_up(two_keys, directory, tokens)
    assert again[:15] == first
    assert len(set(again)) == 20
    assert two_keys.count(directory.table) == 40
    assert close(two_keys, R1)
    more = [pair() for _ in range(5)]
    assert look_up(two_keys, directory, [*tokens, *more])[:20] == again
    assert two_keys.count(directory.table) == 45


@pytest.mark.parametrize("directory", [SUBJECTS, MOBILES], ids=lambda each: each.table)
def test_the_night_brings_many_to_the_present_entry_key(two_keys: Desk, directory: Directory) -> None:
    tokens = [pair() for _ in range(20)]
    first = look_up(two_keys, directory, [(b"\0" * 16, each[0]) for each in tokens])  # under R2 alone
    two_keys.run(f"DELETE FROM {directory.table} WHERE scheme = %s", (R1,))
    assert close(two_keys, R2)
    assert look_up(two_keys, directory, tokens, second=R2, renews=True) == first
    assert two_keys.run(f"SELECT DISTINCT scheme FROM {directory.table}") == [(E2,)]
    assert two_keys.count(directory.table) == 20


def test_a_night_and_enquiries_meet_under_two_keys(two_keys: Desk) -> None:
    """A deadlock may send the night round again, as it may with one key."""
    for _ in range(8):
        tokens = [pair() for _ in range(30)]

        def asked(number: int, tokens: list[tuple[bytes, bytes]] = tokens) -> object:
            if number == 0:
                return patiently(lambda: look_up(two_keys, SUBJECTS, tokens))
            view = old if number == 1 else new
            return [subject(two_keys, view(each)) for each in tokens]

        met = together(3, asked)
        assert met[0] == met[1] == met[2]


def patiently(work: Any) -> object:
    for _ in range(10):
        try:
            return work()
        except BulkError as error:
            if error.sqlstate not in CONTENDED:
                raise
    raise AssertionError("ten deadlocks")


# While aliases are re-encrypted -------------------------------------------------------------------------
def flipped(tokens: Any) -> Any:
    """In place of a cipher: what takes a token there, and none back by chance."""
    return tokens ^ np.uint8(0xFF)


def test_in_the_midst_of_a_batch_everybody_is_found_once(two_keys: Desk) -> None:
    tokens = token()
    after = flipped(np.frombuffer(tokens, np.uint8)).tobytes()
    known = subject(two_keys, [(tokens, R1)])
    assert close(two_keys, R1)
    view = [(after, R2), (tokens, R1)]
    with bulk(two_keys.settings) as session:
        session.run("CREATE TEMPORARY TABLE moving (LIKE alias) ON COMMIT DELETE ROWS")
        assert rekeying._batch(session, SUBJECTS, {R1: Turn(R2, flipped)}, 0, 100) == 1
        assert subject(two_keys, view) == known
        assert subject(two_keys, view, claim=False) == known
        session.commit()
    assert subject(two_keys, view) == known
    assert two_keys.run("SELECT token, scheme FROM alias") == [(UUID(bytes=after), R2)]


def test_who_was_claimed_under_both_keys_is_moved_too(two_keys: Desk) -> None:
    tokens = [token() for _ in range(300)]
    flip = {each: flipped(np.frombuffer(each, np.uint8)).tobytes() for each in tokens}
    both, one = tokens[:100], tokens[100:]
    known = [subject(two_keys, [(flip[each], R2), (each, R1)]) for each in both]
    known += [subject(two_keys, [(each, R1)]) for each in one]
    assert close(two_keys, R1)
    told: list[int] = []
    assert rekeying.rekey(two_keys.settings, SUBJECTS, {R1: Turn(R2, flipped)}, told.append, 1) == 300
    assert sum(told) == 300
    assert [subject(two_keys, [(flip[each], R2)], claim=False) for each in tokens] == known
    assert two_keys.run("SELECT DISTINCT scheme FROM alias") == [(R2,)]
    assert two_keys.count("alias") == 300


def test_a_person_that_is_two_stops_the_exchange_and_loses_nothing(two_keys: Desk) -> None:
    tokens = [token() for _ in range(20)]
    for each in tokens:
        subject(two_keys, [(each, R1)])
    wrong = flipped(np.frombuffer(tokens[3], np.uint8)).tobytes()
    two_keys.run("INSERT INTO alias VALUES (%s, %s, gen_random_uuid(), now())", (UUID(bytes=wrong), R2))
    before = sorted(two_keys.run("SELECT * FROM alias"))
    with pytest.raises(HuxinError, match="H1608") as failed:
        rekeying.rekey(two_keys.settings, SUBJECTS, {R1: Turn(R2, flipped)}, lambda _: None)
    assert failed.value.facts["count"] == 1
    assert sorted(two_keys.run("SELECT * FROM alias")) == before
