"""Sealed submissions, dropped or posted: the same as the plain file; cut, changed or replayed, refused by code."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from http_world import ME, OTHER, World
from night_tools import book, sent, spool_folders

from huxin.contract import State
from huxin.nightly import spool
from huxin.nightly.pipeline import run_night
from huxin.nightly.report import told_findings
from huxin.nightly.spool import Spool
from huxin.settings import Settings
from huxin_privacy.hpke import new_key_pair
from huxin_privacy.sealed_submission import facts_of, sealed_blocks
from huxin_privacy.sealing_key import SealingKey, parse_sealing_key

CHUNK = 4096


def key_of(world: World, who: str = ME) -> SealingKey:
    """The platform's key as a member learns it."""
    told = world.get("/v1/keys/sealing", who)
    assert told.status_code == 200, told.text
    assert told.json["keys"][0]["state"] == "active"
    return parse_sealing_key(told.json["keys"][0]["key"])


def sealed(data: Path, key: SealingKey, member: str = ME, contract: str = "loan/v1") -> bytes:
    with data.open("rb") as source:
        return b"".join(
            sealed_blocks(source, facts_of(source, member, data.name, contract), key, chunk=CHUNK)
        )


def post(world: World, content: bytes, manifest: bytes, who: str = ME) -> dict[str, Any]:
    parts = {"file": (io.BytesIO(content), "loans.sealed"), "manifest": (io.BytesIO(manifest), "m.json")}
    told = world.form(parts, who)
    assert told.status_code in (200, 201), told.text
    return dict(told.json)


def refusal(told: dict[str, Any]) -> tuple[str, str]:
    assert told["state"] == "refused"
    return told["refusal"]["code"], told["refusal"]["reason"]


def drop(settings: Settings, inbox: Path, content: bytes, manifest: bytes, member: str = ME) -> Any:
    folder = inbox / member
    folder.mkdir(parents=True)
    (folder / "五月.sealed").write_bytes(content)
    (folder / "五月.sealed.manifest.json").write_bytes(manifest)
    (item,) = run_night(settings, inbox).submissions
    return item


def test_a_sealed_file_is_the_same_submission_as_the_plain_one(world: World) -> None:
    data = world.written(book(ME, wrong=(3,)))
    first = post(world, sealed(data, key_of(world)), sent(data))
    assert first["state"] == "received"
    again = post(world, sealed(data, key_of(world)), sent(data))
    plain = world.post(data).json
    assert plain is not None
    assert first["id"] == again["id"] == plain["id"]
    world.work()
    shown = world.get(f"/v1/submissions/{first['id']}").json
    assert (shown["state"], shown["accepted"], shown["rejected"]) == ("published", 39, 1)


def test_a_dropped_one_is_opened_too(world: World, tmp_path: Path) -> None:
    data = world.written()
    item = drop(world.settings, tmp_path / "inbox", sealed(data, key_of(world)), sent(data))
    assert (item.state, item.accepted) == (State.PUBLISHED, 40)


def flipped(whole: bytes, place: int) -> bytes:
    return whole[:place] + bytes([whole[place] ^ 2]) + whole[place + 1 :]


def swapped(whole: bytes) -> bytes:
    start, size = 18 + int.from_bytes(whole[16:18], "big"), CHUNK + 16
    one, two = whole[start : start + size], whole[start + size : start + 2 * size]
    return whole[:start] + two + one + whole[start + 2 * size :]


CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut in its head": (lambda whole: whole[:100], "P0155"),
    "cut within a chunk": (lambda whole: whole[: CHUNK * 2], "P0155"),
    "its last byte gone": (lambda whole: whole[:-1], "P0155"),
    "a bit flipped in its facts": (lambda whole: flipped(whole, 40), "P0156"),
    "a bit flipped in a chunk": (lambda whole: flipped(whole, CHUNK * 2), "P0156"),
    "a bit flipped in its tag": (lambda whole: flipped(whole, len(whole) - 1), "P0156"),
    "chunks swapped": (swapped, "P0156"),
    "more behind its end": (lambda whole: whole + b"x", "P0156"),
    "another key's number": (lambda whole: flipped(whole, 9), "P0157"),
    "another version": (lambda whole: flipped(whole, 7), "P0153"),
}


