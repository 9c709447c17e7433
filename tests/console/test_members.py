"""The members' pages: found among many, changed by one or by two, let in step by step, and on record."""

from __future__ import annotations

import re
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from console_world import Console, Somebody
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from members_world import as_csv, book, lending
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from huxin.cli import main
from huxin.contract import State
from huxin.enquiry.limiting import Limiting
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.nightly.submitting import submit
from huxin.registry import onboardings
from huxin.registry.console_members import member_row
from huxin.registry.live import Live
from huxin.registry.members import add_members, find_member
from huxin.registry.onboardings import find_onboarding
from huxin.registry.policies import policy_on
from huxin.registry.session import connection
from huxin.settings import Settings
from support.queries import watched
from support.rows import AS_OF, name, resident_id, write_submission

MOST = 12  # statements of a page, those that tell who has signed in included


@pytest.fixture
def console(settings: Settings) -> Console:
    return lending(settings)


@pytest.fixture
def two(console: Console) -> tuple[Somebody, Somebody]:
    return console.joined("li.na", "administrator"), console.joined("wang.wu", "administrator")


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def pem() -> str:
    public = Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def acts_of(console: Console, code: str) -> list[tuple[str, str]]:
    """(topic, by) of the member's acts, each of which has its leaf waiting in the outbox."""
    query = """
        SELECT a.topic, a.by FROM member_act a JOIN member m ON m.id = a.member_id
        JOIN outbox o ON o.id = a.id AND o.topic = a.topic AND o.body ->> 'by' = a.by
        WHERE m.code = :code ORDER BY a.id
    """
    with connection(console.settings) as database:
        return [(row.topic, row.by) for row in database.execute(text(query), {"code": code})]


def status(console: Console, code: str) -> str:
    with connection(console.settings) as database:
        found = find_member(database, code)
    assert found
    return found.status


def approved(who: Somebody) -> Any:
    """Approves the first thing that waits for somebody."""
    id_ = re.search(r"/approvals/([\w-]+)/approve", who.get("/approvals").text)
    assert id_
    return who.post(f"/approvals/{id_[1]}/approve")


def sent(who: Somebody, path: str, content: bytes, name: str = "测试.csv") -> Any:
    """The form of a test file as a browser sends it."""
    return who.post(path, {"file": (BytesIO(content), name)}, content_type="multipart/form-data")


def test_members_are_found_among_a_thousand(console: Console, two: tuple[Somebody, Somebody]) -> None:
    with connection(console.settings) as database:
        add_members(
            database,
            [(f"T{number:04}", f"第{number}小贷公司") for number in range(1_000)],
            console.settings.now(),
        )
    first = two[0].get("/members").text
    assert first.count('scope="row"') == 50
    after = re.search(r'rel="next" href="([^"]+)"', first)
    assert after
    second = two[0].get(after[1].replace("&amp;", "&")).text
    assert second.count('scope="row"') == 50
    assert not set(re.findall(r"/members/([MT]\w+)\"", first)) & set(
        re.findall(r"/members/([MT]\w+)\"", second)
    )
    assert re.findall(r"/members/(\w+)\"", two[0].get("/members?q=第777").text)[-1:] == ["T0777"]
    assert 'href="/members/T0777"' in two[0].get("/members?q=t0777").text
    for path in ("/members", "/members?q=第77&status=active", "/members/T0777"):
        with watched() as seen:
            assert two[0].get(path).status_code == 200
        assert 0 < seen.count <= MOST, (path, seen.count)
        assert seen.walks(console.settings) == [], path
    assert "没有符合条件的会员" in two[0].get("/members?q=%25").text
    assert "没有符合条件的会员" in two[0].get("/members?status=suspended").text
    assert two[0].get("/members/export?q=第77").status_code == 200
    assert two[0].get("/members/M9").status_code == 404


