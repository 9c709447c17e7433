"""The policy editor: faults by line, what a change would do, and its way through two people."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from console_world import Console, Somebody
from first_day_world import stricter as strict
from members_world import auditor, book, clerk, lending, published
from test_my_asking import question

from huxin.registry.session import connection
from huxin.settings import Settings


@pytest.fixture
def console(settings: Settings) -> Console:
    return lending(settings)


@pytest.fixture
def author(console: Console) -> Somebody:
    return console.joined("li.na", "steward")


def test_a_fault_stands_at_its_line(author: Somebody) -> None:
    text = author.get("/policy/edit").text
    assert "max_lenders: 3" in text
    broken = strict().replace("max_lenders: 1", "max_lenders: 0")
    line = next(number for number, each in enumerate(broken.splitlines(), 1) if "max_lenders" in each)
    answer = author.post("/policy/edit", {"text": broken, "effective_on": "2026-07-01", "check": "1"})
    assert answer.status_code == 422
    assert f"第 {line} 行" in answer.text
    assert re.search(r'class="line-wrong">\s*\d+\s+max_lenders: 0', answer.text)
    answer = author.post(
        "/policy/edit", {"text": "<script>alert(1)</script>", "effective_on": "", "check": "1"}
    )
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text


def test_a_change_goes_through_two_people(console: Console, author: Somebody) -> None:
    answer = author.post("/policy/edit", {"text": strict(), "effective_on": "2026-07-01", "check": "1"})
    assert "机构数上限" in answer.text
    text = strict().replace("OVERDUE: refer", "OVERDUE: ineligible")
    said = author.post("/policy/edit", {"text": text, "effective_on": "2026-07-01", "check": "1"}).text
    assert "标志级别 逾期" in said
    assert re.search(r"转人工 <span[^>]*>refer</span></td><td>不符合 <span[^>]*>ineligible<", said)
    answer = author.post("/policy/edit", {"text": strict(), "effective_on": "2026-07-01", "propose": "1"})
    assert answer.status_code == 303, answer.text
    place = answer.headers["Location"]
    chief, other = console.joined("wang", "administrator"), auditor(console)
    assert "规则变更待您批准" in chief.get("/").text
    assert "规则变更待您批准" not in author.get("/").text
    assert author.post(f"{place}/approve").status_code == 403
    assert other.post(f"{place}/approve").status_code == 403
    assert other.get(place).status_code == 200
    assert chief.post(f"{place}/approve").status_code == 303
    assert "已批准" in chief.get(place).text
    assert chief.post(f"{place}/approve").status_code == 409
    assert chief.post(f"{place}/withdraw").status_code == 303


def test_an_administrator_does_not_approve_his_own(console: Console) -> None:
    chief = console.joined("wang", "administrator")
    answer = chief.post("/policy/edit", {"text": strict(), "effective_on": "2026-07-01", "propose": "1"})
    place = answer.headers["Location"]
    assert f'action="{place}/approve"' not in chief.get(place).text
    refused = chief.post(f"{place}/approve")
    assert refused.status_code == 409
    assert "H1517" in refused.text


def test_a_simulation_tells_its_progress_and_its_result(
    console: Console, author: Somebody, tmp_path: Path
) -> None:
    published(console, "M0002", book("M0002"), tmp_path)
    who = clerk(console)
    for person in (1, 2):
        assert who.post("/my/ask", question(who, person)).status_code == 303
    form = {
        "text": strict(),
        "effective_on": "2026-07-01",
        "simulate": "1",
        "from": "2026-05-01",
        "to": "2026-05-31",
    }
    answer = author.post("/policy/edit", form)
    assert answer.status_code == 200
    until = time.monotonic() + 120
    page = answer.text
    while "正在重算" in page and time.monotonic() < until:
        found = re.search(r'hx-get="(/policy/simulations/[^"]+)"', page)
        assert found
        page = author.get(found[1]).text
        time.sleep(0.1)
    assert "2026-05-01 至 2026-05-31：2 笔查询" in page
    assert re.search(r"多头借贷 <span[^>]*>MULTI_LENDER</span>", page)
    assert author.get("/policy/simulations/01890000-0000-7000-8000-000000000000").status_code == 404
    with connection(console.settings):
        pass
