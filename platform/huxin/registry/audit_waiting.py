"""Whether an act is done that the log does not hold yet: who asks for its receipt has to come again."""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from huxin.registry.live import Live
from huxin.registry.statement import BOOL, ID, INT4, TEXT, calling

_WAITS: Final = calling("act_waits", (INT4, TEXT, ID, TEXT), (("waits", BOOL),))


def act_waits(
    live: Live, member_id: int, kind: Literal["reservation", "submission"], id_: UUID, act: str | None
) -> bool:
    """Whether that act of a member's own, any where none is named, is done and not numbered yet.

    Asked before the log is: what is numbered in between is found there.
    """
    found = live.call(_WAITS, (member_id, kind, id_, None if act is None else f"{kind}.{act}"))
    return found is not None and bool(found[0])
