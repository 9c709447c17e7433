"""Reading: a member's CSV, XLSX or Parquet to RAW frames, streaming, with bounded memory."""

from huxin_checks.read.frames import raw_schema
from huxin_checks.read.layout import Layout
from huxin_checks.read.reader import BATCH_ROWS, RowReader, open_rows, rows_at
from huxin_checks.read.refused import FileRefused

__all__ = ["BATCH_ROWS", "FileRefused", "Layout", "RowReader", "open_rows", "raw_schema", "rows_at"]
