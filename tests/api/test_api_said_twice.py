"""What a request says twice is refused, and so are numbers that only a guess would read.

Of two readers on a request's way one takes the first of two, another the last.
"""

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


def wrong(world: World, token: str, query: str) -> list[tuple[str, str]]:
    asked = query.replace("NUMBER", PLANTED)  # which is not to stand in a test's name either
    response = world.call("GET", f"/v1/{asked}", token, {"Accept-Language": "en"})
    assert code_of(response) == "H1121"
    assert PLANTED not in response.text
    return [(each["pointer"], each["fault"]) for each in response.json["errors"]]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("submissions?limit=5&limit=6", [("/limit", "repeated")]),
        ("submissions?limit=5&limit=5", [("/limit", "repeated")]),
        ("submissions?limit=5&l%69mit=6", [("/limit", "repeated")]),
        ("submissions?limit=5&limit=NUMBER", [("/limit", "repeated")]),
        ("submissions?state=lost&limit=5&limit=5", [("/limit", "repeated"), ("/state", "literal_error")]),
        ("submissions?NUMBER=1&NUMBER=2", [("/*", "extra_forbidden")]),
        ("audit/consistency?from=0&from=1", [("/from", "repeated")]),
        (
            "enquiries/01970000-0000-7000-8000-000000000001?replay=false&replay=true",
            [("/replay", "repeated")],
        ),
    ],
)
def test_a_parameter_said_twice(world: World, token: str, query: str, told: list[tuple[str, str]]) -> None:
    assert wrong(world, token, query) == told


@pytest.mark.parametrize(
    "number", ["1_0", "%2B5", "%205", "5%20", "5.0", "-0", "1e1", "%EF%BC%95", "0x5", ""]
)
def test_a_number_in_other_than_digits(world: World, token: str, number: str) -> None:
    assert wrong(world, token, f"submissions?limit={number}") == [("/limit", "int_parsing")]
    assert wrong(world, token, f"audit/consistency?from=0&to={number}") == [("/to", "int_parsing")]


def test_a_number_is_told_how_it_is_written(world: World, token: str) -> None:
    for language, words in (("en", "digits 0 to 9"), ("zh", "只写数字 0 至 9")):
        said = world.call("GET", "/v1/submissions?limit=1_0", token, {"Accept-Language": language}).json
        assert words in said["errors"][0]["text"]
    assert world.call("GET", "/v1/submissions?limit=10", token).status_code == 200
