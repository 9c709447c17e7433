"""Questions that could not be put to the platform, kept until they are: one sealed file each, in a folder.

A file's name is the question's Idempotency-Key, which says nothing of a person; its content is AES-256-GCM under a key
drawn from the member's own signing key (HKDF, info "huxin/v1/edge-journal" ‖ member), bound to member and name. So the
folder may be backed up like any other, several processes may use it at once, and after a kill a question is there
whole or not at all. Who exchanges the signing key reconciles first: the new one opens none of the old entries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from huxin_privacy.client import Identity
from huxin_privacy.derivation import KEY_BYTES, hkdf_sha256, prefixed
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import write_atomic
from huxin_privacy.sealing import seal, unseal

SUFFIX: Final = ".asked"
_KEY = re.compile(r"[A-Za-z0-9._-]{8,64}")


@dataclass(frozen=True)
class Entry:
    """A question that waits: its Idempotency-Key, when it was put (ISO 8601), its body, what was answered meanwhile."""

    key: str
    at: str
    outcome: str
    body: dict[str, Any] = field(repr=False)


class Journal:
    """The waiting questions of one member. `folder` is made when the first comes."""

    def __init__(self, folder: Path, identity: Identity) -> None:
        self._folder, self._member = folder, identity.code
        raw = identity.secret.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self._key = hkdf_sha256(
            raw, None, prefixed(b"huxin/v1/edge-journal", identity.code.encode()), KEY_BYTES
        )

    def add(self, entry: Entry) -> None:
        """Keeps a question, durably. A key that is no file's name is ValueError."""
        if not _KEY.fullmatch(entry.key):
            raise ValueError("an Idempotency-Key is of 8 to 64 letters, digits, dots and dashes here")
        said = {"at": entry.at, "outcome": entry.outcome, "body": entry.body}
        content = seal(self._key, json.dumps(said, ensure_ascii=False).encode(), self._bound(entry.key))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(self._path(entry.key), content)

    def entries(self) -> Iterator[Entry]:
        """Those that wait, oldest first. PrivacyError P0186 for one that does not open."""
        found = [self._read(path) for path in sorted(self._folder.glob(f"*{SUFFIX}")) if path.is_file()]
        yield from sorted((each for each in found if each), key=lambda each: (each.at, each.key))

    def drop(self, key: str) -> None:
        """Forgets a question that was answered; one that another process forgot is forgotten."""
        self._path(key).unlink(missing_ok=True)

    def __len__(self) -> int:
        return sum(1 for _ in self._folder.glob(f"*{SUFFIX}"))

    def _read(self, path: Path) -> Entry | None:
        key = path.name.removesuffix(SUFFIX)
        try:
            said = json.loads(unseal(self._key, path.read_bytes(), self._bound(key)))
        except FileNotFoundError:  # another process was quicker
            return None
        except (InvalidTag, ValueError):
            raise PrivacyError("P0186", name=path.name) from None
        return Entry(key, said["at"], said["outcome"], said["body"])

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{SUFFIX}"

    def _bound(self, key: str) -> bytes:
        return prefixed(b"huxin/v1/edge-journal", self._member.encode(), key.encode())
