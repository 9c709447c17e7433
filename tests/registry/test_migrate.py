"""Migrating: one head, twice is once, two at once, timeouts, and drift that is seen."""

from __future__ import annotations

import threading

import psycopg
import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, text

from huxin.errors import HuxinError
from huxin.registry import migrate
from huxin.registry.connect import libpq_uri
from huxin.registry.tables import metadata
from huxin.settings import Settings

OTHERS = "s.subject_id IS DISTINCT FROM p_subject"


def alter(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_the_tree_has_one_head() -> None:
    assert len(migrate.heads()) == 1


def test_an_empty_database_is_brought_to_the_head(empty_settings: Settings) -> None:
    assert migrate.current(empty_settings) is None
    migrate.upgrade(empty_settings)
    assert (migrate.current(empty_settings),) == migrate.heads()
    assert migrate.check_drift(empty_settings) == []


@pytest.mark.parametrize("stands_at", ["0020", "0021", "0022"])
def test_a_parameter_of_another_name_is_no_obstacle(empty_settings: Settings, stands_at: str) -> None:
    """The program of that time called one otherwise, and the server renames none."""
    migrate.upgrade(empty_settings, stands_at)
    with psycopg.connect(libpq_uri(empty_settings)) as connection:
        row = connection.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'enquiry_gather'"
        ).fetchone()
        assert row is not None and "p_in_lot" in row[0]
        connection.execute("DROP FUNCTION enquiry_gather")
        connection.execute(row[0].replace("p_in_lot", "p_known_only").encode())
    migrate.upgrade(empty_settings)
    assert (migrate.current(empty_settings),) == migrate.heads()


def test_counts_by_mobile_are_made_anew_and_their_earlier_form_is_gone(empty_settings: Settings) -> None:
    """One of other parameters would stand beside the new one, called by nobody."""
    migrate.upgrade(empty_settings, "0024")
    earlier = "mobile_counts_at(uuid, integer, timestamptz, timestamptz, timestamptz)"
    with psycopg.connect(libpq_uri(empty_settings)) as connection:
        connection.execute(
            f"CREATE FUNCTION {earlier} RETURNS text LANGUAGE sql AS 'SELECT NULL::text'".encode()
        )
        row = connection.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'enquiry_facts'"
        ).fetchone()
        assert row is not None and OTHERS in row[0]
        connection.execute(row[0].replace(OTHERS, "true").encode())
    migrate.upgrade(empty_settings)
    with psycopg.connect(libpq_uri(empty_settings)) as connection:
        found = connection.execute(
            "SELECT proname, prosrc FROM pg_proc WHERE proname IN ('enquiry_facts', 'mobile_counts_at') ORDER BY 1"
        ).fetchall()
    assert [name for name, _ in found] == ["enquiry_facts", "mobile_counts_at"]
    assert all(OTHERS in source for _, source in found)


def test_enquiries_on_record_are_reservable_by_their_purpose(empty_settings: Settings) -> None:
    migrate.upgrade(empty_settings, "0026")
    with psycopg.connect(libpq_uri(empty_settings)) as connection:
        connection.execute("""
            INSERT INTO enquiry (subject_id, id, member_id, asked_at, purpose, policy, tier, facts, answer)
            SELECT id_floor(now()), id_floor(now() + n * interval '1 s'), 1, now(), p, 'p', 'full', '', ''
            FROM unnest(ARRAY['application', 'guarantee', 'post_loan']) WITH ORDINALITY AS t(p, n)
        """)
        connection.execute("""
            INSERT INTO enquiry_key (member_id, key, digest, enquiry_id, subject_id)
            SELECT 1, purpose, '', id, subject_id FROM enquiry
        """)
    migrate.upgrade(empty_settings)
    with psycopg.connect(libpq_uri(empty_settings)) as connection:
        found = connection.execute("SELECT key FROM enquiry_key WHERE reservable").fetchall()
    assert found == [("application",)]


