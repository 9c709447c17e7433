"""What is fuzzed: each target takes any bytes and raises where the code crashes or two ways of it disagree.

`make fuzz` runs them under atheris; `test_fuzz_targets` runs them over their seeds and what Hypothesis makes.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.hpke import KEY_BYTES
from huxin_privacy.identifiers import (
    FAULTS,
    TYPES,
    canonical_id,
    canonical_ids,
    canonical_mobile,
    canonical_mobiles,
    canonical_name,
    canonical_names,
)
from huxin_privacy.receipts import read_receipt
from huxin_privacy.sealed_submission import facts_of, open_sealed, sealed_blocks
from huxin_privacy.sealing_key import SealingKey
from huxin_privacy.suites import S256, SM, Suite
from huxin_privacy.tokens import Halver, Tokenizing
from huxin_privacy.vault import SealedReader, SealedWriter, SubmissionKey

CONTENT = bytes(range(200)) + bytes(61)
KEY = SubmissionKey("s1", bytes(range(32)))
NAMES = {code: name for name, code in TYPES.items()}
LAST_BIRTH = date(2026, 5, 31)
GOOD = ("11010519491231002X", "110105491231002", "91350100M000100Y43", "E12345678")


def identifiers(data: bytes) -> None:
    """Rows of type, number and country: one by one and by the column alike; tokens equal where canonical forms are."""
    rows = [_row(line) for line in data.split(b"\n")[:12]]
    types, numbers, countries = zip(*rows, strict=True)
    many = canonical_ids(
        np.array(types, np.uint8),
        pa.array(numbers, pa.string()),
        pa.array(countries, pa.string()),
        not_after=LAST_BIRTH,
    )
    found = list(zip(many.text.to_pylist(), many.faults.tolist(), many.upgraded.tolist(), strict=True))
    _same([_one(*row) for row in rows], found)
    good = [(kind, text) for kind, (text, _, _) in zip(types, found, strict=True) if text is not None]
    for kind, text in good:
        again = (text[3:], text[:3]) if NAMES[kind] == "passport" else (text, None)
        _same(canonical_id(NAMES[kind], *again).text, text)
    for suite in (S256, SM):
        tokens = [_token(suite, kind, text) for kind, text in good]
        _same(len(set(tokens)), len(set(good)))


def mobiles_and_names(data: bytes) -> None:
    """Mobiles and names: one by one and by the column alike, and canonical forms their own."""
    cells = [_text(line) for line in data.split(b"\n")[:12]]
    column = pa.array(cells, pa.string())
    for one, many in ((canonical_mobile, canonical_mobiles), (canonical_name, canonical_names)):
        found = [one(text) for text in cells]
        _same(found, many(column).to_pylist())
        _same([one(text) for text in found if text is not None], [text for text in found if text is not None])


def sealed_file(data: bytes) -> None:
    """A good sealed file with edits: refused with a code of sealed files, unless it is the very file."""
    good = _sealed()
    changed = _edited(good, data)
    try:
        content = _read_in_pieces(changed, data[:1])
    except PrivacyError as fault:
        _same(fault.code in {"P0130", "P0131", "P0132", "P0133"}, True)
    else:
        _same((changed, content), (good, CONTENT))


def sealed_bytes(data: bytes) -> None:
    """Any bytes as a sealed file, behind a right header or none: refused with a code."""
    good = _sealed()
    for stored in (data, good[:8] + data, good[:8] + len(data).to_bytes(4, "big")[2:] + data):
        try:
            content = _read_in_pieces(stored, b"")
        except PrivacyError as fault:
            _same(fault.code in {"P0130", "P0131", "P0132", "P0133"}, True)
        else:
            _same(content, CONTENT)  # as sealed under this key in another process


def sealed_submission(data: bytes) -> None:
    """A member's sealed file with edits, or any bytes: refused with a code, unless it is the very file."""
    good = _submission()
    for stored in (_edited(good, data), good[:18] + data):
        try:
            opened = open_sealed(iter([stored[:7], stored[7:]]), lambda _: bytes(range(1, KEY_BYTES + 1)))
            content = b"".join(opened.blocks)
        except PrivacyError as fault:
            _same(fault.code in {"P0153", "P0155", "P0156", "P0157"}, True)
        else:
            _same((stored, content), (good, CONTENT))


def keyring_file(data: bytes) -> None:
    """A keyring's file with edits, or any bytes: refused with a code, unless it says the same."""
    path, good = _keyring()
    for stored in (_edited(good, data), data):
        path.write_bytes(stored)
        try:
            found = keyring.open(path.parent, "entry")
        except PrivacyError as fault:
            _same(fault.code in {"P0115", "P0116"}, True)
        else:
            path.write_bytes(good)
            _same(found, keyring.open(path.parent, "entry"))


