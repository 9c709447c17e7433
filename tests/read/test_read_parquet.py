"""Parquet: columns of every plain type as text, row groups of any size, and files that mean harm."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from read_tools import CONTRACT, NAMES, NAMES_ZH, cells, layout, loans, read, refusal

from huxin_checks.read import open_rows, rows_at

ROWS = loans(7)


def table(rows: list[list[str]], headers: list[str] = NAMES) -> Any:
    return pa.table({name: [row[at] for row in rows] for at, name in enumerate(headers)})


def parquet(content: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(content, out, **options)
    return out.getvalue()


def with_column(values: Any, field: str = "principal") -> list[str | None]:
    """What reading gives for one column of other values."""
    content = table(ROWS[: len(values)])
    data = parquet(content.set_column(NAMES.index(field), field, values))
    return read(data, "loans.parquet")[field].to_list()


@pytest.mark.parametrize("headers", [NAMES, NAMES_ZH])
@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd"])
def test_text_columns(headers: list[str], compression: str) -> None:
    data = parquet(table(ROWS, headers), compression=compression)
    frame = read(data)
    assert cells(frame) == ROWS
    assert frame["_line"].to_list() == [2, 3, 4, 5, 6, 7, 8]
    assert layout(data).kind == "parquet"


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pa.array([1, -2, None], pa.int64()), ["1", "-2", None]),
        (pa.array([120113196301133520], pa.int64()), ["120113196301133520"]),
        (pa.array([36, 0], pa.uint8()), ["36", "0"]),
        (pa.array([5000.0, 4637.57, None, float("nan")]), ["5000", "4637.57", None, None]),
        (pa.array([4637.57, 0.1], pa.float32()), ["4637.57", "0.1"]),
        (pa.array([120113196301133520.0]), ["1.20113196301134E+17"]),
        (pa.array([Decimal("24000.00"), Decimal("-0.50"), None]), ["24000.00", "-0.50", None]),
        (
            pa.array([Decimal("0E-10"), Decimal("0.0000000001")], pa.decimal128(18, 10)),
            ["0.0000000000", "0.0000000001"],
        ),
        (pa.array([Decimal("1.25"), None], pa.decimal256(40, 2)), ["1.25", None]),
        (pa.array([dt.date(2026, 5, 31), None]), ["2026-05-31", None]),
        (pa.array([dt.date(2026, 5, 31)], pa.date64()), ["2026-05-31"]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array([b"abc", None, "中".encode()], pa.binary()), ["abc", None, "中"]),
        (pa.array(["a", None], pa.large_string()), ["a", None]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.nulls(3), [None, None, None]),
        (pa.array([dt.datetime(2026, 5, 31), None]), ["2026-05-31", None]),  # noqa: DTZ001
        (pa.array([dt.datetime(2026, 5, 31, 12)]), ["2026-05-31 12:00:00"]),  # noqa: DTZ001
        (pa.array([dt.datetime(2026, 5, 31)], pa.timestamp("ns")), ["2026-05-31"]),  # noqa: DTZ001
        (pa.array([dt.time(12, 30)], pa.time64("us")), None),
    ],
)
def test_columns_of_other_types(values: Any, texts: list[str | None] | None) -> None:
    given = with_column(values)
    assert len(given) == len(values)
    assert texts is None or given == texts


def test_a_frame_of_pandas_with_missing_numbers() -> None:
    frame = pd.DataFrame(ROWS, columns=NAMES)
    frame["dpd"] = [0, 1, 2, None, 4, 5, 6]
    frame["class5"] = frame["class5"].astype("category")
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    assert read(out.getvalue())["dpd"].to_list() == ["0", "1", "2", None, "4", "5", "6"]
    assert read(out.getvalue())["class5"][0] == "normal"


def test_row_groups_and_batches_of_any_size() -> None:
    many = loans(1000)
    data = parquet(table(many), row_group_size=70)
    frame = read(data, batch_rows=64)
    assert cells(frame) == many
    assert frame["_record"].to_list() == list(range(1, 1001))
    again = rows_at(io.BytesIO(data), "a", CONTRACT, np.array([1, 70, 71, 1000], dtype=np.uint32))
    assert again.equals(frame[[0, 69, 70, 999]])


def test_an_empty_row_is_a_row_here() -> None:
    content = pa.concat_tables(
        [table(ROWS[:1]), pa.table({name: pa.nulls(1, pa.string()) for name in NAMES})]
    )
    frame = read(parquet(content))
    assert frame.height == 2
    assert frame["loan_no"][1] is None


def test_no_rows_at_all() -> None:
    assert read(parquet(table([]).cast(table(ROWS).schema))).height == 0


def test_headers_are_judged_as_in_csv() -> None:
    assert refusal(parquet(table(ROWS).append_column("religion", pa.nulls(7)))).reason == "unknown_column"
    assert refusal(parquet(table(ROWS).drop_columns(["loan_no"]))).reason == "missing_column"
    assert refusal(parquet(table(ROWS).append_column("姓名", pa.nulls(7)))).reason == "doubled_column"
    assert refusal(parquet(pa.table({"a": [1]}))).reason == "no_header"
    noted = table(ROWS).append_column(CONTRACT.annotations[0], pa.nulls(7))
    assert cells(read(parquet(noted))) == ROWS


def test_nested_columns() -> None:
    nested = table(ROWS).set_column(NAMES.index("purpose"), "purpose", pa.array([["a"]] * 7))
    refused = refusal(parquet(nested))
    assert (refused.code, refused.reason, refused.facts["headers"]) == (
        "F0003",
        "nested_column",
        ("purpose",),
    )


def test_binary_that_is_no_text() -> None:
    broken = table(ROWS).set_column(NAMES.index("purpose"), "purpose", pa.array([b"\xff\xfe"] * 7))
    assert refusal(parquet(broken)).code == "F0004"


def test_a_dictionary_that_repeats_one_giant_value() -> None:
    content = table([ROWS[0]] * 5000).set_column(
        NAMES.index("purpose"), "purpose", pa.array(["x" * 200_000] * 5000).dictionary_encode()
    )
    data = parquet(content)
    assert len(data) < 1 << 20
    assert refusal(data).reason == "bomb"


def test_pages_that_unpack_to_far_more() -> None:
    content = table(ROWS).set_column(NAMES.index("purpose"), "purpose", pa.array(["x" * 10_000_000] * 7))
    data = parquet(content, use_dictionary=False, compression="zstd", write_statistics=False)
    assert len(data) < 1 << 20
    assert refusal(data).reason == "bomb"


@pytest.mark.parametrize("at", [0.1, 0.4, 0.7, 0.95])
def test_damage_anywhere_is_refused_or_read(at: float) -> None:
    good = parquet(table(loans(300)), write_page_checksum=True)
    for step in range(12):
        data = bytearray(good)
        place = int(len(good) * at) + 31 * step
        data[min(place, len(data) - 9)] ^= 0x5A
        try:
            read(bytes(data))
        except Exception:
            assert refusal(bytes(data)).code in ("F0003", "F0004")


def test_a_truncated_file() -> None:
    good = parquet(table(ROWS))
    assert refusal(good[:-100]).reason == "truncated"
    assert refusal(good[: len(good) // 2] + good[-8:]).code == "F0004"


def test_a_broken_disk_is_not_the_files_fault() -> None:
    class Broken(io.BytesIO):
        """Reads the schema at the end, fails on the rows before it."""

        def read(self, size: int | None = -1) -> bytes:
            if self.tell() == 4:
                raise OSError("disk")
            return super().read(size)

    data = parquet(table(loans(2000)))
    with pytest.raises(OSError, match="disk"), open_rows(Broken(data), "a", CONTRACT) as rows:
        list(rows)
