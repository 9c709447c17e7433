"""What the API's role may touch: its functions, and one member's rows of the member group. No more."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from registry_world import Desk
from sqlalchemy import text

from huxin.registry.connect import as_role, libpq_uri
from huxin.registry.session import forget_engine, member_connection

UNREACHABLE = (
    "loan", "loan_history", "loan_adverse", "enquiry", "enquiry_default", "alias", "reservation",
    "mobile_alias", "mobile_subject", "mobile_enquiry", "quota", "quota_refused", "outbox", "member",
    "alarm", "honeytoken", "enquiry_tally", "enquiry_yield", "member_limit", "guard_run",
    "report_day", "report_code", "member_book", "member_book_day", "reporting_term", "enquiry_directory", "sector_book",
    "sector_lenders",
)  # fmt: skip
OF_A_MEMBER = ("submission", "finding", "quarantine", "loan_key", "enquiry_key", "reservation_key")
PARTS = (
    "id_floor",
    "moment_text",
    "subject_of",
    "mobile_of",
    "subject_lock",
    "subject_place",
    "loans_owed",
    "reservation_held",
    "coverage_since",
)


@pytest.fixture
def app(desk: Desk) -> Iterator[psycopg.Connection]:
    """A connection as the API has one, in autocommit mode."""
    with psycopg.connect(as_role(libpq_uri(desk.settings), "huxin_app"), autocommit=True) as opened:
        yield opened


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """A row of members 1 and 2 in each table of the member group."""
    for member in (1, 2):
        id_ = uuid4()
        desk.run(
            "INSERT INTO submission (member_id, id, state, sender, file, data_digest, manifest_digest, received_at, "
            "changed_at) VALUES (%s, %s, 1, 'M', 'f', %s, '', now(), now())",
            (member, id_, id_.bytes),
        )
        desk.run("INSERT INTO finding VALUES (%s, %s, 1, 'E1101', 'id_no')", (member, id_))
        desk.run("INSERT INTO quarantine VALUES (%s, %s, 1, 'f', now())", (member, id_))
        desk.run("INSERT INTO loan_key VALUES (%s, 'A', %s, 1, NULL, 1, 1, NULL, NULL, true)", (member, id_))
        desk.reserve(member, desk.record(member, id_).id)
    return desk


@pytest.mark.parametrize("table", UNREACHABLE)
def test_the_app_cannot_read_what_its_functions_read(app: psycopg.Connection, table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(f"SELECT * FROM {table}".encode())


@pytest.mark.parametrize("table", (*UNREACHABLE, *OF_A_MEMBER))
@pytest.mark.parametrize("act", ["DELETE FROM {}", "TRUNCATE {}", "INSERT INTO {} DEFAULT VALUES"])
def test_the_app_writes_no_table(app: psycopg.Connection, table: str, act: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(act.format(table).encode())


@pytest.mark.parametrize("table", OF_A_MEMBER)
def test_only_the_named_members_rows_are_seen(filled: Desk, app: psycopg.Connection, table: str) -> None:
    query = f"SELECT member_id FROM {table}".encode()
    assert app.execute(query).fetchall() == []
    for member in (1, 2):
        with filled.live.as_member(member) as seen:
            assert seen.execute(query).fetchall() == [(member,)]
        with member_connection(filled.settings, member) as through:
            assert through.execute(text(f"SELECT member_id FROM {table}")).all() == [(member,)]
    forget_engine(filled.settings)
    assert filled.count(table) == 2


def test_the_member_ends_with_its_transaction(filled: Desk) -> None:
    with filled.live.as_member(1):
        pass
    with filled.live.connection() as again:
        assert again.execute("SELECT * FROM submission").fetchall() == []
        again.execute("SELECT set_config('huxin.member', '1', true)")
        assert again.execute("SELECT * FROM submission").fetchall() == []


def test_the_pool_is_the_app_and_stays_it_after_a_reset(desk: Desk) -> None:
    with desk.live.connection() as taken:
        for statement in ("RESET ROLE", "DISCARD ALL", "RESET ALL"):
            taken.execute(statement.encode())
            assert taken.execute("SELECT current_user").fetchone() == ("huxin_app",)
        taken.execute("DEALLOCATE ALL")


def test_functions_are_the_apps_alone(desk: Desk) -> None:
    """Definers have a fixed path, and nobody else may call them; the parts they are made of, nobody at all."""
    made = desk.run("""
        SELECT p.proname, p.prosecdef, p.proconfig::text, has_function_privilege('huxin_app', p.oid, 'EXECUTE'),
            coalesce(p.proacl::text ~ '[{,]=', true), p.prorettype = 'trigger'::regtype
        FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
    """)
    names = {row[0] for row in made}
    assert names >= {*PARTS, "enquiry_gather", "enquiry_record", "reservation_reserve"}
    ours = [row for row in made if row[0].startswith(("enquiry_", "reservation")) or row[0] in PARTS]
    for name, definer, path, app_may, public_may, trigger in ours:
        assert not public_may, name
        assert app_may == (definer and not trigger), name  # a trigger is called by its table
        assert not definer or 'public, pg_temp"' in path, name


def test_a_shadowing_table_is_not_looked_into(desk: Desk) -> None:
    with desk.live.connection() as taken:
        taken.execute("CREATE TEMPORARY TABLE member (id integer, status text, tier text)")
        taken.execute("INSERT INTO member VALUES (99, 'active', 'full')")
        query = """SELECT member_status FROM enquiry_gather(99, 'application', '{}', '{}', true, NULL, '{}', '{}',
            now(), current_date, 7)"""
        assert taken.execute(query).fetchone() == (None,)
        taken.execute("DROP TABLE member")
