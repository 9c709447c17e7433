"""The keyring file of a zone: one random root per epoch, sealed under the zone's key-encryption key."""

from __future__ import annotations

import base64
import binascii
import fcntl
import hmac
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag

from huxin_privacy.derivation import KEY_BYTES, derive
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import write_atomic
from huxin_privacy.kek import create_kek, key_encryption_key, next_key
from huxin_privacy.sealing import seal, unseal
from huxin_privacy.suites import S256, get_suite

FORMAT: Final = "huxin-keyring/1"
ZONES: Final = ("entry", "registry", "intake", "audit")
PENDING, ACTIVE, READ_ONLY, DESTROYED = "pending", "active", "read_only", "destroyed"
# What outlives the destruction of its epoch, by zone: (use, type) of keys that open what was made and stays as it is.
# They are drawn one-way from the root and say nothing of it, nor of any other key that it gave.
LASTING: Final = {
    "entry": (("digest", "request"),),
    "registry": (("seal", "answer"), ("digest", "request"), ("reply", "members")),
    "audit": (("name", "log"),),
}
_CHECK_BYTES: Final = 8


@dataclass(frozen=True)
class Kept:
    """A key that was drawn from a root before the root was destroyed."""

    use: str
    type_: str
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class Epoch:
    """One generation of keys; a destroyed one has no root, only what was kept of it and its check value."""

    number: int
    state: str
    root: bytes | None = field(repr=False)
    suite: str = S256.name  # of the halves made under it: counts in zone entry, where people are seen
    kept: tuple[Kept, ...] = field(default=(), repr=False)
    check: str = ""  # of a destroyed epoch: what `check_value` said of it


@dataclass(frozen=True)
class Keyring:
    """An opened keyring; `version` grows by one with every change of the file. Its repr shows no key."""

    zone: str
    version: int
    epochs: tuple[Epoch, ...]
    path: Path = field(repr=False)
    _kek: bytes = field(repr=False)

    def key(
        self, use: str, type_: str, epoch: int | None = None, *, suite: str = "S256", length: int = KEY_BYTES
    ) -> bytes:
        """The key of `length` bytes for a use ("token", "oprf-alias", "seal", "check", "sign") and a type.

        Without `epoch`: of the active one. Raises PrivacyError P0117 (no such epoch), P0118 (destroyed).
        """
        chosen = self.epoch(self.active if epoch is None else epoch)
        if chosen.root is None:
            return _kept(chosen, use, type_)[:length]
        return _drawn(self.zone, chosen, use, type_, suite, length)

    @property
    def active(self) -> int:
        """The number of the epoch under which new things are made."""
        return next(epoch.number for epoch in self.epochs if epoch.state == ACTIVE)

    def usable(self) -> tuple[int, ...]:
        """The epochs that lookups try: the active one, then the others that are not destroyed."""
        others = [epoch.number for epoch in self.epochs if epoch.state in (PENDING, READ_ONLY)]
        return (self.active, *others)

    def holding(self, use: str, type_: str) -> tuple[int, ...]:
        """The epochs that have a key of this use and type: the usable ones, then those of which it was kept."""
        kept = [
            each.number for each in self.epochs if any((k.use, k.type_) == (use, type_) for k in each.kept)
        ]
        return (*self.usable(), *kept)

    def check_value(self, epoch: int) -> str:
        """16 hexadecimal digits that tell one root from another and nothing else of it. PrivacyError P0117."""
        chosen = self.epoch(epoch)
        if chosen.root is None:
            return chosen.check
        return _drawn(self.zone, chosen, "check", "root", "", _CHECK_BYTES).hex()

    def is_under(self, kek: bytes) -> bool:
        """Whether this is the key-encryption key that it was opened with."""
        return hmac.compare_digest(self._kek, kek)

    def epoch(self, number: int) -> Epoch:
        """The epoch of that number; PrivacyError P0117 when there is none."""
        for epoch in self.epochs:
            if epoch.number == number:
                return epoch
        raise PrivacyError("P0117", epoch=number)


def create(directory: Path, zone: str, suite: str = S256.name) -> Keyring:
    """Make the zone's keyring with one active epoch, and a key file when the environment gives no key.

    PrivacyError P0113 when there is a keyring already, P0101 (no such suite), P0111 and P0112 as `open`.
    """
    get_suite(suite)
    path = keyring_path(directory, zone)
    if path.exists():
        raise PrivacyError("P0113", zone=zone)
    create_kek(directory, zone)
    first = Epoch(1, ACTIVE, os.urandom(KEY_BYTES), suite)
    made = Keyring(zone, 1, (first,), path, key_encryption_key(directory, zone))
    _write(made, over=False)
    return made


