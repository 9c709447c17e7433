"""Receipts, promises and consistency of an audit log, checked offline with the log's public keys alone.

    leaf data = SHA-256(salt ‖ record)    record: the text exactly as it stands in the receipt, in UTF-8

A receipt is JSON: {"format", "record", "salt" (32 hex digits), "number", "path" (base64 of 32 bytes each, from
the leaf upwards), "checkpoint" (a signed note)}. A promise is JSON: {"leaf" (64 hex digits: leaf data), "at",
"log", "within_s", "key" (8 hex digits), "signature" (base64), and the "record" and "salt" that the leaf is made of}.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Any, Final

from huxin_privacy.errors import PrivacyError
from huxin_privacy.merkle import HASH_BYTES, leaf_hash, verify_consistency, verify_inclusion
from huxin_privacy.notes import Checkpoint, VerifierKey, check_signature, open_checkpoint

FORMAT: Final = "huxin-receipt/1"
SALT_BYTES: Final = 16
PROMISE_NAME: Final = "/promise"  # follows the log's name in the name of the key that promises


@dataclass(frozen=True)
class Receipt:
    """A receipt that was read, not yet checked."""

    record: str = field(repr=False)
    salt: bytes = field(repr=False)
    number: int
    path: tuple[bytes, ...]
    checkpoint: str


def leaf_data(salt: bytes, record: bytes) -> bytes:
    """SHA-256(salt ‖ record): without the salt nobody can try out what the record may have said."""
    return sha256(salt + record).digest()


def read_object(said: str | bytes | Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a JSON object. PrivacyError P0140 for what is none, or says one key twice: readers differ on which."""
    if not isinstance(said, str | bytes):
        return dict(said)
    try:
        found = json.loads(said, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise PrivacyError("P0140") from None
    if not isinstance(found, dict):
        raise PrivacyError("P0140")
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def read_hex(said: str) -> bytes:
    """Bytes of their one spelling: small digits, no blanks. ValueError, TypeError for another."""
    found = bytes.fromhex(said)
    if found.hex() != said:
        raise ValueError
    return found


def _read_base64(said: str) -> bytes:
    """As `read_hex`: of the last character no bit may be set that says nothing."""
    found = base64.b64decode(said, validate=True)
    if base64.b64encode(found).decode() != said:
        raise ValueError
    return found


def read_receipt(receipt: str | bytes | Mapping[str, Any]) -> Receipt:
    """A receipt from JSON or its object. PrivacyError P0140 when a part is missing, unknown or misspelt."""
    said = read_object(receipt)
    try:
        record, number, checkpoint = said.pop("record"), said.pop("number"), said.pop("checkpoint")
        salt = read_hex(said.pop("salt"))
        path = tuple(_read_base64(each) for each in said.pop("path"))
        known = said.pop("format") == FORMAT and not said
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise PrivacyError("P0140") from None
    plain = isinstance(record, str) and isinstance(checkpoint, str) and type(number) is int
    if not known or not plain or len(salt) != SALT_BYTES or any(len(each) != HASH_BYTES for each in path):
        raise PrivacyError("P0140")
    return Receipt(record, salt, number, path, checkpoint)


def verify_receipt(receipt: str | bytes | Mapping[str, Any], keys: Sequence[VerifierKey]) -> Checkpoint:
    """Returns the checkpoint under which the record is proved to stand in the log.

    PrivacyError P0140 (no receipt), P0141-P0143 (checkpoint or signature), P0144 (record, salt, number or path
    are not what was logged), P0145, P0146 (number or path cannot be of this tree).
    """
    read = read_receipt(receipt)
    head = open_checkpoint(read.checkpoint, keys)
    leaf = leaf_hash(leaf_data(read.salt, read.record.encode("utf-8", "surrogatepass")))
    verify_inclusion(leaf, read.number, head.size, read.path, head.root)
    return head


def verify_growth(
    older: str, newer: str, path: Sequence[bytes], keys: Sequence[VerifierKey]
) -> tuple[Checkpoint, Checkpoint]:
    """Returns both checkpoints when the newer log begins with the whole older one.

    PrivacyError P0147 (it does not, or they are of two logs), P0141-P0143, P0145.
    """
    old, new = open_checkpoint(older, keys), open_checkpoint(newer, keys)
    if old.origin != new.origin:
        raise PrivacyError("P0147", old=old.size, new=new.size)
    verify_consistency(old.size, new.size, old.root, new.root, path)
    return old, new


_PROMISE = frozenset(("leaf", "at", "log", "within_s", "key", "signature", "record", "salt"))


def promise_text(leaf: str, at: str, log: str, within_s: int) -> bytes:
    """What a promise's signature is over: its four facts as JSON, keys in this order, without blanks."""
    said = [encode_basestring(each) for each in (at, leaf, log)]
    return f'{{"at":{said[0]},"leaf":{said[1]},"log":{said[2]},"within_s":{within_s:d}}}'.encode()


def verify_promise(promise: Mapping[str, Any], record: str, salt: bytes, keys: Sequence[VerifierKey]) -> None:
    """Returns when one of the keys has promised to log this record. PrivacyError P0140, P0142, P0143, P0144."""
    try:
        leaf, at, log, identifier = (promise[name] for name in ("leaf", "at", "log", "key"))
        within_s, signature = promise["within_s"], _read_base64(promise["signature"])
    except (ValueError, KeyError, TypeError):
        raise PrivacyError("P0140") from None
    plain = type(within_s) is int and all(isinstance(each, str) for each in (leaf, at, log, identifier))
    if not plain or not promise.keys() <= _PROMISE:
        raise PrivacyError("P0140")
    text = promise_text(leaf, at, log, within_s)
    named = [key for key in keys if key.name == log + PROMISE_NAME and key.id.hex() == identifier]
    if not named:
        raise PrivacyError("P0142")
    check_signature(named[0], signature, text)
    if not hmac.compare_digest(
        leaf.encode(), leaf_data(salt, record.encode("utf-8", "surrogatepass")).hex().encode()
    ):
        raise PrivacyError("P0144", number="-")
