"""Enquiries and reservations over HTTP, as two members' systems make them; by one process, and split into zones."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from api_world import SCOPES, World, code_of, new_holder
from sqlalchemy import text

from huxin.audit.notes import log_keys
from huxin.decision import canonical
from huxin.enquiry import covering
from huxin.ids import new_id
from huxin.registry.lines import Lines
from huxin.registry.live import Live
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.registry.statement import Statement
from huxin_privacy import keyring
from huxin_privacy.client import with_ticket
from huxin_privacy.promises import verify_told
from huxin_privacy.receipts import verify_promise, verify_receipt
from support.rows import resident_id

NUMBER = "11010519491231002X"
BODY: dict[str, Any] = {
    "subject": {"id_type": "resident_id", "id_no": NUMBER, "name": "示例人甲", "mobile": "13900000000"},
    "purpose": "application",
    "amount": "20000.00",
    "product": "consumer",
    "consent_no": "SQ2026030001",
    "consent_until": "2027-03-24",
    "staff": "S-17",
    "reference": "case-1",
}


@pytest.fixture(params=["one_world", "zoned_world"])
def world(request: pytest.FixtureRequest) -> World:
    """Each test by one process, and by the three zones."""
    found: World = request.getfixturevalue(request.param)
    return found


@pytest.fixture(autouse=True)
def _second_lender(world: World) -> None:
    """M0002 with every scope, beside M0001."""
    with connection(world.settings) as database:
        member_id = world.holders["member_without_scope"].member_id
        world.holders["other"] = new_holder(database, world.settings, "member", member_id, "M0002", SCOPES)


def ask(world: World, who: str, key: str | None = None, **changes: Any) -> Any:
    headers = {"Idempotency-Key": key or str(new_id())}
    return world.enquire(who, BODY | changes, headers)


def reserve(world: World, who: str, enquiry_id: str, key: str | None = None, **more: Any) -> Any:
    headers = {"Idempotency-Key": key or str(new_id())}
    body = {"enquiry_id": enquiry_id, "amount": "20000.00", "product": "consumer"} | more
    return world.call("POST", "/v1/reservations", world.token(who), headers, json=body)


def test_a_subject_that_nobody_knows_is_eligible_and_said_to_be_unknown(world: World) -> None:
    response = ask(world, "member")
    assert response.status_code == 200, response.text
    told = response.json
    assert told["outcome"] == "eligible"
    assert told["subject_known"] is False
    assert told["promise"]["within_s"] == 60
    assert response.headers["RateLimit-Policy"].startswith('"application";q=')
    assert NUMBER not in response.text


def test_the_third_subject_that_comes_with_one_mobile_is_flagged_by_its_first_question(world: World) -> None:
    """Though the log's feed pairs subject and number only afterwards."""
    told = []
    for number in range(1, 4):
        subject = BODY["subject"] | {"id_no": resident_id(number)}
        response = ask(world, "member", subject=subject)
        assert response.status_code == 200, response.text
        told.append(response.json)
        drain(world.settings)
    assert [each["enquiries"]["by_mobile"]["subjects"] for each in told] == [1, 2, 3]
    flagged = [[f["figures"] for f in each["flags"] if f["code"] == "SHARED_MOBILE"] for each in told]
    assert flagged == [[], [], [{"subjects": 3, "at_least": 3}]]


def test_the_same_key_and_body_get_the_very_same_answer(world: World) -> None:
    first, again = (ask(world, "member", "key-00001") for _ in range(2))
    assert first.data == again.data
    assert code_of(ask(world, "member", "key-00001", amount="1.00")) == "H1202"


