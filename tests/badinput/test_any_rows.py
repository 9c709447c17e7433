"""Any rows and any bytes end in findings or a refusal, with counts that agree: 120 examples of each.

The seed is fixed, so that a run finds what the last one found; a longer search is HUXIN_EXAMPLES away.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pytest
from bad_world import ready
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from judged import CONTRACT, validated

from huxin.contract import State
from huxin.settings import Settings
from huxin_checks.read import FileRefused, open_rows
from support.rows import good_row, loan

EXAMPLES = int(os.environ.get("HUXIN_EXAMPLES", "120"))
SAMPLES = Path(__file__).parents[2] / "examples" / "nightly"
NAMES = [field.name for field in CONTRACT.fields]
AT_WILL = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

NASTY = (
    *(
        "",
        " ",
        "\u3000",
        "'",
        '"',
        '""',
        "NULL",
        "无",
        "-",
        "\\N",
        "=1+1",
        "@x",
        "\u202e",
        "\u200b",
        "\ufeff",
        "\x7f",
    ),
    *(
        "0",
        "-0",
        "1e9",
        "1E+17",
        "1.1E+17",
        "NaN",
        "inf",
        "9" * 40,
        "-" + "9" * 40,
        "0.005",
        "1,000.00",
        "1,00",
        "²",
    ),
    *(
        "٣",
        "１２３",
        "0x1F",
        "1_000",
        "12%",
        "12 %",
        "％",
        "2026-02-30",
        "0000-01-01",
        "9999-12-31",
        "20260531",
    ),
    *(
        "46173",
        "2026年5月31日",
        "2026/5/31 00:00",
        "2026-05-31T00:00:00",
        "99999-01-01",
        "😀",
        "\u0301",
        "a\u0301",
    ),
    *(
        "110105196001020012",
        "11010519600102001X",
        "110105600102001",
        "91110105000000001M",
        "E1234567",
        "+8613800000001",
    ),
    *(
        "0086-138-0000-0001",
        "正常",
        "逾期",
        "overdue",
        "settled",
        "written_off",
        "delete",
        "CHN",
        "chn",
        "CNY",
        "人民币",
    ),
    "\U0010ffff",
    "\ufffe",
    "a\nb",
    "a\r\nb",
    "a,b",
    "x" * 70,
    "长" * 200,
)
CELL = st.one_of(
    st.sampled_from(NASTY),
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    st.text(st.sampled_from("0123456789-+.,%/年月日 Xx"), max_size=20),
)
CHANGES = st.lists(st.tuples(st.integers(0, 29), st.sampled_from(NAMES), CELL), max_size=12)


@pytest.fixture(scope="module")
def registry(shared: Settings) -> Settings:
    return ready(shared, ["M0001"])


def table(rows: Sequence[dict[str, str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(
        [NAMES, *([row[n] for n in NAMES] for row in rows)]
    )
    return out.getvalue().encode()


@seed(20260531)
@AT_WILL
@given(CHANGES)
def test_any_cells(registry: Settings, changes: list[tuple[int, str, str]]) -> None:
    """Thirty good rows, some of whose cells are anything: only those rows can be rejected."""
    book = [loan("M0001", n) for n in range(1, 31)]
    for row, name, cell in changes:
        book[row] = {**book[row], name: cell}
    item, found = validated(registry, table(book))
    touched = {row + 1 for row, _, _ in changes}
    loan_nos = [row["loan_no"] for row in book]
    shared_loans = len(set(loan_nos)) < len(book)
    if not shared_loans:
        assert {each.record for each in found} <= touched
    if item.state == State.REFUSED:
        assert item.facts["code"] == "F0008"
        assert item.rejected == 30
    assert item.rows == 30


@seed(20260531)
@settings(AT_WILL, max_examples=EXAMPLES // 4)
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), CELL, max_size=37), min_size=1, max_size=4))
def test_rows_of_nothing_but_odd_cells(registry: Settings, odd: list[dict[str, str]]) -> None:
    """Among fifty good rows, so that the file is judged by its rows."""
    book = [loan("M0001", n) for n in range(1, 51)]
    item, _ = validated(registry, table([*book, *({**good_row(), **row} for row in odd)]))
    assert item.state == State.VALIDATED
    assert (item.accepted or 0) >= 40


@lru_cache(maxsize=1)
def samples() -> list[bytes]:
    """The beginnings of the real samples (whole where their format has no beginning), and the first one packed."""
    texts = [next((SAMPLES / member).glob(pattern)).read_bytes() for member, pattern in TEXTS]
    cut = [data[: data.index(b"\n", 12_000) + 1] for data in texts]
    packed = [next((SAMPLES / member).glob(pattern)).read_bytes() for member, pattern in PACKED]
    return [*cut, gzip.compress(cut[0]), *packed]


TEXTS = (("M0001", "*.csv"), ("M0002", "*.csv"), ("M0005", "*.txt"))
PACKED = (("M0003", "*.parquet"), ("M0004", "*.xlsx"))

# Where (as a share of the file), what is done there, with which bytes.
EDIT = st.tuples(
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(["flip", "cut", "insert", "repeat", "zero", "swap", "end"]),
    st.binary(min_size=1, max_size=12)
    | st.sampled_from([b"\0", b"\n", b'"', b",", b"\xff\xfe", b"\r", "。".encode()]),
)


def edited(data: bytes, edits: list[tuple[float, str, bytes]], other: bytes) -> bytes:
    """The file after flips, cuts and splices (with another sample's bytes too)."""
    for share, action, given_ in edits:
        at, size = int(share * len(data)), len(given_)
        middle = {
            "flip": bytes(a ^ b for a, b in zip(data[at : at + size], given_, strict=False)),
            "cut": b"",
            "insert": given_ + data[at : at + size],
            "repeat": data[at : at + size] * 40,
            "zero": bytes(size),
            "swap": other[at : at + 50 * size],
            "end": b"",
        }[action]
        data = data[:at] + middle + (b"" if action == "end" else data[at + size :])
    return data


@seed(20260531)
@AT_WILL
@given(st.integers(0, 5), st.integers(0, 5), st.lists(EDIT, min_size=1, max_size=5))
def test_any_damage_to_the_real_samples(
    registry: Settings, which: int, other: int, edits: list[tuple[float, str, bytes]]
) -> None:
    kept = samples()
    data = edited(kept[which], edits, kept[other])
    item, found = validated(registry, data)
    try:
        with open_rows(io.BytesIO(data), "x", CONTRACT) as rows:
            readable = sum(frame.height for frame in rows)
    except FileRefused as refused:
        assert (item.state, item.facts["code"]) == (State.REFUSED, refused.code)
    else:
        assert item.rows == readable
        assert item.facts.get("code") in (None, "F0008")
    assert len(found) <= 60 * max(item.rows or 0, 1)
