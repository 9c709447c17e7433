"""The client for underwriting systems against a served platform that is killed, stopped and started in between."""

from __future__ import annotations

import base64
import signal
import threading
import time
from pathlib import Path

import pytest
from edge_world import ME, OTHER, Platform, question
from sqlalchemy import text

from huxin.registry.members import set_status
from huxin.registry.session import connection
from huxin_edge import Answer, Huxin, Question, Retry
from huxin_edge.client import Reconciled
from huxin_privacy.errors import PrivacyError

OUTCOMES = {"eligible", "refer", "ineligible"}


def refusal(code: str, client: Huxin, asked: Question, key: str | None = None) -> PrivacyError:
    with pytest.raises(PrivacyError) as caught:
        client.ask(asked, key)
    assert caught.value.code == code
    return caught.value


def enquiries(platform: Platform, reference: str) -> int:
    with connection(platform.settings) as database:
        found = text("SELECT count(*) FROM enquiry WHERE reference = :reference")
        return int(database.execute(found, {"reference": reference}).scalar_one())


def test_an_answer_is_the_platforms_and_the_same_key_gives_it_again(platform: Platform) -> None:
    client = platform.client()
    first = client.ask(question())
    assert (first.provisional, first.outcome in OUTCOMES) == (False, True)
    assert first.content["subject_known"] is False
    assert client.ask(question(), first.key) == first
    other = refusal("P0182", client, question(2), first.key)
    assert other.facts["refusal"] == "H1202"


def test_a_token_that_no_longer_holds_is_renewed(platform: Platform) -> None:
    client = platform.client()
    client.ask(question())
    client.session._token = client.session._token[:-8] + "AAAAAAAA"
    assert client.ask(question(2)).outcome in OUTCOMES
    client.session._until = float("-inf")  # ended by its own time
    assert client.ask(question(3)).outcome in OUTCOMES


def test_a_killed_platform_is_bridged_and_reconciled(platform: Platform, tmp_path: Path) -> None:
    client = platform.client(tmp_path / "journal", "open")
    before = client.ask(question(11))
    platform.kill()
    answers = [client.ask(question(n)) for n in (12, 13)]
    assert [(each.outcome, each.provisional, each.content) for each in answers] == [
        ("eligible", True, {})
    ] * 2
    assert client.waiting == 2
    with pytest.raises(PrivacyError, match="P0181"):
        next(client.reconcile())
    platform.start()
    restarted = platform.client(tmp_path / "journal", "open")  # as the lender's own system may be
    settled = list(restarted.reconcile())
    assert [(each.key, each.reference) for each in settled] == [
        (answers[0].key, "case-12"),
        (answers[1].key, "case-13"),
    ]
    for n, each in zip((12, 13), settled, strict=True):
        assert each.answer is not None
        assert each.changed == (each.answer.outcome != "eligible")
        assert client.ask(question(n), each.key) == each.answer
    assert client.ask(question(11), before.key) == before
    assert (client.waiting, [enquiries(platform, f"case-{n}") for n in (11, 12, 13)]) == (0, [1, 1, 1])


def test_a_platform_that_stalls_is_asked_once_however_often_it_is_tried(
    platform: Platform, tmp_path: Path
) -> None:
    client = platform.client(tmp_path / "journal", "closed")
    client.ask(question(21))
    client.session._transport._timeout = 0.5
    platform.signal(signal.SIGSTOP)  # what is sent now waits in its sockets, and is worked when it goes on
    answer = client.ask(question(22))
    platform.signal(signal.SIGCONT)
    assert (answer.outcome, answer.provisional) == ("refer", True)
    patient = platform.client(tmp_path / "journal", "closed", retry=Retry(patience_s=60.0))
    (settled,) = patient.reconcile()
    assert settled.answer is not None
    assert settled.answer.key == answer.key
    assert [enquiries(platform, f"case-{n}") for n in (21, 22)] == [1, 1]


