"""Quotes in CSV, regular and not: the fast and the slow way agree, and lines are counted through both."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from read_tools import CONTRACT, NAMES, cells, loans, read, refusal, written

from huxin_checks.read import FileRefused, open_rows
from huxin_checks.read.blocks import Dialect, parse, regular_part
from huxin_checks.read.frames import EXTRA
from huxin_checks.read.records import split_records

ROWS = loans(4)


def with_cell(text: str, row: int = 1) -> bytes:
    """A file in which the contract number of one row is written as `text`, quotes and all."""
    lines = written(ROWS).splitlines()
    parts = lines[row + 1].split(",")
    lines[row + 1] = ",".join([parts[0], text, *parts[2:]])
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ('"a,b"', "a,b"),
        ('"a ""b"" c"', 'a "b" c'),
        ('""', ""),
        ('""""', '"'),
        ('5" disk', '5" disk'),
        ('5"', '5"'),
        ('a"b"c', 'a"b"c'),
        ('"ab"cd', "abcd"),
        ('"ab" ', "ab "),
        (' "ab"', ' "ab"'),
        ('"a""', None),
    ],
)
def test_quotes_in_a_cell(sent: str, meant: str | None) -> None:
    if meant is None:
        assert refusal(with_cell(sent)).reason == "unclosed_quote"
        return
    frame = read(with_cell(sent))
    assert cells(frame)[1][1] == meant
    assert frame["_line"].to_list() == [2, 3, 4, 5]
    assert cells(frame)[2:] == ROWS[2:]


@pytest.mark.parametrize("odd", ["", '5"x'])
def test_line_breaks_in_quotes_belong_to_the_cell_and_count_as_lines(odd: str) -> None:
    rows = [[row[0], f"a\n{n}\r\n\nb", odd, *row[3:]] for n, row in enumerate(ROWS)]
    text = written(rows).replace('"5""x"', '5"x')
    frame = read(text.encode())
    assert cells(frame) == rows
    assert frame["_line"].to_list() == [2, 6, 10, 14]


def test_an_unclosed_quote_names_its_line() -> None:
    refused = refusal(with_cell('"abc', row=2))
    assert (refused.code, refused.reason, refused.facts["line"]) == ("F0004", "unclosed_quote", 4)


def test_an_unclosed_quote_is_refused_long_before_the_end() -> None:
    class Endless(io.RawIOBase):
        """A file that never ends after its unclosed quote."""

        def __init__(self) -> None:
            self.head = io.BytesIO(with_cell('"abc', row=2))
            self.given = 0

        def seek(self, offset: int, whence: int = 0) -> int:
            self.given = 0
            return self.head.seek(offset, whence)

        def read(self, size: int = -1) -> bytes:
            self.given += size
            assert self.given < 100 << 20, "read on and on"
            return self.head.read(size) or b"a,b\n" * (size // 4)

    with pytest.raises(FileRefused, match="unclosed_quote"):
        list(open_rows(Endless(), "a.csv", CONTRACT, 1000))  # type: ignore[arg-type]


def test_regular_text_goes_the_fast_way_and_odd_text_does_not() -> None:
    regular = b'a,"b,c","d""e"\n"x\ny",2,""\r\n'
    part = regular_part(regular, ",", final=False)
    assert part is not None
    assert (part.lines.tolist(), part.used, part.newlines) == ([0, 1], len(regular), 3)
    assert regular_part(b'a,5" x,c\nd,5" y,f\n', ",", final=False) is None
    assert regular_part(b'a,"b" ,c\n', ",", final=False) is None


def test_an_open_record_is_left_for_the_next_block() -> None:
    block = b'a,"b"\nc,"d\n'
    parsed = parse(block, Dialect(",", 2), final=False)
    assert block[parsed.used :] == b'c,"d\n'
    assert parsed.cells.rows() == [("a", "b", *([None] * EXTRA))]
    assert parse(b'c,"d\n', Dialect(",", 2), final=False).used == 0


TEXT = st.text(alphabet='ab",;\n\r é中', max_size=6)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(TEXT, min_size=2, max_size=4), min_size=1, max_size=6), st.booleans())
def test_the_fast_way_agrees_with_the_slow_one(rows: list[list[str]], all_quoted: bool) -> None:
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    csv.writer(out, lineterminator="\n", quoting=quoting).writerows(rows)
    text = out.getvalue()
    slow = split_records(text, ",", final=True)
    fast = parse(text.encode(), Dialect(",", 2), final=True)
    assert fast.used == len(text.encode())
    assert fast.lines.tolist() == slow.lines
    assert [[cell or "" for cell in row[:2]] for row in fast.cells.rows()] == [
        [*row, ""][:2] for row in slow.rows
    ]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='a",\n\r', max_size=40))
def test_any_text_is_cut_into_records_without_loss(text: str) -> None:
    found = split_records(text, ",", final=True)
    assert 0 <= found.used <= len(text)
    assert found.newlines == text.count("\n", 0, found.used)
    assert len(found.lines) == len(found.rows)
    if '"' not in text:
        assert found.used == len(text)
        lines = text.removesuffix("\n").split("\n") if text else []
        assert [[cell.removesuffix("\r") for cell in line.split(",")] for line in lines] == found.rows


def test_a_large_quoted_file_reads_as_the_csv_module_does() -> None:
    rows = [[row[0], f'{n},"{n}"', *row[2:]] for n, row in enumerate(loans(3000))]
    assert cells(read(written(rows, NAMES, quoting=csv.QUOTE_ALL).encode())) == rows
