"""From a file's bytes to blocks of whole lines: unpacking and the limits that keep memory bounded."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from huxin_checks.read.refused import FileRefused, guarded

CHUNK = 1 << 20
MAX_LINE = 1_000_000
BOMB_FROM, BOMB_RATIO = 50 << 20, 200
"""A file may unpack to 50 MiB whatever its size, beyond that to at most 200 times its size."""
MAX_UNPACKED = 64 << 30

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def chunks(source: BinaryIO) -> Iterator[bytes]:
    """The source from where it stands, in chunks of exactly CHUNK bytes but for the last."""
    while True:
        parts, missing = [], CHUNK
        while missing and (part := source.read(missing)):
            parts.append(part)
            missing -= len(part)
        if parts:
            yield b"".join(parts)
        if missing:
            return


def gunzipped(packed: Iterable[bytes]) -> Iterator[bytes]:
    """The unpacked bytes in chunks of at most CHUNK; several members are fine.

    F0004 when truncated, damaged or a bomb.
    """
    taken = given = 0
    inflate = zlib.decompressobj(31)
    for packed_part in packed:
        part, out = packed_part, b""
        taken += len(part)
        while part or len(out) == CHUNK:  # a full chunk: more may wait inside although all input is taken
            if inflate.eof:  # another member, or the zero padding that tapes and some tools leave
                part, out = part.lstrip(b"\0"), b""
                if not part:
                    break
                inflate = zlib.decompressobj(31)
            out = guarded("corrupt", inflate.decompress, part, CHUNK)
            part = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            given += len(out)
            if given > MAX_UNPACKED or given > max(BOMB_FROM, BOMB_RATIO * taken):
                raise FileRefused("bomb")
            if out:
                yield out
    if not inflate.eof:
        raise FileRefused("truncated")


def text_chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks, with the lone CR of old Macintosh exports as LF; F0004 for UTF-16 and for NUL bytes."""
    first, old_mac = True, False
    for part in parts:
        if first:
            if part.startswith(_UTF16) or _every_other_nul(part[:400]):
                raise FileRefused("utf16")
            old_mac = b"\r" in part and b"\n" not in part
            first = False
        if b"\0" in part:
            raise FileRefused("nul")
        yield part.replace(b"\r", b"\n") if old_mac else part


def _every_other_nul(head: bytes) -> bool:
    fewer, more = sorted((head[0::2].count(0), head[1::2].count(0)))
    return more > len(head) // 4 and fewer <= more // 4


def line_blocks(parts: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Blocks of about `size` bytes, each ending with a line break (the last one may lack it).

    FileRefused long_line as soon as MAX_LINE bytes came without a line break; its `line` counts from
    the block's start.
    """
    held: list[bytes] = []
    total = tail = 0
    for part in parts:
        begin = _long_line(part, tail)
        if begin is not None:
            before = sum(piece.count(b"\n") for piece in held)
            raise FileRefused("long_line", line=1 + before + part.count(b"\n", 0, begin))
        last = part.rfind(b"\n")
        tail = len(part) - last - 1 if last >= 0 else tail + len(part)
        held.append(part)
        total += len(part)
        if total >= size and last >= 0:
            rest = part[last + 1 :]
            held[-1] = part[: last + 1]
            yield b"".join(held)
            held, total = [rest], len(rest)
    if total:
        yield b"".join(held)


def _long_line(part: bytes, tail: int) -> int | None:
    """Where in `part`, whose first line began `tail` bytes earlier, a line over MAX_LINE starts; else None.

    Jumps from line break to line break as far as the limit allows, so it looks at few of them.
    """
    begin = -tail
    while len(part) - begin > MAX_LINE:
        after = part.rfind(b"\n", max(begin, 0), max(begin + MAX_LINE + 1, 0))
        if after < 0:
            return max(begin, 0)
        begin = after + 1
    return None
