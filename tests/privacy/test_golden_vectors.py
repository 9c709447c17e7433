"""Golden vectors: a change of any byte would make every stored token unfindable. Here the definitions stand twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import plain_definitions as plain
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

import huxin_privacy
from huxin_privacy import hashing
from huxin_privacy.derivation import derive, prefixed
from huxin_privacy.identifiers import (
    TYPES,
    canonical_id,
    canonical_ids,
    canonical_mobile,
    canonical_mobiles,
    canonical_name,
    canonical_names,
    fault_codes,
)
from huxin_privacy.suites import SUITES, get_suite
from huxin_privacy.tokens import (
    DOMAIN,
    Halver,
    NameHalver,
    Tokenizing,
    half,
    halves,
    name_half,
    name_halves,
    tokens,
    untoken,
)

FOLDER = Path(__file__).parents[2] / "privacy" / "vectors"
GOLDEN = {
    name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("s256", "sm", "derivation", "canonical")
}
VECTORS = [(name, vector) for name in ("s256", "sm") for vector in GOLDEN[name]["vectors"]]
Vector = tuple[str, dict[str, Any]]


def aes(key: bytes, block: bytes) -> bytes:
    return Cipher(AES256(key), ECB()).encryptor().update(block)  # noqa: S305 - one block, the definition


PLAIN = {"s256": (plain.sha256, aes, 32), "sm": (plain.sm3, plain.sm4, 16)}


@pytest.fixture(params=VECTORS, ids=[f"{name}-{each['type']}-{each['epoch']}" for name, each in VECTORS])
def vector(request: pytest.FixtureRequest) -> Vector:
    return request.param  # type: ignore[no-any-return]


def counted(content: str | bytes) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return len(content).to_bytes(2, "big") + content


def drawn(name: str, zone: str, type_: str, epoch: int) -> bytes:
    """A zone's key by the definition."""
    parts = (zone, GOLDEN[name]["suite"], type_, epoch.to_bytes(4, "big"), "token")
    length = PLAIN[name][2] if zone == "registry" else 32
    return plain.hkdf_sha256(
        bytes.fromhex(GOLDEN[name][f"{zone}_root"]), b"".join(map(counted, parts)), length
    )


def block(content: str) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(content), dtype=np.uint8).reshape(1, 16)


def test_every_type_has_a_vector_of_each_suite_in_two_epochs() -> None:
    seen = {(name, each["type"], each["epoch"]) for name, each in VECTORS}
    assert seen == {
        (name, type_, epoch) for name in PLAIN for type_ in (*TYPES, "mobile") for epoch in (1, 2)
    }
    assert {GOLDEN[name]["suite"] for name in PLAIN} == set(SUITES)


def test_the_plain_definitions_give_the_published_answers() -> None:
    assert plain.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    assert plain.sm4(key, key).hex() == "681edf34d206965e86b3e94f536e4246"


def test_vectors_are_what_the_definitions_say(vector: Vector) -> None:
    name, each = vector
    hash_, cipher, _ = PLAIN[name]
    entry, registry = (drawn(name, zone, each["type"], each["epoch"]) for zone in ("entry", "registry"))
    assert (entry.hex(), registry.hex()) == (each["entry_key"], each["registry_key"])
    made = plain.hmac(hash_, entry, b"huxin/v1" + counted(each["type"]) + counted(each["canonical"]))[:16]
    assert (made.hex(), cipher(registry, made).hex()) == (each["half"], each["token"])
    if "name" in each:
        named = plain.hmac(hash_, drawn(name, "entry", "name", each["epoch"]), made + each["name"].encode())[
            :16
        ]
        mark = cipher(drawn(name, "registry", "name", each["epoch"]), named)
        assert (named.hex(), mark.hex()) == (each["name_half"], each["name_mark"])


def test_halves_on_every_path(vector: Vector) -> None:
    suite, each = get_suite(vector[0].upper()), vector[1]
    key, kind, text = bytes.fromhex(each["entry_key"]), each["type"], each["canonical"]
    assert half(key, kind, text, suite=suite).hex() == each["half"]
    assert Halver(key, kind, suite=suite).half(text).hex() == each["half"]
    head = np.frombuffer(DOMAIN + prefixed(kind.encode()), dtype=np.uint8)[None, :]
    for column in (pa.array([text]), pa.array([text] * 700)):
        messages = hashing.Messages(head, True, column)
        for found in (
            halves(key, kind, column, suite=suite),
            hashing.reference(suite, key, messages),
            hashing.copied(suite, key, messages),
            hashing.compiled(suite, key, messages),
        ):
            assert {row.tobytes().hex() for row in found} == {each["half"]}


