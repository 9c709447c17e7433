"""The log's pages: by number, by kind, by cursor; a proof that huxin_privacy itself finds right; an erased record."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from console_world import Console, Somebody
from sqlalchemy import text

import huxin.registry
from huxin.audit.receipts import make_receipt
from huxin.console.acts import acts
from huxin.console.audit_words import TOPICS, VALUES, meaning
from huxin.console.pages.audit import public_keys
from huxin.registry.audit_acts import erase_record, note_act
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin_privacy.notes import parse_keys
from huxin_privacy.receipts import verify_receipt


@pytest.fixture
def reader(console: Console) -> Somebody:
    """An auditor before a log of some sixty leaves."""
    with connection(console.settings) as database:
        for number in range(58):
            topic = "member.set" if number % 2 else "enquiry.answered"
            note_act(database, topic, {"code": f"planted-{number}-"}, console.settings.now())
    li = console.joined("li.na", "administrator")
    drain(console.settings)
    return li


def test_the_log_is_paged_from_its_newest_leaf(console: Console, reader: Somebody) -> None:
    first = reader.get("/audit").text
    numbers = [int(each) for each in re.findall(r'href="/audit/(\d+)"', first)]
    assert numbers == list(range(58, 8, -1))
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    rest = reader.get(html.unescape(following[1])).text
    assert [int(each) for each in re.findall(r'href="/audit/(\d+)"', rest)] == list(range(8, -1, -1))
    assert 'rel="next"' not in rest


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40, "٣"])
def test_a_cursor_that_is_none_is_refused(console: Console, reader: Somebody, after: str) -> None:
    assert reader.get(f"/audit?after={after}").status_code == 400


def test_one_kind_is_found_by_its_index(console: Console, reader: Somebody) -> None:
    page = reader.get("/audit?topic=member.set").text
    assert len(re.findall(r'href="/audit/(\d+)"', page)) == 29
    assert len(re.findall(r'href="/audit/(\d+)"', reader.get("/audit?topic=enquiry.answered").text)) == 29
    plan = "EXPLAIN SELECT * FROM audit_leaf WHERE topic = 'member.set' AND topic <> 'enquiry.answered' ORDER BY number"
    with connection(console.settings) as database:
        database.execute(text("SET LOCAL enable_seqscan = off"))
        assert "audit_leaf_act_idx" in str(database.execute(text(plan)).all())


def test_a_leafs_page_holds_what_proves_it(console: Console, reader: Somebody) -> None:
    page = reader.get("/audit/58").text
    found = re.search(r'id="proof">(.*?)</script>', page, re.DOTALL)
    assert found
    proof = json.loads(found[1])
    receipt = make_receipt(
        proof["record"], bytes.fromhex(proof["salt"]), proof["number"], [], proof["checkpoint"]
    )
    receipt["path"] = proof["path"]
    keys = parse_keys("\n".join(public_keys(console.settings)))
    assert verify_receipt(receipt, keys).size == 59
    assert all(key.text in html.unescape(page) for key in keys)


def test_a_record_is_found_by_its_number(console: Console, reader: Somebody) -> None:
    with connection(console.settings) as database:
        id_ = database.scalar(text("SELECT outbox_id FROM audit_leaf WHERE number = 7"))
    assert reader.get(f"/audit?id={id_}").headers["Location"] == "/audit/7"
    for nobody in ("01890000-0000-7000-8000-000000000000", "' OR 1=1"):
        assert reader.get("/audit", query_string={"id": nobody}).headers["Location"] == "/audit"
    assert reader.get("/audit/59").status_code == 404
    assert reader.get("/audit/99999999999999999999").status_code in (400, 404)


def test_an_erased_record_says_so_and_its_leaf_is_still_proved(console: Console, reader: Somebody) -> None:
    with connection(console.settings) as database:
        id_ = database.scalar(text("SELECT outbox_id FROM audit_leaf WHERE number = 7"))
    erase_record(console.settings, id_, "request")
    page = reader.get("/audit/7").text
    assert "planted-7-" not in page
    assert "已于" in page
    assert 'data-step="record"' not in page
    assert 'data-step="root"' in page


def test_growth_is_told_within_the_log_and_not_beyond(console: Console, reader: Somebody) -> None:
    assert len(reader.get("/audit/growth?from=7&to=59").json["path"]) > 0
    for wrong in ("from=7&to=60", "from=9&to=8", "from=x&to=1", ""):
        assert reader.get(f"/audit/growth?{wrong}").status_code >= 400


def test_the_export_is_the_filter(console: Console, reader: Somebody) -> None:
    from io import BytesIO

    import openpyxl

    page = openpyxl.load_workbook(BytesIO(reader.get("/audit.xlsx?topic=member.set").data)).active
    assert page is not None
    assert page.max_row == 30


def test_every_topic_has_a_name() -> None:
    """As the sources name them; what looks like a topic and is none is a part of an act by two, a file or a figure."""
    kinds = (
        "alarm|approval|blind|credential|enquiry|honeytokens|keys|member|nudge|operator|person|policy|record"
    )
    topic = re.compile(rf"[\"']((?:{kinds}|reservation|rows|subject|submission)\.(?!json|yaml)[a-z_]+)[\"']")
    no_topics = {
        *("keys.written", "keys.destroy"),
        *("member.suspend", "member.resume", "member.tier", "person.recover", "person.administrator"),
    }
    room = Path(huxin.registry.__file__).parents[1]
    sources = [*room.rglob("*.py"), *(room / "registry" / "functions").glob("*.sql")]
    said = {found for source in sources for found in topic.findall(source.read_text(encoding="utf-8"))}
    assert said - no_topics <= set(TOPICS)
    assert len(said) > 40


def test_codes_of_facts_are_told_in_words(console: Console) -> None:
    """In the list by the word alone, on a leaf's page beside what is hashed; every act of two persons has its word."""
    li = console.joined("li.na", "administrator")
    drain(console.settings)
    assert "角色 管理员" in li.get("/audit?topic=person.joined").text
    page = li.get("/audit/0").text
    assert re.search(r'mono">administrator</span> <span[^>]*>管理员<', page)
    assert set(VALUES["act"]) == set(acts())
    assert meaning("role", 7) is None
    assert meaning("amount", "administrator") is None
