"""/v1/enquiries: the question before approval, its answer, and the answer worked out once more."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from apiflask import APIFlask
from flask import Response
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    StringConstraints,
    Tag,
    WithJsonSchema,
)

from huxin.api.answer_shape import Answered
from huxin.api.answers import answer
from huxin.api.caller import Access, Caller
from huxin.api.desk import desk
from huxin.api.field_faults import FieldFault, InvalidFieldsError
from huxin.api.fields import Amount, Day, Words
from huxin.api.keys import KEY_PARAMETER, idempotency_key, shared_id
from huxin.api.limits import rate_headers
from huxin.api.queries import parameters, read_query
from huxin.api.routes import Route, add
from huxin.enquiry.request import PURPOSES, Asker, EnquiryRequest
from huxin.enquiry.subject_keys import Person
from huxin.errors import HuxinError
from huxin.registry.gathering import Quota
from huxin_privacy.tickets import LONGEST

WORDS = ("H1207", "H1208", "H1209")
TICKET = ("H1230", "H1231", "H1232", "H1233", "H1234", "H1235", "H1236")
ELEMENT = ("H1801", "H1802", "H1805", "H1806")
ACCESS = Access(scope="enquiries")


class _Strict(BaseModel):
    # A field that is none of ours may hold what must not be sent (征信业管理条例 Art 14).
    # And what is nearly right is not guessed at: a digit that is text is none.
    model_config = ConfigDict(extra="forbid", strict=True)


class Subject(_Strict):
    """Who is asked about. Name and mobile sharpen the match; neither is needed."""

    id_type: Literal["resident_id", "passport", "uscc"]
    id_no: str = Field(min_length=1, max_length=64, repr=False)
    id_country: str | None = Field(default=None, pattern="^[A-Z]{3}$", description="with a passport")
    name: str | None = Field(default=None, max_length=128, repr=False)
    mobile: str | None = Field(default=None, max_length=32, repr=False)


class BlindSubject(_Strict):
    """Who is asked about the blind way: its element, sealed to the registry's key for this member and enquiry."""

    element_sealed: str = Field(pattern="^[A-Za-z0-9_-]{118}$", repr=False)


def _way(subject: Any) -> str:
    return "@element" if isinstance(subject, dict) and "element_sealed" in subject else "@identifier"


# Which of the two is meant is told by one field; so what is wrong with the other is not told as well.
Whom = Annotated[
    Annotated[Subject, Tag("@identifier")] | Annotated[BlindSubject, Tag("@element")], Discriminator(_way)
]


def _one_of_two(schema: dict[str, Any]) -> None:
    """What OpenAPI says of the two: one of them, and no null in its place."""
    schema["oneOf"] = [{"required": ["subject"]}, {"required": ["ticket"]}]
    for name in ("subject", "ticket"):
        schema["properties"][name].pop("default", None)


_NOT_SAID: Any = None
_ONE_OF_TWO = FieldFault("/subject", "subject_or_ticket")
# Not a Literal: what a purpose is not has a code of its own.
Purpose = Annotated[str, WithJsonSchema({"type": "string", "enum": list(PURPOSES)})]


class NewEnquiry(_Strict):
    """A question with its purpose and consent. `amount` in yuan, at most two decimals.

    Where the platform is split into zones, a ticket of the entry zone stands in the subject's place.
    """

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_one_of_two)
    subject: Whom = _NOT_SAID
    ticket: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)] = Field(
        default=_NOT_SAID, repr=False, description="in place of `subject`, of the entry zone · 查询凭证"
    )
    purpose: Purpose
    amount: Amount | None = None
    product: Literal["consumer", "business", "agricultural"] | None = None
    consent_no: Words
    consent_until: Day
    staff: Words = Field(description="who asks, as your log names them · 查询人员")
    reference: Words = Field(description="your own number of the case, never of a person · 业务编号")

    @classmethod
    def over_all(cls, said: dict[str, Any]) -> list[FieldFault]:
        """What `asked` would find next, for a body with other faults: all are told at once."""
        return [_ONE_OF_TWO] if ("subject" in said) is ("ticket" in said) else []

    def asked(self) -> EnquiryRequest:
        """The same as values; the amount in cents.

        H1121 unless there is one of subject and ticket, H1208 for a purpose that is none.
        """
        s = self.subject
        if self.purpose not in PURPOSES:
            raise HuxinError("H1208", allowed=", ".join(PURPOSES))
        if (s is None) is (self.ticket is None):
            raise InvalidFieldsError([_ONE_OF_TWO])
        return EnquiryRequest(
            None if s is None else _person(s),
            self.purpose,
            self.consent_no,
            self.consent_until,
            self.staff,
            self.reference,
            None if self.amount is None else int(self.amount * 100),
            self.product,
            self.ticket,
        )


