"""Which act of a submission is proved, and its receipt: entering the registry, and being taken back, are two leaves."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from huxin.api.submission_answers import state_name
from huxin.contract import State
from huxin.errors import HuxinError
from huxin.registry import audit_log
from huxin.registry.audit_tree import Rows
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


def receipt_of(rows: Rows, item: Submission, act: Act | None) -> dict[str, Any]:
    """The receipt of an act of a member's submission, of its last one where none is named.

    HuxinError H1410 (never in the registry), H1302 (not in the log; with `retry_s` where it is only not numbered yet).
    """
    last = _LAST.get(item.state)
    if last is None:
        raise HuxinError("H1410", state=state_name(item.state))
    wanted = act or last
    found = _leaf(rows, item, wanted)
    if found is None:
        raise audit_log.not_in_the_log(own=_awaited(rows, item, wanted))
    return found


def _awaited(rows: Rows, item: Submission, act: Act) -> bool:
    """Whether the act was done. One that was taken back before it was loaded has no leaf, and never will have."""
    if item.state == State.PUBLISHED:
        return act == "published"
    return act == "withdrawn" and _leaf(rows, item, "published") is not None


def _leaf(rows: Rows, item: Submission, act: Act) -> dict[str, Any] | None:
    return audit_log.inclusion(rows, item.id, member_id=item.member_id, topic=f"submission.{act}")
