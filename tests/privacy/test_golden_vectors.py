"""Golden vectors of suite S256: a change of any byte would make every stored token unfindable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from huxin_privacy import hashing
from huxin_privacy.derivation import prefixed
from huxin_privacy.identifiers import TYPES, canonical_id, canonical_mobile, canonical_name
from huxin_privacy.keyring import ACTIVE, READ_ONLY, Epoch, Keyring
from huxin_privacy.tokens import DOMAIN, get_suite, half, halves, name_half, name_halves, tokens, untoken

FILE = Path(__file__).parents[2] / "privacy" / "vectors" / "s256.json"
GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))
SUITE = get_suite(GOLDEN["suite"])


def ring(zone: str) -> Keyring:
    root = bytes.fromhex(GOLDEN[f"{zone}_root"])
    return Keyring(zone, 1, (Epoch(1, READ_ONLY, root), Epoch(2, ACTIVE, root)), Path("nowhere"), b"")


def block(text: str) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(text), dtype=np.uint8).reshape(1, 16)


@pytest.fixture(params=GOLDEN["vectors"], ids=lambda vector: f"{vector['type']}-{vector['epoch']}")
def vector(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


def test_every_type_has_a_vector_in_two_epochs() -> None:
    seen = {(vector["type"], vector["epoch"]) for vector in GOLDEN["vectors"]}
    assert seen == {(type_, epoch) for type_ in (*TYPES, "mobile") for epoch in (1, 2)}


def test_the_canonical_forms_are_canonical(vector: dict[str, Any]) -> None:
    text = vector["canonical"]
    if vector["type"] == "mobile":
        assert canonical_mobile(text) == text
    elif vector["type"] == "passport":
        assert canonical_id("passport", text[3:], text[:3]).text == text
    else:
        assert canonical_id(vector["type"], text).text == text
    assert "name" not in vector or canonical_name(vector["name"]) == vector["name"]


def test_keys_come_from_the_roots(vector: dict[str, Any]) -> None:
    for zone in ("entry", "registry"):
        key = ring(zone).key("token", vector["type"], vector["epoch"])
        assert key.hex() == vector[f"{zone}_key"]


def test_halves(vector: dict[str, Any]) -> None:
    key, column = bytes.fromhex(vector["entry_key"]), pa.array([vector["canonical"]])
    assert half(key, vector["type"], vector["canonical"]).hex() == vector["half"]
    assert halves(key, vector["type"], column).tobytes().hex() == vector["half"]
    head = np.frombuffer(DOMAIN + prefixed(vector["type"].encode()), dtype=np.uint8)[None, :]
    messages = hashing.Messages(head, True, column)
    assert hashing.reference(SUITE, key, messages).tobytes().hex() == vector["half"]
    assert hashing.copied(SUITE, key, messages).tobytes().hex() == vector["half"]
    assert hashing.compiled(SUITE, key, messages).tobytes().hex() == vector["half"]


def test_tokens(vector: dict[str, Any]) -> None:
    key = bytes.fromhex(vector["registry_key"])
    assert tokens(key, block(vector["half"])).tobytes().hex() == vector["token"]
    assert untoken(key, block(vector["token"])).tobytes().hex() == vector["half"]


def test_name_marks(vector: dict[str, Any]) -> None:
    if "name" not in vector:
        return
    entry = ring("entry").key("token", "name", vector["epoch"])
    made = name_halves(entry, block(vector["half"]), pa.array([vector["name"]]))
    assert made.tobytes().hex() == vector["name_half"]
    assert name_half(entry, bytes.fromhex(vector["half"]), vector["name"]).hex() == vector["name_half"]
    registry = ring("registry").key("token", "name", vector["epoch"])
    assert tokens(registry, made).tobytes().hex() == vector["name_mark"]
