"""What no data can bring about: a registry that is away, a used-up quota, an answer that is late or lost.

Only the sandbox's desk knows these; the desk that answers real questions has no branch on anybody's identifier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import sleep
from types import MappingProxyType
from typing import Any

import orjson

from huxin.decision import Coverage
from huxin.enquiry.desk import Desk
from huxin.enquiry.questions import Told
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.errors import HuxinError
from huxin.registry.policies import policy_on

MINUTE_S = 60
Answer = Callable[[], Told]


@dataclass(frozen=True)
class Asked:
    """One request; `answer` answers it as if nothing were peculiar about it."""

    desk: Desk
    asker: Asker
    request: EnquiryRequest
    key: str
    answer: Answer


def refuse(asked: Asked, *, code: str, facts: Mapping[str, Any]) -> Told:
    """The problem of that code, however often one asks."""
    raise HuxinError(code, **facts)


def answer_lost(asked: Asked, *, code: str, facts: Mapping[str, Any]) -> Told:
    """Answered and recorded, but not told: the same request with the same key then gets the answer."""
    told = asked.answer()
    if told.fresh:
        raise HuxinError(code, **facts)
    return told


def quota(asked: Asked) -> Told:
    """As when the minute's quota of the purpose is used up."""
    settings = asked.desk.settings
    limit = policy_on(settings, settings.today()).quota("full", asked.request.purpose).per_minute
    raise HuxinError("H1123", purpose=asked.request.purpose, limit=limit, window_s=MINUTE_S, retry_s=MINUTE_S)


def wait(asked: Asked, *, seconds: int) -> Told:
    """Answered late."""
    sleep(seconds)
    return asked.answer()


ACTS: Mapping[str, Callable[..., Told]] = MappingProxyType(
    {"refuse": refuse, "answer_lost": answer_lost, "quota": quota, "wait": wait}
)


def disputed(facts: bytes, entries: int) -> bytes:
    """The registry's facts with so many disputes under way."""
    return orjson.dumps(orjson.loads(facts) | {"disputes": entries})


def partial(seen: Coverage, *, members: int, reported: int) -> Coverage:
    """A coverage of so many members that have reported."""
    return replace(seen, members=members, reported=reported)
