"""The log over HTTP: a receipt that holds offline, a leaf's proof, and that the log only grew."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from http_world import ME, OTHER, World, code_of
from night_tools import book

from huxin.audit.notes import ZONE, log_keys
from huxin.registry.sequencing import drain
from huxin_privacy import keyring
from huxin_privacy.merkle import leaf_hash
from huxin_privacy.receipts import verify_receipt

UNKNOWN = "01a00000-0000-7000-8000-000000000000"


def test_a_receipt_holds_offline(world: World) -> None:
    number = world.filed()["id"]
    path = f"/v1/submissions/{number}/receipt"
    early = world.get(path)
    assert (early.status_code, code_of(early), early.headers["Retry-After"]) == (404, "H1302", "2")
    drain(world.settings)
    told = world.get(path)
    assert told.status_code == 200, told.text
    keys = log_keys(keyring.open(world.settings.keys_dir, ZONE)).verifiers
    verify_receipt(told.data, keys)
    said = json.loads(told.json["record"])
    assert (said["submission"], said["topic"], said["accepted"]) == (number, "submission.published", 40)


def test_a_withdrawal_has_a_receipt_of_its_own(world: World) -> None:
    number = world.filed()["id"]
    drain(world.settings)
    back = world.call("POST", f"/v1/submissions/{number}/withdraw")
    assert (back.status_code, back.json["state"]) == (200, "withdrawn"), back.text
    assert code_of(world.get(f"/v1/submissions/{number}/receipt")) == "H1302"
    drain(world.settings)
    said = json.loads(world.get(f"/v1/submissions/{number}/receipt").json["record"])
    assert said["topic"] == "submission.withdrawn"


def test_each_act_of_a_submission_has_its_receipt(world: World) -> None:
    """Else the proof that the file had entered the registry would be gone with its withdrawal."""
    number = world.filed()["id"]
    path = f"/v1/submissions/{number}/receipt"
    keys = log_keys(keyring.open(world.settings.keys_dir, ZONE)).verifiers

    def told(act: str) -> Any:
        return world.get(f"{path}?act={act}")

    early, never = told("published"), told("withdrawn")
    assert (code_of(early), early.headers.get("Retry-After")) == ("H1302", "2")
    assert (code_of(never), never.headers.get("Retry-After")) == ("H1302", None)
    drain(world.settings)
    assert world.call("POST", f"/v1/submissions/{number}/withdraw").status_code == 200
    early = told("withdrawn")
    assert (code_of(early), early.headers.get("Retry-After")) == ("H1302", "2")
    drain(world.settings)
    for act in ("published", "withdrawn"):
        verify_receipt(told(act).data, keys)
        record = json.loads(told(act).json["record"])
        assert (record["topic"], record["submission"]) == (f"submission.{act}", number)
    assert told("withdrawn").json == world.get(path).json
    for wrong in ("submission.published", "refused", "", "published&act=withdrawn"):
        assert code_of(told(wrong)) == "H1121"


def test_what_was_taken_back_before_it_was_loaded_is_not_to_be_waited_for(world: World) -> None:
    world.filed()
    waiting = world.filed(book(ME)[3:], sequence=2)
    assert waiting["state"] == "awaiting_confirmation"
    path = f"/v1/submissions/{waiting['id']}"
    assert world.call("POST", f"{path}/withdraw").json["state"] == "withdrawn"
    drain(world.settings)
    for act in ("", "?act=published", "?act=withdrawn"):
        told = world.get(f"{path}/receipt{act}")
        assert (code_of(told), told.headers.get("Retry-After")) == ("H1302", None)


def test_what_was_taken_back_before_it_was_numbered_is_waited_for(world: World) -> None:
    path = f"/v1/submissions/{world.filed()['id']}"
    assert world.call("POST", f"{path}/withdraw").status_code == 200
    for act in ("", "?act=published", "?act=withdrawn"):
        soon = world.get(f"{path}/receipt{act}")
        assert (code_of(soon), soon.headers.get("Retry-After")) == ("H1302", "2")
    drain(world.settings)
    for act in ("", "?act=published", "?act=withdrawn"):
        assert world.get(f"{path}/receipt{act}").status_code == 200


@pytest.mark.parametrize("topic", ["submission.published", "submission.withdrawn"])
def test_a_record_says_what_is_written_down_of_it(world: World, topic: str) -> None:
    """Logs are not written anew: what docs/audit.md says of a record's names is so for ever."""
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{re.escape(topic)}` \| (`id`.*) \|$", page, flags=re.MULTILINE)
    assert row
    number = world.filed()["id"]
    if topic == "submission.withdrawn":
        assert world.call("POST", f"/v1/submissions/{number}/withdraw").status_code == 200
    drain(world.settings)
    said = json.loads(world.get(f"/v1/submissions/{number}/receipt").json["record"])
    assert set(re.findall(r"`(\w+)`", row[1])) | {"topic", "at"} == set(said)
    assert type(said["member"]) is int
    assert said.get("mode", 1) == 1


def test_what_is_not_published_has_none(world: World) -> None:
    number = world.post(world.written()).json["id"]
    for act in ("", "?act=published", "?act=withdrawn"):
        told = world.get(f"/v1/submissions/{number}/receipt{act}")
        assert (told.status_code, code_of(told), told.json["facts"]) == (409, "H1410", {"state": "received"})


def test_anothers_receipt_is_unknown(world: World) -> None:
    number = world.filed(member=OTHER)["id"]
    drain(world.settings)
    told = [world.get(f"/v1/submissions/{each}/receipt") for each in (number, UNKNOWN)]
    assert [code_of(each) for each in told] == ["H1116", "H1116"]
    assert code_of(world.get(f"/v1/submissions/{number}/receipt?act=published")) == "H1116"
    assert world.get(f"/v1/submissions/{number}/receipt", OTHER).status_code == 200


def test_an_empty_log_says_so(world: World) -> None:
    for path in ("checkpoint", "consistency?from=0"):
        told = world.get(f"/v1/audit/{path}")
        assert (told.status_code, code_of(told)) == (404, "H1303")


@pytest.mark.parametrize("who", [ME, "eyes"])
def test_checkpoint_proof_and_growth_agree(world: World, who: str) -> None:
    first = world.filed()["id"]
    drain(world.settings)
    early = world.get("/v1/audit/checkpoint", who)
    assert early.content_type == "text/plain; charset=utf-8"
    size = int(early.text.splitlines()[1])
    world.filed(book(ME, count=41), sequence=2)
    drain(world.settings)
    newest = world.get("/v1/audit/checkpoint", who).text
    grown = world.get(f"/v1/audit/consistency?from={size}", who).json
    assert (grown["from"], grown["to"]) == (size, int(newest.splitlines()[1]))
    assert world.get(f"/v1/audit/consistency?from={size}&to={grown['to']}", who).json == grown
    receipt = world.get(f"/v1/submissions/{first}/receipt").json
    proof = world.get(f"/v1/audit/proof/{receipt['number']}", who).json
    assert (proof["path"], proof["checkpoint"]) == (receipt["path"], newest)
    record = bytes.fromhex(receipt["salt"]) + receipt["record"].encode()
    assert base64.b64decode(proof["leaf_hash"]) == leaf_hash(hashlib.sha256(record).digest())
    assert set(proof) == {"number", "leaf_hash", "path", "checkpoint"}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("consistency", "H1121"),
        ("consistency?from=-1", "H1121"),
        ("consistency?from=x", "H1121"),
        ("consistency?from=5000", "H1310"),
        ("consistency?from=1&to=0", "H1310"),
        ("consistency?from=1_0", "H1121"),
        ("consistency?from=0&from=1", "H1121"),
        ("proof/0?size=x", "H1121"),
        ("proof/0?size=-1", "H1121"),
        ("proof/0?size=5000", "H1121"),
        ("proof/0?size=1", "H1121"),
        ("proof/5000", "H1302"),
        ("proof/-1", "H1302"),
        ("proof/99999999999999999999", "H1302"),
        ("proof/x", "H1302"),
    ],
)
def test_what_is_not_there_is_told(world: World, path: str, code: str) -> None:
    world.filed()
    drain(world.settings)
    assert code_of(world.get(f"/v1/audit/{path}")) == code
