"""What a member asks for after the night: confirm what waits, take back what was published, try again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from huxin import faults
from huxin.contract import State
from huxin.errors import HuxinError
from huxin.nightly import spool
from huxin.nightly.admission import admit
from huxin.nightly.late_checks import tried_again
from huxin.nightly.pipeline import run_group
from huxin.nightly.restoring import begun_anew
from huxin.nightly.spool import Spool
from huxin.nightly.timings import Timings
from huxin.nightly.wishes import allow, found, withdraw
from huxin.registry.alone import alone
from huxin.registry.members import UNKNOWN, find_member
from huxin.registry.session import connection
from huxin.registry.submissions import UNFINISHED, Submission, adopt, change
from huxin.settings import Settings
from huxin_checks.admission import Refusal
from huxin_checks.manifest import MODES, Manifest

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["again", "confirm", "withdraw"]


def confirm(settings: Settings, submission_id: UUID) -> Submission:
    """Publishes a submission that waits although many loans vanished. HuxinError H0602, H0603."""
    item = allow(settings, submission_id)
    run_group(settings, [item.id], Timings())
    return found(settings, submission_id)


def again(settings: Settings, submission_id: UUID) -> Submission:
    """Tries a refused submission once more, as it was sent. HuxinError H0602, H0606, H0607 (no longer held)."""
    with alone(settings, [submission_id]):
        item = found(settings, submission_id)
        interrupted = item.attempt > 1 and item.state in UNFINISHED
        if not interrupted:
            _begin_again(settings, item)
    run_group(settings, [item.id], Timings())  # one that is refused still is left alone
    return found(settings, submission_id)


def _begin_again(settings: Settings, item: Submission) -> None:
    """Sets a refused submission back to where its work begins, unless the same refusal stands against it."""
    if item.state != State.REFUSED:
        raise HuxinError("H0606", state=item.state.name.lower())
    checked = "held" in item.facts  # its rows were good, its turn was not
    if not checked and not Spool(settings).holds(item.id, spool.SOURCE):
        raise HuxinError("H0607")
    if _admitted(settings, item) is not None:
        return
    fresh = tried_again(item, settings) if checked else begun_anew(item, settings)
    with connection(settings) as database:
        member_id = _sender(database, item)
        if member_id != item.member_id:
            adopt(database, item, member_id)
        change(database, [replace(fresh, member_id=member_id)])
    faults.reach("again.recorded")


def _sender(database: Connection, item: Submission) -> int:
    """The member that sent it, who may have been unknown at the time."""
    member = find_member(database, item.sender)
    return member.id if member and item.member_id == UNKNOWN else item.member_id


def _admitted(settings: Settings, item: Submission) -> Refusal | None:
    """What still stands against a file before any row is read; F0010, F0011 and F0001 are for good."""
    if item.as_of_date is None or item.facts.get("code") in ("F0010", "F0011", "F0001"):
        return Refusal(str(item.facts["code"]), str(item.facts["reason"]))
    with connection(settings) as database:
        member = find_member(database, item.sender)
    names = {number: name for name, number in MODES.items()}
    told = Manifest(
        contract=item.contract or "",
        member=item.sender if item.facts.get("reason") != "sender" else "",
        as_of_date=item.as_of_date,
        sequence=item.sequence or 0,
        mode=names[item.mode or 1],
        record_count=item.record_count or 0,
        sum_principal=0,
        sum_balance=0,
        sha256=item.data_digest.hex(),
    )
    return admit(told, item.sender, member, item.data_digest.hex(), settings.today())