def test_an_enquiry_is_one_look_and_one_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whichever way: a ticket is spent by the statement that records, and where there is none nothing is asked."""
    monkeypatch.setattr(covering, "SECONDS", 3600.0)  # how complete it is, was read with the question before
    ask(world, "member")
    sent, plain = list[str](), Live._rows

    def noted(live: Live, lines: Lines, statement: Statement, *more: Any) -> Any:
        sent.append(statement.name.decode())
        return plain(live, lines, statement, *more)

    monkeypatch.setattr(Live, "_rows", noted)
    assert ask(world, "member").status_code == 200
    look, record = (name for name in sent if name != "access_standing")  # asked each time in tests alone
    assert look.startswith("enquiry_gather")
    assert record.startswith("enquiry_redeem" if world.entry else "enquiry_record")


def test_an_answer_is_read_again_and_worked_out_again(world: World) -> None:
    told = ask(world, "member")
    path = f"/v1/enquiries/{told.json['enquiry_id']}"
    token = world.token("member")
    assert world.call("GET", path, token).data == told.data
    replayed = world.call("GET", f"{path}?replay=true", token).json
    assert replayed["equal"] is True
    assert replayed["told"] == told.json
    assert code_of(world.call("GET", path, world.token("other"))) == "H1205"
    assert code_of(world.call("GET", f"/v1/enquiries/{new_id()}", token)) == "H1205"
    assert code_of(world.call("GET", "/v1/enquiries/1%20OR%201", token)) == "H1205"


def test_a_reservation_turns_the_others_outcome_to_refer(world: World) -> None:
    mine = ask(world, "member").json
    assert mine["outcome"] == "eligible"
    held = reserve(world, "member", mine["enquiry_id"], "reserve-1")
    assert held.status_code == 201, held.text
    theirs = ask(world, "other").json
    assert theirs["outcome"] == "refer"
    assert theirs["exposure"]["others"]["pending_reservations"]["count"] == 1
    assert "STACKING" in {flag["code"] for flag in theirs["flags"]}
    again = reserve(world, "member", mine["enquiry_id"], "reserve-1")
    assert (again.status_code, again.json) == (200, held.json)


def test_a_reservation_is_given_back_or_becomes_a_loan_once(world: World) -> None:
    asked = ask(world, "member").json["enquiry_id"]
    first, second = (reserve(world, "member", asked).json["reservation_id"] for _ in range(2))
    token = world.token("member")
    assert world.call("POST", f"/v1/reservations/{first}/release", token).json["state"] == "released"
    assert world.call("POST", f"/v1/reservations/{first}/release", token).json["state"] == "released"
    path = f"/v1/reservations/{second}/convert"
    assert world.call("POST", path, token, json={"loan_no": "JJ1"}).json["state"] == "converted"
    assert world.call("POST", path, token, json={"loan_no": "JJ1"}).json["loan_no"] == "JJ1"
    assert (
        code_of(world.call("POST", f"/v1/reservations/{first}/convert", token, json={"loan_no": "JJ1"}))
        == "H1214"
    )
    assert code_of(world.call("POST", path, token, json={})) in ("H1120", "H1121")
    assert code_of(world.call("GET", f"/v1/reservations/{first}", world.token("other"))) == "H1215"


def test_a_loan_is_named_as_the_night_will_read_it(world: World) -> None:
    """Else it would wait in vain for its loan, and the loan would count beside it."""
    held = reserve(world, "member", ask(world, "member").json["enquiry_id"]).json["reservation_id"]
    path, token = f"/v1/reservations/{held}/convert", world.token("member")
    for nothing in (" ", "\u3000", "－", "null", "无", "'", "JJ\u200b1"):
        for name in ("loan_no", "contract_no"):
            refused = world.call("POST", path, token, json={"loan_no": "JJ1", name: nothing})
            assert code_of(refused) == "H1121", ascii(nothing)
            assert [each["pointer"] for each in refused.json["errors"]] == [f"/{name}"]
    told = world.call("POST", path, token, json={"loan_no": " ＪＪ－１\u3000", "contract_no": "'HT 1"}).json
    assert (told["loan_no"], told["contract_no"]) == ("JJ-1", "HT 1")
    assert world.call("POST", path, token, json={"loan_no": "JJ-1", "contract_no": "HT 1"}).json == told


def test_a_cap_refuses_with_its_count(world: World) -> None:
    asked = ask(world, "member").json["enquiry_id"]
    refused = reserve(world, "member", asked, amount="200000.01")
    assert (refused.status_code, code_of(refused)) == (409, "H1212")
    assert code_of(reserve(world, "other", asked)) == "H1213"
    assert code_of(reserve(world, "member", asked, expires_in=3600 * 24 * 30)) == "H1216"


def test_a_reservation_that_names_no_product_is_held_against_the_enquirys(world: World) -> None:
    asked = ask(world, "member").json["enquiry_id"]
    unsaid = {"product": None, "amount": "200000.01"}
    assert code_of(reserve(world, "member", asked, **unsaid)) == "H1212", "of a consumer loan"
    business = ask(world, "member", product="business").json["enquiry_id"]
    assert reserve(world, "member", business, **unsaid).status_code == 201
    nothing_said = ask(world, "member", product=None).json["enquiry_id"]
    assert reserve(world, "member", nothing_said, **unsaid).status_code == 201, "the widest cap"


def test_a_refusal_counts_for_whom_an_answer_counts(world: World) -> None:
    """A member that does not report learns of no loans by being refused either."""
    asked, most = ask(world, "member").json["enquiry_id"], 6
    for _ in range(most):
        assert reserve(world, "member", asked, amount="1.00").status_code == 201
    refused = reserve(world, "member", asked, amount="1.00")
    assert (code_of(refused), refused.json["facts"]) == ("H1211", {"open_loans": most + 1, "limit": most})
    before = ask(world, "other").json
    assert before["tier"] == "full"
    with connection(world.settings) as database:
        database.execute(text("UPDATE member SET created_at = '2026-01-01', as_of_date = '2026-04-01'"))
    blind = ask(world, "other").json
    assert blind["tier"] == "query_only"
    for asked in (blind, before):
        refused = reserve(world, "other", asked["enquiry_id"], amount="1.00")
        assert (code_of(refused), refused.json["facts"]) == ("H1211", {"limit": most})
        assert str(most + 1) not in refused.json["detail"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"consent_until": "2026-05-30"}, "H1201"),
        ({"subject": {"id_type": "resident_id", "id_no": "110105194912310021"}}, "H0801"),
        ({"purpose": "curiosity"}, "H1208"),
        ({"purpose": NUMBER}, "H1208"),
        ({"purpose": 1}, "H1121"),
        ({"amount": "-1"}, "H1121"),
        ({"amount": "1.001"}, "H1121"),
        ({"religion": "x"}, "H1121"),
    ],
)
def test_a_question_that_cannot_be_put_says_why(world: World, changes: dict[str, Any], code: str) -> None:
    response = ask(world, "member", **changes)
    assert code_of(response) == code
    assert NUMBER not in response.text
    assert "110105194912310021" not in response.text


@pytest.mark.parametrize("world", ["one_world"], indirect=True)
@pytest.mark.parametrize("key", ["", "short", "x" * 65, "blank here", "中文中文中文中文"])
def test_a_key_is_needed_and_plain(world: World, key: str) -> None:
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    response = world.enquire("member", BODY, headers)
    assert code_of(response) == "H1204"


@pytest.mark.parametrize("world", ["one_world"], indirect=True)
def test_a_ticket_is_none_where_one_process_holds_both_keys(world: World) -> None:
    headers, token = {"Idempotency-Key": str(new_id())}, world.token("member")
    body = with_ticket(BODY, "any")
    assert code_of(world.call("POST", "/v1/enquiries", token, headers, json=body)) == "H1236"
    both = body | {"subject": BODY["subject"]}
    assert code_of(world.call("POST", "/v1/enquiries", token, headers, json=both)) == "H1121"
    with connection(world.settings) as database:
        assert database.execute(text("SELECT count(*) FROM enquiry")).scalar_one() == 0


def test_an_answer_names_no_member(world: World) -> None:
    reserve(world, "other", ask(world, "other").json["enquiry_id"])
    text = json.dumps(ask(world, "member").json, ensure_ascii=False)
    assert "M0002" not in text
    assert "乙公司" not in text


def test_a_receipt_proves_what_was_answered(world: World) -> None:
    asked = ask(world, "member")
    told = asked.json
    path, token = f"/v1/enquiries/{told['enquiry_id']}/receipt", world.token("member")
    early = world.call("GET", path, token)
    assert (code_of(early), early.headers["Retry-After"], early.json["facts"]) == (
        "H1302",
        "2",
        {"retry_s": 2},
    )
    drain(world.settings)
    receipt = world.call("GET", path, token).json
    keys = log_keys(keyring.open(world.settings.keys_dir, "audit")).verifiers
    assert verify_receipt(receipt, keys).size == 1
    # What the member holds is what the log says: the answer without its promise, in its one spelling.
    assert verify_told(asked.data, keys).record == receipt["record"]
    promise = told.pop("promise")
    record = json.loads(receipt["record"])
    assert record["answer_sha256"] == hashlib.sha256(canonical(told)).hexdigest()
    verify_promise(promise, receipt["record"], bytes.fromhex(receipt["salt"]), keys)
    assert (promise["record"], promise["salt"]) == (receipt["record"], receipt["salt"])
    assert code_of(world.call("GET", path, world.token("other"))) == "H1302"
    assert NUMBER not in receipt["record"]


def test_only_ones_own_is_said_to_come_yet(world: World) -> None:
    """Nobody learns of a receipt's place that another member has asked, before it is numbered or after."""
    enquiry = ask(world, "member").json["enquiry_id"]
    hold = reserve(world, "member", enquiry).json["reservation_id"]
    places = [("/v1/enquiries/{}/receipt", enquiry), ("/v1/reservations/{}/receipt", hold)]

    def told(who: str, place: str, id_: object) -> tuple[bytes, str | None]:
        response = world.call("GET", place.format(id_), world.token(who))
        assert code_of(response) == "H1302"
        return response.data, response.headers.get("Retry-After")

    for place, id_ in places:
        assert told("member", place, id_)[1] == "2"
        assert told("other", place, id_) == told("other", place, new_id()) == told("member", place, new_id())
        assert told("other", place, id_)[1] is None
    drain(world.settings)
    for place, id_ in places:
        assert world.call("GET", place.format(id_), world.token("member")).status_code == 200
        assert told("other", place, id_) == told("other", place, new_id())


