"""From what is known of a subject to the answer that is to be recorded, in stages.

Several questions go through one stage after another: what a stage needs of program and tables is in the processor's
caches then from the second question on. For one question alone half of the time goes into bringing it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from uuid import UUID

import orjson

from huxin.contract import label_code, load_contract
from huxin.enquiry.answering import Made, Unsigned, Used, unsigned
from huxin.enquiry.questions import Draft, Known, Question
from huxin.enquiry.sealing import ANSWER, FACTS, sealed
from huxin.ids import id_at, new_id
from huxin.registry.enquiries import NewEnquiry

_NO_LOANS = b'"loans":[]'  # as the registry writes it


@dataclass(slots=True)
class Drafting:
    """An answer on its way: each stage adds to it, or ends it with an error."""

    question: Question = field(repr=False)
    known: Known
    used: Used = field(repr=False)
    id: UUID
    unsigned: Unsigned | None = field(default=None, repr=False)
    made: Made | None = field(default=None, repr=False)
    row: NewEnquiry | None = field(default=None, repr=False)
    error: Exception | None = None

    def done(self) -> Draft:
        """The draft, or the error that a stage ended with."""
        if self.error is not None:
            raise self.error
        assert self.made is not None and self.row is not None, "all stages were gone through"
        return Draft(self.question, self.known, self.made, self.row)


def begin(question: Question, known: Known, used: Used) -> Drafting:
    """An answer that nothing is decided of yet."""
    return Drafting(question, known, used, id_at(known.at))


def go_through(drafting: Iterable[Drafting]) -> None:
    """Brings all through the stages; what ends one of them is its own."""
    under_way = list(drafting)
    for stage in _STAGES:
        for each in under_way:
            if each.error is None:
                try:
                    stage(each)
                except Exception as error:  # its own thread raises it again
                    each.error = error


def _decide(one: Drafting) -> None:
    known, asker = one.known, one.question.asker
    handle = known.read.keys.handle(asker.member_id, known.subject_id.bytes)
    purpose = one.question.request.purpose
    one.unsigned = unsigned(asker, purpose, str(one.id), handle, one.used, known.at)


def _sign(one: Drafting) -> None:
    assert one.unsigned is not None, "decided before"
    one.made = one.unsigned.signed(one.known.read.signer)


def _write(one: Drafting) -> None:
    """The row as it is recorded, facts and answer sealed."""
    known, used, made = one.known, one.used, one.made
    asker, request = one.question.asker, one.question.request
    assert made is not None, "signed before"
    seal_key, mobile = known.read.keys.seal_key, known.gathered.mobile_id
    one.row = NewEnquiry(
        id=one.id,
        member_id=asker.member_id,
        subject_id=known.subject_id,
        mobile_id=mobile,
        key=one.question.key,
        body_digest=b"",  # which follows: see `by_digest`
        purpose=request.purpose,
        product=None if request.product is None else product_code(request.product),
        amount=request.amount,
        consent_no=request.consent_no,
        consent_until=request.consent_until,
        staff=request.staff,
        reference=request.reference,
        policy=used.policy.version,
        tier=used.tier,
        facts=sealed(seal_key, FACTS, one.id, used.stored()),
        answer=sealed(seal_key, ANSWER, one.id, made.content),
        asked_at=known.at,
        outbox_id=new_id(),
        outbox=_outbox(one, made),
    )


_STAGES: tuple[Callable[[Drafting], None], ...] = (_decide, _sign, _write)


def _outbox(one: Drafting, made: Made) -> str:
    known, member, id_text = one.known, one.question.asker.member_id, str(one.id)
    mobile = known.gathered.mobile_id
    feed = {
        "mobile_id": None if mobile is None else str(mobile),
        "subject_id": str(known.subject_id),
        "member_id": member,
        "enquiry_id": id_text,
        "asked_at": known.at.isoformat(),
        "purpose": one.question.request.purpose,
        # As the answer says it: has loans. The facts are sealed, and the guard counts how often it is so.
        "known": _NO_LOANS not in known.gathered.facts,
    }
    body = {"record_id": id_text, "member": member, "leaf": made.leaf, "feed": feed}
    return orjson.dumps(body).decode()


@cache
def product_code(name: str) -> int:
    """The label code of a product that the contract names."""
    code = label_code(load_contract().field("product"), name)
    assert code is not None, "the API takes the contract's products only"
    return code
