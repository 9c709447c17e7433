"""CSV as members write it: delimiters, headers, line ends, blank and ragged lines; every cell as it was sent."""

from __future__ import annotations

import csv
import io
import random

import numpy as np
import pytest
from read_tools import CONTRACT, NAMES, NAMES_ZH, cells, layout, loans, read, written

from huxin_checks.read import open_rows, rows_at

ROWS = loans(5)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("headers", [NAMES, NAMES_ZH])
def test_every_dialect_reads_alike(delimiter: str, newline: str, quoting: int, headers: list[str]) -> None:
    data = written(ROWS, headers, delimiter=delimiter, newline=newline, quoting=quoting).encode()
    frame = read(data)
    assert cells(frame) == ROWS
    assert frame["_line"].to_list() == [2, 3, 4, 5, 6]
    assert layout(data).delimiter == delimiter
    assert layout(data).headers == tuple(headers)


def test_columns_come_in_any_order() -> None:
    order = list(range(len(NAMES)))
    random.Random(7).shuffle(order)
    shuffled = written([[row[at] for at in order] for row in ROWS], [NAMES[at] for at in order])
    assert cells(read(shuffled.encode())) == ROWS


def test_headers_are_found_through_blanks_full_width_and_capitals() -> None:
    headers = [f" {name.upper()}\u3000" for name in NAMES]
    assert cells(read(written(ROWS, headers).encode())) == ROWS


def test_optional_columns_may_be_absent() -> None:
    keep = [at for at, field in enumerate(CONTRACT.fields) if field.required_column]
    frame = read(written([[row[at] for at in keep] for row in ROWS], [NAMES[at] for at in keep]).encode())
    absent = [field.name for field in CONTRACT.fields if not field.required_column]
    assert absent
    assert all(frame[name].null_count() == frame.height for name in absent)
    assert frame["loan_no"].to_list() == [row[0] for row in ROWS]


def test_annotation_columns_of_a_findings_export_are_dropped() -> None:
    notes = list(CONTRACT.annotations)
    data = written([[*row, *("说明" for _ in notes)] for row in ROWS], [*NAMES, *notes]).encode()
    frame = read(data)
    assert cells(frame) == ROWS
    assert not frame["_surplus"].any()
    assert layout(data).fields == (*NAMES, *(None for _ in notes))


def test_the_last_line_may_lack_its_end() -> None:
    assert cells(read(written(ROWS).rstrip("\n").encode())) == ROWS
    assert cells(read(written(ROWS, quoting=csv.QUOTE_ALL).rstrip("\n").encode())) == ROWS


def test_a_file_of_only_a_header_has_no_rows() -> None:
    assert read(written([]).encode()).height == 0
    assert read(written([]).strip().encode()).height == 0


def test_excels_separator_line_is_obeyed_and_counted() -> None:
    frame = read(("sep=;\r\n" + written(ROWS, delimiter=";", newline="\r\n")).encode())
    assert cells(frame) == ROWS
    assert frame["_line"][0] == 3


def test_old_macintosh_line_ends() -> None:
    frame = read(written(ROWS, newline="\r").encode())
    assert cells(frame) == ROWS
    assert frame["_line"].to_list() == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("blank", ["", "   ", "\u3000", ",,,", "\r", '""'])
def test_blank_lines_are_skipped_and_lines_still_count(blank: str) -> None:
    lines = written(ROWS).splitlines()
    text = "\n".join([blank, lines[0], blank, lines[1], blank, blank, *lines[2:], blank, blank])
    frame = read(text.encode())
    assert cells(frame) == ROWS
    assert frame["_record"].to_list() == [1, 2, 3, 4, 5]
    assert frame["_line"].to_list() == [4, 7, 8, 9, 10]


def test_missing_cells_are_null_and_no_surplus() -> None:
    lines = written(ROWS).splitlines()
    lines[2] = ",".join(lines[2].split(",")[:3])
    frame = read("\n".join(lines).encode())
    assert frame.height == 5
    assert cells(frame)[1] == ROWS[1][:3] + [""] * (len(NAMES) - 3)
    assert not frame["_surplus"].any()


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_surplus_cells_are_told_and_empty_ones_are_not(quoting: int) -> None:
    rows = [ROWS[0], [*ROWS[1], "x"], [*ROWS[2], "", "  ", ""], [*ROWS[3], "", "", "y"], ROWS[4]]
    frame = read(written(rows, quoting=quoting).encode())
    assert frame["_surplus"].to_list() == [False, True, False, True, False]
    assert cells(frame) == ROWS


