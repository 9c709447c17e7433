"""Mended rows on their way back: which day a file of them speaks of, as the export itself does not say it."""

from __future__ import annotations

from datetime import date

from huxin.nightly import spool
from huxin.nightly.spool import Spool
from huxin.registry.members import Member
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, with_rejected_rows
from huxin.settings import Settings
from huxin_checks.totals import Seen

_MOST = 60  # so many of the member's submissions are looked through, newest first


def day_of_mended(settings: Settings, member: Member, seen: Seen) -> date:
    """The as-of date that mended rows were first sent for.

    The day that most of the overdue rows speak of, where the member has such a submission; otherwise the newest
    one of whose rejected rows most are here; otherwise the member's newest day.
    """
    with connection(settings) as database:
        sent = with_rejected_rows(database, member.id, _MOST)
    days = {item.as_of_date for item in sent}
    told = next((day for day, _ in seen.days.most_common() if day in days), None)
    if told is not None:
        return told
    vault = Spool(settings)
    best = max(sent, key=lambda item: len(_loan_nos(vault, item) & seen.loan_nos), default=None)
    if best is not None and best.as_of_date is not None and _loan_nos(vault, best) & seen.loan_nos:
        return best.as_of_date
    return member.as_of_date or settings.today()


def _loan_nos(vault: Spool, item: Submission) -> set[str]:
    """The loan numbers of a submission's rejected rows, as long as they are held."""
    frames = [frame for stage in spool.HELD for frame in vault.read_frames(item.id, stage)]
    return {text.strip() for frame in frames for text in frame["loan_no"].drop_nulls()}
