"""/v1/reservations: a promise to lend, seen by every member at once, held against the caps until it is a loan."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from apiflask import APIFlask
from flask import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from huxin.api.answer_shape import Promise
from huxin.api.answers import answer
from huxin.api.caller import Access, Caller
from huxin.api.desk import desk
from huxin.api.field_faults import FieldFault
from huxin.api.fields import Amount, LoanNumber, Seconds
from huxin.api.keys import KEY_PARAMETER, idempotency_key, shared_id
from huxin.api.queries import parameters, read_query
from huxin.api.routes import Route, add
from huxin.enquiry import reservation_acts, reserving
from huxin.enquiry.request import Asker

ACCESS = Access(scope="reservations")
_UNKNOWN = "H1215"
_NEITHER = FieldFault("", "loan_or_contract")
_EITHER: list[Any] = [
    {"required": [name], "properties": {name: {"type": "string"}}} for name in ("loan_no", "contract_no")
]


class NewReservation(BaseModel):
    """On an own enquiry, which says about whom. `amount` in yuan; `expires_in` in seconds."""

    model_config = ConfigDict(extra="forbid", strict=True)
    enquiry_id: UUID
    amount: Amount
    product: Literal["consumer", "business", "agricultural"] | None = Field(
        default=None, description="the enquiry's where it is left out"
    )
    expires_in: Seconds | None = Field(
        default=None,
        description="the policy's default_hours where it is left out, its maximum_hours at the most (H1216)",
    )

    def asked(self) -> reserving.ReservationRequest:
        """The same as values, in cents."""
        return reserving.ReservationRequest(
            self.enquiry_id, int(self.amount * 100), self.product, self.expires_in
        )


class Conversion(BaseModel):
    """Under which number the loan will be reported, one of the two at least; cleaned as the file's cell will be."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"anyOf": _EITHER})
    loan_no: LoanNumber | None = None
    contract_no: LoanNumber | None = None

    @classmethod
    def over_all(cls, said: dict[str, Any]) -> list[FieldFault]:
        """What `_one` would find next, for a body with other faults: all are told at once."""
        return [_NEITHER] if said.get("loan_no") is said.get("contract_no") is None else []

    @model_validator(mode="after")
    def _one(self) -> Conversion:
        if self.loan_no is None and self.contract_no is None:
            raise PydanticCustomError(_NEITHER.fault, "neither")
        return self


class Held(BaseModel):
    """`expires_at` of a converted one: until when it waits for its loan, the policy's `convert_days`."""

    reservation_id: UUID
    enquiry_id: UUID
    state: Literal["granted", "converted", "released", "expired", "ended"]
    amount: str
    granted_at: str
    expires_at: str
    changed_at: str
    loan_no: str | None
    contract_no: str | None
    promise: Promise | None = Field(
        description="of your act by which it stands so; null where the night ended it · 对最近一次本机构变动的承诺"
    )


class Proving(BaseModel):
    """Which act of a reservation is to be proved."""

    model_config = ConfigDict(extra="forbid")
    act: Literal["granted", "released", "converted", "ended", "resumed"] | None = Field(
        default=None,
        description="which of its acts, the last where it is left out · 哪一次变动，默认最近一次",
    )


def register(app: APIFlask) -> None:
    """Reserve, look, give back, turn into a loan."""
    path = "/v1/reservations"
    making = Route(
        "POST",
        path,
        "授信占用 · Hold an amount against the caps",
        "reservations",
        access=ACCESS,
        body=NewReservation,
        answer=Held,
        status=201,
        also=((200, "granted before under the same key: as it stands now"),),
        errors=("H1202", "H1204", "H1207", "H1210", "H1211", "H1212", "H1213", "H1216", "H1223", "H1224"),
        parameters=(KEY_PARAMETER,),
    )
    reading = Route(
        "GET",
        f"{path}/<id_>",
        "本机构的一笔占用 · One reservation of your own",
        "reservations",
        access=ACCESS,
        answer=Held,
        errors=(_UNKNOWN,),
    )
    releasing = Route(
        "POST",
        f"{path}/<id_>/release",
        "撤回占用 · Give a reservation back",
        "reservations",
        access=ACCESS,
        answer=Held,
        errors=("H1214", _UNKNOWN),
    )
    converting = Route(
        "POST",
        f"{path}/<id_>/convert",
        "占用转贷款 · The money has left: it becomes a loan",
        "reservations",
        access=ACCESS,
        body=Conversion,
        answer=Held,
        errors=("H1207", "H1214", "H1225", "H1226", _UNKNOWN),
    )
    proving = Route(
        "GET",
        f"{path}/<id_>/receipt",
        "存证回执 · The receipt: leaf, proof and signed checkpoint, a minute later at the most",
        "reservations",
        access=ACCESS,
        errors=("H1121", "H1302", "H1309"),
        parameters=parameters(Proving),
    )
    add(app, making, reserve)
    add(app, reading, read)
    add(app, releasing, release)
    add(app, converting, convert)
    add(app, proving, receipt)


def reserve(caller: Caller, body: NewReservation) -> Response:
    """201 when granted now, 200 when granted before under the same key."""
    held = reserving.reserve(desk(), _asker(caller), body.asked(), idempotency_key())
    return answer(held.told, 201 if held.fresh else 200)


def read(caller: Caller, id_: str) -> Response:
    """Own only."""
    return answer(reservation_acts.read(desk(), _asker(caller), shared_id(id_, _UNKNOWN)))


def release(caller: Caller, id_: str) -> Response:
    """Given back twice is given back."""
    return answer(reservation_acts.release(desk(), _asker(caller), shared_id(id_, _UNKNOWN)))


def convert(caller: Caller, id_: str, body: Conversion) -> Response:
    """Said twice with the same numbers is said once."""
    found = shared_id(id_, _UNKNOWN)
    return answer(reservation_acts.convert(desk(), _asker(caller), found, body.loan_no, body.contract_no))


def receipt(caller: Caller, id_: str) -> Response:
    """Of one of the reservation's acts."""
    found = shared_id(id_, "H1302")
    return answer(reservation_acts.receipt(desk(), _asker(caller), found, read_query(Proving).act))


def _asker(caller: Caller) -> Asker:
    return Asker(caller.member_id, caller.code)
