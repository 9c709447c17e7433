"""What the operator does and what members publish become leaves; nothing in a leaf joins a person's records."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from log_world import keys_of, receipt_of, run_sql

from huxin.cli import main
from huxin.registry.audit_verify import verify_log
from huxin.registry.sequencing import drain
from huxin.settings import Settings
from huxin_privacy.receipts import verify_receipt

SAMPLES = Path(__file__).parents[2] / "examples" / "nightly"
MEMBERS = [f"M{number:04d}" for number in range(1, 7)]


def huxin(monkeypatch: pytest.MonkeyPatch, settings: Settings, *words: str) -> int:
    for name in ("HOME", "DATABASE_URL", "NOW"):
        value = {
            "HOME": settings.home,
            "DATABASE_URL": settings.database_url,
            "NOW": settings.now().isoformat(),
        }
        monkeypatch.setenv(f"HUXIN_{name}", str(value[name]))
    monkeypatch.setattr(sys, "argv", ["huxin", *words])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_members_that_are_added_suspended_and_resumed_are_leaves(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (
        ("add", "--code", "M0001", "--name", "津融小贷"),
        ("suspend", "M0001"),
        ("resume", "M0001"),
        ("set", "M0001", "--tier", "banded", "--kind", "consumer_finance"),
    ):
        assert huxin(monkeypatch, home, "members", *words) == 0
    assert (
        huxin(monkeypatch, home, "members", "add", "--code", "M0001", "--name", "津融小贷") == 0
    )  # known already
    assert drain(home) == 4
    found = run_sql(home, "SELECT topic, record::jsonb ->> 'code' FROM audit_leaf ORDER BY topic")
    assert found == [(f"member.{act}", "M0001") for act in ("added", "resumed", "set", "suspended")]


def test_a_tier_that_the_policy_does_not_know_is_refused(
    home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    huxin(monkeypatch, home, "members", "add", "--code", "M0001", "--name", "津融小贷")
    for words, code in (((), "H0704"), (("--tier", "gold"), "H0704"), (("--kind", "A B"), "H0705")):
        assert huxin(monkeypatch, home, "members", "set", "M0001", *words) == 2
        assert capsys.readouterr().err.splitlines()[-1].startswith(code)


def test_keys_that_are_made_and_revoked_are_leaves(
    home: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    huxin(monkeypatch, home, "members", "add", "--code", "M0001", "--name", "津融小贷")
    assert huxin(monkeypatch, home, "members", "key", "new", "M0001", "--out", str(tmp_path / "k.pem")) == 0
    number = run_sql(home, "SELECT id FROM credential")[0][0]
    assert huxin(monkeypatch, home, "members", "key", "revoke", str(number)) == 0
    drain(home)
    wanted = (
        "SELECT topic, record::jsonb ->> 'key' FROM audit_leaf WHERE topic LIKE 'credential%%' ORDER BY 1"
    )
    assert run_sql(home, wanted) == [("credential.added", str(number)), ("credential.revoked", str(number))]


def test_the_sample_nights_publications_are_leaves_and_tell_of_nobody(
    home: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    shutil.copytree(SAMPLES, inbox, ignore=shutil.ignore_patterns("truth.json"))
    home.spool_dir.mkdir(parents=True)
    for code in MEMBERS:
        huxin(monkeypatch, home, "members", "add", "--code", code, "--name", f"{code} 小贷")
    assert huxin(monkeypatch, home, "night", str(inbox)) in (0, 3)
    published = run_sql(home, "SELECT id, member_id FROM submission WHERE state = 5")
    count = run_sql(home, "SELECT count(*) FROM outbox WHERE topic = 'submission.published'")[0][0]
    assert count == len(published) >= 4
    drain(home)
    records = [record for (record,) in run_sql(home, "SELECT record FROM audit_leaf")]
    assert sum('"submission.published"' in record for record in records) == count
    for number, member in published:
        receipt = receipt_of(home, number, member_id=member)
        verify_receipt(receipt or {}, keys_of(home).verifiers)
        assert len(json.loads((receipt or {})["record"])["data_sha256"]) == 64
    leaves = "\n".join(records)
    for (known,) in run_sql(
        home, "SELECT token::text FROM alias UNION ALL SELECT subject_id::text FROM loan UNION ALL SELECT"
        " encode(uuid_send(token), 'hex') FROM alias UNION ALL SELECT loan_no FROM loan"
    ):  # fmt: skip
        assert known not in leaves
    assert verify_log(home).size == len(records)