def test_two_suspend_and_two_take_it_back(console: Console, two: tuple[Somebody, Somebody]) -> None:
    li, wang = two
    for act, until, then in (("suspend", "active", "suspended"), ("resume", "suspended", "active")):
        form = {"act": f"member.{act}", "reason": "现场检查"}
        assert li.post("/members/M0001/propose", form).status_code == 303
        assert status(console, "M0001") == until
        assert "li.na 已提出" in plain(wang.get("/members/M0001").text)
        assert approved(wang).status_code == 303
        assert status(console, "M0001") == then
    assert acts_of(console, "M0001") == [("member.suspended", "wang.wu"), ("member.resumed", "wang.wu")]
    said = plain(li.get("/members/M0001").text)
    assert "暂停会员" in said and "恢复会员" in said and "wang.wu" in said
    # What was proposed of a state that is no more is not carried out.
    li.post("/members/M0001/propose", {"act": "member.resume", "reason": ""})
    assert approved(wang).status_code == 409
    assert li.post("/members/M0001/propose", {"act": "person.recover", "reason": ""}).status_code == 400


def test_two_change_a_tier_and_one_does_not(console: Console, two: tuple[Somebody, Somebody]) -> None:
    li, wang = two
    form = {"act": "member.tier", "tier": "banded", "reason": "协议变更"}
    assert li.post("/members/M0001/propose", form | {"tier": "royal"}).status_code == 400
    assert li.post("/members/M0001/propose", form).status_code == 303
    assert approved(wang).status_code == 303
    with connection(console.settings) as database:
        found = member_row(database, "M0001")
    assert found
    assert found.tier == "banded"


def test_a_limit_binds_at_once_and_is_lifted_again(console: Console, two: tuple[Somebody, Somebody]) -> None:
    li, _ = two
    steward = console.joined("zhao.liu", "steward")
    form = {"purpose": "application", "per_day": "3", "until": "2030-01-01"}
    assert steward.post("/members/M0001/limits", form | {"per_day": ""}).status_code == 422
    assert steward.post("/members/M0001/limits", form | {"purpose": "fun"}).status_code == 422
    assert steward.post("/members/M0001/limits", form).status_code == 303
    assert "每日 3，截止 2030-01-01" in plain(li.get("/members/M0001").text)
    settings = console.settings
    policy, today = policy_on(settings, settings.today()), settings.today()
    live = Live(settings)
    asked = ("full", console.members["M0001"], "application", today)
    # What enquiries are judged by: the guard's own reader of limits.
    assert Limiting(live).quota(policy, *asked)[1] == 3
    assert li.post("/members/M0001/limits", {"purpose": "application", "lift": "1"}).status_code == 303
    assert Limiting(live).quota(policy, *asked)[1] == policy.quota("full", "application").per_day
    assert li.post("/members/M0001/limits", {"purpose": "application", "lift": "1"}).status_code == 409
    assert acts_of(console, "M0001") == [("member.limited", "zhao.liu"), ("member.unlimited", "li.na")]


def test_data_and_keys_are_changed_and_on_record(console: Console, two: tuple[Somebody, Somebody]) -> None:
    li, _ = two
    assert li.post("/members/M0001/data", {"name": "甲小额贷款公司", "kind": "guarantor"}).status_code == 303
    assert li.post("/members/M0001/data", {"name": "", "kind": "guarantor"}).status_code == 422
    said = plain(li.get("/members/M0001").text)
    assert "甲小额贷款公司" in said and "融资担保公司" in said
    assert li.post("/members/M0001/keys", {"pem": "no key"}).status_code == 422
    for _ in range(2):
        assert li.post("/members/M0001/keys", {"pem": pem()}).status_code == 303
    assert li.post("/members/M0001/keys", {"pem": pem()}).status_code == 409, "two live ones at the most"
    id_ = re.search(r"/members/M0001/keys/([\w-]+)/revoke", li.get("/members/M0001").text)
    assert id_
    assert li.post(f"/members/M0002/keys/{id_[1]}/revoke").status_code == 404
    assert li.post(f"/members/M0001/keys/{id_[1]}/revoke").status_code == 303
    assert li.post(f"/members/M0001/keys/{id_[1]}/revoke").status_code == 404
    topics = [topic for topic, _ in acts_of(console, "M0001")]
    assert topics == ["member.set", "credential.added", "credential.added", "credential.revoked"]


