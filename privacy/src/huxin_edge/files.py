"""A member's data file and what lies beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from huxin_privacy.errors import PrivacyError

MANIFEST: Final = ".manifest.json"
SEALED: Final = ".sealed"
_MOST: Final = 64 * 1024 + 1


def manifest_path(file: Path) -> Path:
    """Where a file's manifest lies: beside it, its name behind the file's."""
    return file.with_name(file.name + MANIFEST)


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """The file to be read. PrivacyError P0183 when it is not there, no file, or not readable."""
    try:
        source = file.open("rb")
    except OSError:
        raise PrivacyError("P0183", file=file.name) from None
    with source:
        yield source


def manifest_bytes(file: Path, given: Path | None = None) -> bytes | None:
    """The bytes of the manifest beside a file (or of the one given); None where there is none beside it."""
    place = given or manifest_path(file)
    if given is None and not place.exists():
        return None
    with opened(place) as source:
        return source.read(_MOST)
