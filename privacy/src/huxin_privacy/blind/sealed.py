"""Elements on their way to the registry zone: sealed to its key, else the entry zone, holding k, could guess.

of an enquiry   box (see envelope.py) of epoch (4 bytes) ‖ element, which belongs to the member and the digest of
                the enquiry; as base64url without padding
of a file       each cell AES-256-GCM under a random key of that file, nonce = HMAC(its nonce key, what the cell belongs
                to ‖ element)[:12], so that one loan's parties can be compared and nobody else's; what it belongs to is
                the row's loan number and identifier type; nonce ‖ ciphertext ‖ tag as base64url, 80 characters
that key        box of epoch (4 bytes) ‖ key, which belongs to the member and the SHA-256 of the file; in the manifest
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huxin_privacy.blind.sodium import ELEMENT_BYTES, is_element
from huxin_privacy.derivation import KEY_BYTES, hkdf_sha256, prefixed
from huxin_privacy.envelope import EPOCH_BYTES, Receiver, open_box, seal_box
from huxin_privacy.errors import PrivacyError
from huxin_privacy.macs import Mac
from huxin_privacy.sealing import NONCE_BYTES, TAG_BYTES

OF_ENQUIRY: Final = "blind-element"
OF_FILE: Final = "blind-file"
CELL_LENGTH: Final = (NONCE_BYTES + ELEMENT_BYTES + TAG_BYTES) * 4 // 3
LONGEST: Final = 512  # characters of a box
_TEXT: Final = re.compile(r"[A-Za-z0-9_-]+")


def seal_element(receiver: Receiver, member: str, enquiry: bytes, epoch: int, element: bytes) -> str:
    """An element of that epoch for one enquiry of one member; `enquiry` is its digest (enquiry_digest.py). P0150."""
    plain = epoch.to_bytes(EPOCH_BYTES, "big") + element
    return _text(seal_box(receiver, OF_ENQUIRY, prefixed(member.encode(), enquiry), plain))


def open_element(secrets: Mapping[int, bytes], member: str, enquiry: bytes, text: str) -> tuple[int, bytes]:
    """(epoch, element) as `seal_element` was given.

    PrivacyError P0166 (none, changed, of another member or enquiry, or no element), P0172 (its key is gone).
    """
    return _opened(secrets, OF_ENQUIRY, prefixed(member.encode(), enquiry), text, ELEMENT_BYTES)


@dataclass(frozen=True)
class FileKey:
    """The key of one file's cells; `epoch` is that of the OPRF key that its elements are made with. Shows no key."""

    epoch: int
    secret: bytes = field(repr=False)

    @classmethod
    def new(cls, epoch: int) -> FileKey:
        """A fresh random one."""
        return cls(epoch, os.urandom(KEY_BYTES))

    def wrapped(self, receiver: Receiver, member: str, sha256: str) -> str:
        """The key for the registry zone, bound to the member and the finished file. PrivacyError P0150."""
        plain = self.epoch.to_bytes(EPOCH_BYTES, "big") + self.secret
        return _text(seal_box(receiver, OF_FILE, prefixed(member.encode(), sha256.encode()), plain))

    @classmethod
    def unwrapped(cls, secrets: Mapping[int, bytes], member: str, sha256: str, text: str) -> FileKey:
        """What was wrapped. PrivacyError P0167 (none, changed, another member's or file's), P0172."""
        try:
            belongs = prefixed(member.encode(), sha256.encode())
            return cls(*_opened(secrets, OF_FILE, belongs, text, KEY_BYTES))
        except PrivacyError as error:
            raise PrivacyError("P0167") if error.code == "P0166" else error from None


class Cells:
    """Seals and opens the cells of one file."""

    def __init__(self, key: FileKey) -> None:
        self._cipher = AESGCM(hkdf_sha256(key.secret, None, b"huxin/v1/blind-cell", KEY_BYTES))
        self._nonce = Mac(hkdf_sha256(key.secret, None, b"huxin/v1/blind-nonce", KEY_BYTES), "sha256").digest

    def seal(self, loan_no: str, id_type: str, element: bytes) -> str:
        """The cell of a party of that loan: the same for the same three, in this file."""
        belongs = prefixed(loan_no.encode(), id_type.encode())
        nonce = self._nonce(belongs + element)[:NONCE_BYTES]
        return base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, element, belongs)).decode()

    def open(self, loan_no: str, id_type: str, cell: str) -> bytes:
        """The element. PrivacyError P0168 (no cell, changed, of another row or file, or no element in it)."""
        belongs = prefixed(loan_no.encode(), id_type.encode())
        try:
            sealed = base64.b64decode(cell, b"-_", validate=True)
            element = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], belongs)
        except (ValueError, InvalidTag):
            raise PrivacyError("P0168") from None
        if not is_element(element):
            raise PrivacyError("P0168")
        return element


def _opened(
    secrets: Mapping[int, bytes], purpose: str, belongs: bytes, text: str, length: int
) -> tuple[int, bytes]:
    if len(text) > LONGEST or not _TEXT.fullmatch(text):
        raise PrivacyError("P0166")
    try:
        box = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        plain = open_box(secrets, purpose, belongs, box)
    except ValueError:
        raise PrivacyError("P0166") from None
    except PrivacyError as error:
        raise error if error.code == "P0172" else PrivacyError("P0166") from None
    epoch, content = plain[:EPOCH_BYTES], plain[EPOCH_BYTES:]
    if len(content) != length or (purpose == OF_ENQUIRY and not is_element(content)):
        raise PrivacyError("P0166")
    return int.from_bytes(epoch, "big"), content


def _text(box: bytes) -> str:
    return base64.urlsafe_b64encode(box).decode().rstrip("=")
