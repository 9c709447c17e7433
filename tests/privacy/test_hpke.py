"""HPKE: RFC 9180's own vector, an independent reading of the RFC, the stored vectors, and what is refused."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from huxin_privacy.errors import PrivacyError
from huxin_privacy.hpke import KeyPair, key_pair, new_key_pair, open_from, seal_to

VECTORS = Path(__file__).parents[2] / "privacy" / "vectors" / "hpke.json"

# RFC 9180, A.1.1: base mode, X25519, HKDF-SHA256, AES-128-GCM, sequence number 0
RFC = {
    "private": "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
    "ephemeral": "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736",
    "enc": "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
    "info": "4f6465206f6e2061204772656369616e2055726e",
    "aad": "436f756e742d30",
    "plain": "4265617574792069732074727574682c20747275746820626561757479",
    "sealed": "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
}


def labelled(suite: bytes, salt: bytes, label: str, ikm: bytes) -> bytes:
    return hmac.digest(salt, b"HPKE-v1" + suite + label.encode() + ikm, "sha256")


def expanded(suite: bytes, key: bytes, label: str, info: bytes, length: int) -> bytes:
    text = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label.encode() + info
    return hmac.digest(key, text + b"\1", "sha256")[:length]


def reference_cipher(
    secret: bytes, public: bytes, enc: bytes, info: bytes, aead: int
) -> tuple[AESGCM, bytes]:
    """RFC 9180, 4.1 and 5.1, for base mode: the cipher and the nonce of the first message."""
    kem, length = b"KEM\0\x20", {1: 16, 2: 32}[aead]
    suite = b"HPKE\0\x20\0\1" + aead.to_bytes(2, "big")
    shared = expanded(kem, labelled(kem, b"", "eae_prk", secret), "shared_secret", enc + public, 32)
    context = b"\0" + labelled(suite, b"", "psk_id_hash", b"") + labelled(suite, b"", "info_hash", info)
    base = labelled(suite, shared, "secret", b"")
    return AESGCM(expanded(suite, base, "key", context, length)), expanded(
        suite, base, "base_nonce", context, 12
    )


def reference_seal(
    ephemeral: bytes, public: bytes, info: bytes, aad: bytes, plain: bytes, aead: int
) -> bytes:
    key = X25519PrivateKey.from_private_bytes(ephemeral)
    enc = key.public_key().public_bytes_raw()
    secret = key.exchange(X25519PublicKey.from_public_bytes(public))
    cipher, nonce = reference_cipher(secret, public, enc, info, aead)
    return enc + cipher.encrypt(nonce, plain, aad)


def bound(info: bytes, aad: bytes) -> bytes:
    parts = (b"huxin/v1/hpke", info, hashlib.sha256(aad).digest())
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def of(name: str) -> bytes:
    return bytes.fromhex(RFC[name])


def refused(code: str, *given: bytes) -> None:
    with pytest.raises(PrivacyError) as caught:
        open_from(*given)
    assert caught.value.code == code


def test_the_library_gives_the_published_answer() -> None:
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
    private = X25519PrivateKey.from_private_bytes(of("private"))
    found = openssl.hpke._decrypt_with_aad(suite, of("enc") + of("sealed"), private, of("info"), of("aad"))
    assert found == of("plain")


def test_our_reading_of_the_rfc_gives_the_published_answer() -> None:
    public = key_pair(of("private")).public
    sealed = reference_seal(of("ephemeral"), public, of("info"), of("aad"), of("plain"), aead=1)
    assert sealed == of("enc") + of("sealed")


@pytest.mark.parametrize(
    ("info", "aad", "plain"), [(b"", b"", b""), (b"use", b"a" * 70_000, b"text" * 9_000)]
)
def test_both_ways_agree_with_it_under_aes_256(info: bytes, aad: bytes, plain: bytes) -> None:
    pair = new_key_pair()
    foreign = reference_seal(of("ephemeral"), pair.public, bound(info, aad), b"", plain, aead=2)
    assert open_from(pair.private, info, aad, foreign) == plain
    ours = seal_to(pair.public, info, aad, plain)
    secret = X25519PrivateKey.from_private_bytes(pair.private).exchange(
        X25519PublicKey.from_public_bytes(ours[:32])
    )
    cipher, nonce = reference_cipher(secret, pair.public, ours[:32], bound(info, aad), 2)
    assert cipher.decrypt(nonce, ours[32:], b"") == plain


@pytest.mark.parametrize("vector", json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"])
def test_the_stored_vectors(vector: dict[str, str]) -> None:
    private, info, aad, plain, sealed, ephemeral, public = (
        bytes.fromhex(vector[name])
        for name in ("private", "info", "aad", "plain", "sealed", "ephemeral", "public")
    )
    assert key_pair(private).public == public
    assert reference_seal(ephemeral, public, bound(info, aad), b"", plain, aead=2) == sealed
    assert open_from(private, info, aad, sealed) == plain


def test_no_two_texts_are_sealed_alike() -> None:
    pair = new_key_pair()
    assert seal_to(pair.public, b"i", b"a", b"x") != seal_to(pair.public, b"i", b"a", b"x")


def test_what_does_not_open() -> None:
    pair, other = new_key_pair(), new_key_pair()
    sealed = seal_to(pair.public, b"info", b"aad", b"plain")
    refused("P0151", other.private, b"info", b"aad", sealed)
    refused("P0151", pair.private, b"inf", b"oaad", sealed)
    refused("P0151", pair.private, b"info", b"", sealed)
    for length in range(len(sealed)):
        refused("P0151", pair.private, b"info", b"aad", sealed[:length])
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        refused("P0151", pair.private, b"info", b"aad", changed)
    refused("P0151", pair.private, b"info", b"aad", sealed + b"\0")


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)])
def test_what_is_no_key(key: bytes) -> None:
    refused("P0150", key, b"", b"", bytes(48))
    with pytest.raises(PrivacyError, match="P0150"):
        seal_to(key, b"", b"", b"")


def test_a_point_of_low_order_is_no_key() -> None:
    with pytest.raises(PrivacyError, match="P0150"):
        seal_to(bytes(32), b"", b"", b"")


def test_a_pair_shows_no_private_key() -> None:
    pair = new_key_pair()
    assert pair.private.hex() not in repr(pair)
    assert repr(pair.private) not in repr(pair)
    assert KeyPair(pair.private, pair.public) == key_pair(pair.private)
