"""Every page there is, on a registry where something of every kind has happened: what it asks, shows and is made of.

A route of schemas/console/access.yaml that is not asked here fails the build: the tests below hold all of them.
"""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from console_world import Console, Somebody
from first_day_world import happened, stricter
from members_world import as_csv, book, uploaded
from test_console_queries import GROWING
from werkzeug.test import TestResponse

from huxin.console.access import EVERYONE, access
from huxin.console.shape import STATIC
from huxin.decision.policy_text import read_policy
from huxin.oversight import simulating
from huxin.oversight.policy_simulation import Period
from huxin.registry.connect import libpq_uri
from huxin.registry.people import ADMINISTRATOR, MEMBER_ADMINISTRATOR
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import Settings
from support.rows import mobile, name, resident_id

MOST, MOST_AT_FIRST = 24, 40  # statements; the first page asks every other page what waits
PEOPLE = range(1, 31)
HAN = re.compile(r"[\u3400-\u9fff]+")
# What is said in Chinese whatever is read: the invented lenders' names, the language's own.
OWN = re.compile("小贷|中文")
FILES = re.compile(r"export|\.xlsx|/rows$|/receipt$|/growth|template|/state$|/healthz")
REJECTED = "GET /my/files/<uuid:id_>/rows"
# It counts what hangs on a key, which is everything; the page that shows it does not wait for it.
COUNTED = "GET /approvals/keys/<uuid:id_>/depending"


@dataclass
class World:
    """Who asks, and for each route an address at which there is something."""

    console: Console
    operator: Somebody
    member: Somebody
    addresses: dict[str, str] = field(default_factory=dict)

    def askers(self, route: str) -> list[Somebody]:
        """Whoever of the two may open it; a stranger where everybody may."""
        allowed = access()[route]
        if EVERYONE in allowed:
            return [self.console.stranger()]
        sides = ((ADMINISTRATOR, self.operator), (MEMBER_ADMINISTRATOR, self.member))
        return [who for role, who in sides if role in allowed]

    def address(self, route: str) -> str:
        return self.addresses.get(route, route.removeprefix("GET "))


ROUTES = sorted(route for route in access() if route.startswith("GET "))


@pytest.fixture
def world(settings: Settings, tmp_path: Path) -> World:
    console = happened(settings, tmp_path)
    made = World(
        console,
        console.joined("li.na", ADMINISTRATOR),
        console.joined("chen", MEMBER_ADMINISTRATOR, "M0001"),
    )
    drain(settings)
    made.addresses = {**_of_operators(made), **_of_members(made)}
    return made


def _of_operators(world: World) -> dict[str, str]:
    who = world.operator
    change = _linked(who, "/policy", "/policy/changes/")
    found = {
        "/join/<secret>": world.console.invited("sun.ba", "steward"),
        "/people/<uuid:id_>": f"/people/{world.member.id}",
        "/audit/growth": "/audit/growth?from=1&to=2",
        "/audit/<int:number>": "/audit/0",
        "/policy/changes/<uuid:id_>": change,
        "/policy/simulations/<uuid:id_>": _simulated(world.console.settings),
        "/approvals/keys/<uuid:id_>": _linked(who, "/approvals", "/approvals/keys/"),
        "/calendar/members/<code>": "/calendar/members/M0001",
        "/reports/<uuid:number>": _linked(who, "/reports?member=M0001", "/reports/"),
        "/quality/<code>": "/quality/M0001",
        "/quality/<code>/export": "/quality/M0001/export",
        "/enquiries": "/enquiries?since=2026-03-01&until=2026-03-31",
        "/enquiries/export": "/enquiries/export?since=2026-03-01&until=2026-03-31",
        "/alarms/<uuid:number>": _linked(who, "/alarms", "/alarms/"),
        "/members/template.<kind>": "/members/template.csv",
        "/members/<code>": "/members/M0001",
        "/members/<code>/onboarding": "/members/M0003/onboarding",
    }
    found["/approvals/keys/<uuid:id_>/depending"] = f"{found['/approvals/keys/<uuid:id_>']}/depending"
    begun = who.post("/members/new", {"code": "M0003", "name": "M0003 小贷", "kind": "microlender"})
    assert begun.status_code == 303
    return {f"GET {rule}": address for rule, address in found.items()}


