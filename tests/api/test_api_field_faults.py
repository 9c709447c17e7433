"""A wrong field is told with the form that is wanted, in both languages, all faults at once, never with its value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from api_world import PLANTED, World, code_of
from pydantic import BaseModel

from huxin.api.app import described_app
from huxin.api.bodies import parse
from huxin.api.field_faults import InvalidFieldsError
from huxin.api.routes import Route
from huxin.api.tickets import NewTicket

# What no field takes, and what looks nearly right; each holds what must not come back where it can.
WRONG: list[Any] = [PLANTED, f"{PLANTED}\n", "", 0, -1, 1.5, True, None, [], {}, [PLANTED], {PLANTED: 1}]
NEARLY: list[Any] = ["2026-02-30", "2026-5-1", "1,000.00", "1e3", "0.001", "0", "usa", "x" * 300, "A" * 43]
WHOLE: dict[str, Any] = {
    "subject": {"id_type": "resident_id", "id_no": "11010519491231002X"},
    "purpose": "application",
    "consent_no": "C-1",
    "consent_until": "2099-01-01",
    "staff": "S-1",
    "reference": "R-1",
}
HAN = re.compile("[\u4e00-\u9fff]")
ENGLISH_JOINS = re.compile(r"\b(or|and)\b")


def bodies() -> list[type[BaseModel]]:
    routes: list[Route] = list(described_app().extensions["huxin_routes"].values())
    return [route.body for route in routes if route.body and not route.hidden] + [NewTicket]


def faults(model: type[BaseModel], body: Any) -> list[Any]:
    try:
        parse(model, json.dumps(body).encode())
    except InvalidFieldsError as error:
        return error.fields
    return []


def wrong_bodies(model: type[BaseModel]) -> Iterator[Any]:
    for name in model.model_fields:
        for value in (*WRONG, *NEARLY):
            yield {name: value}
            yield {name: [value]}
    for name in ("id_type", "id_no", "id_country", "name", "mobile", "element_sealed"):
        for value in (*WRONG, *NEARLY):
            yield {"subject": {name: value}}


def texts(pointer: str, **changes: Any) -> dict[str, str]:
    """What is said of one place of an enquiry, by language."""
    from huxin.api.enquiries import NewEnquiry

    found = [each for each in faults(NewEnquiry, WHOLE | changes) if each.pointer == pointer]
    assert len(found) == 1, found
    return {language: found[0].told(language)["text"] for language in ("zh", "en")}


@pytest.mark.parametrize("model", bodies(), ids=lambda model: model.__name__)
def test_whatever_is_wrong_is_told_with_what_is_wanted(model: type[BaseModel]) -> None:
    seen = 0
    for body in wrong_bodies(model):
        for each in faults(model, body):
            zh, en = each.told("zh"), each.told("en")
            where = f"{each.pointer} {each.fault} {zh['text']}"
            assert "见接口说明" not in zh["text"], where
            assert HAN.search(zh["text"]), where
            assert not HAN.search(en["text"]), where
            assert not ENGLISH_JOINS.search(zh["text"]), where
            assert "\\x" not in zh["text"] + en["text"], "a pattern of control characters is told in words"
            assert PLANTED not in f"{zh} {en}"
            seen += 1
    assert seen > 20


@pytest.mark.parametrize("day", ["2026-2-3", "2026-02-30", "20260203", "tomorrow", 20260203])
def test_a_day_is_told_how_it_is_written(day: Any) -> None:
    said = texts("/consent_until", consent_until=day)
    assert "YYYY-MM-DD" in said["zh"]
    assert "YYYY-MM-DD" in said["en"]
    assert str(day) not in str(said)


@pytest.mark.parametrize("amount", ["1,000.00", "1e3", 0.1, "¥5", True])
def test_an_amount_is_told_how_it_is_written(amount: Any) -> None:
    said = texts("/amount", amount=amount)
    assert "两位小数" in said["zh"]
    assert "two decimals" in said["en"]


@pytest.mark.parametrize("number", ["C\n1", "C\t1", "\x7f"])
def test_ones_own_words_are_told_which_signs_they_may_have(number: str) -> None:
    said = texts("/consent_no", consent_no=number)
    assert "控制字符" in said["zh"]
    assert "control characters" in said["en"]


def test_choices_are_listed_in_the_language_they_are_told_in() -> None:
    said = texts("/product", product=PLANTED)
    assert said["zh"].endswith("consumer、business、agricultural")
    assert "'business' or 'agricultural'" in said["en"]


@pytest.fixture
def token(world: World) -> str:
    return world.token("member")


def pointers(world: World, token: str, path: str, body: Any) -> list[str]:
    headers = {"Idempotency-Key": "field-faults-1", "Accept-Language": "en"}
    response = world.call("POST", path, token, headers, json=body)
    assert code_of(response) == "H1121"
    assert response.json["facts"]["count"] == len(response.json["errors"])
    assert "1 fields" not in response.json["detail"]
    return [each["pointer"] for each in response.json["errors"]]


def test_an_empty_enquiry_is_told_all_that_it_lacks_at_once(world: World, token: str) -> None:
    needed = ["/subject", "/purpose", "/consent_no", "/consent_until", "/staff", "/reference"]
    assert pointers(world, token, "/v1/enquiries", {}) == needed
    both = {"subject": WHOLE["subject"], "ticket": "t"}
    assert pointers(world, token, "/v1/enquiries", both) == needed
    assert pointers(world, token, "/v1/enquiries", {"subject": None}) == needed
    assert pointers(world, token, "/v1/enquiries", WHOLE | both) == ["/subject"]
    del needed[0]
    assert pointers(world, token, "/v1/enquiries", {"ticket": "t"}) == needed


def test_a_conversion_is_told_that_it_names_no_loan(world: World, token: str) -> None:
    path = "/v1/reservations/01970000-0000-7000-8000-000000000001/convert"
    assert pointers(world, token, path, {}) == [""]
    assert pointers(world, token, path, {"loan": "x"}) == ["", "/*"]
    assert pointers(world, token, path, {"loan": "x", "loan_no": None}) == ["", "/*"]
    assert pointers(world, token, path, {"loan": "x", "contract_no": "HT-1"}) == ["/*"]


def test_what_nobody_knows_is_told_once_however_much_of_it_there_is() -> None:
    """A refusal is not to be longer than what is refused."""
    from huxin.api.enquiries import NewEnquiry

    told = faults(NewEnquiry, WHOLE | {f"field{number}": number for number in range(1000)})
    assert [(each.pointer, each.fault) for each in told] == [("/*", "extra_forbidden")]
