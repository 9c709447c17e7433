"""What cannot be read: each with its code and reason, in bounded time and memory, and without a cell's value."""

from __future__ import annotations

import gzip
import io
import json
import random
import struct
import time
import tracemalloc
import zlib

import pytest
from read_tools import CONTRACT, NAMES, NAMES_ZH, cells, loans, read, refusal, written

from huxin_checks.read import FileRefused, open_rows
from huxin_checks.read.refused import REASONS, guarded
from huxin_checks.read.source import MAX_LINE

ROWS = loans(20)
GOOD = written(ROWS).encode()


def test_every_reason_has_a_code_and_words_in_both_languages() -> None:
    for reason, (code, zh, en) in REASONS.items():
        refused = FileRefused(reason)
        assert code in ("F0003", "F0004")
        assert refused.facts == {"reason": reason, "zh": zh, "en": en}
        assert any("\u4e00" <= letter <= "\u9fff" for letter in zh)
        assert en.isascii()


def header_refusal(headers: list[str]) -> FileRefused:
    return refusal(written([row * 2 for row in ROWS], headers).encode())


def test_an_unknown_column() -> None:
    refused = header_refusal([*NAMES, "religion", "宗教信仰"])
    assert (refused.code, refused.reason) == ("F0003", "unknown_column")
    assert refused.facts["headers"] == ("religion", "宗教信仰")
    assert refused.facts["line"] == 1


def test_a_doubled_column_in_whatever_language() -> None:
    refused = header_refusal([*NAMES, "姓名"])
    assert (refused.code, refused.reason) == ("F0003", "doubled_column")
    assert refused.facts["headers"] == ("name", "姓名")


def test_a_missing_column_and_all_faults_at_once() -> None:
    refused = header_refusal([*NAMES[1:], "name", "what"])
    assert (refused.code, refused.reason) == ("F0003", "unknown_column")
    assert refused.facts["missing"] == (CONTRACT.fields[0].zh,)
    assert refused.facts["doubled"] == ("name", "name")
    assert header_refusal(NAMES[1:]).reason == "missing_column"
    json.dumps(refused.facts)


def test_ten_thousand_columns() -> None:
    refused = header_refusal([*NAMES, *(f"c{n}" for n in range(10_000))])
    assert (refused.code, refused.reason) == ("F0003", "too_many_columns")
    assert refused.facts["columns"] == 10_000 + len(NAMES)


def test_listed_headers_are_few_short_and_clean() -> None:
    strange = [f"x{'y' * 90}{n}" for n in range(30)] + ["a\x07b"]
    headers = header_refusal([*NAMES, "110101199003070011", *strange]).facts["headers"]
    assert isinstance(headers, tuple)
    assert len(headers) == 10
    assert headers[0] == "#####"
    assert all(len(text) <= 40 and text.isprintable() for text in headers)


def test_a_file_without_header_does_not_quote_its_first_row() -> None:
    refused = refusal(GOOD.split(b"\n", 1)[1])
    assert (refused.code, refused.reason) == ("F0004", "no_header")
    assert "headers" not in refused.facts
    assert ROWS[0][3] not in repr(refused.facts)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\n\n\r\n", "no_header"),
        (b" ,,;\n\t|", "no_header"),
        (b"\n" * 3_000_000, "no_header"),
        (b"hello world", "no_header"),
        (b"<html><body>404</body></html>", "no_header"),
        (b"\0" * 5000, "nul"),
        (GOOD + b"a\0b,\n", "nul"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 64, "nul"),
        (b'"loan_no,name\n1,2', "unclosed_quote"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4096, "old_xls"),
        (b"\xd0\xcf\x11\xe0", "old_xls"),
        (b"PK\x03\x04" + b"junk" * 50, "corrupt"),
        (b"PK\x05\x06" + b"\0" * 18, "zip"),
        (b"PAR1" + b"junk" * 50, "truncated"),
        (b"PAR1" + b"junk" * 50 + b"PAR1", "corrupt"),
        (b"PARE" + b"junk" * 50 + b"PARE", "encrypted"),
        (b"PAR1", "truncated"),
        (gzip.compress(GOOD, mtime=0)[:-30], "truncated"),
        (gzip.compress(GOOD, mtime=0)[:5], "truncated"),
        (gzip.compress(GOOD, mtime=0) + b"garbage", "corrupt"),
        (gzip.compress(b"", mtime=0), "empty"),
        (gzip.compress(gzip.compress(GOOD, mtime=0), mtime=0), None),
    ],
)
def test_what_is_no_data_file(data: bytes, reason: str | None) -> None:
    refused = refusal(data)
    assert refused.code == "F0004"
    assert reason in (None, refused.reason)


def test_binary_junk() -> None:
    for seed in range(30):
        assert refusal(random.Random(seed).randbytes(20_000)).code == "F0004"


