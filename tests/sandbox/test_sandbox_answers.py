"""Every test subject, asked as an integrator asks, gives exactly what the table promises; on any day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sandbox_world import CONFIG, Sandboxed, close, flags, subject

from huxin.api.app import create_app
from huxin.decision.flags import RULES
from huxin.ids import new_id
from huxin.sandbox import acts
from huxin.sandbox.listing import enquiry_body
from huxin.sandbox.subjects import TestSubject, identity, load_sandbox

SUBJECTS = load_sandbox().subjects
ANSWERED = [each for each in SUBJECTS if each.expect.outcome]
REFUSED = [each for each in SUBJECTS if not each.expect.outcome]


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were to be waited; nobody waits."""
    seconds: list[float] = []
    monkeypatch.setattr(acts, "sleep", seconds.append)
    return seconds


def named(subjects: list[TestSubject]) -> list[str]:
    return [each.key for each in subjects]


@pytest.mark.parametrize("asked", ANSWERED, ids=named(ANSWERED))
def test_an_answer_has_exactly_its_outcome_and_flags(
    box: Sandboxed, asked: TestSubject, waited: list[float]
) -> None:
    answer = box.ask(asked)
    assert answer.status_code == 200, answer.text
    expect = asked.expect
    assert (answer.json["outcome"], flags(answer)) == (expect.outcome, expect.flags)
    assert answer.json["subject_known"] is expect.subject_known
    assert waited == ([10] if asked.key == "slow" else [])
    replay = box.call("GET", f"/v1/enquiries/{answer.json['enquiry_id']}?replay=true").json
    assert replay["equal"] is True


@pytest.mark.parametrize("asked", REFUSED, ids=named(REFUSED))
def test_a_refusal_has_its_status_and_code_and_then_its_answer(box: Sandboxed, asked: TestSubject) -> None:
    key, expect = str(new_id()), asked.expect
    for _ in range(1 if expect.then else 2):
        answer = box.ask(asked, key=key)
        assert (answer.status_code, answer.json["code"]) == (expect.status, expect.code)
        assert answer.content_type == "application/problem+json"
        assert ("Retry-After" in answer.headers) is expect.retry_after
        assert asked.person.id_no not in answer.text
    if expect.then:
        again, third = box.ask(asked, key=key), box.ask(asked, key=key)
        assert again.status_code == 200
        assert again.data == third.data


RESERVING = [each for each in SUBJECTS if each.reserve]


@pytest.mark.parametrize("asked", RESERVING, ids=named(RESERVING))
def test_a_reservation_ends_as_the_table_says(box: Sandboxed, asked: TestSubject) -> None:
    wanted = asked.reserve
    assert wanted
    held = box.reserve(box.ask(asked), wanted.amount)
    assert (held.status_code, held.json.get("code")) == (wanted.status, wanted.code)
    if wanted.status == 201:
        path = f"/v1/reservations/{held.json['reservation_id']}/release"
        assert box.call("POST", path).json["state"] == "released"


def test_a_tier_sees_what_it_may(box: Sandboxed) -> None:
    asked = subject("own_loan")
    full, banded, short = (box.ask(asked, member).json for member in ("T9001", "T9002", "T9003"))
    assert full["exposure"]["outstanding"] == "14000.00"
    assert full["exposure"]["own"]["outstanding"] == "9000.00"
    assert banded["exposure"]["outstanding"] != full["exposure"]["outstanding"]
    assert banded["exposure"]["own"]["open_loans"] == 0
    assert "flags" not in short
    assert short["outcome"] == "eligible"


def test_a_suspended_member_learns_so_and_nothing_else(box: Sandboxed) -> None:
    refused = box.ask(subject("clean"), "T9004")
    assert (refused.status_code, refused.json["code"]) == (403, "H1113")
    assert box.call("GET", "/v1/whoami", "T9004").json["member"]["status"] == "suspended"


