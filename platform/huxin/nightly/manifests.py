"""The manifest that fits a file, worked out of one look through it, and of what its sender says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import count

from huxin.contract import State
from huxin.nightly.mended import day_of_mended
from huxin.registry.members import Member
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, next_sequence, with_content
from huxin.settings import Settings
from huxin_checks.manifest import MODES, Manifest
from huxin_checks.totals import Seen


@dataclass(frozen=True)
class Wish:
    """What the sender says of a file whose manifest is computed; None stands for the sensible value."""

    as_of: date | None = None
    mode: str | None = None
    sequence: int | None = None


def manifest_of(settings: Settings, member: Member, seen: Seen, digest: bytes, wish: Wish) -> Manifest:
    """The manifest of a file of that SHA-256.

    A file with the columns of our findings export holds mended rows: unless said otherwise it is a correction
    of the day that they were sent for. Any other file is the member's whole book of today.
    """
    as_of = wish.as_of or (day_of_mended(settings, member, seen) if seen.mended else settings.today())
    mode = wish.mode or ("correction" if seen.mended else "full")
    bare = Manifest(
        contract="loan/v1",
        member=member.code,
        as_of_date=as_of,
        sequence=0,
        mode=mode,
        record_count=seen.rows,
        sum_principal=seen.principal,
        sum_balance=seen.balance,
        sha256=digest.hex(),
    )
    return numbered(settings, member, bare, wish.sequence)


def numbered(settings: Settings, member: Member, manifest: Manifest, sequence: int | None = None) -> Manifest:
    """The manifest with the sequence that was wished, or the one that its file takes on its day."""
    with connection(settings) as database:
        earlier = with_content(database, member.id, bytes.fromhex(manifest.sha256))
        free = next_sequence(database, member.id, manifest.as_of_date)
    mode = MODES[manifest.mode]
    before = [item for item in earlier if item.as_of_date == manifest.as_of_date and item.mode == mode]
    return replace(manifest, sequence=sequence or _sequence(before, free))


def _sequence(before: list[Submission], free: int) -> int:
    """That of the same file sent before, so that the same command goes on or shows its outcome.

    Otherwise the first free one; not that of the same file withdrawn, which would be the same submission.
    """
    standing = [item.sequence for item in before if item.state not in (State.REFUSED, State.WITHDRAWN)]
    if standing and standing[-1]:
        return standing[-1]
    withdrawn = {item.sequence for item in before if item.state == State.WITHDRAWN}
    return next(number for number in count(free) if number not in withdrawn)
