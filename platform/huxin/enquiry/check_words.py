"""What an operator says when asking: about whom, as of when, who asks and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

import orjson

from huxin.contract import label_code, load_contract
from huxin.decision import Asked
from huxin.enquiry.own_words import require_nobody
from huxin.enquiry.subject_keys import Person
from huxin.errors import HuxinError
from huxin.registry.replay import When
from huxin.settings import SHANGHAI, Settings

# An operator sees what an application would be answered.
PURPOSE_DECIDED: Final = "application"
# Codes and no free text: they stand in the log for ever.
REASONS: Final = {
    "routine": ("日常核对，未说明事由", "a routine check; no reason was given"),
    "inspection": ("监管检查", "an inspection by the authority"),
    "complaint": ("主体异议或投诉", "a subject's objection or complaint"),
    "support": ("会员咨询", "a member's request"),
    "quality": ("数据质量核查", "a check of the data's quality"),
}


@dataclass(frozen=True)
class Check:
    """Who is asked about, as it was typed, and what a member would have in mind; the amount in cents."""

    person: Person
    product: str | None = None
    amount: int | None = None

    def asked(self, purpose: str) -> Asked:
        """As the decision reads it. HuxinError H1512 for a product or an amount that it does not know."""
        return Asked(self.product, self.amount, purpose)

    def canonical(self) -> bytes:
        """The same bytes for the same question. Holds the identifier: digest it."""
        p = self.person
        return orjson.dumps([p.id_type, p.id_no, p.id_country, p.name, p.mobile, self.product, self.amount])


@dataclass(frozen=True)
class Account:
    """Who asks, why (a code of REASONS), and the number of the case.

    HuxinError H1207 when a person's number stands in it, H1221 for another reason.
    """

    staff: str
    reason: str = "routine"
    reference: str | None = None

    def __post_init__(self) -> None:
        require_nobody({"staff": self.staff, "reference": self.reference})
        if self.reason not in REASONS:
            raise HuxinError("H1221", allowed=", ".join(REASONS))


def typed(id_type: str, id_no: str, id_country: str | None, name: str | None, mobile: str | None) -> Person:
    """A person by any label of the identifier type. HuxinError H0803 when there is no such type."""
    types = load_contract().field("id_type")
    code = label_code(types, id_type)
    if code is None:
        raise HuxinError("H0803")
    return Person(types.label(code).name, id_no, id_country, name, mobile)


def as_of(text: str, settings: Settings) -> When:
    """A past moment, or a day's close of business. HuxinError H1218 (later than now), H1219 (neither)."""
    whole_day, now = len(text) == len("2026-05-31"), settings.now()
    try:
        moment = (
            datetime.combine(date.fromisoformat(text), time.max)
            if whole_day
            else datetime.fromisoformat(text)
        )
    except ValueError:
        raise HuxinError("H1219") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)
    day = moment.astimezone(SHANGHAI).date()
    # Today's close of business is still to come: what is known by now is what there is of it.
    if moment > now and not (whole_day and day == settings.today()):
        raise HuxinError("H1218", now=now.astimezone(SHANGHAI).isoformat(timespec="seconds"))
    return When(moment, min(moment, now), day)