def test_each_act_of_a_reservation_has_its_receipt(world: World) -> None:
    """Else the proof of what was promised, and until when, would be gone with the next act."""
    token = world.token("member")
    made = reserve(world, "member", ask(world, "member").json["enquiry_id"]).json
    place = f"/v1/reservations/{made['reservation_id']}"

    def told(act: str | None) -> Any:
        return world.call("GET", f"{place}/receipt" + (f"?act={act}" if act else ""), token)

    drain(world.settings)
    changed = world.call("POST", f"{place}/convert", token, json={"loan_no": "L-1"}).json
    early = told("converted")
    assert (code_of(early), early.headers.get("Retry-After")) == ("H1302", "2")
    never = told("released")
    assert (code_of(never), never.headers.get("Retry-After")) == ("H1302", None)
    drain(world.settings)
    keys = log_keys(keyring.open(world.settings.keys_dir, "audit")).verifiers
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    for act, until in (("granted", made["expires_at"]), ("converted", changed["expires_at"])):
        receipt = told(act).json
        verify_receipt(receipt, keys)
        record = json.loads(receipt["record"])
        assert (record["topic"], record["expires_at"], record["member"]) == (
            f"reservation.{act}",
            until,
            "M0001",
        )
        row = re.search(rf"^\| `reservation.{act}` \| (`reservation`.*) \|$", page, flags=re.MULTILINE)
        assert row is not None
        assert set(re.findall(r"`(\w+)`", row[1])) | {"topic", "at"} == set(record)
    assert json.loads(told(None).json["record"])["topic"] == "reservation.converted"
    assert code_of(told("lent")) == "H1121"


def test_a_member_that_stopped_reporting_sees_outcome_and_lender_count_only(world: World) -> None:
    with connection(world.settings) as database:
        database.execute(text("UPDATE member SET created_at = '2026-01-01', as_of_date = '2026-04-01'"))
    told = ask(world, "member").json
    assert told["tier"] == "query_only"
    assert told["exposure"] == {"lenders": 0}
    assert not {"flags", "delinquency", "enquiries", "match"} & set(told)
    closed = ask(world, "member", purpose="post_loan")
    assert (closed.status_code, code_of(closed)) == (403, "H1209"), "no use in waiting for another minute"
    assert "Retry-After" not in closed.headers
