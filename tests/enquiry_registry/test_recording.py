"""Recording: once under a key, whatever comes twice or at once, and nothing half-done."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from registry_world import Desk
from test_meeting import together

from huxin.errors import HuxinError
from huxin.ids import id_at, moment_of, new_id
from huxin.registry import enquiries, gathering
from huxin.registry.connect import libpq_uri
from huxin.registry.enquiries import Recorded
from huxin.registry.partitions import ensure_enquiry_halves
from huxin.registry.session import connection

SUBJECT = uuid4()


def rows(desk: Desk) -> tuple[int, int, int]:
    return desk.count("enquiry"), desk.count("enquiry_key"), desk.count("outbox")


def test_an_enquiry_is_on_record_and_its_members_own(desk: Desk) -> None:
    new = desk.new(1, SUBJECT)
    assert enquiries.record(desk.live, new) == Recorded(new.id, new.answer, fresh=True)
    found = enquiries.fetch(desk.live, 1, new.id)
    assert found is not None
    for name in found.__dataclass_fields__:
        assert getattr(found, name) == getattr(new, name), name
    assert enquiries.fetch(desk.live, 2, new.id) is None
    assert desk.run("SELECT topic, body FROM outbox") == [("enquiry.answered", json.loads(new.outbox))]


def test_the_same_key_and_body_get_the_same_answer(desk: Desk) -> None:
    first = desk.new(1, SUBJECT, key="K")
    enquiries.record(desk.live, first)
    again = desk.record(1, SUBJECT, key="K", answer=b"another")
    assert again == Recorded(first.id, first.answer, fresh=False)
    assert enquiries.recorded(desk.live, 1, "K", first.body_digest) == again
    assert rows(desk) == (1, 1, 1)


def test_the_same_key_and_another_body_are_refused(desk: Desk) -> None:
    desk.record(1, SUBJECT, key="K")
    for ask in (
        lambda: desk.record(1, SUBJECT, key="K", body_digest=b"\7" * 32),
        lambda: enquiries.recorded(desk.live, 1, "K", b"\7" * 32),
    ):
        with pytest.raises(HuxinError) as caught:
            ask()
        assert caught.value.code == "H1202"
    assert rows(desk) == (1, 1, 1)


def test_a_key_is_a_members_own(desk: Desk) -> None:
    assert desk.record(1, SUBJECT, key="K").fresh
    assert enquiries.recorded(desk.live, 2, "K", b"\1" * 32) is None
    assert desk.record(2, SUBJECT, key="K").fresh


def test_one_key_at_once_is_one_enquiry(desk: Desk) -> None:
    for number in range(10):
        key = f"K{number}"
        found = together(6, lambda _, key=key: desk.record(1, SUBJECT, key=key))
        told = {each.id for each in found if isinstance(each, Recorded)}
        codes = {each.code for each in found if isinstance(each, HuxinError)}
        assert len(told) == 1
        assert codes <= {"H1203"}
    assert rows(desk) == (10, 10, 10)


def test_a_key_under_way_is_told_and_not_waited_for(desk: Desk) -> None:
    with psycopg.connect(libpq_uri(desk.settings)) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('K', 1))")
        with pytest.raises(HuxinError) as caught:
            desk.record(1, SUBJECT, key="K")
    assert caught.value.code == "H1203"
    assert desk.record(1, SUBJECT, key="K").fresh


def test_a_failure_midway_leaves_nothing(desk: Desk) -> None:
    desk.run("ALTER TABLE outbox ADD CONSTRAINT never CHECK (topic <> 'enquiry.answered')")
    with pytest.raises(HuxinError) as caught:
        desk.record(1, SUBJECT, key="K", staff="STAFF-7")
    assert caught.value.code == "H0501"
    assert "STAFF-7" not in str(caught.value)
    assert rows(desk) == (0, 0, 0)


def test_a_killed_backend_leaves_nothing_and_the_next_try_does_it(desk: Desk) -> None:
    """The backend dies after key and enquiry are inserted, before the outbox row; `row` comes again by itself."""
    desk.run("""
        CREATE TABLE dies (once boolean);
        INSERT INTO dies VALUES (true);
        CREATE SEQUENCE deaths;
        CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
            IF nextval('deaths') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
            RETURN NEW; END $$;
        CREATE TRIGGER die BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION die();
    """)
    assert desk.record(1, SUBJECT, key="K").fresh
    assert desk.run("SELECT last_value FROM deaths") == [(2,)]
    assert rows(desk) == (1, 1, 1)


def test_every_connection_gone_is_borne(desk: Desk) -> None:
    together(4, lambda _: desk.gather(1))
    desk.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid()"
    )
    assert desk.gather(1).member_status == "active"
    assert desk.record(1, SUBJECT).fresh


def test_ids_tell_their_moment(desk: Desk) -> None:
    made = id_at(desk.now)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert moment_of(made) == desk.now
    floor = desk.run("SELECT id_floor(%s)", (desk.now,))[0][0]
    assert floor <= made < desk.run("SELECT id_floor(%s)", (desk.now + timedelta(milliseconds=1),))[0][0]


def test_ids_keep_the_order_in_which_they_are_made(desk: Desk) -> None:
    """Two acts of one transaction have one `recorded_at`: the log numbers them by their ids."""
    made = []
    for _ in range(200):
        made.append(new_id())
        desk.run("SELECT 1", ())
    assert made == sorted(made)
    moments = [id_at(desk.now + timedelta(microseconds=n)) for n in range(1000)]
    assert moments == sorted(moments)
    assert {moment_of(each) for each in moments} == {desk.now}


def partition_of(desk: Desk, id_: UUID) -> str:
    return str(desk.run("SELECT tableoid::regclass::text FROM enquiry WHERE id = %s", (id_,))[0][0])


def test_half_years_are_made_ahead_and_take_over_what_came_before_them(desk: Desk) -> None:
    early = desk.record(1, SUBJECT).id
    assert partition_of(desk, early) == "enquiry_default"
    for _ in range(2):
        with connection(desk.settings) as database:
            ensure_enquiry_halves(database, desk.now)
    assert partition_of(desk, early) == "enquiry_y2026h1"
    assert partition_of(desk, desk.record(1, SUBJECT).id) == "enquiry_y2026h1"
    later = desk.record(1, SUBJECT, asked_at=desk.now + timedelta(days=70)).id
    assert partition_of(desk, later) == "enquiry_y2026h2"
    assert enquiries.fetch(desk.live, 1, early) is not None


def test_whoever_is_made_known_is_on_disk_before_the_enquiry_is(desk: Desk) -> None:
    """A crash between the two would leave an enquiry of somebody to whom no key leads."""
    text = (
        "SELECT met FROM enquiry_gather(1, 'application', ARRAY[%s]::uuid[], ARRAY[1]::smallint[], true, NULL,"
        " ARRAY[%s]::uuid[], ARRAY[1]::smallint[], %s, %s, 7)"
    )
    person, mobile = uuid4(), uuid4()
    waits = []
    with psycopg.connect(libpq_uri(desk.settings), autocommit=True) as connection:
        for who, called in ((person, mobile), (person, mobile), (person, uuid4()), (uuid4(), mobile)):
            with connection.transaction():
                connection.execute(text, (who, called, desk.now, desk.settings.today()))
                row = connection.execute("SHOW synchronous_commit").fetchone()
                waits.append(row and row[0])
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    assert waits == ["on", "off", "on", "on"]


def test_quota_is_used_by_minute_and_by_day(desk: Desk) -> None:
    def left(found: gathering.Gathered, now: datetime = desk.now) -> gathering.Quota:
        return gathering.quota_left(now, (found.minute_used, found.day_used), (2, 3))

    assert [left(desk.gather(1, per_minute=2)) for _ in range(3)][1:] == [
        gathering.Quota(2, 0, 60, False, 60),
        gathering.Quota(2, 0, 60, True, 60),
    ]
    minutes = [desk.now + timedelta(minutes=n) for n in range(4)]
    later = desk.gather(1, now=minutes[1], per_minute=2)
    assert (later.minute_used, later.day_used) == (1, 3)
    assert (left(later, minutes[1]).limit, left(later, minutes[1]).exceeded) == (3, False)
    assert left(desk.gather(1, now=minutes[2], per_minute=2), minutes[2]).exceeded
    refused = [desk.gather(1, now=minutes[3], per_minute=1).day_used for _ in range(3)]
    assert refused == [5, 5, 5]
    tomorrow = desk.settings.today() + timedelta(days=1)
    assert desk.gather(1, today=tomorrow, per_minute=2).day_used == 1
    assert desk.gather(1, purpose="guarantee", per_minute=2).day_used == 1
    assert gathering.quota_left(desk.now, (9, 9), (None, None)) == gathering.Quota()
