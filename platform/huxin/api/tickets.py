"""/v1/tickets: the entry zone's one interface for members. A person goes in, and comes out as nobody can read it."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIFlask
from flask import Response, current_app
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from huxin.api.answers import answer
from huxin.api.caller import Access, Caller
from huxin.api.enquiries import Subject
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.enquiry.request import Asker
from huxin.enquiry.subject_keys import Person
from huxin.enquiry.ticketing import EntryPeople
from huxin.zones.fresh import Fresh
from huxin.zones.roles import ENTRY

SCOPE = "tickets"
ACCESS = Access(scope=SCOPE)
_NAME = "huxin_entry_people"
ABOUT = """提交查询对象和查询内容的摘要（`huxin_privacy.enquiry_digest`），换取查询凭证；凭证五分钟内有效，只能用一次。
令牌须只含 `tickets` 权限，不可把能查询的令牌交给入口区。

Send whom the enquiry is about and the digest of all else in it; take the ticket to the registry's `/v1/enquiries`
within five minutes, once. The access token must have the scope `tickets` and no other."""


class NewTicket(BaseModel):
    """Whom the enquiry is about, and what it is, as a digest."""

    model_config = ConfigDict(extra="forbid", strict=True)
    subject: Subject
    enquiry_sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] = Field(
        description="of the enquiry without its subject · 查询内容（不含查询对象）的摘要"
    )


class TicketAnswer(BaseModel):
    """`ticket` goes into the enquiry in place of its subject."""

    model_config = ConfigDict(extra="forbid")
    ticket: str
    expires_at: int = Field(description="Unix time in seconds")


def register(app: APIFlask) -> None:
    """For members."""
    route = Route(
        "POST",
        "/v1/tickets",
        "换取查询凭证 · Get a ticket for an enquiry",
        "enquiries",
        access=ACCESS,
        body=NewTicket,
        answer=TicketAnswer,
        errors=("H0801", "H1721"),
        description=ABOUT,
    )
    add(app, route, ticket)
    app.extensions[_NAME] = Fresh(lambda: EntryPeople(shell().settings), ENTRY)


def ticket(caller: Caller, body: NewTicket) -> Response:
    """Another one each time: nothing of what was asked is kept here."""
    people: Fresh[EntryPeople] = current_app.extensions[_NAME]
    said = body.subject
    person = Person(said.id_type, said.id_no, said.id_country, said.name, said.mobile)
    made, expires_at = people.now(shell().settings).ticket(
        Asker(caller.member_id, caller.code), person, bytes.fromhex(body.enquiry_sha256)
    )
    return answer(TicketAnswer(ticket=made, expires_at=expires_at))
