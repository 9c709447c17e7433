"""Reading: a member's CSV, XLSX or Parquet to RAW frames, streaming, with bounded memory."""

from huxin_checks.read.frames import raw_schema
from huxin_checks.read.layout import Layout
from huxin_checks.read.reader import BATCH_ROWS, RowReader, open_rows, picked_at, rows_at
from huxin_checks.read.refused import FileRefused
from huxin_checks.read.short_files import Picked, Short, Together, picked_together, together

__all__ = [
    "BATCH_ROWS",
    "FileRefused",
    "Layout",
    "Picked",
    "RowReader",
    "Short",
    "Together",
    "open_rows",
    "picked_at",
    "picked_together",
    "raw_schema",
    "rows_at",
    "together",
]
