"""What waits for an operator, most pressing first: late members, refused files, files that wait, alarms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from huxin.contract import State
from huxin.oversight.reporting import LOOKED_BACK, Late, late_members
from huxin.oversight.reporting_policy import ReportingPolicy
from huxin.registry.alarms import Alarm, list_alarms
from huxin.registry.submission_lists import Listed, Sought, list_submissions, made_good, waiting_submissions

if TYPE_CHECKING:
    from sqlalchemy import Connection

SHOWN: Final = 200  # of each kind; more than these are not looked at one by one


@dataclass(frozen=True)
class Todo:
    """Lists of at most SHOWN; of a refused file only those that nothing better has replaced since."""

    late: list[Late]
    refused: list[Listed]
    waiting: list[Listed]
    alarms: list[Alarm]

    @property
    def count(self) -> int:
        return len(self.late) + len(self.refused) + len(self.waiting) + len(self.alarms)


def todo(database: Connection, policy: ReportingPolicy, now: datetime) -> Todo:
    """Everything that waits as of now; refused files of the last week."""
    return Todo(
        late_members(database, policy, now)[:SHOWN],
        open_refusals(database, now),
        waiting_submissions(database, SHOWN),
        list_alarms(database, "going_on", None, None, SHOWN),
    )


def open_refusals(database: Connection, now: datetime) -> list[Listed]:
    """Refused submissions of the last week that no published one of the same member and day has followed."""
    sought = Sought(state=State.REFUSED, since=now - timedelta(days=LOOKED_BACK))
    refused = list_submissions(database, sought, None, SHOWN)
    good = made_good(database, refused)
    return [each for each in refused if each.id not in good]
