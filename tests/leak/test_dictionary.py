"""A dump and any one key: of 10,000 known ID numbers not one can be matched. With both zones' keys, every one."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from dictionary import ALGORITHMS, block_cipher, derived, requests_of
from dump_bytes import Stored, strings_of
from dumped_home import DumpedHome, lenders

from huxin.enquiry.sealing import ANSWER, FACTS, opened
from huxin_privacy import keyring
from huxin_privacy.macs import Mac
from huxin_privacy.suites import get_suite
from huxin_privacy.tokens import half


def test_the_dump_holds_what_there_is_to_attack(dumped: DumpedHome) -> None:
    rows = sum(map(len, lenders(dumped.people).values()))
    assert len(dumped.dump.table("loan").rows) == rows - 2
    assert len(dumped.dump.table("alias").rows) >= dumped.people - 1
    assert len(dumped.dump.table("enquiry").rows) == dumped.enquiries
    assert dumped.dump.table("audit_leaf").rows
    assert len(dumped.dump.table("mobile_alias").rows) >= dumped.people - 3
    assert len(dumped.stored) > 100 * dumped.people


@pytest.mark.parametrize("key", [*keyring.ZONES, "reply"])
def test_with_one_key_nobody_is_matched(dumped: DumpedHome, key: str) -> None:
    found = dumped.attack(key).on(dumped.stored)
    assert (found.people, found.ways) == (set(), {})


@pytest.mark.parametrize("zone", keyring.ZONES)
def test_nor_by_taking_a_key_for_what_it_is_not(dumped: DumpedHome, zone: str) -> None:
    assert dumped.wild(zone).on(dumped.stored).ways == {}


def test_what_the_registrys_key_opens_matches_nobody_either(dumped: DumpedHome) -> None:
    """Facts and answers are sealed under it: there is no number, no half and no token in them."""
    ring = keyring.open(dumped.settings.keys_dir, "registry")
    keys = [AESGCM(ring.key("seal", "answer"))]
    inside = []
    for id_, facts, answer in dumped.dump.table("enquiry").of("id", "facts", "answer"):
        for use, stored in ((FACTS, facts), (ANSWER, answer)):
            inside.append(opened(keys, use, UUID(id_), bytes.fromhex(stored.removeprefix(r"\\x"))))
    assert len(inside) == 2 * dumped.enquiries
    strings = [each for text in inside for each in strings_of(text)]
    assert dumped.attack("registry").on(Stored(strings)).ways == {}


def test_with_both_keys_everybody_is_matched(dumped: DumpedHome) -> None:
    """By the aliases; and who was asked about with nothing but the number by the request's digest as well."""
    found = dumped.attack("entry", "registry").on(dumped.stored)
    assert found.people | {8} == set(range(dumped.people))  # the ninth's row was rejected
    assert max(count for way, count in found.ways.items() if "cipher" in way) >= dumped.people - 1
    assert [count for way, count in found.ways.items() if "cipher" not in way] == [1]


def planted(home: DumpedHome) -> dict[str, tuple[str, str]]:
    """Breaches as they might slip in: what stands in the dump, and whose key is enough for it."""
    number, suite = home.numbers[77], home.suite
    entry, registry = (derived(zone, home.roots[zone], suite) for zone in ("entry", "registry"))
    _, algorithm, length = ALGORITHMS[suite]
    half_key = entry[f"entry as entry {suite} resident_id token"]
    token_key = registry[f"registry as registry {suite} resident_id token"]
    made = half(half_key, "resident_id", number, suite=get_suite(suite))
    plain = hashlib.sha256(number.encode()).digest()
    weak = block_cipher(algorithm(token_key[:length])).encryptor().update(plain[:16])
    request = Mac(registry[f"registry as registry {suite} request digest"], "sha256")
    digest = request.digest(requests_of(home.dump, 1)[0](number))
    return {
        "the number itself": (f"\t{number}\t", "audit"),
        "a plain hash in hex": (plain.hex(), "audit"),
        "a hash cut to a bigint": (str(int.from_bytes(plain[:8], "little", signed=True)), "audit"),
        "a hash in base64": (base64.b64encode(plain).decode(), "audit"),
        "a half as a UUID": (str(UUID(bytes=made)), "entry"),
        "a half in a bytea": (r"\\x" + (b"1234567" + made).hex(), "entry"),
        "a request's digest under one key": (r"\\x" + digest.hex(), "registry"),
        "a token of a plain hash": (str(UUID(bytes=weak)), "registry"),
    }


def test_the_attack_finds_each_breach_that_is_planted(dumped: DumpedHome) -> None:
    for what, (text, key) in planted(dumped).items():
        attack = replace(dumped.attack(key), numbers=dumped.numbers[:100])
        found = attack.on(Stored(strings_of(b"COPY some (thing) FROM stdin;\n" + text.encode() + b"\n")))
        assert found.people == {77}, what