def test_a_second_migration_changes_nothing(settings: Settings) -> None:
    migrate.upgrade(settings)
    assert (migrate.current(settings),) == migrate.heads()


def test_two_at_once_take_turns(empty_settings: Settings) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            migrate.upgrade(empty_settings)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert migrate.check_drift(empty_settings) == []


def test_a_turn_that_never_comes_is_said(empty_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        monkeypatch.context() as impatient,
        migrate._session(empty_settings) as other,
        migrate._in_turn(other),
        pytest.raises(HuxinError) as caught,
    ):
        impatient.setattr(migrate, "TURN_TIMEOUT", "200ms")
        migrate.upgrade(empty_settings)
    assert caught.value.code == "H0315"
    migrate.upgrade(empty_settings)  # the server may yet have to notice that the other one has left


def test_a_held_table_does_not_hold_the_migration_for_ever(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "200ms")
    with engine.begin() as other:
        other.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(HuxinError) as caught:
            migrate.upgrade(settings)
    assert caught.value.code == "H0315"


def test_a_database_ahead_of_the_program_is_refused(settings: Settings, engine: Engine) -> None:
    alter(engine, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(HuxinError) as caught:
        migrate.upgrade(settings)
    assert caught.value.code == "H0316"
    assert "9999" in str(caught.value)


def test_timeouts_stand_while_migrating(empty_settings: Settings) -> None:
    with migrate._session(empty_settings) as connection, migrate._in_turn(connection):
        assert connection.scalar(text("SHOW lock_timeout")) == "10s"
        assert connection.scalar(text("SHOW statement_timeout")) == "15min"


def test_migrated_and_declared_tables_agree(settings: Settings) -> None:
    assert migrate.check_drift(settings) == []


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ("ALTER TABLE member ADD COLUMN surplus integer", "surplus"),
        ("ALTER TABLE member DROP COLUMN name", "name"),
        ("ALTER TABLE loan ALTER COLUMN principal TYPE numeric", "principal"),
        ("ALTER TABLE loan ALTER COLUMN balance DROP NOT NULL", "balance"),
        ("ALTER TABLE submission ALTER COLUMN confirmed SET DEFAULT true", "confirmed"),
        ("ALTER TABLE submission ALTER COLUMN attempt DROP DEFAULT", "attempt"),
        ("DROP TABLE outbox", "outbox"),
        ("CREATE TABLE stranger (id integer)", "stranger"),
        ("CREATE INDEX stranger ON loan (currency)", "stranger"),
        ("ALTER TABLE member DROP CONSTRAINT member_code_key", "member_code_key"),
        (
            "ALTER TABLE alias DROP CONSTRAINT alias_pkey, ADD CONSTRAINT alias_pkey PRIMARY KEY (token)",
            "alias",
        ),
    ],
)
def test_a_planted_difference_is_seen(settings: Settings, engine: Engine, change: str, seen: str) -> None:
    alter(engine, change)
    found = migrate.check_drift(settings)
    assert any(seen in difference for difference in found), found


def test_what_the_night_makes_and_drops_is_no_drift(settings: Settings, engine: Engine) -> None:
    alter(
        engine,
        "CREATE UNLOGGED TABLE staging_0197 (id integer)",
        "CREATE TABLE loan_history_y2199m01 PARTITION OF loan_history "
        "FOR VALUES FROM ('2199-01-01') TO ('2199-02-01')",
    )
    assert migrate.check_drift(settings) == []


def test_a_declared_table_that_is_missing_is_seen(settings: Settings) -> None:
    declared = MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(declared)
    Table("planned", declared, Column("id", Integer, primary_key=True))
    assert any("planned" in difference for difference in migrate.check_drift(settings, declared))


def test_the_configuration_bears_a_percent_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "__file__", "/a/50%/migrate.py")
    assert migrate.config().get_main_option("script_location") == "/a/50%/migrations"
