"""Why a data file cannot be read at all: one exception, reasons in both languages, a guard for parsers."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

REASONS: dict[str, tuple[str, str, str]] = {
    "unknown_column": ("F0003", "有报送规范以外的列", "there are columns that the contract does not know"),
    "doubled_column": ("F0003", "同一列出现两次", "a column stands twice"),
    "missing_column": ("F0003", "缺少必需的列", "required columns are missing"),
    "too_many_columns": ("F0003", "列数过多", "there are far too many columns"),
    "nested_column": ("F0003", "列中含有嵌套结构", "a column holds nested values"),
    "empty": ("F0004", "文件为空", "the file is empty"),
    "no_header": ("F0004", "找不到表头", "no header row was found"),
    "truncated": ("F0004", "文件不完整（被截断）", "the file ends too early (truncated)"),
    "corrupt": ("F0004", "文件已损坏", "the file is damaged"),
    "bomb": ("F0004", "解压后过大", "the file unpacks to far more than a data file holds"),
    "encrypted": ("F0004", "文件已加密，请去除密码后重新报送", "the file is encrypted: remove the password"),
    "old_xls": (
        "F0004",
        "旧版 .xls 文件，请另存为 .xlsx 或 CSV",
        "an old .xls file: save it as .xlsx or CSV",
    ),
    "zip": ("F0004", "压缩包不是 XLSX，请直接报送其中的文件", "a zip but no XLSX: send the file inside it"),
    "utf16": ("F0004", "UTF-16 编码，请另存为 UTF-8", "UTF-16 text: save it as UTF-8"),
    "nul": ("F0004", "含有 NUL 字节，不是文本文件", "it holds NUL bytes and is not text"),
    "encoding": ("F0004", "既不是 UTF-8 也不是 GB18030", "neither UTF-8 nor GB18030"),
    "mixed_encodings": ("F0004", "UTF-8 与 GB18030 混杂", "UTF-8 and GB18030 are mixed"),
    "long_line": ("F0004", "有一行超过 1 MB", "a line is over 1 MB"),
    "unclosed_quote": ("F0004", "引号没有闭合", "a quote is opened and never closed"),
    "sparse_sheet": (
        "F0004",
        "工作表边界过大，请删除数据区以外的行列",
        "the sheet reaches far beyond its data: delete the rows and columns outside it",
    ),
}
"""Reason key to (code, Chinese, English). Chosen by key, so a parser's own message never travels."""


class FileRefused(Exception):  # noqa: N818 - the name says what happened to the file
    """A file refused whole. `code` is F0003 or F0004.

    `facts`: reason (key of REASONS), zh, en, and where known line (1-based), headers (texts of header cells,
    cleaned), unknown, doubled, missing (the same, by fault), columns (a count). Never a cell's value.
    """

    def __init__(self, reason: str, **facts: object) -> None:
        self.code, zh, en = REASONS[reason]
        self.facts: dict[str, object] = {"reason": reason, "zh": zh, "en": en, **facts}
        super().__init__(f"{self.code} {reason}")

    @property
    def reason(self) -> str:
        return str(self.facts["reason"])

    def shifted(self, lines: int) -> FileRefused:
        """This refusal with its line number moved down by `lines` (it was counted from a block's start)."""
        line = self.facts.get("line")
        if isinstance(line, int):
            self.facts["line"] = line + lines
        return self


_NOT_THE_FILE = (FileRefused, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError)


def guarded(reason: str, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """The result of `call`; whatever a parser throws, Rust panics included, ends as FileRefused(`reason`).

    Raised after the handler has ended, so that not even `__context__` keeps the parser's message,
    which may quote cells.
    """
    try:
        return call(*args, **kwargs)
    except _NOT_THE_FILE:
        raise
    except BaseException:  # noqa: S110 - pyo3's PanicException is no Exception
        pass
    raise FileRefused(reason)