def _of_members(world: World) -> dict[str, str]:
    who = world.member
    file, enquiry = (_linked(who, listing, f"{listing}/") for listing in ("/my/files", "/my/enquiries"))
    upload = uploaded(who, "next.csv", as_csv(book("M0001", wrong=(4,))))
    found = {
        "/my/files/<uuid:id_>": file,
        "/my/enquiries/<uuid:id_>": enquiry,
        "/my/uploads/<uuid:id_>": upload,
        "/my/uploads/<uuid:id_>/state": f"{upload}/state",
        "/my/proofs/<uuid:id_>": f"/my/proofs/{file.rpartition('/')[2]}",
        "/my/proofs/growth": "/my/proofs/growth?from=1&to=2",
        "/my/start/template.<kind>": "/my/start/template.csv",
    }
    found |= {f"/my/files/<uuid:id_>/{tail}": f"{file}/{tail}" for tail in ("now", "rows", "receipt")}
    found["/my/enquiries/<uuid:id_>/receipt"] = f"{enquiry}/receipt"
    return {f"GET {rule}": address for rule, address in found.items()}


def _linked(who: Somebody, listing: str, address: str) -> str:
    found = re.findall(rf'href="({re.escape(address)}[0-9a-f-]{{36}})"', who.get(listing).text)
    assert found, listing
    return str(found[-1])


def _simulated(settings: Settings) -> str:
    """The address of a trial of March, which is over."""
    draft = read_policy(stricter(), "policy", date(2026, 7, 2))
    id_ = simulating.begin(settings, draft.policy, Period(date(2026, 3, 1), date(2026, 3, 31)))
    until = time.monotonic() + 120
    while (now := simulating.look(settings, id_)) and now.state == "running" and time.monotonic() < until:
        time.sleep(0.05)
    assert now and now.state == "done", now
    return f"/policy/simulations/{id_}"


