"""The sequencer: every committed row becomes one leaf, once, in order, whose receipt proves it."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest
from log_world import (
    MEMBER,
    ask_many,
    database,
    head_of,
    keys_of,
    put,
    receipt_of,
    refused,
    run_sql,
)

from huxin.registry import audit_verify, migrate
from huxin.registry.audit_log import audit_rows, consistency
from huxin.registry.audit_verify import verify_log
from huxin.registry.sequencing import drain, sequencer
from huxin.settings import Settings
from huxin_privacy.receipts import verify_growth, verify_receipt


def test_the_tables_are_as_they_are_declared(home: Settings) -> None:
    assert [each for each in migrate.check_drift(home) if "audit" in each] == []


@pytest.mark.parametrize("limit", [1, 3, 16, 100])
def test_each_enquiry_is_a_leaf_with_a_receipt(home: Settings, limit: int) -> None:
    asked = ask_many(home, 37)
    assert drain(home, limit) == 37
    assert run_sql(home, "SELECT count(*) FROM outbox") == [(0,)]
    keys = keys_of(home).verifiers
    for number, enquiry in enumerate(asked):
        receipt = receipt_of(home, enquiry, member_id=MEMBER)
        assert receipt is not None
        assert receipt["number"] == number
        assert str(enquiry) in receipt["record"]
        assert verify_receipt(receipt, keys).size == 37
    done = verify_log(home)
    assert (done.size, done.checkpoints, done.erased) == (37, -(-37 // limit), 0)


def test_what_is_not_there_yet_has_no_receipt(home: Settings) -> None:
    assert head_of(home) == (0, "")
    enquiry = ask_many(home, 1)[0]
    assert receipt_of(home, enquiry) is None
    assert drain(home) == 1
    assert receipt_of(home, enquiry) is not None
    assert receipt_of(home, enquiry, member_id=MEMBER + 1) is None
    assert receipt_of(home, enquiry, topic="submission.published") is None
    assert drain(home) == 0
    assert head_of(home)[0] == 1


def test_acts_without_a_leaf_of_their_own_get_one_and_are_found_by_their_number(home: Settings) -> None:
    submission = UUID("01970000-0000-7000-8000-000000000001")
    body = {
        "submission": str(submission),
        "member": MEMBER,
        "accepted": 12,
        "subject_id": "secret-s",
        "deep": [{"token": "secret-t", "fine": 1}],
    }
    put(home, "submission.published", body)
    withdrawn = put(home, "submission.withdrawn", {"submission": str(submission), "member": MEMBER})
    odd = put(home, "something.new", {"leaf": {"salt": "zz", "record": "{}"}, "member": "M0001"})
    assert drain(home) == 3
    keys = keys_of(home).verifiers
    published = receipt_of(home, submission, topic="submission.published")
    newest = receipt_of(home, submission)
    by_outbox, third = receipt_of(home, withdrawn), receipt_of(home, odd)
    assert published and newest and by_outbox and third
    assert newest == by_outbox
    assert {published["number"], newest["number"], third["number"]} == {0, 1, 2}
    assert '"accepted":12' in published["record"] and '"fine":1' in published["record"]
    for receipt in (published, newest, third):
        verify_receipt(receipt, keys)
        assert "secret" not in receipt["record"]
        assert '"topic":' in receipt["record"]


def test_enquiries_feed_the_tables_of_mobile_numbers(home: Settings) -> None:
    asked = ask_many(home, 10)
    drain(home)
    fed = run_sql(home, "SELECT id, member_id, purpose FROM mobile_enquiry ORDER BY id")
    assert fed == sorted((enquiry, MEMBER, "application") for enquiry in asked[::2])
    assert run_sql(home, "SELECT count(*) FROM mobile_subject") == [(5,)]
    records = run_sql(home, "SELECT record FROM audit_leaf")
    subjects = run_sql(home, "SELECT subject_id, mobile_id FROM mobile_subject")
    assert len(records) == 10
    for found in subjects:
        assert not any(str(each) in record for each in found for (record,) in records)


def test_one_numbers_at_a_time(home: Settings) -> None:
    ask_many(home, 2)
    with sequencer(home) as first:
        refused("H1301", lambda: drain(home))
        assert first.step() == 2
    assert drain(home) == 0


def test_a_lost_sequencer_leaves_the_turn(home: Settings) -> None:
    with sequencer(home) as first:
        ask_many(home, 1)
        run_sql(home, "SELECT pg_terminate_backend(%s)", first.connection.info.backend_pid)
        refused("H0502", first.step)
    assert drain(home) == 1


def test_growth_is_proved_between_any_two_checkpoints(home: Settings) -> None:
    notes = []
    for count in (1, 2, 5, 16, 17, 60):
        ask_many(home, count)
        drain(home)
        notes.append(head_of(home))
    keys = keys_of(home).verifiers
    with audit_rows(home) as rows:
        for at, (old, older) in enumerate(notes):
            for new, newer in notes[at:]:
                path = [base64.b64decode(each) for each in consistency(rows, old, new)["path"]]
                verify_growth(older, newer, path, keys)
        assert consistency(rows, 0, 101)["path"] == []
        for sizes in ((5, 4), (-1, 4), (3, 102)):
            refused("H1310", lambda s=sizes: consistency(rows, *s))


def test_a_log_of_several_portions_is_verified(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_verify, "PORTION", 32)
    for count in (20, 44, 3):  # a head on the edge of a portion too
        ask_many(home, count)
        drain(home)
    done = verify_log(home)
    assert (done.size, done.checkpoints) == (67, 3)
    assert done.root == run_sql(home, "SELECT root FROM audit_checkpoint ORDER BY size DESC LIMIT 1")[0][0]


def test_the_sequencer_goes_on_where_another_has_left(home: Settings) -> None:
    for count in (7, 9, 33):
        ask_many(home, count)
        drain(home, 10)
    assert verify_log(home).size == 49


def test_it_stops_at_a_log_that_is_not_whole(home: Settings) -> None:
    ask_many(home, 20)
    drain(home)
    with database(home) as connection:
        connection.execute("SET session_replication_role = replica")  # the owner goes past the triggers
        connection.execute("UPDATE audit_node SET hash = sha256('x')")
    ask_many(home, 1)
    refused("H1312", lambda: drain(home))
    assert run_sql(home, "SELECT count(*) FROM outbox") == [(1,)]
