"""What the owner of the database changes behind the triggers' back is found, each change with its code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from log_world import MEMBER, ask_many, database, head_of, keys_of, put, receipt_of, refused, run_sql

from huxin.audit.merkle import append, root_of
from huxin.audit.notes import checkpoint_note, signer_of
from huxin.audit.records import make_record, make_salt
from huxin.ids import new_id
from huxin.registry.audit_acts import REASONS, erase_record, note_change
from huxin.registry.audit_verify import verify_log
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy.merkle import leaf_hash
from huxin_privacy.receipts import verify_receipt


@pytest.fixture
def log(home: Settings) -> Settings:
    """Forty leaves under three checkpoints."""
    for count in (10, 13, 17):
        ask_many(home, count)
        drain(home)
    return home


def behind_the_triggers(settings: Settings, *statements: str) -> None:
    with database(settings) as owner:
        owner.execute("SET session_replication_role = replica")
        for statement in statements:
            owner.execute(statement)


@pytest.mark.parametrize(
    ("code", "statement"),
    [
        ("H1304", "UPDATE audit_leaf SET record = record || ' ' WHERE number = 12"),
        ("H1304", "UPDATE audit_leaf SET salt = substr(data, 1, 16) WHERE number = 12"),
        ("H1304", "UPDATE audit_leaf SET data = sha256('x') WHERE number = 12"),
        ("H1304", "UPDATE audit_leaf a SET record = b.record FROM audit_leaf b WHERE a.number + b.number = 25"
                  " AND a.number IN (12, 13)"),
        ("H1307", "UPDATE audit_leaf SET data = sha256('x'), salt = NULL, record = NULL WHERE number = 12"),
        ("H1313", "UPDATE audit_leaf SET salt = NULL, record = NULL WHERE number = 12"),
        ("H1313", "UPDATE audit_leaf SET salt = NULL, record = NULL, erased_at = now(), topic = 'record.erased'"
                  " WHERE number = 12"),
        ("H1313", "UPDATE audit_leaf SET salt = NULL WHERE number = 12"),
        ("H1313", "UPDATE audit_leaf SET record = NULL WHERE number = 12"),
        ("H1314", "UPDATE audit_leaf SET topic = 'policy.changed' WHERE number = 12"),
        ("H1315", "UPDATE audit_leaf SET record_id = gen_random_uuid() WHERE number = 12"),
        ("H1315", "UPDATE audit_leaf a SET record_id = b.record_id FROM audit_leaf b WHERE a.number + b.number = 25"
                  " AND a.number IN (12, 13)"),
        ("H1305", "DELETE FROM audit_leaf WHERE number = 12"),
        ("H1305", "DELETE FROM audit_leaf WHERE number = 39"),
        ("H1305", "DELETE FROM audit_leaf WHERE number = 0"),
        ("H1305", "UPDATE audit_leaf SET number = 40 WHERE number = 12"),
        ("H1307", "INSERT INTO audit_leaf SELECT 40, gen_random_uuid(), record_id, member_id, topic, recorded_at,"
                  " data, salt, record FROM audit_leaf WHERE number = 12"),
        ("H1306", "UPDATE audit_node SET hash = sha256('x') WHERE level = 4 AND index = 1"),
        ("H1306", "DELETE FROM audit_node WHERE level = 5"),
        ("H1306", "INSERT INTO audit_node VALUES (4, 2, sha256('x')), (4, 1 << 20, sha256('x'))"),
        ("H1307", "UPDATE audit_checkpoint SET root = sha256('x') WHERE size = 23"),
        ("H1307", "DELETE FROM audit_checkpoint WHERE size = 40"),
        ("P0143", "UPDATE audit_checkpoint SET note = replace(note, E'\\n23\\n', E'\\n24\\n') WHERE size = 23"),
        ("P0141", "UPDATE audit_checkpoint SET note = 'x' WHERE size = 10"),
    ],
)  # fmt: skip
def test_each_change_is_found(log: Settings, code: str, statement: str) -> None:
    assert verify_log(log).size == 40
    behind_the_triggers(log, statement)
    refused(code, lambda: verify_log(log))


@pytest.fixture
def all_kinds(log: Settings) -> Settings:
    """Behind forty enquiries of a member that there is: what a member was promised, what the night did, and acts."""
    run_sql(
        log,
        "INSERT INTO member (id, code, name, created_at) VALUES (7, 'M0007', 'M', now()), (8, 'M8', 'M', now())",
    )
    said = {"reservation": str(new_id()), "member": "M0007"}
    leaf = {"salt": make_salt().hex(), "record": make_record("reservation.granted", log.now(), said)}
    put(log, "reservation.granted", {"record_id": said["reservation"], "member": MEMBER, "leaf": leaf})
    night = {"reservation": str(new_id()), "member": MEMBER, "submission": str(new_id())}
    put(log, "reservation.ended", night)
    put(log, "submission.published", {"submission": night["submission"], "member": MEMBER})
    put(log, "member.added", {"code": "M0007"})
    put(log, "operator.asked", {"record_id": (act := str(new_id())), "act": act, "member": "M0007"})
    drain(log)
    return log


def test_what_each_kind_of_record_names_is_what_it_is_kept_under(all_kinds: Settings) -> None:
    assert verify_log(all_kinds).size == 45
    held = run_sql(
        all_kinds, "SELECT number, outbox_id, record_id, member_id FROM audit_leaf WHERE number >= 39"
    )
    for number, outbox_id, record_id, member_id in held:
        wrong = [("record_id", new_id()), ("member_id", 8)]
        # A promised record does not tell the row that brought it; an operator's act has no member.
        wrong += [("outbox_id", new_id())] if number > 40 else []
        wrong += [("member_id", None)] if member_id is not None else []
        for column, value in wrong:
            change(all_kinds, number, column, value)
            told = refused("H1315", lambda: verify_log(all_kinds))
            assert f"Leaf {number} " in told.text("en"), column
            change(
                all_kinds,
                number,
                column,
                {"record_id": record_id, "member_id": member_id, "outbox_id": outbox_id}[column],
            )
    assert verify_log(all_kinds).size == 45


def test_a_reservation_that_is_kept_under_the_file_which_ended_it_is_found(all_kinds: Settings) -> None:
    """The record names both; the file's receipt would be the reservation's."""
    file = run_sql(all_kinds, "SELECT record_id FROM audit_leaf WHERE number = 42")[0][0]
    change(all_kinds, 41, "record_id", file)
    refused("H1315", lambda: verify_log(all_kinds))


def test_of_members_that_are_not_on_the_register_nothing_is_compared(all_kinds: Settings) -> None:
    """As where a log is read beside another register."""
    run_sql(all_kinds, "DELETE FROM member WHERE code = 'M0007'")
    change(all_kinds, 12, "member_id", 8)
    assert verify_log(all_kinds).size == 45


def change(settings: Settings, number: int, column: str, value: object) -> None:
    with database(settings) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(f"UPDATE audit_leaf SET {column} = %s WHERE number = %s".encode(), (value, number))


def test_a_log_made_anew_by_whoever_holds_the_keys_is_found_by_an_earlier_checkpoint(log: Settings) -> None:
    """Leaves, nodes and checkpoints agree with each other and are signed: only what was kept outside tells."""
    kept = dict(run_sql(log, "SELECT size, note FROM audit_checkpoint"))
    assert verify_log(log, list(kept.values())).checkpoints == 3
    forge(log)
    assert verify_log(log).size == 40
    refused("H1308", lambda: verify_log(log, [kept[23]]))
    refused("H1308", lambda: verify_log(log, [kept[10], kept[40]]))
    assert verify_log(log, [kept[10]]).size == 40  # what was rewritten is younger


def forge(settings: Settings) -> None:
    """Takes the fifteenth record away, signs everything again."""
    behind_the_triggers(
        settings,
        "UPDATE audit_leaf SET record = 'forged', data = sha256(salt || 'forged'::bytea) WHERE number = 14",
        "DELETE FROM audit_node",
    )
    leaves = run_sql(settings, "SELECT data FROM audit_leaf ORDER BY number")
    peaks: list[bytes] = []
    nodes: list[tuple[int, int, bytes]] = []
    signer = keys_of(settings).checkpoint
    with database(settings) as owner:
        owner.execute("SET session_replication_role = replica")
        for number, (data,) in enumerate(leaves):
            append(peaks, number, leaf_hash(data), nodes)
            root = root_of(peaks)
            note = checkpoint_note(signer, number + 1, root)
            owner.execute(
                "UPDATE audit_checkpoint SET root = %s, note = %s WHERE size = %s", (root, note, number + 1)
            )
        for node in nodes:
            owner.execute("INSERT INTO audit_node VALUES (%s, %s, %s)", node)


def test_a_log_cut_short_or_begun_anew_is_found(log: Settings) -> None:
    kept = head_of(log)[1]
    behind_the_triggers(
        log,
        "DELETE FROM audit_checkpoint WHERE size > 23",
        "DELETE FROM audit_leaf WHERE number >= 23",
        "DELETE FROM audit_node WHERE (index + 1) << level > 23",
    )
    assert verify_log(log).size == 23
    refused("H1308", lambda: verify_log(log, [kept]))
    behind_the_triggers(log, *(f"DELETE FROM audit_{table}" for table in ("leaf", "node", "checkpoint")))
    assert verify_log(log).size == 0
    refused("H1308", lambda: verify_log(log, [kept]))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_leaf SET record = 'x' WHERE number = 1",
        "UPDATE audit_leaf SET salt = NULL, record = NULL WHERE number = 1",  # without saying when
        "UPDATE audit_leaf SET salt = NULL, record = NULL, erased_at = now(), data = sha256('') WHERE number = 1",
        "UPDATE audit_leaf SET salt = NULL, record = NULL, erased_at = now(), member_id = NULL WHERE number = 1",
        "DELETE FROM audit_leaf WHERE number = 1",
        "TRUNCATE audit_leaf",
        "UPDATE audit_node SET hash = sha256('')",
        "DELETE FROM audit_node",
        "TRUNCATE audit_node",
        "UPDATE audit_checkpoint SET note = ''",
        "DELETE FROM audit_checkpoint",
        "TRUNCATE audit_checkpoint",
    ],
)
def test_the_database_lets_nobody_rewrite_the_log(log: Settings, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run_sql(log, statement)
    assert verify_log(log).size == 40


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM audit_leaf",
        "INSERT INTO audit_node VALUES (4, 9, sha256(''))",
        "INSERT INTO audit_checkpoint VALUES (99, sha256(''), '', now())",
        "UPDATE audit_leaf SET salt = NULL, record = NULL, erased_at = now()",
    ],
)
def test_the_application_only_calls_functions(log: Settings, statement: str) -> None:
    with database(log) as application:
        application.execute("SET ROLE huxin_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute(statement)
        size = application.execute("SELECT size FROM audit_latest()").fetchone()
    assert size == (40,)


# erasing ----------------------------------------------------------------------------------------------
def test_an_erased_record_leaves_the_log_whole(log: Settings) -> None:
    enquiry = run_sql(log, "SELECT record_id FROM audit_leaf WHERE number = 12")[0][0]
    held, before = receipt_of(log, enquiry), head_of(log)[1]
    assert held is not None
    assert erase_record(log, enquiry, "request") == 1
    assert drain(log) == 1
    assert run_sql(log, "SELECT salt, record FROM audit_leaf WHERE number = 12") == [(None, None)]
    done = verify_log(log, [before])
    assert (done.size, done.erased) == (41, 1)
    verify_receipt(held, keys_of(log).verifiers)  # who holds a receipt still proves by it
    refused("H1309", lambda: receipt_of(log, enquiry))
    refused("H1309", lambda: erase_record(log, enquiry, "request"))
    act = run_sql(log, "SELECT topic, record FROM audit_leaf WHERE number = 40")[0]
    assert act[0] == "record.erased"
    assert '"number":12' in act[1] and '"reason":"request"' in act[1]
    other = run_sql(log, "SELECT record_id FROM audit_leaf WHERE number = 13")[0][0]
    verify_receipt(receipt_of(log, other) or {}, keys_of(log).verifiers)


def test_what_was_wiped_beside_an_erasure_is_told_by_number(log: Settings) -> None:
    enquiry = run_sql(log, "SELECT record_id FROM audit_leaf WHERE number = 12")[0][0]
    erase_record(log, enquiry, "request")
    assert verify_log(log).erased == 1  # the act waits to be numbered
    drain(log)
    wipe = "UPDATE audit_leaf SET salt = NULL, record = NULL, erased_at = now() WHERE number"
    behind_the_triggers(log, f"{wipe} IN (3, 39)")
    found = refused("H1313", lambda: verify_log(log))
    assert "2 in number, 3, 39." in found.text("en")
    behind_the_triggers(log, f"{wipe} < 30")
    assert "30 in number, 0, 1, 2," in refused("H1313", lambda: verify_log(log)).text("en")


def test_an_erased_leaf_whose_record_or_salt_is_put_back_by_half_is_found(log: Settings) -> None:
    erase_record(log, run_sql(log, "SELECT record_id FROM audit_leaf WHERE number = 12")[0][0], "request")
    behind_the_triggers(log, "UPDATE audit_leaf SET record = 'what it may have said' WHERE number = 12")
    refused("H1313", lambda: verify_log(log))


def test_acts_of_erasure_may_be_erased_and_what_they_named_stays_told(log: Settings) -> None:
    erase_record(log, run_sql(log, "SELECT record_id FROM audit_leaf WHERE number = 12")[0][0], "request")
    drain(log)
    for number in (40, 41):
        act = run_sql(log, "SELECT record_id FROM audit_leaf WHERE number = %s", number)[0][0]
        erase_record(log, act, "mistake")
        drain(log)
    assert verify_log(log).erased == 3
    behind_the_triggers(log, "UPDATE audit_leaf SET salt = NULL, record = NULL WHERE number = 42")
    assert "4 in number, 12, 40, 41, 42." in refused("H1313", lambda: verify_log(log)).text("en")


def test_all_leaves_of_a_record_are_erased_and_an_unknown_one_is_told(log: Settings) -> None:
    body = {"submission": "01970000-0000-7000-8000-000000000001", "member": MEMBER}
    for topic in ("submission.published", "submission.withdrawn"):
        number = put(log, topic, body)
    refused("H1302", lambda: erase_record(log, number, "order"))  # not in the log yet
    drain(log)
    record = run_sql(log, "SELECT record_id FROM audit_leaf WHERE number = 40")[0][0]
    assert erase_record(log, record, "order") == 2
    assert drain(log) == 2
    assert verify_log(log).erased == 2
    assert set(REASONS) == {"request", "retention", "order", "mistake"}


# states of which only changes count -------------------------------------------------------------------
@pytest.mark.parametrize("sequenced", [lambda settings: None, drain], ids=["waiting", "in the log"])
def test_a_state_is_noted_when_it_changes(home: Settings, sequenced: Callable[[Settings], object]) -> None:
    noted = []
    for second, digest in enumerate("aabaa"):
        now = home.now() + timedelta(seconds=second)
        with connection(home) as opened:
            noted.append(note_change(opened, "policy.changed", {"state": {}}, digest, now))
        sequenced(home)
    assert noted == [True, False, True, True, False]


def test_a_checkpoint_of_another_log_is_no_earlier_one(log: Settings) -> None:
    stranger = checkpoint_note(signer_of(keys_of(log).origin, bytes(32)), 10, bytes(32))
    refused("P0142", lambda: verify_log(log, [stranger]))
