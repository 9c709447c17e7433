"""Operators' questions and honeytokens on a split platform: typed in one zone, answered or laid out in another."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from huxin.cli import main
from huxin.enquiry.checking_zones import read_sealed
from huxin.enquiry.turning_on import turn_on_blind
from huxin.errors import HuxinError
from huxin.oversight import honeytokens
from huxin.oversight.honeytokens import Field
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy.enquiry_digest import digest_of_body
from support.rows import resident_id
from support.zone_members import Zoned, code_of, zoned
from support.zones import Split, later

Run = Callable[..., tuple[int, str, str]]
ME, OTHER = "M0001", "M0002"
BODY = {
    "purpose": "application",
    "consent_no": "C-1",
    "consent_until": "2026-12-31",
    "staff": "u1",
    "reference": "A-1",
}


@pytest.fixture(scope="module")
def land(shared_split: Split) -> Iterator[Zoned]:
    assert turn_on_blind(shared_split.entry)
    with zoned(shared_split) as made:
        made.join(ME)
        made.join(OTHER)
        yield made


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command in a home: exit code, standard output, standard error."""
    monkeypatch.setenv("HUXIN_LANG", "en")
    monkeypatch.setenv("HUXIN_NOW", "2026-05-31T22:00:00+08:00")

    def typed(settings: Settings, *words: str) -> tuple[int, str, str]:
        monkeypatch.setenv("HUXIN_HOME", str(settings.home))
        if settings.database_url:
            monkeypatch.setenv("HUXIN_DATABASE_URL", settings.database_url)
        monkeypatch.setattr(sys, "argv", ["huxin", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        return int(stop.value.code or 0), said.out, said.err

    return typed


def rows_of(land: Zoned, query: str) -> list[Any]:
    with connection(land.split.registry) as database:
        return list(database.execute(text(query)).all())


def subject(person: int) -> dict[str, Any]:
    return {"id_type": "resident_id", "id_no": resident_id(person)}


def sealed(run: Run, land: Zoned, out: Path, *words: str) -> Path:
    code, _, said = run(land.split.entry, "ask", "--member", ME, "--out", str(out), *words)
    assert code == 0, said
    return out


def test_who_it_is_stays_in_the_entry_zone_and_what_is_known_in_the_registry_zone(
    run: Run, land: Zoned, tmp_path: Path
) -> None:
    assert land.ask(ME, subject(1), BODY).status_code == 200
    words = (
        "--id-type",
        "resident_id",
        "--id-no",
        resident_id(1),
        "--product",
        "consumer",
        "--amount",
        "5000",
    )
    tickets = sealed(run, land, tmp_path / "tickets", *words)
    assert resident_id(1) not in tickets.read_text()
    code, out, said = run(
        land.split.registry,
        "ask",
        "--member",
        ME,
        "--tickets",
        str(tickets),
        "--reason",
        "complaint",
        "--json",
    )
    assert code == 0, said
    told = json.loads(out)
    assert (told["member"], told["reason"], told["answer"]["subject_known"]) == (ME, "complaint", False)
    assert told["enquiry_id"] is not None, "it is on record: somebody has asked about this person"
    (act,) = rows_of(land, "SELECT body FROM outbox WHERE topic = 'operator.asked'")
    assert act[0]["questions"] == 1
    assert resident_id(1) not in json.dumps(act[0])
    assert run(land.split.registry, "ask", "--member", OTHER, "--tickets", str(tickets))[2][:5] == "H1232"


def test_a_file_of_questions_is_answered_line_by_line_malformed_ones_too(
    run: Run, land: Zoned, tmp_path: Path
) -> None:
    file, out = tmp_path / "who.csv", tmp_path / "answers"
    wrong = resident_id(2)[:-1] + ("0" if resident_id(2)[-1] != "0" else "1")
    file.write_text(f"id_type,id_no\nresident_id,{resident_id(1)}\nresident_id,{wrong}\n", encoding="utf-8")
    tickets = sealed(run, land, tmp_path / "tickets", "--file", str(file))
    words = ("ask", "--member", ME, "--tickets", str(tickets), "--out", str(out))
    code, _, said = run(land.split.registry, *words)
    assert code == 0, said
    first, second = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert first["answer"]["outcome"]
    assert second["error"] == "H0801"
    assert second["codes"]


def test_what_is_no_ticket_of_this_kind_is_refused(run: Run, land: Zoned, tmp_path: Path) -> None:
    """A member's ticket for an enquiry is none for an operator, nor the other way round; nor after a day."""
    split, file = land.split, tmp_path / "tickets"
    file.write_text(json.dumps({"ticket": land.ticket(ME, subject(1), BODY)}), encoding="utf-8")
    for at, code in ((split, "H1233"), (later(split, split.registry.now().replace(year=2027)), "H1231")):
        with pytest.raises(HuxinError, match=code):
            list(read_sealed(at.registry, ME, file))
    own = sealed(run, land, tmp_path / "own", "--id-type", "resident_id", "--id-no", resident_id(1))
    ticket = json.loads(own.read_text())["ticket"]
    assert code_of(land.redeem(ME, ticket, BODY)) in ("H1231", "H1233")
    assert len(digest_of_body(BODY)) == 32
    changed = ticket[:-3] + ("AAA" if ticket[-3:] != "AAA" else "BBB")
    for line, code in (
        ("{}", "H1237"),
        ("x", "H1237"),
        ('{"ticket": "x", "product": "house"}', "H1237"),
        ('{"codes": "110105194912310021"}', "H1237"),
        (json.dumps({"ticket": changed}), "H1230"),
        (json.dumps({"ticket": ticket, "amount": 1}), "H1233"),
    ):
        file.write_text(line, encoding="utf-8")
        with pytest.raises(HuxinError, match=code):
            list(read_sealed(split.registry, ME, file))


def test_each_zone_refuses_what_is_the_others(run: Run, land: Zoned) -> None:
    words = ("ask", "--member", ME, "--id-type", "resident_id", "--id-no", resident_id(1))
    assert run(land.split.registry, *words)[2][:5] == "H1238"
    assert run(land.split.intake, *words)[2][:5] == "H1709"
    assert run(land.split.registry, "honeytokens", "new", "--count", "1")[2][:5] == "H1709"
    code, out, said = run(land.split.entry, *words)
    assert (code, list(json.loads(out))) == (0, ["ticket"]), said


def test_honeytokens_are_drawn_in_the_entry_zone_and_ring_either_way(
    land: Zoned, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    draw = Field.draw

    def seen(self: Field) -> Iterator[str]:
        for number in draw(self):
            drawn.append(number)
            yield number

    monkeypatch.setattr(Field, "draw", seen)
    field = honeytokens.usual_field(land.split.entry, ("110105",))
    assert honeytokens.make(land.split.entry, 3, field) == 3
    assert rows_of(land, "SELECT count(*) FROM honeytoken")[0][0] == 3
    query = "SELECT count(*) FROM alias a JOIN honeytoken h USING (subject_id)"
    assert rows_of(land, query)[0][0] == 6, "a token and an element's alias each"
    (act,) = rows_of(land, "SELECT body ->> 'count' FROM outbox WHERE topic = 'honeytokens.made'")
    assert act[0] == "3"
    told = land.ask(ME, {"id_type": "resident_id", "id_no": drawn[0]}, BODY)
    assert told.json["subject_known"] is False, "answered like anybody unknown"
    asked = "SELECT count(*) FROM enquiry e JOIN honeytoken h USING (subject_id)"
    assert rows_of(land, asked)[0][0] == 1, "and it is known who was asked about"
    assert honeytokens.drop(land.split.registry) == 3


def test_somebody_is_made_no_honeytoken(land: Zoned, monkeypatch: pytest.MonkeyPatch) -> None:
    number, other = resident_id(71), resident_id(72)
    assert land.ask(ME, {"id_type": "resident_id", "id_no": number}, BODY).status_code == 200
    monkeypatch.setattr(Field, "draw", lambda _: iter([number, other]))
    field = honeytokens.usual_field(land.split.entry, ("110105",))
    assert honeytokens.make(land.split.entry, 1, field) == 1
    ring = "SELECT count(*) FROM honeytoken h JOIN enquiry e USING (subject_id)"
    assert rows_of(land, ring)[0][0] == 0
