"""The landing place: `<inbox>/<member code>/<file>` with `<file>.manifest.json` written last."""

from __future__ import annotations

import logging
import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from huxin.nightly.masking import masked
from huxin_checks.manifest import SUFFIX

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arrival:
    """A data file and its manifest as they lie in a member's folder; `file` is the name fit for display."""

    sender: str
    file: str
    data: Path
    manifest: Path


def arrivals(inbox: Path) -> list[Arrival]:
    """The complete submissions below an inbox, by sender and name. A link is not followed."""
    found = [arrival for folder in _folders(inbox) for arrival in _in_folder(folder)]
    return sorted(found, key=lambda item: (item.sender, item.file))


def waiting(inbox: Path) -> list[tuple[str, str]]:
    """(sender, file) of data files whose manifest has not come yet."""
    return sorted(
        (shown(folder.name), shown(entry.name))
        for folder in _folders(inbox)
        for entry in _files(folder)
        if not entry.name.endswith(SUFFIX) and not (folder / (entry.name + SUFFIX)).exists()
    )


def open_regular(path: Path) -> int:
    """A descriptor of a plain file. Raises OSError for a link, a folder or a device (each would lead elsewhere)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("not a plain file")
    return descriptor


def shown(name: str) -> str:
    """A file name fit for logs and tables: no control, format or line-breaking character, at most 200 characters.

    A name is kept in clear for years, so a number in it that may be a person's is masked.
    """
    plain = name.encode("utf-8", "replace").decode("utf-8")
    # Masked before it is cut: a number without its last digits would not be known for one.
    return masked("".join("�" if _acts(char) else char for char in plain))[:200]


def _acts(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] == "C" or category in ("Zl", "Zp")


def _folders(inbox: Path) -> Iterator[Path]:
    for entry in sorted(os.scandir(inbox), key=lambda item: item.name):
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield Path(entry.path)


def _files(folder: Path) -> list[os.DirEntry[str]]:
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError:  # one member's folder that cannot be read holds no other
        log.warning("the folder %s cannot be read and was left alone", shown(folder.name))
        return []
    return [entry for entry in entries if not entry.is_dir(follow_symlinks=False)]


def _in_folder(folder: Path) -> Iterator[Arrival]:
    for entry in _files(folder):
        if entry.name.endswith(SUFFIX):
            data = folder / entry.name.removesuffix(SUFFIX)
            yield Arrival(shown(folder.name), shown(data.name), data, Path(entry.path))