def open(directory: Path, zone: str) -> Keyring:
    """Read the zone's keyring.

    PrivacyError P0110-P0112 (key-encryption key), P0114 (no file), P0115 (another key-encryption key),
    P0116 (damaged or changed).
    """
    path = keyring_path(directory, zone)
    if not path.exists():
        raise PrivacyError("P0114", zone=zone)
    return _opened(path, zone, partial(_keys, directory, zone))


def _keys(directory: Path, zone: str) -> tuple[bytes, ...]:
    following = next_key(directory, zone)
    present = key_encryption_key(directory, zone)
    return (present,) if following is None else (present, following)


def _opened(path: Path, zone: str, keys: Callable[[], tuple[bytes, ...]]) -> Keyring:
    """The keyring by one of the keys, looked up anew as long as that brings one which was not tried.

    While the key is exchanged the file may be under the next one, or the next one just have become the present.
    """
    tried: set[bytes] = set()
    while fresh := [each for each in keys() if each not in tried]:
        for kek in fresh:
            try:
                return _read(path, zone, kek)
            except PrivacyError as error:
                if error.code != "P0115":
                    raise
                tried.add(kek)
    raise PrivacyError("P0115", zone=zone)


def add_epoch(keyring: Keyring, suite: str | None = None) -> Keyring:
    """A new pending epoch with a fresh root: readable everywhere before anything is made under it.

    Its suite is that of the active epoch unless another is named: PrivacyError P0101.
    """
    chosen = get_suite(suite or keyring.epoch(keyring.active).suite).name
    number = max(epoch.number for epoch in keyring.epochs) + 1
    fresh = Epoch(number, PENDING, os.urandom(KEY_BYTES), chosen)
    return _update(keyring, lambda epochs: (*epochs, fresh))


def activate(keyring: Keyring, epoch: int) -> Keyring:
    """Make a pending epoch the active one; the active one becomes read-only. PrivacyError P0119."""
    require(keyring.epoch(epoch), (PENDING,), ACTIVE)

    def change(each: Epoch) -> Epoch:
        if each.number == epoch:
            return replace(each, state=ACTIVE)
        return replace(each, state=READ_ONLY) if each.state == ACTIVE else each

    return _update(keyring, lambda epochs: tuple(map(change, epochs)))


def touch(keyring: Keyring) -> Keyring:
    """The same keys in a file of the next version, so that whoever holds them reads them anew. PrivacyError P0121."""
    return _update(keyring, lambda epochs: epochs)


def sealed_under(keyring: Keyring, kek: bytes) -> Keyring:
    """The same keys in a file of the next version under another key-encryption key (32 bytes). PrivacyError P0121."""
    return _update(keyring, lambda epochs: epochs, kek)


def destroy(keyring: Keyring, epoch: int, dependants: int) -> Keyring:
    """Forget the root of a read-only or pending epoch on which nothing depends any more; what is LASTING stays.

    `dependants` is the caller's count of what was made under it: PrivacyError P0120 names it unless it
    is zero, P0119 when the epoch is active or destroyed. Backups of the file are the operator's to delete.
    """
    old = keyring.epoch(epoch)
    require(old, (READ_ONLY, PENDING), DESTROYED)
    if dependants:
        raise PrivacyError("P0120", epoch=epoch, count=dependants)
    lasting = LASTING.get(keyring.zone, ()) if old.state == READ_ONLY else ()
    kept = tuple(Kept(use, type_, keyring.key(use, type_, epoch)) for use, type_ in lasting)
    gone = replace(old, state=DESTROYED, root=None, kept=kept, check=keyring.check_value(epoch))
    return _update(keyring, lambda epochs: tuple(gone if each.number == epoch else each for each in epochs))


def keyring_path(directory: Path, zone: str) -> Path:
    """Where the zone's keyring lies. PrivacyError P0122 for a zone that is none of ZONES."""
    if zone not in ZONES:
        raise PrivacyError("P0122", zone=zone)
    return directory / f"{zone}.keyring"


