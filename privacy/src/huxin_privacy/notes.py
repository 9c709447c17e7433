"""Signed notes (c2sp.org/signed-note) with Ed25519, and the checkpoints they carry (c2sp.org/tlog-checkpoint).

A verifier's key is one line of text: name ‖ "+" ‖ 8 hex digits ‖ "+" ‖ base64(0x01 ‖ public key), where the
digits are the first four bytes of SHA-256(name ‖ LF ‖ 0x01 ‖ public key).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from huxin_privacy.errors import PrivacyError
from huxin_privacy.merkle import HASH_BYTES

ED25519: Final = b"\x01"
ID_BYTES: Final = 4
_DASH = "\u2014 "
_LONGEST = 1 << 20


@dataclass(frozen=True)
class VerifierKey:
    """Who signs (a name without blanks and "+") and the 32 bytes of its Ed25519 public key."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that say in a note which key has signed."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:ID_BYTES]

    @property
    def text(self) -> str:
        """The key as one line."""
        return f"{self.name}+{self.id.hex()}+{_base64(ED25519 + self.public)}"


@dataclass(frozen=True)
class Checkpoint:
    """The head of a log: whose, how many leaves, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed: three lines, each with its end."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


def parse_key(line: str) -> VerifierKey:
    """Reads a verifier's key. PrivacyError P0148 when it is none, or its digits are another key's."""
    name, _, rest = line.strip().partition("+")
    digits, _, encoded = rest.partition("+")
    raw = _unbase64(encoded)
    if raw is None or len(raw) != 33 or raw[:1] != ED25519 or not _sound(name):
        raise PrivacyError("P0148")
    key = VerifierKey(name, raw[1:])
    if key.id.hex() != digits:
        raise PrivacyError("P0148")
    return key


def parse_keys(text: str) -> tuple[VerifierKey, ...]:
    """One key a line; blank lines and lines that begin with "#" are passed over. PrivacyError P0148."""
    lines = [line.strip() for line in text.splitlines()]
    keys = tuple(parse_key(line) for line in lines if line and not line.startswith("#"))
    if not keys:
        raise PrivacyError("P0148")
    return keys


def signature_line(key: VerifierKey, signature: bytes) -> str:
    """A line of a note's end, with its LF."""
    return f"{_DASH}{key.name} {_base64(key.id + signature)}\n"


def open_note(note: str, keys: Iterable[VerifierKey]) -> str:
    """The text of a note that at least one of the keys has signed; signatures of strangers are passed over.

    PrivacyError P0141 (no note), P0142 (signed by none of the keys), P0143 (a known key's signature is wrong).
    """
    text, signatures = _split(note)
    known = {(key.name, key.id): key for key in keys}
    good = 0
    for name, identifier, signature in signatures:
        key = known.get((name, identifier))
        if key is None:
            continue
        check_signature(key, signature, text.encode())
        good += 1
    if not good:
        raise PrivacyError("P0142")
    return text


def open_checkpoint(note: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint in a signed note; a key counts only for the log of its own name.

    PrivacyError P0141 when the text is no checkpoint, else as `open_note`.
    """
    origin, size, root = _checkpoint_lines(_split(note)[0])
    open_note(note, [key for key in keys if key.name == origin])
    return Checkpoint(origin, size, root)


def check_signature(key: VerifierKey, signature: bytes, message: bytes) -> None:
    """Returns when the signature is the key's; PrivacyError P0143."""
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise PrivacyError("P0143", name=key.name) from None


def _checkpoint_lines(text: str) -> tuple[str, int, bytes]:
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1]:
        raise PrivacyError("P0141")
    origin, size, root = lines[0], lines[1], _unbase64(lines[2])
    decimal = size.isascii() and size.isdigit() and (size == "0" or size[0] != "0") and len(size) < 20
    if not origin or not decimal or root is None or len(root) != HASH_BYTES:
        raise PrivacyError("P0141")
    return origin, int(size), root


def _split(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    text, blank, end = note.rpartition("\n\n")
    control = any(ord(letter) < 32 and letter != "\n" for letter in note)
    if not blank or not end.endswith("\n") or control or len(note) > _LONGEST:
        raise PrivacyError("P0141")
    return text + "\n", [_signature(line) for line in end[:-1].split("\n")]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    raw = _unbase64(encoded)
    if not line.startswith(_DASH) or not _sound(name) or raw is None or len(raw) <= ID_BYTES:
        raise PrivacyError("P0141")
    return name, raw[:ID_BYTES], raw[ID_BYTES:]


def _sound(name: str) -> bool:
    return bool(name) and "+" not in name and not any(letter.isspace() for letter in name)


def _base64(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).decode()


def _unbase64(text: str) -> bytes | None:
    """Strictly: what is encoded again is the same text."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if _base64(raw) == text else None