@contextmanager
def heard() -> Iterator[list[tuple[Any, Any]]]:
    """Every reading statement that the driver sends meanwhile, whoever asks it to: engines and pools alike."""
    sent: list[tuple[Any, Any]] = []
    execute = psycopg.Cursor.execute

    def hears(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        said = query if isinstance(query, str) else query.decode() if isinstance(query, bytes) else ""
        if said.lstrip().upper().startswith(("SELECT", "WITH")) and "set_config" not in said:
            sent.append((said, params))
        return execute(self, query, params, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", hears)
        yield sent


def scans(settings: Settings, sent: list[tuple[Any, Any]]) -> list[str]:
    """Growing tables that a statement reads whole though the planner is told to avoid it: no index would serve."""
    found: list[str] = []
    with psycopg.connect(libpq_uri(settings)) as database:
        database.execute("SET enable_seqscan = off")
        for statement, values in sent:
            plan = database.execute(f"EXPLAIN {statement}", values).fetchall()
            found += GROWING.findall("\n".join(line for (line,) in plan))
    return found


def shown(answer: TestResponse) -> str:
    """All that an answer says: of a workbook, its parts unpacked."""
    if answer.data[:2] != b"PK":
        return answer.data.decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as opened:
        return "\n".join(opened.read(part).decode("utf-8", "replace") for part in opened.namelist())


IDENTIFIERS = [made(person) for person in PEOPLE for made in (resident_id, mobile, name)]


def test_every_page_asks_little_shows_nobody_and_keeps_to_its_policy(world: World) -> None:
    """One world for all: each opens, asks little and walks through nothing; no identifier, no inline code; English."""
    wrong: list[tuple[str, Any]] = []
    for route in ROUTES:
        path = world.address(route)
        for who in world.askers(route):
            who.get(path)
            with heard() as sent:
                answer = who.get(path)
            said = shown(answer)
            wrong += [(path, answer.status_code)] if answer.status_code != 200 else []
            wrong += [(path, len(sent))] if len(sent) > (MOST_AT_FIRST if path == "/" else MOST) else []
            if route != COUNTED:
                wrong += [(path, table) for table in scans(world.console.settings, sent)]
            if route != REJECTED:
                wrong += [(path, "an identifier") for each in IDENTIFIERS if each in said]
            if answer.mimetype == "text/html":
                wrong += [(path, each) for each in unruly(answer)]
    assert wrong == []
    assert chinese_left(world) == []


def unruly(answer: TestResponse) -> list[str]:
    """Inline handlers and styles, scripts without this answer's nonce, and tables that have no button to print them."""
    said = answer.text
    nonce = re.search(r"'nonce-([\w-]+)'", answer.headers["Content-Security-Policy"])
    assert nonce
    scripts = re.findall(r"<script\b[^>]*>", said)
    found = re.findall(r'\s(?:style|on[a-z]+)="[^"]*"|javascript:', said)
    found += [script for script in scripts if f'nonce="{nonce[1]}"' not in script]
    whole = "<html" in said
    return found + (["no print"] if whole and "<table" in said and "data-print" not in said else [])


def test_what_is_shown_of_persons_is_on_record(world: World) -> None:
    """A member's own rejected rows and the operator's search: each a leaf with who did it, without the person."""
    rows = world.member.get(world.address(REJECTED))
    sick = book("M0001", wrong=(3,))[2]["id_no"]
    assert sick in shown(rows)
    assert not [each for each in (resident_id(1), resident_id(2)) if each in shown(rows)], (
        "only what was rejected"
    )
    form = {"id_type": "resident_id", "id_no": resident_id(5), "reason": "dispute", "reference": "AH-1"}
    page = world.operator.post(
        "/enquiries/person", form | {"since": "2026-03-01", "until": "2026-03-31"}
    ).text
    assert "SQ-MARCH" in page
    assert [each for each in IDENTIFIERS if each in page] == [resident_id(5)]
    assert page.count(resident_id(5)) == 1, "in its own field"
    drain(world.console.settings)
    with connection(world.console.settings) as database:
        records = list(
            database.exec_driver_sql(
                "SELECT topic, record FROM audit_leaf WHERE topic IN ('rows.taken', 'operator.searched') ORDER BY topic"
            )
        )
    assert [topic for topic, _ in records] == ["operator.searched", "rows.taken"]
    assert '"by":"li.na"' in records[0][1]
    assert '"person":"chen"' in records[1][1]
    assert not [each for each in (sick, resident_id(5)) if each in str(records)]


def chinese_left(world: World) -> list[tuple[str, str]]:
    """Words of any page that are Chinese for who wants English."""
    for who in (world.operator, world.member):
        assert who.post("/language", {"language": "en"}).status_code == 303
    left = []
    for route in ROUTES:
        path = world.address(route)
        if FILES.search(path):
            continue
        for who in world.askers(route):
            page = who.get(path, headers={"Accept-Language": "en"}).text
            # A policy's text is the association's own, and so are reminders in the other language.
            page = re.sub(r"<(textarea|pre)\b.*?</\1>", " ", page, flags=re.DOTALL)
            said = OWN.sub("", re.sub(r"<script\b.*?</script>|<[^>]*>", " ", page, flags=re.DOTALL))
            left += [(path, found) for found in HAN.findall(said)]
    return left


def test_every_chart_has_its_table() -> None:
    """And is drawn by the one macro that asks for it: what a chart shows is there for who does not see it."""
    drawn = 0
    for file in (STATIC.parent / "templates").glob("*.html"):
        said = file.read_text(encoding="utf-8")
        figures = said.split("call chart(")[1:]
        drawn += len(figures)
        for figure in figures:
            inside = figure[: figure.index("endcall")]
            assert "<table" in inside or "call table(" in inside, file.name
        assert "data-chart" not in said or file.name == "macros.html", file.name
    assert drawn > 5
    scripts = [
        each.name for each in STATIC.glob("*.js") if "echarts.init" in each.read_text(encoding="utf-8")
    ]
    assert scripts == ["console.js"]


@pytest.mark.parametrize("route", ["/members/M0001/propose", "/approvals"])
def test_a_person_in_a_reason_is_refused_and_kept_nowhere(console: Console, route: str) -> None:
    li = console.joined("li.na", ADMINISTRATOR)
    form = {"act": "member.suspend", "member": "M0001", "reason": f"投诉人 {resident_id(5)}"}
    assert li.post(route, form).status_code == 422
    with connection(console.settings) as database:
        assert database.exec_driver_sql("SELECT count(*) FROM approval").scalar() == 0
    assert li.post(route, form | {"reason": "投诉 TS-2026-18"}).status_code == 303
