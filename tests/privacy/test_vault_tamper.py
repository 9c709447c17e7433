"""Sealed files that were cut, changed, swapped or mixed: each is refused, with the code that says which."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from huxin_privacy.errors import PrivacyError
from huxin_privacy.sealed_format import END, MAGIC
from huxin_privacy.vault import SealedReader, SealedWriter, SubmissionKey

CHUNK, SEALED = 64, 64 + 16
CONTENT = bytes(range(200)) + bytes(56 + 5)  # four full chunks and one of five bytes
KEY = SubmissionKey("s1", bytes(range(32)))
OTHER_KEY = SubmissionKey("s1", bytes(range(1, 33)))


def write(path: Path, key: SubmissionKey = KEY, content: bytes = CONTENT, **context: object) -> bytes:
    named = {"purpose": "spool", "stage": "rows", "attempt": 1, **context}
    with SealedWriter(path, key, chunk=CHUNK, fsync=False, **named) as file:  # type: ignore[arg-type]
        file.write(content)
    return path.read_bytes()


def read(path: Path, key: SubmissionKey = KEY, **context: object) -> bytes:
    named = {"purpose": "spool", "stage": "rows", "attempt": 1, **context}
    with SealedReader(path, key, **named) as file:  # type: ignore[arg-type]
        return file.read()


def refused(codes: str, call: Callable[[], object]) -> None:
    with pytest.raises(PrivacyError) as caught:
        call()
    assert caught.value.code in codes.split()


def head_length(stored: bytes) -> int:
    return len(MAGIC) + 2 + int.from_bytes(stored[len(MAGIC) :][:2], "big")


def test_a_cut_at_each_byte_is_found(tmp_path: Path) -> None:
    path = tmp_path / "f"
    good = write(path)
    for length in range(len(good)):
        path.write_bytes(good[:length])
        refused("P0132", lambda: read(path))


@pytest.mark.parametrize("chunks", [1, 2, 3, 4])
def test_a_cut_at_each_chunk_is_found_although_the_end_mark_is_there(tmp_path: Path, chunks: int) -> None:
    path = tmp_path / "f"
    good = write(path)
    path.write_bytes(good[: head_length(good) + chunks * SEALED] + END)
    refused("P0132", lambda: read(path))


def test_a_cut_within_a_chunk_is_found_although_the_end_mark_is_there(tmp_path: Path) -> None:
    path = tmp_path / "f"
    good = write(path)
    for length in range(head_length(good), len(good) - len(END)):
        path.write_bytes(good[:length] + END)
        refused("P0132 P0133", lambda: read(path))


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    path = tmp_path / "f"
    good = write(path)
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1 << place % 8]) + good[place + 1 :])
        refused("P0130 P0131 P0132 P0133", lambda: read(path))


def test_a_flipped_bit_in_the_body_is_called_damage(tmp_path: Path) -> None:
    path = tmp_path / "f"
    good = write(path)
    for place in range(head_length(good), len(good) - len(END)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        refused("P0133", lambda: read(path))


def test_chunks_in_another_order_twice_or_left_out_are_found(tmp_path: Path) -> None:
    path = tmp_path / "f"
    good = write(path)
    start = head_length(good)
    head, tail = good[:start], good[start + 4 * SEALED :]
    a, b, c, d = (good[start + n * SEALED : start + (n + 1) * SEALED] for n in range(4))
    for chunks in ([b, a, c, d], [a, a, c, d], [a, b, c], [a, b, c, d, d]):
        path.write_bytes(head + b"".join(chunks) + tail)
        refused("P0133", lambda: read(path))


def test_more_bytes_behind_the_end_are_found(tmp_path: Path) -> None:
    path = tmp_path / "f"
    good = write(path)
    for more in (b"\0", END, bytes(SEALED) + END):
        path.write_bytes(good + more)
        refused("P0132 P0133", lambda: read(path))


@pytest.mark.parametrize(
    "expected",
    [{"purpose": "quarantine"}, {"stage": "keys"}, {"attempt": 2}, {"key": SubmissionKey("s2", KEY.secret)}],
)
def test_a_file_of_another_context_is_refused(tmp_path: Path, expected: dict[str, object]) -> None:
    write(tmp_path / "f")
    refused("P0131", lambda: read(tmp_path / "f", **expected))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"), [("purpose", "quarantine"), ("stage", "keys"), ("attempt", 2), ("submission", "s2")]
)
def test_a_context_rewritten_in_the_header_is_refused(tmp_path: Path, name: str, value: object) -> None:
    path = tmp_path / "f"
    key = SubmissionKey(str(value), KEY.secret) if name == "submission" else KEY
    write_header(path, write(path), **{name: value})
    expected = {} if name == "submission" else {name: value}
    refused("P0133", lambda: read(path, key, **expected))


@pytest.mark.parametrize("value", [0, -1, "64", None, True, 1 << 40, 65, 128])
def test_a_chunk_size_rewritten_in_the_header_is_refused(tmp_path: Path, value: object) -> None:
    path = tmp_path / "f"
    write_header(path, write(path), chunk=value)
    refused("P0133", lambda: read(path))


def test_a_header_from_another_file_is_refused(tmp_path: Path) -> None:
    one, other = write(tmp_path / "f"), write(tmp_path / "g")
    (tmp_path / "f").write_bytes(other[: head_length(other)] + one[head_length(one) :])
    refused("P0133", lambda: read(tmp_path / "f"))


def test_another_key_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "f")
    refused("P0133", lambda: read(tmp_path / "f", OTHER_KEY))


@pytest.mark.parametrize("content", [b"PK\x03\x04 something else", b"\0" * 200])
def test_what_is_no_sealed_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    refused("P0130", lambda: read(tmp_path / "f"))


@pytest.mark.parametrize("header", [b"{", b"[]", b"\xff", b'"x"'])
def test_headers_of_another_kind(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "f").write_bytes(MAGIC + len(header).to_bytes(2, "big") + header + bytes(99))
    refused("P0133", lambda: read(tmp_path / "f"))


def test_two_files_of_one_content_differ(tmp_path: Path) -> None:
    one, other = write(tmp_path / "f"), write(tmp_path / "g")
    assert one[head_length(one) :][:SEALED] != other[head_length(other) :][:SEALED]


def write_header(path: Path, stored: bytes, **changed: object) -> None:
    end = head_length(stored)
    fields = {**json.loads(stored[len(MAGIC) + 2 : end]), **changed}
    header = json.dumps(fields, separators=(",", ":")).encode()
    path.write_bytes(MAGIC + len(header).to_bytes(2, "big") + header + stored[end:])