def test_surplus_is_told_beside_quotes_in_odd_places() -> None:
    text = written([ROWS[0], [*ROWS[1], "x"], ROWS[2]]).replace("HT", 'H"T')
    assert read(text.encode())["_surplus"].to_list() == [False, True, False]


def test_trailing_delimiters_on_every_line_do_no_harm() -> None:
    text = "".join(f"{line},,,\n" for line in written(ROWS).splitlines())
    frame = read(text.encode())
    assert cells(frame) == ROWS
    assert not frame["_surplus"].any()
    assert layout(text.encode()).headers == tuple(NAMES)


def test_a_column_without_header_may_be_there_but_not_filled() -> None:
    headers = [NAMES[0], "", *NAMES[1:]]
    rows = [[row[0], "x" if at == 2 else "", *row[1:]] for at, row in enumerate(ROWS)]
    frame = read(written(rows, headers).encode())
    assert cells(frame) == ROWS
    assert frame["_surplus"].to_list() == [False, False, True, False, False]


@pytest.mark.parametrize("start", ["x^", "x\x01", "xڀ", "#", "//", "\ufeff", "x"])
def test_no_first_cell_makes_rows_vanish(start: str) -> None:
    """Polars takes text that begins with x^ for a zlib stream and gives no rows at all."""
    first = start + ROWS[0][0]
    data = written([[first, *ROWS[0][1:]], *ROWS[1:]]).encode()
    assert cells(read(data))[0][0].removeprefix("\ufeff") == first.removeprefix("\ufeff")
    assert read(data).height == 5


def test_cells_stay_exactly_as_sent() -> None:
    odd = [" 1,5 ", "'120113", "NULL", "-", "\u3000x", "1\t2", "#N/A", "=1+1", "\\N", "true", "０"]
    rows = [[*odd, *row[len(odd) :]] for row in ROWS]
    assert cells(read(written(rows).encode())) == rows


def test_frames_are_cut_at_batch_rows_and_numbered_through() -> None:
    many = loans(997)
    frame = read(written(many).encode(), batch_rows=100)
    assert cells(frame) == many
    assert frame["_record"].to_list() == list(range(1, 998))
    assert frame["_line"].to_list() == list(range(2, 999))


def test_blocks_join_without_a_seam() -> None:
    """Small batches make blocks of 256 KiB: this file has several, quoted line breaks across their ends."""
    rows = [[row[0], f"a\nb{n}\n", *row[2:]] for n, row in enumerate(loans(4000))]
    frame = read(written(rows).encode(), batch_rows=10)
    assert cells(frame) == rows
    assert frame["_line"].to_list() == [2 + 3 * n for n in range(4000)]


def test_rows_at_nothing_is_an_empty_frame() -> None:
    empty = np.array([], dtype=np.uint32)
    frame = rows_at(io.BytesIO(written(ROWS).encode()), "a.csv", CONTRACT, empty)
    assert frame.height == 0
    assert frame.columns[:3] == ["_record", "_line", "_surplus"]


def test_rows_at_skips_blank_lines_as_the_first_pass_did() -> None:
    text = written(ROWS).replace("\n", "\n\n").encode()
    frame = rows_at(io.BytesIO(text), "a.csv", CONTRACT, np.array([2, 5], dtype=np.uint32))
    assert frame["_record"].to_list() == [2, 5]
    assert frame["_line"].to_list() == [5, 11]
    assert cells(frame) == [ROWS[1], ROWS[4]]


def test_the_source_is_read_from_its_start_and_stays_open() -> None:
    source = io.BytesIO(written(ROWS).encode())
    source.seek(9)
    with open_rows(source, "a.csv", CONTRACT) as rows:
        assert sum(frame.height for frame in rows) == 5
    assert not source.closed