def test_a_member_comes_in_step_by_step_and_acts_only_then(
    console: Console, two: tuple[Somebody, Somebody], tmp_path: Path
) -> None:
    li, wang = two
    form = {"code": "M0003", "name": "丙小额贷款公司", "kind": "microlender"}
    for wrong in ({"code": "丙"}, {"name": ""}, {"kind": "K!"}, {"code": "new"}):
        assert li.post("/members/new", form | wrong).status_code == 422, wrong
    assert li.post("/members/new", form | {"code": "M0001"}).status_code == 409
    assert li.post("/members/new", form).headers["Location"] == "/members/M0003/onboarding"
    assert li.post("/members/new", form).status_code == 409
    # Left, and taken up by another at the step where it stands.
    assert "1 家会员正在登记" in plain(wang.get("/").text)
    assert "第二步" in wang.get("/members/M0003/onboarding").text
    assert li.post("/members/M0003/onboarding/activate").status_code == 409
    answer = wang.post("/members/M0003/onboarding/people", {"login": "Bad Name", "contact": ""})
    assert answer.status_code == 422
    assert "Bad Name" in answer.text, "what was typed stays"
    answer = wang.post("/members/M0003/onboarding/people", {"login": "m3.boss", "contact": "022-12345678"})
    path = re.search(r"(/join/[\w-]+)", answer.text)
    assert path
    assert "第三步" in li.get("/members/M0003/onboarding").text
    assert li.post("/members/M0003/onboarding/keys", {"pem": "x"}).status_code == 422
    assert li.post("/members/M0003/onboarding/keys", {"later": "1"}).status_code == 303
    assert "第四步" in li.get("/members/M0003/onboarding").text
    # Meanwhile it may neither send nor ask, nor does it owe anything.
    console.members["M0003"] = _number(console, "M0003")
    clerk = console.joined("m3.clerk", "clerk", "M0003")
    assert clerk.post("/my/uploads", {"name": "x.csv", "size": "1"}).status_code == 403
    asked = {
        "id_type": "resident_id",
        "id_no": resident_id(3),
        "purpose": "application",
        "consent_no": "SQ-1",
    }
    asked |= {"consent_until": "2027-12-31", "reference": "case-1", "name": name(3), "key": str(new_id())}
    assert "尚未启用" in clerk.post("/my/ask", asked).text
    file = write_submission(tmp_path, "M0003", book("M0003"), AS_OF, 1, "full", file_name="M0003.csv")
    assert submit(console.settings, file, "M0003")[0].state == State.REFUSED
    assert "M0003" not in li.get("/calendar/late").text
    _test_files(console, li, clerk)
    assert li.post("/members/M0003/onboarding/activate").status_code == 303
    assert status(console, "M0003") == "active"
    assert clerk.post("/my/uploads", {"name": "x.csv", "size": "1"}).status_code == 200
    assert sent(clerk, "/my/start", b"x").status_code == 409
    assert li.post("/members/M0003/onboarding/activate").status_code == 409
    topics = [topic for topic, _ in acts_of(console, "M0003")]
    assert topics == [
        "member.onboarding",
        "person.invited",
        "member.tested",
        "member.tested",
        "member.activated",
    ]


def _number(console: Console, code: str) -> int:
    with connection(console.settings) as database:
        found = find_member(database, code)
    assert found
    return found.id


def _test_files(console: Console, li: Somebody, clerk: Somebody) -> None:
    """One with a fault does not pass, by the operator; the mended one does, by the member's own clerk."""
    assert "1 个测试文件待校验" in plain(clerk.get("/").text)
    assert li.post("/members/M0003/onboarding/test", {}).status_code == 422
    wrong = as_csv(book("M0003", wrong=(3,)))
    answer = sent(li, "/members/M0003/onboarding/test", wrong)
    said = plain(answer.text)
    assert answer.status_code == 200
    assert "没有通过" in said and "证件号码的校验码不对" in said and "启用会员" not in said
    assert li.post("/members/M0003/onboarding/activate").status_code == 409
    answer = sent(clerk, "/my/start", as_csv(book("M0003")))
    assert "测试文件通过" in plain(answer.text)
    with connection(console.settings) as database:
        found = find_onboarding(database, "M0003")
        count = database.execute(text("SELECT count(*) FROM submission WHERE state <> 6")).scalar()
    assert found
    assert (found.ready, found.test_rows, found.tested_by) == (True, 30, "m3.clerk")
    assert count == 0, "nothing was filed"
    assert "启用会员" in li.get("/members/M0003/onboarding").text