def receipt(data: bytes) -> None:
    """Any bytes as a receipt: read, or refused with its code."""
    try:
        read_receipt(data)
    except PrivacyError as fault:
        _same(fault.code, "P0140")


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each
    for each in (
        identifiers,
        mobiles_and_names,
        sealed_file,
        sealed_bytes,
        sealed_submission,
        keyring_file,
        receipt,
    )
}


def seeds(name: str) -> Iterator[bytes]:
    """Inputs to begin from."""
    if name == "identifiers":
        for kind, text in zip((1, 1, 3, 2), GOOD, strict=True):
            for cell in (text, text.lower(), f"'{text}", f" {text[:6]} {text[6:]}\u3000", text[:-1] + "0"):
                yield bytes([kind]) + f"{cell}|CHN".encode()
        yield b"\n".join(bytes([1]) + text.encode() for text in (*GOOD, "1.1E+17", "\uff11\uff18", "\u2179"))
    elif name == "mobiles_and_names":
        yield "13800138000\n+86 138-0013-8000\n张三\n阿卜杜拉 . 买买提\nJohn  SMITH\nStraße\n\u0130\u0345".encode()
    elif name == "sealed_bytes":
        yield from (_sealed(), _sealed()[10:], b"[" * 60_000, b'{"purpose":' * 5_000)
    elif name == "keyring_file":
        yield from (_keyring()[1], b"[" * 60_000, b'{"version":Infinity}', b'{"version":"1","zone":1}')
    elif name == "receipt":
        yield b'{"format":"","record":"","salt":"","number":0,"path":[],"checkpoint":""}'
        yield b"[" * 60_000
    else:
        yield from (b"", b"\0\0\0\0", b"\1\0\x20\0", b"\2\0\x20\x41", b"\3\0\x60\0")


def _row(line: bytes) -> tuple[int, str | None, str | None]:
    kind = line[0] % 5 if line else 0
    number, bar, country = line[1:].partition(b"|")
    return kind, _text(number) if line else None, _text(country) if bar else None


def _text(content: bytes) -> str:
    return content.decode(errors="ignore")


def _one(kind: int, number: str | None, country: str | None) -> tuple[str | None, int, bool]:
    if number is None or kind not in NAMES:
        return None, 0, False
    found = canonical_id(NAMES[kind], number, country, not_after=LAST_BIRTH)
    return found.text, sum(FAULTS[fault] for fault in found.faults), found.upgraded


def _token(suite: Suite, kind: int, text: str) -> bytes:
    halver, tokenizing = _makers(suite.name, kind)
    return tokenizing.token(halver.half(text))


@cache
def _makers(name: str, kind: int) -> tuple[Halver, Tokenizing]:
    suite = {"S256": S256, "SM": SM}[name]
    key = bytes([kind]) * 32
    return Halver(key, NAMES[kind], suite=suite), Tokenizing(key[: suite.token_key_bytes], suite=suite)


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="huxin-fuzz-")  # goes with the process


def _folder() -> Path:
    return Path(_kept().name)


@cache
def _sealed() -> bytes:
    path = _folder() / "good"
    with SealedWriter(path, KEY, purpose="p", stage="s", chunk=64, fsync=False) as file:
        file.write(CONTENT)
    return path.read_bytes()


@cache
def _submission() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    private = X25519PrivateKey.from_private_bytes(bytes(range(1, KEY_BYTES + 1)))
    source = io.BytesIO(CONTENT)
    facts = facts_of(source, "M0001", "loans.csv", "loan/v1")
    key = SealingKey(private.public_key().public_bytes_raw())
    return b"".join(sealed_blocks(source, facts, key, chunk=64))


@cache
def _keyring() -> tuple[Path, bytes]:
    with suppress(FileExistsError):
        (_folder() / "keys").mkdir()
    made = keyring.create(_folder() / "keys", "entry")
    return made.path, made.path.read_bytes()


def _read_in_pieces(stored: bytes, how: bytes) -> bytes:
    path = _folder() / "changed"
    path.write_bytes(stored)
    step = 1 + (how[0] if how else 90)
    with SealedReader(path, KEY, purpose="p", stage="s") as file:
        parts = []
        while part := file.read(step):
            parts.append(part)
        file.seek(0)
        _same(file.read(), b"".join(parts))
    return b"".join(parts)


def _edited(good: bytes, data: bytes) -> bytes:
    """Edits of four bytes each: set, cut, insert, or copy a stretch over another."""
    made = bytearray(good)
    for at in range(0, min(len(data), 40) - 3, 4):
        act, place, value = data[at] % 4, int.from_bytes(data[at + 1 : at + 3], "big"), data[at + 3]
        place %= max(1, len(made))
        if act == 0 and made:
            made[place] = value
        elif act == 1:
            del made[place:]
        elif act == 2:
            made.insert(place, value)
        else:
            start = value % max(1, len(made))
            made[place : place + 80] = made[start : start + 80]
    return bytes(made)


def _same(one: object, other: object) -> None:
    if one != other:
        raise AssertionError(f"{one!r:.300} is not {other!r:.300}")
