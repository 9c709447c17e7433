"""Which act of a submission is proved, and its receipt: entering the registry, and being taken back, are two leaves."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from huxin.api.submission_answers import state_name
from huxin.contract import State
from huxin.errors import HuxinError
from huxin.registry import audit_log
from huxin.registry.audit_waiting import act_waits
from huxin.registry.live import Live
from huxin.registry.submissions import Submission

Act = Literal["published", "withdrawn"]
_LAST: dict[State, Act] = {State.PUBLISHED: "published", State.WITHDRAWN: "withdrawn"}


class Proving(BaseModel):
    """Which act of a submission is to be proved."""

    model_config = ConfigDict(extra="forbid")
    act: Act | None = Field(
        default=None,
        description="which of its acts, the last where it is left out · 哪一次变动，默认最近一次",
    )


def receipt_of(live: Live, item: Submission, act: Act | None) -> dict[str, Any]:
    """The receipt of an act of a member's submission, of its last one where none is named.

    HuxinError H1410 (never in the registry), H1302 (not in the log; with `retry_s` where it is only not numbered yet).
    """
    last = _LAST.get(item.state)
    if last is None:
        raise HuxinError("H1410", state=state_name(item.state))
    wanted, member_id = act or last, item.member_id
    waits = member_id is not None and act_waits(live, member_id, "submission", item.id, wanted)
    topic = f"submission.{wanted}"
    found = None if waits else audit_log.inclusion(live, item.id, member_id=member_id, topic=topic)
    if found is None:
        # What was taken back before it was loaded has no leaf, and never will have.
        raise audit_log.not_in_the_log(own=waits)
    return found