def test_every_answer_says_that_it_is_the_sandbox(box: Sandboxed) -> None:
    client = box.app.test_client()
    answers = [
        box.ask(subject("clean")),
        box.ask(subject("unavailable")),
        client.get("/healthz"),
        client.get("/no/such/address"),
        client.get("/v1/whoami"),
        client.get("/docs"),
        client.get("/sandbox/subjects"),
    ]
    assert [each.status_code for each in answers] == [200, 503, 200, 404, 401, 200, 200]
    assert {each.headers.get("Huxin-Sandbox") for each in answers} == {"true"}
    assert box.call("GET", "/v1/whoami").json["sandbox"] is True
    spec = client.get("/openapi.json").json["info"]
    assert "sandbox" in spec["title"]
    assert "沙箱" in spec["description"]


def test_the_real_app_knows_none_of_it(box: Sandboxed) -> None:
    """The same registry behind the real app: the peculiar subjects are people like others."""
    app = create_app(box.settings, CONFIG)
    real = Sandboxed(box.settings, app)
    try:
        peculiar = [each for each in SUBJECTS if each.act]
        assert len(peculiar) >= 8
        answers = [real.ask(each) for each in peculiar]
        assert {each.status_code for each in answers} == {200}
        assert {flags(each) for each in answers} == {()}
        assert not any("Huxin-Sandbox" in each.headers for each in answers)
        assert real.call("GET", "/sandbox/subjects").status_code == 404
        assert real.call("GET", "/v1/whoami").json["sandbox"] is False
    finally:
        close(app)


def test_the_list_for_programs_can_be_posted_as_it_is(box: Sandboxed) -> None:
    listed = box.app.test_client().get("/sandbox/subjects").json["subjects"]
    assert [each["key"] for each in listed] == [each.key for each in SUBJECTS]
    first = listed[0]
    answer = box.call("POST", "/v1/enquiries", json=first["enquiry"])
    assert answer.json["outcome"] == first["expect"]["outcome"]


def test_each_flag_and_outcome_has_a_subject() -> None:
    alone = {each.expect.flags[0] for each in ANSWERED if len(each.expect.flags) == 1}
    assert alone == set(RULES) - {"NON_PERFORMING"}  # whoever is that late is also overdue
    assert ("OVERDUE", "NON_PERFORMING") in {each.expect.flags for each in ANSWERED}
    assert {each.expect.outcome for each in ANSWERED} == {"eligible", "refer", "ineligible"}
    assert {429, 503, 500, 409, 403, 422} == {each.expect.status for each in REFUSED}


def test_identifiers_are_right_and_nobodys() -> None:
    known = [identity(each.person) for each in SUBJECTS if each.key != "malformed"]
    assert all(text for _, text in known)
    assert len(set(known)) == len(known)
    assert identity(subject("malformed").person)[1] is None
    residents = [each.person.id_no for each in SUBJECTS if each.person.id_type == "resident_id"]
    assert {number[:14] for number in residents} == {"11999919000101"}
    assert {each.act["name"] for each in SUBJECTS if each.act} == {*acts.ACTS, "dispute", "coverage"}


def test_an_answer_that_was_lost_is_told_when_the_consent_has_ended(box: Sandboxed) -> None:
    asked, key, today = subject("unavailable_once"), str(new_id()), box.settings.today()
    body = enquiry_body(asked, today) | {"consent_until": today.isoformat()}
    assert box.call("POST", "/v1/enquiries", key=key, json=body).status_code == 503
    told = box.call("POST", "/v1/enquiries", key=key, json=body)
    moved = replace(box.settings, fixed_now=box.settings.now() + timedelta(days=1))
    desk = box.app.extensions["huxin_desk"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "settings", moved)
        again = box.call("POST", "/v1/enquiries", key=key, json=body)
        new = box.call("POST", "/v1/enquiries", key=str(new_id()), json=body)
    assert (again.status_code, again.data) == (200, told.data)
    assert (new.status_code, new.json["code"]) == (403, "H1201")
