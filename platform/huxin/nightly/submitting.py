"""One file sent by hand: its manifest is given, lies beside it, or is computed from its rows."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from huxin.errors import HuxinError
from huxin.nightly.inbox import Arrival, shown
from huxin.nightly.manifests import Wish, manifest_of
from huxin.nightly.members_copy import follow_members
from huxin.nightly.pipeline import run_group
from huxin.nightly.receive import Received, receive
from huxin.nightly.timings import Timings
from huxin.registry.members import Member, find_member
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, find
from huxin.settings import Settings
from huxin_checks.manifest import SUFFIX, Manifest, manifest_json
from huxin_checks.read import FileRefused
from huxin_checks.totals import Seen, look_through

__all__ = ["Wish", "computed_manifest", "submit"]


def submit(
    settings: Settings, file: Path, member: str, manifest: Path | None = None, computed: Wish | None = None
) -> tuple[Submission, bool]:
    """Sends one file as `member` and works it through; returns the submission and whether it is new.

    HuxinError H0601 (no file), H0608 (totals cannot be computed), H0610 (no manifest), H0701 (no member).
    """
    if not file.is_file():
        raise HuxinError("H0601", file=shown(str(file)))
    follow_members(settings)
    if computed is not None:
        return _with_computed(settings, file, member, computed)
    beside = manifest or file.with_name(file.name + SUFFIX)
    if not beside.is_file():
        raise HuxinError("H0610", file=shown(file.name))
    return _send(settings, Arrival(shown(member), shown(file.name), file, beside))


def _with_computed(settings: Settings, file: Path, code: str, wish: Wish) -> tuple[Submission, bool]:
    with connection(settings) as database:
        member = find_member(database, code)
    if member is None:
        raise HuxinError("H0701", code=shown(code))
    told = computed_manifest(settings, file, member, wish)
    with tempfile.TemporaryDirectory(prefix="huxin-") as folder:
        manifest = Path(folder) / "manifest.json"
        manifest.write_bytes(manifest_json(told))
        return _send(settings, Arrival(code, shown(file.name), file, manifest))


def computed_manifest(settings: Settings, file: Path, member: Member, wish: Wish) -> Manifest:
    """The manifest that fits a file (`manifest_of`). HuxinError H0608 with the check's code when it cannot be read."""
    seen = _seen(file)
    with file.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").digest()
    return manifest_of(settings, member, seen, digest, wish)


def _seen(file: Path) -> Seen:
    try:
        with file.open("rb") as source:
            return look_through(source, file.name)
    except FileRefused as refused:
        raise HuxinError("H0608", code=refused.code) from None


def _send(settings: Settings, arrival: Arrival) -> tuple[Submission, bool]:
    received: Received = receive(settings, [arrival])[0]
    run_group(settings, [received.submission.id], Timings())
    with connection(settings) as database:
        after = find(database, received.submission.id)
    assert after is not None
    return after, received.fresh
