"""What a member pins: the key that elements are made with, and the registry zone's key that they are sealed to.

The platform publishes all keys that it still works with, the present ones first; a member keeps one of each. The proof
of an evaluation holds under the pinned key or the evaluation is thrown away: a key that is told to one member alone is
found out when members compare what they pinned, and `fingerprint` is short enough for a telephone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from huxin_privacy.blind.sodium import ELEMENT_BYTES
from huxin_privacy.derivation import prefixed
from huxin_privacy.envelope import Receiver
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import write_atomic

SUITE: Final = "OPRF"
LABEL: Final = b"huxin/v1/blind-keys"
KEY_BYTES: Final = ELEMENT_BYTES  # and those of an X25519 key


@dataclass(frozen=True)
class PublicKey:
    """The element of an OPRF key by which its proofs are checked, and its epoch of the entry zone."""

    epoch: int
    public: bytes


@dataclass(frozen=True)
class Published:
    """Every key the platform works with: evaluates under, and opens what is sealed to. The present ones first."""

    oprf: tuple[PublicKey, ...]
    registry: tuple[Receiver, ...]

    def told(self) -> dict[str, Any]:
        """As JSON values."""
        return {"suite": SUITE, "oprf": _told(self.oprf), "registry": _told(self.registry)}


@dataclass(frozen=True)
class Pinned:
    """One key of each."""

    oprf: PublicKey
    registry: Receiver

    @property
    def fingerprint(self) -> str:
        """8 groups of 4 hexadecimal digits: the start of SHA-256 over label, and epoch and key of both."""
        parts = (
            part for key in (self.oprf, self.registry) for part in (key.epoch.to_bytes(4, "big"), key.public)
        )
        digits = hashlib.sha256(prefixed(LABEL, *parts)).hexdigest()[:32]
        return " ".join(digits[place : place + 4] for place in range(0, len(digits), 4))


def parse_published(said: Mapping[str, Any]) -> Published:
    """What `Published.told` gave. PrivacyError P0164."""
    try:
        oprf = tuple(PublicKey(*pair) for pair in _pairs(said["oprf"]))
        registry = tuple(Receiver(*pair) for pair in _pairs(said["registry"]))
        suite = said["suite"]
    except (KeyError, TypeError, ValueError):
        raise PrivacyError("P0164") from None
    if suite != SUITE or not (oprf and registry):
        raise PrivacyError("P0164")
    return Published(oprf, registry)


def pin(path: Path, published: Published) -> Pinned:
    """Keeps the present keys the first time; afterwards those that are kept have to be among the published.

    PrivacyError P0165 when they are not: either the association has given them up, announced new ones and the file is
    to be removed, or somebody tells this member other keys than the rest. P0164 when the file is none.
    """
    if not path.exists():
        first = Published(published.oprf[:1], published.registry[:1])
        write_atomic(path, json.dumps(first.told(), indent=1).encode() + b"\n", replace=False)
    kept = read_pinned(path)
    if kept.oprf not in published.oprf or kept.registry not in published.registry:
        raise PrivacyError("P0165", path=path)
    return kept


def read_pinned(path: Path) -> Pinned:
    """What is kept. PrivacyError P0164."""
    try:
        kept = parse_published(json.loads(path.read_bytes()))
    except (OSError, ValueError, AttributeError, RecursionError):
        raise PrivacyError("P0164") from None
    return Pinned(kept.oprf[0], kept.registry[0])


def _told(keys: Sequence[PublicKey | Receiver]) -> list[dict[str, Any]]:
    return [{"epoch": key.epoch, "public": encoded(key.public)} for key in keys]


def _pairs(said: Sequence[Mapping[str, Any]]) -> list[tuple[int, bytes]]:
    return [(_epoch(each["epoch"]), decoded(each["public"])) for each in said]


def _epoch(number: object) -> int:
    if type(number) is not int or not 0 < number < 1 << 31:
        raise ValueError("an epoch is a number from 1")
    return number


def encoded(value: bytes) -> str:
    """An element, a key or a proof as base64url without padding."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def decoded(text: object, length: int = KEY_BYTES) -> bytes:
    """`length` bytes of their one spelling. ValueError."""
    if not isinstance(text, str) or not text.isascii():
        raise ValueError("no text")
    found = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    if len(found) != length or encoded(found) != text:
        raise ValueError("not in its one spelling")
    return found
