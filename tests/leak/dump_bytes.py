"""A database dump as an attacker reads it: every stored byte string, decoded from each spelling, in one index."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

_UUID = re.compile(rb"([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})")
_HEX = re.compile(rb"[0-9a-fA-F]{16,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{11,}={0,2}")
_INTEGER = re.compile(rb"-?\b[0-9]{9,19}\b")
_COPY = re.compile(
    rb"^COPY (?:public\.)?(\w+) \(([^)]*)\) FROM stdin;\n(.*?)^\\\.$", re.MULTILINE | re.DOTALL
)
_GAP = b"\xa5" * 8  # between two strings, so that no window spans both


@dataclass(frozen=True)
class Rows:
    """The rows of one table: text cells as COPY writes them."""

    columns: list[str]
    rows: list[list[str]] = field(repr=False)

    def of(self, *names: str) -> list[tuple[str, ...]]:
        """The cells of these columns, row by row."""
        places = [self.columns.index(name) for name in names]
        return [tuple(row[place] for place in places) for row in self.rows]


class Dump:
    """The file's bytes and its tables; tables of one name (of several databases) and partitions stand together."""

    def __init__(self, path: Path) -> None:
        self.raw = path.read_bytes()
        self._tables: dict[str, Rows] = {}
        for name, columns, body in _COPY.findall(self.raw):
            cells = [line.split("\t") for line in body.decode().splitlines()]
            whole = re.sub(r"_(default|y\d{4}\w+)$", "", name.decode())
            held = self._tables.setdefault(whole, Rows(columns.decode().replace('"', "").split(", "), []))
            held.rows.extend(cells)

    def table(self, name: str) -> Rows:
        return self._tables[name]


class Stored:
    """Every window of 8 bytes of some byte strings, at every offset: is it there?

    A candidate of 16 bytes and more is looked up by its first 8; of 10^8 candidates against 10^8 windows less than
    one in a thousand runs meets by chance.
    """

    def __init__(self, strings: Iterable[bytes]) -> None:
        self._whole = whole = _GAP.join(strings) + _GAP
        parts = [np.frombuffer(whole, ">u8", (len(whole) - shift) // 8, shift) for shift in range(8)]
        self._words = np.concatenate(parts).astype(np.uint64)
        self._words.sort()
        self._bits = len(self._words).bit_length() + 3
        self._table = np.zeros(1 << self._bits, np.bool_)
        self._table[self._slots(self._words)] = True

    def __len__(self) -> int:
        return len(self._words)

    def has(self, words: Words) -> npt.NDArray[np.bool_]:
        """Which of these windows are there, parallel to them."""
        found = self._table[self._slots(words)]
        places = np.flatnonzero(found)
        near = np.searchsorted(self._words, words[places]).clip(max=len(self._words) - 1)
        found[places] = self._words[near] == words[places]
        return found

    def holds(self, text: bytes) -> bool:
        """Whether this string is there, whole."""
        return text in self._whole

    def _slots(self, words: Words) -> Words:
        return (words * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - self._bits)


def strings_of(raw: bytes) -> list[bytes]:
    """The text itself, and what its UUIDs, hex, base64 and whole numbers stand for."""
    joined = _UUID.sub(rb"\1\2\3\4\5", raw)
    found = [raw]
    for run in _HEX.findall(joined):
        found += [binascii.unhexlify(run[shift : len(run) - (len(run) - shift) % 2]) for shift in (0, 1)]
    for run in _BASE64.findall(raw):
        text = run.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        found.append(base64.b64decode(text[: len(text) - len(text) % 4]))
    for number in map(int, _INTEGER.findall(raw)):
        if -(2**63) <= number < 2**63:
            found += [struct.pack(">q", number), struct.pack("<q", number)]
    return found


def words_of(blocks: npt.NDArray[np.uint8], start: int = 0) -> Words:
    """Eight bytes of each row of (n, width), from `start` on, as a number."""
    return np.ascontiguousarray(blocks[:, start : start + 8]).view(">u8")[:, 0].astype(np.uint64)
