"""Lists that people keep in spreadsheets, read as CSV, and files for people, written whole or not at all."""

from __future__ import annotations

import codecs
import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from huxin.errors import HuxinError
from huxin_privacy.files import open_private, temporary_beside

_BLOCK = 1 << 20


@contextmanager
def rows_of(file: Path) -> Iterator[csv.DictReader[str]]:
    """The rows of a CSV file by its headers; UTF-8, or the GB18030 that a Chinese Excel writes.

    HuxinError H0601 (no such file), H0706 (neither, or no CSV), whenever it turns out while the rows are read.
    """
    if not file.is_file():
        raise HuxinError("H0601", file=file.name)
    try:
        with file.open(encoding=_encoding(file), newline="") as source:
            yield csv.DictReader(source)
    except (UnicodeDecodeError, csv.Error):
        raise HuxinError("H0706", file=file.name) from None


def _encoding(file: Path) -> str:
    """By the whole file: a name may be the first thing in it that is not ASCII."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with file.open("rb") as source:
            while block := source.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8-sig"


@contextmanager
def written(out: Path) -> Iterator[BinaryIO]:
    """A file to be written (0600): at `out` when the block ends well, and nothing of it otherwise.

    What is no plain file (a terminal, a pipe) is written to directly. HuxinError H0707 when it cannot be written.
    """
    temporary = temporary_beside(out)
    try:
        if out.exists() and not out.is_file():
            with out.open("wb") as target:
                yield target
            return
        with os.fdopen(open_private(temporary), "wb") as target:
            yield target
        temporary.replace(out)
    except OSError as error:
        raise HuxinError("H0707", file=out.name, reason=error.strerror or type(error).__name__) from None
    finally:
        _forget(temporary)


def _forget(temporary: Path) -> None:
    """Without the file, and where its folder is none, there is nothing to forget."""
    try:
        temporary.unlink(missing_ok=True)
    except OSError:
        return