def _person(said: Subject | BlindSubject) -> Person:
    if isinstance(said, BlindSubject):
        return Person("", "", sealed=said.element_sealed)
    return Person(said.id_type, said.id_no, said.id_country, said.name, said.mobile)


class Replayed(BaseModel):
    """The answer as it was told, as it is worked out now of what was kept, and whether the two agree."""

    model_config = ConfigDict(extra="forbid")
    told: dict[str, Any]
    recomputed: dict[str, Any]
    equal: bool


class ReadAgain(RootModel[Answered | Replayed]):
    """The answer; with `replay` both."""


class Reading(BaseModel):
    """How to read an enquiry."""

    model_config = ConfigDict(extra="forbid")
    replay: Literal["true", "false"] = Field(
        default="false", description="work it out once more beside what was told · 用存档重算并比对"
    )


def register(app: APIFlask) -> None:
    """Ask, and read one's own enquiries."""
    asking = Route(
        "POST",
        "/v1/enquiries",
        "贷前查询 · Ask about a subject before approval",
        "enquiries",
        access=ACCESS,
        body=NewEnquiry,
        answer=Answered,
        errors=("H0801", "H1123", "H1201", "H1202", "H1203", "H1204", *WORDS, *TICKET, *ELEMENT),
        parameters=(KEY_PARAMETER,),
    )
    reading = Route(
        "GET",
        "/v1/enquiries/<id_>",
        "本机构的一次查询 · One enquiry of your own",
        "enquiries",
        access=ACCESS,
        answer=ReadAgain,
        errors=("H1121", "H1205"),
        parameters=parameters(Reading),
    )
    proving = Route(
        "GET",
        "/v1/enquiries/<id_>/receipt",
        "存证回执 · The receipt: leaf, proof and signed checkpoint, a minute later at the most",
        "enquiries",
        access=ACCESS,
        errors=("H1302", "H1309"),
    )
    add(app, asking, ask)
    add(app, reading, read)
    add(app, proving, receipt)


def ask(caller: Caller, body: NewEnquiry) -> Response:
    """The very same answer for the same key and body, however often it is asked."""
    told = desk().enquire(Asker(caller.member_id, caller.code), body.asked(), idempotency_key())
    return answer(told.content, headers=_headers(body.purpose, told.quota))


def _headers(purpose: str, quota: Quota) -> list[tuple[str, str]]:
    """What is left of the tighter quota; nothing where none binds."""
    if quota.limit is None or quota.window_s is None or quota.remaining is None or quota.reset_s is None:
        return []
    return rate_headers(purpose, quota.limit, quota.window_s, quota.remaining, quota.reset_s)


def read(caller: Caller, id_: str) -> Response:
    """Own only: another member's is as unknown as one that was never made."""
    found = shared_id(id_, "H1205")
    if read_query(Reading).replay == "true":
        return answer(desk().replay(caller.member_id, found))
    return answer(desk().reread(caller.member_id, found))


def receipt(caller: Caller, id_: str) -> Response:
    """Own only; checked by `huxin receipt verify` with the log's public key."""
    return answer(desk().receipt(caller.member_id, shared_id(id_, "H1302")))
