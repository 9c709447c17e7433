"""`huxin audit` and `huxin receipt` as operator, auditor and member meet them, in both languages."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from log_world import ask_many, head_of, keys_of, put, run_sql

from huxin.audit.promise import sign_promise
from huxin.audit.records import make_record, make_salt
from huxin.cli import main
from huxin.decision import canonical
from huxin.settings import Settings

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(params=["zh", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def huxin(
    home: Settings, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    for name, value in (
        ("HOME", str(home.home)),
        ("DATABASE_URL", str(home.database_url)),
        ("NOW", home.now().isoformat()),
        ("LANG", language),
    ):
        monkeypatch.setenv(f"HUXIN_{name}", value)

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["huxin", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        wrote = capsys.readouterr()
        return code, wrote.out, wrote.err

    return run


def test_from_enquiry_to_a_receipt_checked_offline(
    home: Settings, huxin: Run, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert huxin("audit", "checkpoint")[0] == 2
    enquiry = ask_many(home, 5)[2]
    code, _, told = huxin("audit", "receipt", enquiry)
    assert (code, told.split()[0]) == (2, "H1302")
    assert "huxin audit sequence" in told, "operators are told what only they can do"
    code, _, told = huxin("audit", "sequence", "--once")
    assert code == 0
    assert ("新增叶子 7 个" if language == "zh" else "7 leaves added") in told  # with policies and keys
    file, keys = tmp_path / "receipt.json", tmp_path / "keys"
    assert huxin("audit", "receipt", enquiry, "--out", file)[0] == 0
    assert json.loads(huxin("audit", "receipt", enquiry)[1]) == json.loads(file.read_text())
    keys.write_text(huxin("audit", "key")[1])
    monkeypatch.setenv("HUXIN_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("HUXIN_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for key in (keys, keys_of(home).checkpoint.key.text):
        code, out, _ = huxin("receipt", "verify", file, "--key", key)
        assert code == 0
        assert ("回执有效" if language == "zh" else "The receipt is good") in out
        assert str(enquiry) in out
    said = json.loads(huxin("receipt", "verify", file, "--key", keys, "--json")[1])
    assert (said["number"], said["size"]) == (json.loads(file.read_text())["number"], 7)


def answered(home: Settings) -> str:
    """An answer as a member is told it, with its promise."""
    said = {
        "outcome": "refer",
        "tier": "full",
        "flags": [{"reason": {"zh": "逾期\u0007"}, "figures": {"loans": 2}}],
    }
    facts = {"answer_sha256": sha256(canonical(said)).hexdigest()}
    record = make_record("enquiry.answered", home.now(), facts)
    promise = sign_promise(keys_of(home).promise, record, make_salt(), home.now())
    return orjson.dumps(said | {"promise": promise}).decode()


def test_an_answer_is_checked_offline_the_moment_it_is_told(
    home: Settings, huxin: Run, language: str, tmp_path: Path
) -> None:
    """Before there is a leaf: by the promise that came with it."""
    told = json.loads(answered(home))
    keys, file = tmp_path / "keys", tmp_path / "answer.json"
    keys.write_text(huxin("audit", "key")[1])

    def verified(said: object) -> tuple[int, str]:
        file.write_text(said if isinstance(said, str) else json.dumps(said, indent=1), encoding="utf-8")
        ended, out, wrong = huxin("receipt", "verify", file, "--key", keys)
        return ended, out or wrong.split()[0]

    code, out = verified(told)
    assert (code, told["promise"]["record"] in out) == (0, True)
    assert ("答复与之相符" if language == "zh" else "the answer is the one it is about") in out
    assert ("答复与之相符" in verified(told["promise"])[1], verified(told["promise"])[0]) == (False, 0)
    assert verified(told | {"outcome": "eligible!"}) == (2, "P0149")
    assert verified(told | {"more": 1}) == (2, "P0149")
    for name, code in (("record", "P0144"), ("signature", "P0143"), ("leaf", "P0143")):
        value = told["promise"][name]
        wrong = value[:-2] + ("A=" if value.endswith("==") else "00")
        assert verified(told | {"promise": told["promise"] | {name: wrong}})[1] in (code, "P0140"), name
    older = {name: value for name, value in told["promise"].items() if name not in ("record", "salt")}
    for neither in (
        older,
        {"promise": older},
        {"promise": "null"},
        [],
        json.dumps(told)[:-1] + ', "tier": "x"}',
    ):
        assert verified(neither) == (2, "P0140")
    assert verified(told | {"promise": None}) == (2, "P0139"), "and how a receipt is got"


def test_what_is_wrong_with_a_receipt_is_told(
    home: Settings, huxin: Run, language: str, tmp_path: Path
) -> None:
    enquiry = ask_many(home, 3)[0]
    huxin("audit", "sequence", "--once")
    made = json.loads(huxin("audit", "receipt", enquiry)[1])
    key, file = keys_of(home).checkpoint.key.text, tmp_path / "receipt.json"
    for change, code in (({"record": "{}"}, "P0144"), ({"salt": 1}, "P0140"), ({"checkpoint": "x"}, "P0141")):
        file.write_text(json.dumps(made | change))
        ended, out, told = huxin("receipt", "verify", file, "--key", key)
        assert (ended, out, told.split()[0]) == (2, "", code)
        assert told.isascii() == (language == "en")
    file.write_text(json.dumps(made))
    for wrong, code in ((keys_of(home).promise.key.text, "P0142"), ("a+b+c", "P0148"), ("nowhere", "H0601")):
        assert huxin("receipt", "verify", file, "--key", wrong)[2].split()[0] == code
    assert huxin("receipt", "verify", tmp_path / "none", "--key", key)[2].split()[0] == "H0601"


def test_the_log_is_verified_against_what_was_kept(
    home: Settings, huxin: Run, language: str, tmp_path: Path
) -> None:
    kept = tmp_path / "checkpoint"
    ask_many(home, 3)
    huxin("audit", "sequence", "--once")
    kept.write_text(huxin("audit", "checkpoint")[1])
    assert kept.read_text() == head_of(home)[1]
    ask_many(home, 4)
    huxin("audit", "sequence", "--once")
    code, out, _ = huxin("audit", "verify", "--since", kept)
    assert code == 0
    assert ("叶子 9 个" if language == "zh" else "9 leaves") in out
    kept.write_text(kept.read_text().replace("\n5\n", "\n6\n"))
    assert huxin("audit", "verify", "--since", kept)[2].split()[0] == "P0143"
    assert huxin("audit", "verify", "--since", tmp_path / "none")[2].split()[0] == "H0601"


def test_a_record_is_erased_for_a_reason(home: Settings, huxin: Run, language: str) -> None:
    number = put(home, "submission.published", {"member": 1, "accepted": 3})
    huxin("audit", "sequence", "--once")
    assert huxin("audit", "erase", number, "--reason", "a person's name")[0] == 2
    assert huxin("audit", "erase", "nonsense", "--reason", "order")[2].split()[0] == "H1302"
    code, _, told = huxin("audit", "erase", number, "--reason", "order")
    assert code == 0
    assert ("监管要求" if language == "zh" else "an order of the authority") in told
    huxin("audit", "sequence", "--once")
    assert huxin("audit", "receipt", number)[2].split()[0] == "H1309"
    assert huxin("audit", "verify")[0] == 0
    records = run_sql(home, "SELECT topic FROM audit_leaf ORDER BY number")
    assert records[-1] == ("record.erased",)


def test_keys_and_policies_become_leaves_once(home: Settings, huxin: Run) -> None:
    for _ in range(3):
        huxin("audit", "sequence", "--once")
    topics = run_sql(home, "SELECT topic, record FROM audit_leaf ORDER BY topic")
    assert [topic for topic, _ in topics] == ["keys.changed", "policy.changed"]
    assert all(f'"{zone}"' in topics[0][1] for zone in ("entry", "registry", "intake", "audit"))