def test_each_change_on_the_way_is_refused_with_its_code(world: World) -> None:
    data = world.written()
    whole, manifest = sealed(data, key_of(world)), sent(data)
    for named, (change, code) in CHANGES.items():
        assert refusal(post(world, change(whole), manifest)) == ("F0011", code), named
    # none of it stands in the way of the file itself, and nothing of it was kept
    assert spool_folders(world.settings) == set()
    assert post(world, whole, manifest)["state"] == "received"


@pytest.mark.parametrize("named", ["cut within a chunk", "a bit flipped in a chunk", "chunks swapped"])
def test_a_dropped_one_that_was_changed_is_refused_with_words(
    world: World, tmp_path: Path, named: str
) -> None:
    data = world.written()
    change, code = CHANGES[named]
    content = change(sealed(data, key_of(world)))
    item = drop(world.settings, tmp_path / "inbox", content, sent(data))
    assert (item.state, item.facts["code"], item.facts["reason"]) == (State.REFUSED, "F0011", code)
    (told,) = told_findings(world.settings, item)
    assert "密封文件" in told.text


def test_a_sealed_file_of_another_member_is_refused_and_none_of_it_kept(world: World) -> None:
    data = world.written(book(ME))
    stolen = json.loads(sent(data)) | {"member": OTHER}
    told = post(world, sealed(data, key_of(world)), json.dumps(stolen).encode(), OTHER)
    assert refusal(told) == ("F0011", "P0154")
    assert spool_folders(world.settings) == set()
    rows = world.get(f"/v1/submissions/{told['id']}/findings?format=csv", OTHER)
    assert rows.status_code == 200
    assert b"M0001-L" not in rows.data


def test_a_sealed_file_under_another_contract_is_refused(world: World) -> None:
    data = world.written()
    told = post(world, sealed(data, key_of(world), contract="loan-tokens/v1"), sent(data))
    assert refusal(told) == ("F0011", "P0154")


def test_another_platforms_file_is_refused(world: World) -> None:
    data = world.written()
    told = post(world, sealed(data, SealingKey(new_key_pair().public)), sent(data))
    assert refusal(told) == ("F0011", "P0157")


def test_a_sealed_file_is_sealed_at_rest_like_any_other(world: World) -> None:
    data = world.written()
    told = post(world, sealed(data, key_of(world)), sent(data))
    with Spool(world.settings).reader(told["id"], spool.SOURCE) as source:
        assert source.read() == data.read_bytes()
    stored = (world.settings.spool_dir / told["id"] / "source.sealed").read_bytes()
    assert b"M0001-L" not in stored


def test_a_sealed_file_is_not_checked_without_being_sent(world: World) -> None:
    data = world.written()
    content = sealed(data, key_of(world))
    for parts in (
        {"file": (io.BytesIO(content), "f"), "manifest": (io.BytesIO(sent(data)), "m")},
        {"file": (io.BytesIO(content), "f")},
    ):
        told = world.form(parts, path="/v1/submissions/check").json
        assert told is not None
        assert (told["outcome"], list(told["codes"])) == ("refused", ["F0011"])


def test_a_refused_one_is_not_tried_again_as_it_was(world: World) -> None:
    data = world.written()
    told = post(world, sealed(data, key_of(world))[:-1], sent(data))
    shutil.rmtree(world.settings.spool_dir / told["id"], ignore_errors=True)
    assert world.work() == 0
    assert world.get(f"/v1/submissions/{told['id']}").json["state"] == "refused"


def test_the_key_is_for_members_only(world: World) -> None:
    assert world.get("/v1/keys/sealing", None).status_code == 401
    assert world.get("/v1/keys/sealing", "eyes").status_code == 403
