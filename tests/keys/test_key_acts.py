"""Acts on keys: their order, who is waited for, what goes on record, and what a killed one leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from key_home import acts
from sqlalchemy import text

from huxin.audit.records import NEVER
from huxin.oversight import key_epochs
from huxin.registry.key_readers import Reading, key_readers, reading
from huxin.registry.schemes import all_numbers
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.intake_keys import sealing_pair
from huxin_privacy.sealing_key import parse_sealing_key

Keys = Callable[..., tuple[int, str, str]]


def states(settings: Settings, zone: str = "registry") -> list[str]:
    return [each.state for each in keyring.open(settings.keys_dir, zone).epochs]


def test_the_life_of_a_key_is_on_record(home: Settings, keys: Keys) -> None:
    assert keys("new", "registry")[0] == 0
    code, out, _ = keys("activate", "registry", 2)
    told = json.loads(out)
    ring = keyring.open(home.keys_dir, "registry")
    assert (code, told["state"], told["check"]) == (0, "active", ring.check_value(2))
    assert keys("retire", "registry", 1)[0] == 0
    found = acts(home)
    assert [(each["topic"], each.get("epoch"), each.get("state")) for each in found] == [
        ("keys.first", 1, "active"),
        ("keys.new", 2, "pending"),
        ("keys.activated", 1, "read_only"),
        ("keys.activated", 2, "active"),
        ("keys.retired", 1, None),
    ]
    assert all(each["zone"] == "registry" and each["by"] for each in found)
    assert found[3]["check"] == ring.check_value(2)
    assert not any(NEVER & set(each) for each in found)
    drain(home)
    with connection(home) as database:
        leaves = database.execute(text("SELECT count(*) FROM audit_leaf WHERE topic LIKE 'keys.%'")).scalar()
    assert leaves == 5


@pytest.mark.parametrize("zone", keyring.ZONES)
def test_every_zone_s_key_can_be_exchanged(home: Settings, keys: Keys, zone: str) -> None:
    assert [keys(*words)[0] for words in (("new", zone), ("activate", zone, 2), ("retire", zone, 1))] == [
        0,
        0,
        0,
    ]
    assert states(home, zone) == ["read_only", "active"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("activate", "registry", 1), 2, "P0119"),
        (("activate", "registry", 7), 2, "P0117"),
        (("retire", "registry", 1), 2, "P0119"),
        (("new", "cellar"), 2, "P0122"),
        (("new", "registry", "--suite", "SM"), 2, "H1602"),
        (("new", "entry", "--suite", "MD5"), 2, "P0101"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    home: Settings, keys: Keys, words: tuple[Any, ...], code: int, told: str
) -> None:
    before = {path: path.read_bytes() for path in home.keys_dir.glob("*.keyring")}
    found, _, err = keys(*words)
    assert (found, err[:5]) == (code, told)
    assert {path: path.read_bytes() for path in home.keys_dir.glob("*.keyring")} == before
    assert [each["topic"] for each in acts(home) if each["topic"] != "keys.first"] == []


def test_new_epochs_have_their_schemes_numbered(home: Settings, keys: Keys) -> None:
    """So that a process with the API's login, which may only read them, has what it needs."""
    keys("new", "registry")
    keys("new", "entry", "--suite", "SM")
    with connection(home) as database:
        numbered = set(all_numbers(database))
    for suite, entry in (("S256", 1), ("SM", 2)):
        for registry in (1, 2):
            for type_ in ("resident_id", "passport", "uscc", "mobile", "name"):
                assert (suite, type_, entry, registry) in numbered


# Who is waited for ----------------------------------------------------------------------------------------
def test_nobody_is_outrun(home: Settings, keys: Keys) -> None:
    keys("new", "registry")
    with reading(home, "load") as place:
        place.say({"registry": 1, "entry": 1})
        for words in (("activate", "registry", 2),):
            code, _, err = keys(*words, "--wait", 0)
            assert code == 3
            assert "load" in err
            assert str(os.getpid()) in err
            assert "H1603" in err
        assert states(home) == ["active", "pending"]
        listed = json.loads(keys("list", "--json")[1])["readers"]
        assert [(each["kind"], each["behind"]) for each in listed] == [("load", ["registry"])]
        place.say({"registry": 2, "entry": 1})
        assert keys("activate", "registry", 2, "--wait", 0)[0] == 0
        assert keys("retire", "registry", 1, "--wait", 0)[0] == 3
        place.say({"registry": 3})
        assert keys("retire", "registry", 1, "--wait", 0)[0] == 0


def test_one_that_is_reading_just_now_is_waited_for(home: Settings, keys: Keys) -> None:
    keys("new", "registry")
    with reading(home, "pseudonymize"):
        assert keys("activate", "registry", 2, "--wait", 0)[0] == 3
    assert keys("activate", "registry", 2, "--wait", 0)[0] == 0


def test_an_act_goes_on_as_soon_as_all_have_read(home: Settings, keys: Keys) -> None:
    keys("new", "registry")
    place = Reading(home, "load")
    place.say({"registry": 1})
    began = time.monotonic()
    threading.Timer(0.6, place.close).start()
    assert keys("activate", "registry", 2, "--wait", 600)[0] == 0
    assert 0.5 < time.monotonic() - began < 300