def test_an_encrypted_workbook_is_told_from_an_old_one() -> None:
    head = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504)
    struct.pack_into("<H", head, 30, 9)
    struct.pack_into("<I", head, 48, 3)
    sectors = b"\0" * (512 * 3) + "EncryptedPackage".encode("utf-16-le").ljust(512, b"\0")
    assert refusal(bytes(head) + sectors).reason == "encrypted"


def test_a_damaged_gz() -> None:
    packed = bytearray(gzip.compress(written(loans(500)).encode()))
    packed[len(packed) // 2] ^= 0xFF
    assert refusal(bytes(packed)).reason in ("corrupt", "mixed_encodings", "encoding", "nul")
    packed = bytearray(gzip.compress(GOOD))
    packed[-6] ^= 0xFF  # its checksum
    assert refusal(bytes(packed)).reason == "corrupt"


def test_gz_whatever_its_name_with_members_and_padding() -> None:
    half = len(GOOD) // 2
    packed = gzip.compress(GOOD[:half]) + gzip.compress(GOOD[half:]) + b"\0" * 700
    assert cells(read(packed, "loans.csv")) == ROWS
    assert cells(read(GOOD, "loans.csv.gz")) == ROWS
    with open_rows(io.BytesIO(packed), "x", CONTRACT) as rows:
        assert rows.layout.compressed


def test_gz_whose_size_is_a_whole_number_of_chunks() -> None:
    for size in (1 << 20, (1 << 20) - 1, 3 << 20):
        padded = GOOD + b"\n" * (size - len(GOOD))
        assert read(gzip.compress(padded)).height == len(ROWS)


def test_a_gz_bomb_is_refused_early() -> None:
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packed.compress(GOOD)]
    parts += [packed.compress(b"\n" * (1 << 20)) for _ in range(200)]
    bomb = b"".join([*parts, packed.flush()])
    assert refusal(bomb).reason == "bomb"


class Giant(io.RawIOBase):
    """A header and then one line of a gigabyte, made as it is read."""

    def __init__(self, head: bytes) -> None:
        self.head = io.BytesIO(head)
        self.given = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self.given = 0
        return self.head.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        self.given += size
        if self.given > 1 << 30:
            return b""
        return self.head.read(size) or b"a" * size


@pytest.mark.parametrize("head", [b"", GOOD])
def test_a_line_of_a_gigabyte_is_refused_after_a_few_megabytes(head: bytes) -> None:
    source = Giant(head)
    tracemalloc.start()
    try:
        with pytest.raises(FileRefused) as caught:
            list(open_rows(source, "a.csv", CONTRACT))  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.reason == "long_line"
    assert caught.value.facts["line"] == (22 if head else 1)
    assert source.given <= 4 << 20
    assert peak < 32 << 20


def test_a_line_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    row = ",".join(ROWS[0])
    longest = row + "," * (MAX_LINE - len(row.encode()))
    data = GOOD * 3 + longest.encode() + b"\n"
    lines = data.count(b"\n")
    body = data.replace(",".join(NAMES).encode() + b"\n", b"")
    whole = ",".join(NAMES).encode() + b"\n" + body
    assert read(whole).height == 3 * len(ROWS) + 1
    refused = refusal(whole[:-1] + b",\n" + b",".join(b"x" for _ in NAMES) + b"\n")
    assert (refused.reason, refused.facts["line"]) == ("long_line", lines - 2)


def test_many_quotes_that_never_close_take_no_time_without_end() -> None:
    """Each line opens a quote that the next one closes in an odd place: all of it goes the slow way."""
    data = ",".join(NAMES).encode() + b"\n" + b'a,"b\n' * 400_000
    begun = time.process_time()
    read(data)
    assert time.process_time() - begun < 120, "linear work takes a second or two"


def test_a_record_spread_over_more_than_a_megabyte_is_an_unclosed_quote() -> None:
    data = GOOD + b'a,"' + b"b\n" * 3_000_000
    assert refusal(data).reason == "unclosed_quote"


def test_no_parser_message_travels_not_even_hidden() -> None:
    class Panic(BaseException):
        """As pyo3 throws for a Rust panic."""

    def fails() -> None:
        raise Panic("110101199003070011")

    with pytest.raises(FileRefused) as caught:
        guarded("corrupt", fails)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_what_is_not_the_files_fault_passes_through() -> None:
    def stopped() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guarded("corrupt", stopped)

    class Broken(io.BytesIO):
        """A disk that fails after the first bytes."""

        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 100:
                raise OSError("disk")
            return super().read(min(size or 0, 64) if size and size > 0 else 64)

    for data in (GOOD, gzip.compress(GOOD)):
        with pytest.raises(OSError, match="disk"):
            list(open_rows(Broken(data), "a.csv", CONTRACT))


def test_chinese_headers_are_listed_in_chinese() -> None:
    refused = refusal(written(ROWS, [*NAMES_ZH[:-1], "备注"]).encode("gb18030"))
    assert refused.facts["headers"] == ("备注",)
