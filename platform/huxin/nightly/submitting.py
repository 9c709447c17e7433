"""One file sent by hand: its manifest is given, lies beside it, or is computed from its rows."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

from huxin.contract import State
from huxin.errors import HuxinError
from huxin.nightly.inbox import Arrival, shown
from huxin.nightly.members_copy import follow_members
from huxin.nightly.mended import day_of_mended
from huxin.nightly.pipeline import run_group
from huxin.nightly.receive import Received, receive
from huxin.nightly.timings import Timings
from huxin.registry.members import Member, find_member
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, find, next_sequence, with_content
from huxin.settings import Settings
from huxin_checks.manifest import MODES, SUFFIX, Manifest, manifest_json
from huxin_checks.read import FileRefused
from huxin_checks.totals import Seen, look_through


@dataclass(frozen=True)
class Wish:
    """What the sender says of a file whose manifest is computed; None stands for the sensible value."""

    as_of: date | None = None
    mode: str | None = None
    sequence: int | None = None


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
    """The manifest that fits a file. HuxinError H0608 with the check's code when it cannot be read.

    A file with the columns of our findings export holds mended rows: unless said otherwise it is a correction
    of the day that they were sent for. Any other file is the member's whole book of today.
    """
    seen = _seen(file)
    as_of = wish.as_of or (day_of_mended(settings, member, seen) if seen.mended else settings.today())
    mode = wish.mode or ("correction" if seen.mended else "full")
    with file.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256")
    with connection(settings) as database:
        earlier = with_content(database, member.id, digest.digest())
        free = next_sequence(database, member.id, as_of)
    before = [item for item in earlier if item.as_of_date == as_of and item.mode == MODES[mode]]
    return Manifest(
        contract="loan/v1",
        member=member.code,
        as_of_date=as_of,
        sequence=wish.sequence or _sequence(before, free),
        mode=mode,
        record_count=seen.rows,
        sum_principal=seen.principal,
        sum_balance=seen.balance,
        sha256=digest.hexdigest(),
    )


def _sequence(before: list[Submission], free: int) -> int:
    """That of the same file sent before, so that the same command goes on or shows its outcome.

    Otherwise the first free one; not that of the same file withdrawn, which would be the same submission.
    """
    standing = [item.sequence for item in before if item.state not in (State.REFUSED, State.WITHDRAWN)]
    if standing and standing[-1]:
        return standing[-1]
    withdrawn = {item.sequence for item in before if item.state == State.WITHDRAWN}
    return next(number for number in count(free) if number not in withdrawn)


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
