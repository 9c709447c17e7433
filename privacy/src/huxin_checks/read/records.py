"""Records of CSV text cell by cell, exactly: the slow way for the header and for quotes in odd places."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Records:
    """`rows` of cells, the line break count before each record (`lines`), and how much text they took."""

    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    used: int = 0
    newlines: int = 0


def split_records(text: str, delimiter: str, *, final: bool, limit: int | None = None) -> Records:
    """All whole records of `text` (at most `limit`), which begins at a record.

    A quote opens a cell only as its first character, a doubled quote inside stands for one, what follows
    the closing quote belongs to the cell, any other quote is a character. One CR at a cell's end is
    dropped (polars does so everywhere, not only at a line's end). A record without its end
    (an open quote, or no line break unless `final`) is left over.
    """
    found = Records()
    while found.used < len(text) and (limit is None or len(found.rows) < limit):
        end = text.find("\n", found.used)
        if end < 0:
            if not final:
                break
            end = len(text)
        if text.find('"', found.used, end) < 0:
            cells, after = _plain(text[found.used : end], delimiter), end + 1
        else:
            whole = _quoted(text, found.used, end, delimiter)
            if whole is None:
                break
            cells, after = whole
        found.rows.append(cells)
        found.lines.append(found.newlines)
        found.newlines += text.count("\n", found.used, after)
        found.used = min(after, len(text))
    return found


def _plain(line: str, delimiter: str) -> list[str]:
    cells = line.split(delimiter)
    return [cell.removesuffix("\r") for cell in cells] if "\r" in line else cells


def _quoted(text: str, at: int, end: int, delimiter: str) -> tuple[list[str], int] | None:
    """The cells of the record at `at`, whose first line ends at `end`, and where the next begins."""
    cells: list[str] = []
    while True:
        inside = ""
        if text.startswith('"', at):
            closing = _closing_quote(text, at + 1)
            if closing < 0:
                return None
            inside, at = text[at + 1 : closing].replace('""', '"'), closing + 1
            if at > end:
                end = text.find("\n", at)
                end = len(text) if end < 0 else end
        stop = text.find(delimiter, at, end)
        if stop < 0:
            cells.append(inside + text[at:end].removesuffix("\r"))
            return cells, end + 1
        cells.append(inside + text[at:stop].removesuffix("\r"))
        at = stop + 1


def _closing_quote(text: str, at: int) -> int:
    while (quote := text.find('"', at)) >= 0 and text.startswith('"', quote + 1):
        at = quote + 2
    return quote