def test_tokens_on_every_path(vector: Vector) -> None:
    suite, each = get_suite(vector[0].upper()), vector[1]
    key = bytes.fromhex(each["registry_key"])
    assert tokens(key, block(each["half"]), suite=suite).tobytes().hex() == each["token"]
    assert untoken(key, block(each["token"]), suite=suite).tobytes().hex() == each["half"]
    assert Tokenizing(key, suite=suite).token(bytes.fromhex(each["half"])).hex() == each["token"]


def test_name_marks_on_every_path(vector: Vector) -> None:
    name, each = vector
    if "name" not in each:
        return
    suite, key = get_suite(name.upper()), drawn(name, "entry", "name", each["epoch"])
    made = name_halves(key, block(each["half"]), pa.array([each["name"]]), suite=suite)
    assert made.tobytes().hex() == each["name_half"]
    alone = bytes.fromhex(each["half"])
    assert name_half(key, alone, each["name"], suite=suite).hex() == each["name_half"]
    assert NameHalver(key, suite=suite).half(alone, each["name"]).hex() == each["name_half"]
    sealing = drawn(name, "registry", "name", each["epoch"])
    assert tokens(sealing, made, suite=suite).tobytes().hex() == each["name_mark"]


@pytest.mark.parametrize("each", GOLDEN["derivation"]["vectors"], ids=lambda each: each["info"][-20:])
def test_derivation(each: dict[str, Any]) -> None:
    root = bytes.fromhex(GOLDEN["derivation"]["root"])
    parts = (each["zone"], each["suite"], each["type"], each["epoch"].to_bytes(4, "big"), each["use"])
    info = b"".join(map(counted, parts))
    assert info.hex() == each["info"]
    assert plain.hkdf_sha256(root, info, each["length"]).hex() == each["key"]
    given = {name: each[name] for name in ("zone", "suite", "epoch", "use", "length")}
    assert derive(root, type_=each["type"], **given).hex() == each["key"]


@pytest.mark.parametrize("each", GOLDEN["canonical"]["ids"], ids=range(len(GOLDEN["canonical"]["ids"])))
def test_canonical_ids_by_either_way(each: dict[str, Any]) -> None:
    last = each["not_after"] and date.fromisoformat(each["not_after"])
    wanted = each["canonical"], tuple(each["faults"]), each["upgraded"]
    one = canonical_id(each["id_type"], each["id_no"], each["id_country"], not_after=last)
    assert (one.text, one.faults, one.upgraded) == wanted
    types = np.array([TYPES[each["id_type"]]], np.uint8)
    countries = pa.array([each["id_country"]], pa.string())
    many = canonical_ids(types, pa.array([each["id_no"]]), countries, not_after=last)
    assert (many.text[0].as_py(), fault_codes(int(many.faults[0])), bool(many.upgraded[0])) == wanted


def test_canonical_mobiles_and_names_by_either_way() -> None:
    for kind, one, many in (
        ("mobile", canonical_mobile, canonical_mobiles),
        ("name", canonical_name, canonical_names),
    ):
        cases = GOLDEN["canonical"][f"{kind}s"]
        wanted = [each["canonical"] for each in cases]
        assert [one(each[kind]) for each in cases] == wanted
        assert many(pa.array([each[kind] for each in cases])).to_pylist() == wanted


def test_the_files_are_what_the_command_writes_and_drift_is_told(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "vectors")
    assert generate(tmp_path / "vectors", "--check").returncode == 0
    stored = tmp_path / "vectors" / "sm.json"
    stored.write_text(stored.read_text(encoding="utf-8").replace("0", "1", 1), encoding="utf-8")
    ended = generate(tmp_path / "vectors", "--check")
    assert ended.returncode == 1
    assert "sm.json differs" in ended.stderr
    assert "s256.json" not in ended.stderr
    assert generate(tmp_path / "vectors").returncode == 0
    assert stored.read_bytes() == (FOLDER / "sm.json").read_bytes()


def generate(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(huxin_privacy.__file__).parents[1])}
    command = [sys.executable, str(folder / "generate.py"), *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
