"""Over HTTP each class of malformed identifier has the code that a file's finding has, and is nowhere repeated."""

from __future__ import annotations

import json
from typing import Any

from api_world import World, code_of

from huxin.ids import new_id
from support.identifiers import CLASSES, GOOD, Bad


def asked(world: World, subject: dict[str, Any], also: dict[str, str] | None = None) -> Any:
    body = {
        "subject": subject,
        "purpose": "application",
        "consent_no": "SQ1",
        "consent_until": "2027-12-31",
        "staff": "S1",
        "reference": "CASE-1",
    }
    headers = {"Idempotency-Key": str(new_id()), **(also or {})}
    return world.call("POST", "/v1/enquiries", world.token("member"), headers=headers, json=body)


def wanted(bad: Bad) -> tuple[int, str, dict[str, str] | None]:
    """Status, code and facts; what a body cannot hold is told before it is judged."""
    if len(bad.id_no) > 50_000:
        return 413, "H1118", None
    if len(bad.id_no) > 64 or len(bad.id_country) == 2:
        return 422, "H1121", None
    return 422, "H0801", {"codes": ", ".join(bad.codes.split())}


def test_a_malformed_identifier_is_told_by_its_codes(world: World) -> None:
    for bad in CLASSES:
        country = {"id_country": bad.id_country} if bad.id_country else {}
        response = asked(world, {"id_type": bad.id_type, "id_no": bad.id_no, **country})
        status, code, facts = wanted(bad)
        assert (response.status_code, code_of(response)) == (status, code), bad.what
        assert facts is None or response.json["facts"] == facts, bad.what
        assert bad.id_no not in response.text, bad.what


def test_each_code_is_told_in_the_callers_words(world: World) -> None:
    subject = {"id_type": "resident_id", "id_no": "110105194912310021"}
    for language, text in (
        ("zh", "证件号码的校验码不对"),
        ("en", "The check character of the identifier is wrong"),
    ):
        (told,) = asked(world, subject, {"Accept-Language": language}).json["errors"]
        assert (told["pointer"], told["fault"]) == ("/subject/id_no", "E1101")
        assert told["text"].startswith(text)


def test_what_is_no_subject_at_all_is_told_by_its_place(world: World) -> None:
    for subject in ({"id_type": "library_card", "id_no": GOOD}, {"id_type": "uscc"}, {"id_no": ""}):
        response = asked(world, subject)
        assert code_of(response) == "H1121"
        assert GOOD not in json.dumps(response.json)


def test_a_good_one_is_answered(world: World) -> None:
    assert asked(world, {"id_type": "resident_id", "id_no": GOOD}).status_code == 200
