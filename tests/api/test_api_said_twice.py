"""What a request says twice is refused: of two readers on its way one takes the first, another the last."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_world import PLANTED, World, code_of
from pydantic import BaseModel

from huxin.api.bodies import parse
from huxin.api.enquiries import NewEnquiry
from huxin.api.reservations import Conversion
from huxin.api.zone_registry import Loading
from huxin.errors import HuxinError

ENQUIRY: dict[str, Any] = {
    "subject": {"id_type": "resident_id", "id_no": "11010519491231002X"},
    "purpose": "application",
    "consent_no": "C-1",
    "consent_until": "2099-01-01",
    "staff": "S-1",
    "reference": "R-1",
}
WHOLE = json.dumps(ENQUIRY)
LOAD = '{"submissions": [{"id": "01970000-0000-7000-8000-000000000001", "confirmed": true, "attempt": 1%s}]}'


@pytest.fixture
def token(world: World) -> str:
    return world.token("member")


def code(model: type[BaseModel], body: str) -> str | None:
    try:
        parse(model, body.encode())
    except HuxinError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (NewEnquiry, WHOLE[:-1] + ', "purpose": "application"}'),
        (NewEnquiry, WHOLE[:-1] + ', "purpose": "guarantee"}'),
        (NewEnquiry, WHOLE[:-1] + ', "\\u0070urpose": "guarantee"}'),
        (NewEnquiry, WHOLE[:-1] + f', "subject": {json.dumps(ENQUIRY["subject"])}}}'),
        (NewEnquiry, WHOLE.replace('"id_type"', '"id_no": "x", "id_type"')),
        (NewEnquiry, WHOLE.replace('"R-1"', '"R:1"').replace('"staff"', '"staff": "S-2", "staff"')),
        (Conversion, '{"loan_no": "1", "loan_no": "1"}'),
        (Conversion, '{"loan_no":null,"contract_no":"1","loan_no":null}'),
        (Loading, LOAD % ', "attempt": 2'),
    ],
)
def test_a_key_said_twice(model: type[BaseModel], body: str) -> None:
    assert json.loads(body), "it is JSON otherwise, and its last words would be taken"
    assert code(model, body) == "H1120"


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (NewEnquiry, WHOLE),
        (NewEnquiry, WHOLE.replace(": ", " :\n\t")),
        (NewEnquiry, WHOLE.replace("R-1", "R:1::2026")),
        (NewEnquiry, WHOLE.replace("R-1", '\\"staff\\": \\"S-2\\", \\"staff\\":')),
        (NewEnquiry, WHOLE.replace('"purpose"', '"\\u0070urpose"')),
        (Conversion, '{"loan_no": "a:b", "contract_no": null}'),
        (Loading, LOAD % ""),
    ],
)
def test_keys_said_once(model: type[BaseModel], body: str) -> None:
    assert code(model, body) is None


def test_an_enquiry_that_says_a_key_twice_is_not_asked(world: World, token: str) -> None:
    body = WHOLE[:-1] + f', "reference": "{PLANTED}"}}'
    headers = {"Content-Type": "application/json", "Idempotency-Key": "said-twice-1", "Accept-Language": "en"}
    response = world.call("POST", "/v1/enquiries", token, headers, data=body)
    assert code_of(response) == "H1120"
    assert "twice" in response.json["detail"]
    assert PLANTED not in response.text