def test_within_its_patience_it_waits_for_the_platform(away: Platform) -> None:
    starting = threading.Thread(target=lambda: (time.sleep(1), away.start()))
    starting.start()
    try:
        assert not away.client(retry=Retry(patience_s=100.0)).ask(question(31)).provisional
    finally:
        starting.join()


def test_without_a_choice_it_raises_and_keeps_nothing(away: Platform, tmp_path: Path) -> None:
    refusal("P0181", away.client(tmp_path / "journal"), question())
    assert not (tmp_path / "journal").exists()
    with pytest.raises(ValueError, match="journal"):
        Huxin(away.address, away.identities[ME], when_down="open")


def test_a_refusal_is_never_bridged(platform: Platform, tmp_path: Path) -> None:
    client = platform.client(tmp_path / "journal", "open")
    wrong = refusal("P0182", client, question(id_no="11010519491231002A"))
    assert wrong.facts["refusal"] == "H0801"
    assert client.waiting == 0


def test_the_journal_shows_nobody(away: Platform, tmp_path: Path) -> None:
    asked = question(7, consent_no="SQ20260531000007")  # too long to stand in what is sealed by chance
    client = away.client(tmp_path / "journal", "open")
    client.ask(asked)
    (kept,) = (tmp_path / "journal").iterdir()
    stored = kept.read_bytes() + kept.name.encode()
    for told in (asked.id_no, asked.name or "", asked.mobile or "", asked.consent_no, asked.reference):
        for form in (told.encode(), told.encode("utf-16-le"), base64.b64encode(told.encode()).rstrip(b"=")):
            assert form not in stored
    assert kept.stat().st_mode & 0o077 == 0
    for shown in (repr(asked), repr(client), repr(Answer("refer", "k" * 8))):
        assert asked.id_no not in shown and (asked.name or "") not in shown


def test_a_question_that_cannot_be_kept_has_no_provisional_answer(away: Platform, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(OSError):
        away.client(tmp_path / "journal", "open").ask(question())


def test_who_dies_while_settling_is_told_again(platform: Platform, away: Platform, tmp_path: Path) -> None:
    keys = [away.client(tmp_path / "journal", "open").ask(question(n)).key for n in (41, 42)]
    client = platform.client(tmp_path / "journal", "open")
    for settled in client.reconcile():
        assert settled.key == keys[0]
        break
    assert [each.key for each in client.reconcile()] == keys
    assert list(client.reconcile()) == []


def test_a_question_that_is_refused_by_then_is_told_and_forgotten(
    platform: Platform, away: Platform, tmp_path: Path
) -> None:
    away.client(tmp_path / "journal", "open").ask(question(consent_until="2026-05-30"))
    client = platform.client(tmp_path / "journal", "open")
    (settled,) = client.reconcile()
    assert isinstance(settled, Reconciled)
    assert settled.refused is not None
    assert (settled.refused[0], settled.changed, client.waiting) == ("H1201", True, 0)


def test_a_refusal_of_the_member_keeps_what_waits(platform: Platform, away: Platform, tmp_path: Path) -> None:
    away.client(tmp_path / "journal", "open", member=OTHER).ask(question())
    with connection(platform.settings) as database:
        set_status(database, OTHER, "suspended")
    client = platform.client(tmp_path / "journal", "open", member=OTHER)
    with pytest.raises(PrivacyError, match="H1113"):
        next(client.reconcile())
    assert client.waiting == 1


def test_an_entry_of_another_member_or_changed_does_not_open(away: Platform, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    client = away.client(journal, "open")
    for n in (1, 2):
        client.ask(question(n))
    one, two = sorted(journal.iterdir())
    with pytest.raises(PrivacyError, match="P0186"):
        next(away.client(journal, "open", member=OTHER).reconcile())
    kept = one.read_bytes()
    for content in (two.read_bytes(), kept[:-1] + bytes([kept[-1] ^ 1]), kept[:5], b""):
        one.write_bytes(content)
        with pytest.raises(PrivacyError, match="P0186"):
            next(client.reconcile())