def test_the_dead_are_not_waited_for(home: Settings, keys: Keys) -> None:
    keys("new", "registry")
    with child(
        "from huxin.registry.key_readers import Reading; p = Reading(s, 'api'); p.say({'registry': 1})"
    ) as it:
        assert keys("activate", "registry", 2, "--wait", 0)[0] == 3
        it.send_signal(signal.SIGKILL)
        it.wait()
        assert keys("activate", "registry", 2, "--wait", 300)[0] == 0
    with connection(home) as database:
        assert key_readers(database) == []
        assert database.execute(text("SELECT count(*) FROM key_reader")).scalar() == 0


@contextmanager
def child(work: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does this work and then lives on."""
    code = f"""
import sys, time
from huxin.settings import Settings
s = Settings.from_env()
{work}
print("ready", flush=True)
time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.wait()


# Killed, or another's -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "words", [("new", "entry"), ("activate", "registry", "2"), ("activate", "entry", "2")], ids=" ".join
)
def test_an_act_that_was_killed_is_put_on_record_by_the_next(
    home: Settings, keys: Keys, words: tuple[str, ...]
) -> None:
    keys("new", "registry")
    keys("new", "entry")
    before = states(home, words[1])
    done = subprocess.run(
        [sys.executable, "-m", "huxin", "keys", *words],
        env={**os.environ, "HUXIN_FAULT": "keys.written"},
        check=False,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL
    assert states(home, words[1]) != before
    code, out, _ = keys("check")
    assert code == 1
    assert ("unrecorded" if words[0] == "new" else "other_state") in out
    assert keys("new", "intake")[0] == 0, "another zone's is no matter"
    assert keys("new", words[1])[0] == 0
    assert [each["zone"] for each in acts(home) if each["topic"] == "keys.found"]
    assert keys("check")[0] == 0


def test_a_keyring_of_another_registry_is_refused(home: Settings, keys: Keys) -> None:
    keys("new", "registry")
    before = acts(home)
    path = keyring.keyring_path(home.keys_dir, "registry")
    path.unlink()
    keyring.create(home.keys_dir, "registry")
    code, out, _ = keys("check")
    assert code == 1
    assert "registry other_key" in out
    code, _, err = keys("new", "registry")
    assert (code, err[:5]) == (2, "H1604")
    assert acts(home) == before


def test_check_names_what_is_wrong(home: Settings, keys: Keys) -> None:
    assert keys("check") == (0, "", "The keyrings are well.\n")
    path = keyring.keyring_path(home.keys_dir, "entry")
    path.chmod(0o644)
    assert keys("check")[1] == "entry mode: the keyring file has mode 0644, it should be 0600\n"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-20])
    found = json.loads(keys("check", "--json")[1])
    assert [(each["zone"], each["code"]) for each in found] == [("entry", "P0116")]


def test_listing_shows_states_and_no_key(home: Settings, keys: Keys) -> None:
    keys("new", "entry", "--suite", "SM")
    _, out, err = keys("list")
    assert "pending" in out
    assert "SM" in out
    roots = [each.root for each in keyring.open(home.keys_dir, "entry").epochs]
    for root in roots:
        assert root is not None
        assert root.hex() not in out + err


def test_the_public_keys_are_those_that_members_pin(home: Settings, keys: Keys) -> None:
    """The one to seal with first, and while it is exchanged every one that is still opened."""
    keys("new", "intake")
    keys("activate", "intake", 2)
    code, out, _ = keys("public")
    ring = keyring.open(home.keys_dir, "intake")
    lines = out.splitlines()
    assert (code, [parse_sealing_key(line).public for line in lines]) == (
        0,
        [sealing_pair(ring, epoch).public for epoch in (2, 1)],
    )
    told = json.loads(keys("public", "--json")[1])["keys"]
    assert [(each["key"], each["epoch"], each["state"]) for each in told] == [
        (lines[0], 2, "active"),
        (lines[1], 1, "read_only"),
    ]


def test_two_acts_at_once_take_turns(home: Settings) -> None:
    threads = [threading.Thread(target=key_epochs.new_epoch, args=(home, "registry")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states(home) == ["active", *["pending"] * 4]
    assert len([each for each in acts(home) if each["topic"] == "keys.new"]) == 4


def test_a_new_key_encryption_key_is_on_record_and_changes_no_key(home: Settings, keys: Keys) -> None:
    before = keyring.open(home.keys_dir, "registry").check_value(1)
    old = (home.keys_dir / "registry.kek").read_bytes()
    code, out, _ = keys("reseal", "registry")
    assert (code, json.loads(out)["state"]) == (0, "done")
    assert (home.keys_dir / "registry.kek").read_bytes() != old
    assert keyring.open(home.keys_dir, "registry").check_value(1) == before
    assert [(each["topic"], each["zone"], each["pending"]) for each in acts(home)] == [
        ("keys.resealed", "registry", False)
    ]
    assert keys("reseal", "nowhere")[0] == 2
    assert keys("check")[0] == 0