def test_a_hostile_or_large_test_file_is_told_of_and_kept_nowhere(
    console: Console, two: tuple[Somebody, Somebody]
) -> None:
    li, _ = two
    li.post("/members/new", {"code": "M0003", "name": "丙公司", "kind": "microlender"})
    path = "/members/M0003/onboarding/test"
    for content, name_ in (
        (b"PK\x03\x04" + b"\0" * 99, "book.xlsx"),
        (b"<svg onload=x>", "x.csv"),
        (b"", "x.csv"),
    ):
        answer = sent(li, path, content, name_)
        assert answer.status_code == 200, name_
        assert "没有通过" in answer.text
        assert "onload" not in answer.text
    # As the page's script sends it: the token goes ahead of the body, and the body may be larger than a form.
    large = {"file": (BytesIO(b"x" * (9 << 20)), "x.csv")}
    headers = {"X-CSRF-Token": li.csrf("/"), "HX-Request": "true"}
    answer = li.client.post(path, data=large, content_type="multipart/form-data", headers=headers)
    assert answer.status_code == 413
    parted = {"file": (BytesIO(b"x" * (700 << 10)), "x.csv")}
    with console.app.test_request_context(path, method="POST", data=parted) as context:
        assert isinstance(context.request.files["file"].stream, BytesIO), "clear rows would lie on the disk"


def test_the_pages_are_english_for_who_wants_english(
    console: Console, two: tuple[Somebody, Somebody]
) -> None:
    li, _ = two
    li.post("/members/new", {"code": "M0003", "name": "C Lending", "kind": "microlender"})
    li.post("/members/M0001/limits", {"purpose": "application", "per_day": "3"})
    li.post("/language", {"language": "en"})
    pages = ["/members", "/members/new", "/members/M0001", "/approvals", "/calendar/late"]
    for path in [*pages, *(f"/members/M0003/onboarding?step={step}" for step in (2, 3, 4))]:
        said = plain(li.get(path).text).replace("小贷", "").replace("中文", "")
        assert not re.findall(r"[\u3400-\u9fff]+", said), path


def test_the_database_itself_lets_nobody_in_without_a_test(console: Console) -> None:
    now = console.settings.now()
    with connection(console.settings) as database:
        id_ = onboardings.begin_onboarding(database, "M0009", "丁公司", "microlender", "li.na", now)
        with pytest.raises(HuxinError):
            onboardings.activate(database, id_, "li.na", now)
    with pytest.raises(IntegrityError), connection(console.settings) as database:
        database.execute(
            text("UPDATE onboarding SET activated_at = now() WHERE member_id = :id"), {"id": id_}
        )


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_templates_are_offered_to_both_sides(
    console: Console, two: tuple[Somebody, Somebody], kind: str
) -> None:
    clerk = console.joined("m1.clerk", "clerk", "M0001")
    for who, path in ((two[0], "/members"), (clerk, "/my/start")):
        answer = who.get(f"{path}/template.{kind}")
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert who.get(f"{path}/template.exe").status_code == 404


def test_a_command_lets_nobody_in_either_and_its_acts_are_shown(
    console: Console,
    two: tuple[Somebody, Somebody],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HUXIN_HOME", str(console.settings.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", str(console.settings.database_url))
    with connection(console.settings) as database:
        onboardings.begin_onboarding(
            database, "M0003", "丙公司", "microlender", "li.na", console.settings.now()
        )
    for words, code in ((("resume", "M0003"), 1), (("suspend", "M0003"), 1), (("suspend", "M0001"), 0)):
        monkeypatch.setattr(sys, "argv", ["huxin", "members", *words])
        ended = 0
        try:
            main()
        except SystemExit as done:
            ended = int(done.code or 0)
        assert bool(ended) is bool(code), words
        capsys.readouterr()
    assert (status(console, "M0003"), status(console, "M0001")) == ("onboarding", "suspended")
    assert [topic for topic, _ in acts_of(console, "M0001")] == ["member.suspended"]
    assert "暂停会员" in plain(two[0].get("/members/M0001").text)
