"""Short files parsed together give each file's rows exactly as the file gives them by itself."""

from __future__ import annotations

import io
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huxin_checks.contract import load_contract
from huxin_checks.read import FileRefused, Short, open_rows, raw_schema, together
from huxin_checks.read.short_files import SHORT

CONTRACT = load_contract("loan/v1")
HEADER = ",".join(field.name for field in CONTRACT.fields)
_WIDTH = len(CONTRACT.fields)


def short_of(content: bytes) -> Short | None:
    with open_rows(io.BytesIO(content), "f.csv", CONTRACT) as rows:
        return rows.short()


def alone(content: bytes) -> pl.DataFrame:
    with open_rows(io.BytesIO(content), "f.csv", CONTRACT) as rows:
        frames = list(rows)
    return pl.concat(frames) if frames else pl.DataFrame(schema=raw_schema(CONTRACT))


def row(first: str, cells: int = _WIDTH) -> str:
    return ",".join([first, *(["x"] * (cells - 1))])


def held_to_each(contents: Sequence[bytes]) -> None:
    """The rows of all files together are those of each."""
    shorts = [short_of(content) for content in contents]
    assert all(shorts), "each of these is short"
    found = together([each for each in shorts if each], CONTRACT)
    assert not found.faults
    begin = 0
    for content, count in zip(contents, found.counts, strict=True):
        wanted = alone(content)
        assert wanted.height == count
        if count:
            assert found.frame.slice(begin, count).equals(wanted)
            assert found.frame.schema == wanted.schema
        begin += count
    assert begin == found.frame.height


def text(lines: Sequence[str], end: str = "\n") -> bytes:
    return "".join(line + end for line in [HEADER, *lines]).encode()


def test_records_and_lines_count_in_each_file() -> None:
    held_to_each(
        [
            text([row("a1"), row("a2")]),
            b"\n\n" + text([row("b1")]),  # blank lines in front of the header
            text(["", row("c1"), ",,,", "", row("c2")]),  # and between rows
            text([row("d1"), row("d2"), ""])[:-2],  # no line break at the end
            text([row("e1"), "", "  ", ""], end="\r\n"),
        ]
    )


def test_rows_that_are_too_short_or_too_long_stay_their_own() -> None:
    held_to_each([text([row("a", 3), row("b", _WIDTH + 2)]), text([row("c")]), text([row("x\x5e", 2)])])


def test_files_of_other_dialects_columns_and_encodings_lie_between() -> None:
    names = HEADER.split(",")
    turned = ",".join(reversed(names)) + "\n" + row("z") + "\n"
    semicolons = HEADER.replace(",", ";") + "\n" + row("y").replace(",", ";") + "\n"
    chinese = (HEADER + "\n" + row("张三") + "\n").encode("gb18030")
    held_to_each([text([row("a")]), turned.encode(), semicolons.encode(), chinese, text([row("b")])])


_CELL = st.text(st.sampled_from('ax0 ,;\t|\r\n#^\x00é张"'.replace('"', "").replace("\x00", "")), max_size=6)
_FILE = st.lists(st.lists(_CELL, max_size=4).map(",".join), max_size=8)


@given(st.lists(_FILE, min_size=1, max_size=4), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=60, deadline=None)
def test_whatever_lines_they_have(files: list[list[str]], end: str) -> None:
    contents = [text(lines, end) for lines in files]
    held_to_each([each for each in contents if short_of(each)])


def test_a_file_that_is_long_or_quoted_is_no_short_one() -> None:
    assert short_of(text([row("a")])) is not None
    assert short_of(text([row('"a"')])) is None
    assert short_of(text([row("a" * 500)] * (SHORT // 500))) is None
    assert (
        short_of(text([""] * 200_000 + [row("a")])[:-1]) is not None
    )  # blank lines at the front are dropped
    assert short_of(text([row("a"), *([""] * 200_000), row("b")])) is None, (
        "more rows than one frame may have"
    )


def test_a_reader_that_was_asked_in_vain_gives_its_frames() -> None:
    content = text([row('"a"'), row("b")])
    with open_rows(io.BytesIO(content), "f.csv", CONTRACT) as rows:
        assert rows.short() is None
        assert pl.concat(list(rows)).equals(alone(content))


def test_what_refuses_one_file_is_told_of_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from huxin_checks.read import short_files as module

    real = module.parse

    def parse(block: bytes, *args: object, **kwargs: object) -> object:
        if b"broken" in block:
            raise FileRefused("corrupt")
        return real(block, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "parse", parse)
    contents = [text([row("a"), row("b")]), text([row("broken")]), text([row("c")])]
    found = together([short for each in contents if (short := short_of(each))], CONTRACT)
    assert found.counts == [2, 0, 1]
    assert {place: fault.reason for place, fault in found.faults.items()} == {1: "corrupt"}
    assert found.frame["loan_no"].to_list() == ["a", "b", "c"]
    assert found.frame["_record"].to_list() == [1, 2, 1]
