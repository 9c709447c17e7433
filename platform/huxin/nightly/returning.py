"""Rejected rows back to their member: a file in its own inbox folder, under `returned`, and nowhere else."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from huxin import faults
from huxin.nightly.report import findings_csv, rejected_rows, told_findings
from huxin.registry.submissions import Submission
from huxin.settings import Settings

log = logging.getLogger(__name__)

FOLDER = "returned"
_LONGEST = 200  # bytes of the member's own file name; with what we add it stays below 255
_THEIR_DOING = (errno.ELOOP, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EISDIR)


def return_rejected(settings: Settings, inbox: Path, items: Sequence[Submission]) -> list[Path]:
    """Writes `<inbox>/<member>/returned/<file>.findings.csv` for each submission with rejected rows, once.

    The file holds the member's own rows, so it goes nowhere but to the sender's own folder: where the member has put
    a link or a file in the way, its rows stay and the others' are returned.
    """
    written = []
    for item in items:
        place = inbox / item.sender / FOLDER / f"{_cut(item.file)}.{item.id}.csv"
        if not item.rejected or place.exists() or not (inbox / item.sender).is_dir():
            continue
        rows = rejected_rows(settings, item, told_findings(settings, item))
        if rows.height and _returned(place, findings_csv(rows)):
            written.append(place)
    return written


def _cut(name: str) -> str:
    return name.encode()[:_LONGEST].decode(errors="ignore")


def _returned(place: Path, text: str) -> bool:
    """Whether the file could be written, which is the member's own doing when its folder is none."""
    try:
        with _folder(place.parent.parent) as sender, _folder(place.parent.name, sender) as returned:
            _write(place.name, text, returned)
    except OSError as error:
        if error.errno not in _THEIR_DOING:
            raise
        log.warning("rejected rows were not returned: %s", errno.errorcode.get(error.errno, "?"))
        return False
    return True


@contextmanager
def _folder(name: Path | str, within: int | None = None) -> Iterator[int]:
    """A descriptor of a folder that is no link; below another it is made when there is none."""
    if within is not None:
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=within)
    opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=within)
    try:
        yield opened
    finally:
        os.close(opened)


def _write(name: str, text: str, folder: int) -> None:
    partial = f"{name}.part"
    with suppress(FileNotFoundError):
        os.unlink(partial, dir_fd=folder)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as target:
        target.write(text)
    faults.reach("report.rendered")
    os.replace(partial, name, src_dir_fd=folder, dst_dir_fd=folder)
