"""Searches a HUXIN_HOME for people: every identifier, name and mobile of sample files, and every half of them.

    python tests/leak/search.py HOME SAMPLES [TEXT ...]

SAMPLES is an inbox as members fill it (`<member>/<file>`); TEXTs are more files to be searched, such as captured
output. Not searched: HOME/inbox, the members' own ground, and sealed files. Exit code 1 when anything is found.

Every form is searched: UTF-8, GB18030, UTF-16, hex, base64, unkeyed MD5, SHA-1, SHA-256 and SM3. How: each file is
read once, in windows; at every byte the next four are looked up in a table, and what remains is compared exactly.
Names of two characters are searched in UTF-8 and in text files only (no NUL in the first 64 KiB): in binary ones
they meet by chance.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from huxin.contract import load_contract
from huxin.settings import Settings
from huxin_checks.cells import parse
from huxin_checks.read import FileRefused, open_rows
from huxin_privacy import keyring
from huxin_privacy.tokens import halves, name_halves

WINDOW = 8 << 20
ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
_PEOPLE = ("id_no", "id_canonical", "mobile", "mobile_canonical", "name", "name_canonical")


@dataclass
class Needles:
    """What must not be found, as bytes with the kind of thing each is; `text_only` are too short for binary files."""

    anywhere: dict[bytes, str] = field(default_factory=dict, repr=False)
    text_only: dict[bytes, str] = field(default_factory=dict, repr=False)

    def add(self, needle: bytes, kind: str, short: bool = False) -> None:
        (self.text_only if short else self.anywhere).setdefault(needle, kind)


@dataclass(frozen=True)
class Hit:
    """A needle in a file. The needle itself is not part of it: a report of leaks must not be one."""

    path: Path
    offset: int
    kind: str


def people(samples: Path) -> pl.DataFrame:
    """The distinct (id_type label code, columns of _PEOPLE) of all readable data files in an inbox."""
    contract = load_contract()
    found = []
    for file in sorted(path for path in samples.glob("*/*") if path.is_file() and path.suffix != ".json"):
        try:
            with file.open("rb") as source, open_rows(source, file.name, contract) as rows:
                for raw in rows:
                    dressed = raw.with_columns(
                        _sub=pl.lit(0, pl.UInt32), _as_of=pl.lit(None, pl.Date), _mode=pl.lit(1, pl.UInt8)
                    )
                    parsed = parse(dressed, contract)
                    known = parsed.select("id_type", "id_canonical", "mobile_canonical", "name_canonical")
                    found.append(known.with_columns(raw["id_no"], raw["mobile"], raw["name"]))
        except FileRefused:
            continue
    return pl.concat(found).unique()


def needles_of(known: pl.DataFrame, home: Path) -> Needles:
    """Every form in which those people could lie about, and their halves under the keys of a home."""
    made = Needles()
    for column in _PEOPLE:
        for text in known[column].drop_nulls().unique():
            _add_text(made, text.strip(), column.partition("_")[0])
    keys = home / "keys"
    if (keys / "entry.keyring").exists():
        _add_halves(made, known, keyring.open(Settings(home=home).keys_dir, "entry"))
    return made


def _add_text(made: Needles, text: str, kind: str) -> None:
    if len(text) < (2 if kind == "name" else 8) or (kind == "name" and text.isascii() and len(text) < 8):
        return
    raw = text.encode()
    if kind == "name" and len(text) < 3:
        made.add(raw, f"{kind} utf-8", short=True)
        return
    for encoding in ENCODINGS:
        made.add(text.encode(encoding), f"{kind} {encoding}")
    made.add(raw.hex().encode(), f"{kind} hex")
    made.add(raw.hex().upper().encode(), f"{kind} hex")
    for shift in range(3) if len(raw) > 10 else ():  # wherever it stands in what was encoded
        made.add(_inner_base64(raw, shift), f"{kind} base64")
    for algorithm in ("md5", "sha1", "sha256", "sm3"):
        try:
            digest = hashlib.new(algorithm, raw, usedforsecurity=False).digest()
        except ValueError:
            continue
        made.add(digest, f"{kind} {algorithm}")
        made.add(digest.hex().encode(), f"{kind} {algorithm} hex")
        made.add(digest.hex().upper().encode(), f"{kind} {algorithm} hex")
        made.add(base64.b64encode(digest)[:-3], f"{kind} {algorithm} base64")


def _inner_base64(raw: bytes, shift: int) -> bytes:
    """The letters of base64 that depend on `raw` alone when `shift` bytes stand before it."""
    whole = base64.b64encode(b"\0" * shift + raw)
    first = -(-shift * 8 // 6)
    return whole[first : (shift + len(raw)) * 8 // 6]


def _add_halves(made: Needles, known: pl.DataFrame, entry: keyring.Keyring) -> None:
    numbers = known["mobile_canonical"].drop_nulls().unique().to_arrow().cast(pa.string())
    if len(numbers):
        _add_blocks(made, halves(entry.key("token", "mobile"), "mobile", numbers), "mobile half")
    named = {label.code: label.name for label in load_contract().field("id_type").labels}
    whole = known.filter(pl.col("id_canonical").is_not_null() & pl.col("id_type").is_not_null())
    for code, type_ in named.items():
        mine = whole.filter(pl.col("id_type") == code).select("id_canonical", "name_canonical").unique()
        if not mine.height:
            continue
        texts = mine["id_canonical"].to_arrow().cast(pa.string())
        found = halves(entry.key("token", type_), type_, texts)
        _add_blocks(made, found, "half")
        names = mine["name_canonical"].fill_null("").to_arrow().cast(pa.string())
        _add_blocks(made, name_halves(entry.key("token", "name"), found, names), "name half")


def _add_blocks(made: Needles, blocks: npt.NDArray[np.uint8], kind: str) -> None:
    for block in blocks:
        raw = block.tobytes()
        if raw == bytes(16):
            continue
        made.add(raw, kind)
        made.add(raw.hex().encode(), f"{kind} hex")
        made.add(raw.hex().upper().encode(), f"{kind} hex")
        made.add(str(UUID(bytes=raw)).encode(), f"{kind} uuid")
        made.add(base64.b64encode(raw)[:-3], f"{kind} base64")


# How files begin that a running server makes and takes away now and then: of its catalogues alone, or still empty.
PASSING = ("pg_internal.init", "xlogtemp.")


class Searcher:
    """Finds any of the needles in files: a filter over each window of bytes first, exact comparison after it."""

    def __init__(self, needles: Needles) -> None:
        self._binary = _Index(needles.anywhere)
        self._text = _Index(needles.anywhere | needles.text_only)
        self.count = len(needles.anywhere) + len(needles.text_only)

    def search(self, paths: Iterable[Path]) -> list[Hit]:
        """Every hit in those files, by file."""
        return [hit for path in paths for hit in self._in_file(path)]

    def _in_file(self, path: Path) -> Iterator[Hit]:
        try:
            source = path.open("rb")
        except FileNotFoundError:
            if path.name.startswith(PASSING):
                return
            raise
        with source:
            head = source.read(1 << 16)
            index = self._binary if b"\0" in head else self._text
            begin, window = 0, head
            while window:
                window += source.read(WINDOW)
                for offset, end, kind in index.found(window):
                    if not _by_chance(window, offset, end):
                        yield Hit(path, begin + offset, kind)
                more = source.read(1)
                if not more:
                    return
                kept = window[-index.longest :]
                begin += len(window) - len(kept)
                window = kept + more


class _Index:
    """Needles by their first 4 bytes: a table of bits by a hash of those tells most places apart."""

    _BITS = 24

    def __init__(self, needles: dict[bytes, str]) -> None:
        self._kinds = needles
        self.longest = max(map(len, needles), default=1)
        lengths: dict[bytes, set[int]] = {}
        for needle in needles:
            lengths.setdefault(needle[:4], set()).add(len(needle))
        self._lengths = {head: tuple(found) for head, found in lengths.items()}
        self._table = np.zeros(1 << self._BITS, dtype=np.bool_)
        starts = np.frombuffer(b"".join(self._lengths), dtype="<u4")
        self._table[self._slots(starts)] = True
        self._starts = np.sort(starts)

    def found(self, window: bytes) -> list[tuple[int, int, str]]:
        """(offset, end, kind) of each needle in the window."""
        hits = []
        for place in self._candidates(window):
            for length in self._lengths.get(window[place : place + 4], ()):
                kind = self._kinds.get(window[place : place + length])
                if kind is not None:
                    hits.append((place, place + length, kind))
        return hits

    def _candidates(self, window: bytes) -> list[int]:
        places: list[int] = []
        for shift in range(min(4, len(window))):
            words = np.frombuffer(window, dtype="<u4", offset=shift, count=(len(window) - shift) // 4)
            likely = np.flatnonzero(self._table[self._slots(words)])
            near = np.searchsorted(self._starts, words[likely]).clip(max=len(self._starts) - 1)
            likely = likely[self._starts[near] == words[likely]]
            places.extend((likely * 4 + shift).tolist())
        return places

    def _slots(self, words: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        slots: npt.NDArray[np.uint32] = (words * np.uint32(2654435761)) >> np.uint32(32 - self._BITS)
        return slots


def _by_chance(window: bytes, offset: int, end: int) -> bool:
    """Whether digits as few as a mobile's stand in a random number of 64 bits, written out (16 to 19 digits).

    A dump of the samples' night holds 21,000 stretches of such numbers that could be a mobile, and 9,000 mobiles are
    looked for: one in forty homes would have one of them so.
    """
    if end - offset > 12 or not window[offset:end].isdigit():
        return False
    around = window[max(offset - 20, 0) : end + 20]
    at = min(offset, 20)
    run = next(run for run in re.finditer(rb"[0-9]+", around) if run.start() <= at < run.end())
    return 16 <= run.end() - run.start() <= 19


def searched(home: Path) -> list[Path]:
    """The files of a home that must hold nothing of a person: all but the inbox and sealed files."""
    return [
        path
        for path in sorted(home.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and path.relative_to(home).parts[0] != "inbox"
        and path.suffix != ".sealed"
    ]


def names_searched(home: Path, searcher: Searcher, folder: Path) -> list[Hit]:
    """Hits in the paths of a home (the inbox's own excepted), written as one file below `folder`."""
    listing = folder / "names.txt"
    paths = [str(path.relative_to(home)) for path in home.rglob("*")]
    kept = [path for path in paths if not path.startswith("inbox/")]
    listing.write_bytes("\n".join(kept).encode("utf-8", "surrogateescape"))
    return searcher.search([listing])


def main(arguments: list[str]) -> int:
    """The command line; returns the exit code."""
    import tempfile

    if len(arguments) < 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    home, samples, *more = map(Path, arguments)
    known = people(samples)
    searcher = Searcher(needles_of(known, home))
    files = [*searched(home), *more]
    hits = searcher.search(files)
    with tempfile.TemporaryDirectory() as folder:
        hits += names_searched(home, searcher, Path(folder))
    for hit in hits[:50]:
        sys.stdout.write(f"{hit.path} @{hit.offset}: {hit.kind}\n")
    size = sum(file.stat().st_size for file in files) >> 20
    sys.stdout.write(
        f"{known.height} people, {searcher.count} needles, {len(files)} files, {size} MiB: {len(hits)} hits\n"
    )
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