def _drawn(zone: str, epoch: Epoch, use: str, type_: str, suite: str, length: int) -> bytes:
    assert epoch.root is not None, "the caller has looked"
    return derive(epoch.root, zone=zone, suite=suite, type_=type_, epoch=epoch.number, use=use, length=length)


def file_marks(directory: Path) -> tuple[tuple[int, int] | None, ...]:
    """What tells that a keyring file was written since: its inode and time, of each zone; None where there is none."""
    return tuple(file_mark(directory, zone) for zone in ZONES)


def file_mark(directory: Path, zone: str) -> tuple[int, int] | None:
    """The same of one zone."""
    try:
        found = (directory / f"{zone}.keyring").stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _kept(epoch: Epoch, use: str, type_: str) -> bytes:
    for each in epoch.kept:
        if (each.use, each.type_) == (use, type_):
            return each.key
    raise PrivacyError("P0118", epoch=epoch.number)


def require(epoch: Epoch, states: tuple[str, ...], wanted: str) -> None:
    """PrivacyError P0119 when the epoch is in another state, so that it cannot become `wanted`."""
    if epoch.state not in states:
        raise PrivacyError("P0119", epoch=epoch.number, state=epoch.state, wanted=wanted)


def _update(
    keyring: Keyring, change: Callable[[tuple[Epoch, ...]], tuple[Epoch, ...]], kek: bytes | None = None
) -> Keyring:
    with _locked(keyring.path):
        now = _read(keyring.path, keyring.zone, keyring._kek)
        if now.version != keyring.version:
            raise PrivacyError("P0121", zone=keyring.zone)
        made = replace(keyring, version=now.version + 1, epochs=change(now.epochs), _kek=kek or keyring._kek)
        _write(made, over=True)
    return made


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(keyring: Keyring, *, over: bool) -> None:
    body = json.dumps({"epochs": [_entry(each) for each in keyring.epochs]}).encode()
    head = _head(keyring.zone, keyring.version, keyring._kek)
    sealed = {**head, "body": _text(seal(keyring._kek, body, _associated(head)))}
    try:
        write_atomic(keyring.path, json.dumps(sealed, indent=1).encode() + b"\n", replace=over)
    except FileExistsError:
        raise PrivacyError("P0113", zone=keyring.zone) from None


def _read(path: Path, zone: str, kek: bytes) -> Keyring:
    try:
        stored = json.loads(path.read_bytes())
        head = _head(zone, int(stored["version"]), kek)
        claimed = {name: stored[name] for name in head}
        if not hmac.compare_digest(str(claimed["check"]).encode(), head["check"].encode()):
            raise PrivacyError("P0115", zone=zone)
        body = json.loads(unseal(kek, base64.b64decode(stored["body"], validate=True), _associated(claimed)))
        epochs = tuple(_epoch(entry) for entry in body["epochs"])
    except (InvalidTag, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise PrivacyError("P0116", zone=zone) from None
    if claimed != head:
        raise PrivacyError("P0116", zone=zone)
    return Keyring(zone, head["version"], epochs, path, kek)


def _entry(epoch: Epoch) -> dict[str, Any]:
    made = {
        "number": epoch.number,
        "state": epoch.state,
        "suite": epoch.suite,
        "root": None if epoch.root is None else _text(epoch.root),
    }
    if epoch.root is None:
        kept = [{"use": each.use, "type": each.type_, "key": _text(each.key)} for each in epoch.kept]
        made |= {"kept": kept, "check": epoch.check}
    return made


def _epoch(entry: dict[str, Any]) -> Epoch:
    root = None if entry["root"] is None else _secret(entry["root"])
    kept = tuple(Kept(each["use"], each["type"], _secret(each["key"])) for each in entry.get("kept", ()))
    # Keyrings of before there was a choice name no suite.
    suite = entry.get("suite", S256.name)
    return Epoch(entry["number"], entry["state"], root, suite, kept, entry.get("check", ""))


def _head(zone: str, version: int, kek: bytes) -> dict[str, Any]:
    # The check value tells a wrong key from a damaged file; HKDF lets nothing be learnt of the key.
    check = derive(kek, zone=zone, suite="", type_="keyring", epoch=0, use="check", length=8)
    return {"format": FORMAT, "zone": zone, "version": version, "check": check.hex()}


def _associated(head: dict[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True, separators=(",", ":")).encode()


def _secret(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _text(secret: bytes) -> str:
    return binascii.b2a_base64(secret, newline=False).decode()
