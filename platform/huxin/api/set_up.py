"""What is wrong with a caller's set-up, judged from the facts that /v1/whoami tells."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel

from huxin.api.assertions import LEEWAY_S, LONGEST_S
from huxin.paths import schema_root

if TYPE_CHECKING:
    from huxin.api.whoami import WhoAmI

SKEW_S = 5
KEY_DAYS = 365
UNUSED_DAYS = 14
# Nightly files: what is older than the day before yesterday has missed a night.
REPORT_DAYS = 2


class Finding(BaseModel):
    """`name` is for programs, `text` for people."""

    name: str
    text: str


def findings(said: WhoAmI, language: str) -> list[Finding]:
    """In the order in which they hurt."""
    found = [*_standing(said), *_clock(said), *_keys(said), *_reports(said)]
    return [Finding(name=name, text=_texts()[name][language].format(**facts)) for name, facts in found]


Found = Iterator[tuple[str, dict[str, Any]]]


def _standing(said: WhoAmI) -> Found:
    if said.member and said.member.status != "active":
        yield "suspended", {}
    if not said.scopes:
        yield "no_scopes", {}


def _clock(said: WhoAmI) -> Found:
    skew = said.clock.skew_seconds
    if skew is None:
        yield "clock_unknown", {}
    elif abs(skew) > SKEW_S:
        yield "clock", {"seconds": skew, "leeway": LEEWAY_S, "longest": LONGEST_S + LEEWAY_S}


def _keys(said: WhoAmI) -> Found:
    for key in said.keys:
        if key.in_use and key.age_days > KEY_DAYS:
            yield "key_old", {"days": key.age_days}
        if key.last_used_at is None and key.age_days > UNUSED_DAYS:
            yield "key_unused", {"key": key.id, "days": key.age_days}


def _reports(said: WhoAmI) -> Found:
    if said.reports is None:
        return
    if said.reports.as_of_date is None or said.reports.age_days is None:
        yield "never_reported", {}
    elif said.reports.age_days > REPORT_DAYS:
        yield "report_old", {"as_of": said.reports.as_of_date.isoformat(), "days": said.reports.age_days}
    if said.reports.last_state == "refused":
        yield "report_refused", {}
    elif said.reports.last_state == "awaiting_confirmation":
        yield "report_waits", {}


@lru_cache(maxsize=1)
def _texts() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = yaml.safe_load(
        (schema_root() / "api" / "whoami.yaml").read_text(encoding="utf-8")
    )
    return loaded
