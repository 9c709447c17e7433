"""Known answers of the blind way: RFC 9497's own, and ours, made without the code under test."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from huxin_privacy import blind
from huxin_privacy.blind import group, keys
from huxin_privacy.derivation import prefixed
from huxin_privacy.keyring import ACTIVE, READ_ONLY, Epoch, Keyring

FILE = Path(__file__).parents[2] / "privacy" / "vectors" / "oprf.json"
GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))
SECRET, PUBLIC = bytes.fromhex(GOLDEN["secret"]), bytes.fromhex(GOLDEN["public"])


def unhex(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


@pytest.fixture(params=GOLDEN["vectors"], ids=lambda vector: f"{len(vector['input'])}-{vector['proof'][:6]}")
def vector(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


def test_the_context_is_the_one_of_the_rfc() -> None:
    assert group.CONTEXT.hex() == GOLDEN["context"]


def test_blind(vector: dict[str, Any]) -> None:
    made = blind.blind(unhex(vector["input"]), unhex(vector["blind"]))
    assert made.blinded == unhex(vector["blinded"])


def test_evaluate_with_proof(vector: dict[str, Any]) -> None:
    made = blind.evaluate(SECRET, PUBLIC, unhex(vector["blinded"]), bytes.fromhex(vector["nonce"]))
    assert made.evaluated == unhex(vector["evaluated"])
    assert made.proof.hex() == vector["proof"]


def test_unblind_leads_to_the_output_of_the_rfc(vector: dict[str, Any]) -> None:
    """`Finalize` is what the RFC does with the element that we keep: so this is its element."""
    blinding = blind.blind(unhex(vector["input"]), unhex(vector["blind"]))
    told = blind.Evaluation(unhex(vector["evaluated"]), bytes.fromhex(vector["proof"]))
    elements = blind.unblind(PUBLIC, blinding, told)
    outputs = [
        hashlib.sha512(prefixed(each, element) + b"Finalize").hexdigest()
        for each, element in zip(unhex(vector["input"]), elements, strict=True)
    ]
    assert outputs == vector["output"]
    assert elements == [blind.element(SECRET, each) for each in unhex(vector["input"])]


def ring() -> Keyring:
    root = bytes.fromhex(GOLDEN["entry_root"])
    return Keyring("entry", 1, (Epoch(1, READ_ONLY, root), Epoch(2, ACTIVE, root)), Path("nowhere"), b"")


def test_keys_come_from_the_root() -> None:
    for said in GOLDEN["keys"]:
        made = blind.oprf_key(ring(), said["epoch"])
        assert (made.secret.hex(), made.public.hex()) == (said["secret"], said["public"])
    assert blind.oprf_key(ring()).epoch == 2
    assert keys.step(blind.oprf_key(ring(), 1), blind.oprf_key(ring(), 2)).hex() == GOLDEN["step"]


@pytest.mark.parametrize(
    "said", GOLDEN["identifiers"], ids=lambda said: f"{said['type']}-{said['canonical'][:4]}"
)
def test_identifiers(said: dict[str, Any]) -> None:
    message = blind.message(said["type"], said["canonical"])
    assert message.hex() == said["message"]
    assert group.hash_to_group(message).hex() == said["hashed"]
    found = [blind.element(blind.oprf_key(ring(), epoch).secret, message).hex() for epoch in (1, 2)]
    assert found == said["elements"]
