"""By keys and by disk: the entry zone stores no loan, the registry zone no identifier, the intake zone no token key.

A night of the samples and enquiries, by the commands and servers that three operators run, with their loudest logs;
then every byte of each home is searched, the database servers' files and write-ahead logs among them.
"""

from __future__ import annotations

import base64
import csv
import json
import sys
import time
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import psycopg
import pyarrow as pa
import pytest
from zone_land import EVENING, ZONES, Land, land_at, told

from huxin.enquiry.ask import Question, answer_object, ask
from huxin.registry import embedded
from huxin.registry.members import add_members
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from huxin_edge import client as edge
from huxin_edge.submitting import form
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.tokens import halves, tokens

sys.path.insert(0, str(Path(__file__).parents[1] / "leak"))
import search

SAMPLES = Path(__file__).parents[2] / "examples" / "nightly"
TRUTH = json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))
MEMBERS = [f"M{number:04d}" for number in range(1, 7)]
ME, SENDER = "M0001", "M0003"
TABLES = ("loan", "loan_key", "alias", "enquiry", "submission")


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Land:
    """After its night and its enquiries, all servers stopped but the databases, which have written everything out."""
    folder = tmp_path_factory.mktemp("apart")
    with land_at(folder) as made:
        _night(made)
        _enquiries(made)
        (folder / "everybody.json").write_text(json.dumps(_true_of_all(made)))
    counts: dict[str, dict[str, int]] = {}
    for zone in ("intake", "registry"):
        settings = made.settings(zone)
        with psycopg.connect(embedded.ensure_started(settings).uri("huxin"), autocommit=True) as database:
            database.execute("CHECKPOINT")
            counts[zone] = {table: _count(database, table) for table in TABLES}
        embedded.stop(settings)
    (folder / "counts.json").write_text(json.dumps(counts))
    return made


def _count(database: psycopg.Connection[Any], table: str) -> int:
    row = database.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


def _night(land: Land) -> None:
    settings = Settings(land.home("registry"))
    with connection(settings) as database:
        add_members(database, [(each, f"{each} 小贷") for each in MEMBERS], settings.now())
    _sent_by_program(land)
    (land.folder / "night.jsonl").write_text(land.run("intake", "night", str(SAMPLES), "--json", code=3))


def _sent_by_program(land: Land) -> None:
    """One member's file over HTTP, worked through by the intake zone's server; the others come by the inbox."""
    (manifest,) = (SAMPLES / SENDER).glob("*.manifest.json")
    file = manifest.with_name(manifest.name.removesuffix(".manifest.json"))
    content = file.read_bytes()
    with land.serving("intake", "--port", str(land.api["intake"]), "--workers", "1"):
        session = land.session("intake", land.identity(SENDER), "submissions")
        body = partial(form, manifest.read_bytes(), file.name, len(content))
        item = session.call("POST", "/v1/submissions", body=lambda: body(iter((content,)))).json()
        until = time.monotonic() + 180
        while item["state"] not in ("published", "refused"):
            assert time.monotonic() < until, item["state"]
            time.sleep(0.2)
            item = session.call("GET", f"/v1/submissions/{item['id']}").json()
    (land.folder / "sent.json").write_text(json.dumps(item))


def _enquiries(land: Land) -> None:
    """The answers for the people of the samples' truth, kept as they were told."""
    client = land.client(ME)
    answers = []
    for number, person in enumerate(asked()):
        answers.append(dict(client.ask(question(number, person["id_type"], person["id_no"])).content))
    small, there = land.small_clients(ME)
    again = small.enquire(question(0, asked()[0]["id_type"], asked()[0]["id_no"]).body(), entry=there).json()
    assert again["handle"] == answers[0]["handle"]
    assert small.enquire({}, entry=there).status == 422
    typed = {name: value for name, value in question(0, "", "").body().items() if name != "subject"}
    options = [part for name, value in typed.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    told_ = land.tool(ME, "ask", "--id-type", asked()[0]["id_type"], *options, line=asked()[0]["id_no"])
    assert (told_["handle"], told_["provisional"]) == (answers[0]["handle"], False)
    with pytest.raises(PrivacyError) as refused:
        client.ask(question(0, "resident_id", asked()[0]["id_no"][:-1] + "?"))
    assert refused.value.facts["refusal"] == "H0801"
    (land.folder / "answers.json").write_text(json.dumps(answers))
    _blind(land, options, answers[0]["handle"])


def _blind(land: Land, options: list[str], handle: str) -> None:
    """Blind mode is turned on under way, and the member's tool asks once more, showing nobody whom."""
    land.run("entry", "init", "--blind")
    # Somebody else's element first: it has the registry zone see at once that blind mode is on. Then a ticket, by which
    # the two ways meet in the subject that has the loans.
    for number, more in ((1, ("--blind",)), (0, ()), (0, ("--blind",))):
        whom = asked()[number]
        told_ = land.tool(ME, "ask", "--id-type", whom["id_type"], *more, *options, line=whom["id_no"])
        assert number or (told_["handle"], told_["provisional"]) == (handle, False)


def question(number: int, id_type: str, id_no: str) -> edge.Question:
    return edge.Question(
        id_type,
        id_no,
        purpose="application",
        amount="10000.00",
        product="consumer",
        consent_no=f"C-{number}",
        consent_until="2026-12-31",
        staff="u1",
        reference=f"A-{number}",
    )


def asked() -> list[dict[str, Any]]:
    """Some people of the samples, with what is true of each."""
    people: list[dict[str, Any]] = TRUTH["subjects"][::180]
    return people


def _true_of_all(land: Land) -> list[dict[str, Any]]:
    """What the registry zone's tables hold of everybody, read with both zones' keys, which nobody but a test has."""
    whole = land.settings("whole")
    address = embedded.ensure_started(land.settings("registry")).url("huxin")
    reading = Settings(whole.home, address, Settings.from_env({"HUXIN_NOW": EVENING}).now())
    people = TRUTH["subjects"]
    found = ask(reading, ME, [Question(each["id_type"], each["id_no"]) for each in people])
    forget_engine(reading)
    return [answer_object(each) for each in found]


# What holds of the answers -----------------------------------------------------------------------------


def test_the_night_ends_as_in_one_process(land: Land) -> None:
    night = told((land.folder / "night.jsonl").read_text(encoding="utf-8"))
    assert [item["member"] for item in night] == MEMBERS
    for item in night:
        said = TRUTH["members"][item["member"]]
        accepted = said["accepted"] if said["file"] == "accepted" else 0
        assert (item["rows"], item["accepted"]) == (said["rows"], accepted), item
        assert item["state"] == ("published" if said["file"] == "accepted" else "refused")


def test_a_file_sent_to_the_intake_zones_server_is_published(land: Land) -> None:
    item = json.loads((land.folder / "sent.json").read_text(encoding="utf-8"))
    said = TRUTH["members"][SENDER]
    assert (item["state"], item["rows"], item["accepted"]) == ("published", said["rows"], said["accepted"])


def test_everybodys_loans_are_what_the_samples_truth_says(land: Land) -> None:
    found = json.loads((land.folder / "everybody.json").read_text(encoding="utf-8"))
    names = ("lenders", "open_loans", "max_dpd", "guaranteed_loans")
    for person, answer in zip(TRUTH["subjects"], found, strict=True):
        assert {name: answer[name] for name in names} == {name: person[name] for name in names}
        assert Decimal(answer["outstanding"]) == Decimal(person["outstanding"])


def test_enquiries_by_ticket_tell_the_truth(land: Land) -> None:
    answers = json.loads((land.folder / "answers.json").read_text(encoding="utf-8"))
    assert len(answers) == len(asked()) > 30
    for person, answer in zip(asked(), answers, strict=True):
        exposure = answer["exposure"]
        for name in ("lenders", "open_loans", "guaranteed_loans"):
            assert exposure[name] == person[name]
        assert Decimal(exposure["outstanding"]) == Decimal(person["outstanding"])


# What each zone holds ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known() -> pl.DataFrame:
    return search.people(SAMPLES)


@pytest.fixture(scope="module")
def people(land: Land, known: pl.DataFrame) -> search.Needles:
    """Everybody's identifiers, mobiles and names in every form, and the halves of all of these."""
    return search.needles_of(known, land.home("entry"))


@pytest.fixture(scope="module")
def loans() -> search.Needles:
    """Loan and contract numbers as the members wrote them."""
    made = search.Needles()
    with (SAMPLES / ME / "loans_20260531.csv").open(encoding="utf-8-sig") as source:
        for row in csv.DictReader(source):
            for name in ("loan_no", "contract_no"):
                if len(row[name].strip()) >= 8:
                    made.add(row[name].strip().encode(), name)
    assert len(made.anywhere) > 1000
    return made


@pytest.fixture(scope="module")
def tokened(land: Land, known: pl.DataFrame) -> search.Needles:
    """Everybody's tokens, as the registry zone makes them of the entry zone's halves."""
    entry = keyring.open(land.settings("entry").keys_dir, "entry")
    registry = keyring.open(land.settings("registry").keys_dir, "registry")
    mine = known.filter(pl.col("id_canonical").is_not_null() & (pl.col("id_type") == 1))[
        "id_canonical"
    ].unique()
    made = halves(entry.key("token", "resident_id"), "resident_id", mine.to_arrow().cast(pa.string()))
    found = search.Needles()
    for token in tokens(registry.key("token", "resident_id"), made):
        found.add(token.tobytes(), "token")
        found.add(str(UUID(bytes=token.tobytes())).encode(), "token uuid")
    return found


def hits(land: Land, zone: str, needles: search.Needles, folder: Path) -> list[search.Hit]:
    """What of it is found in a zone's home, in its files' contents and names; sealed files cannot be read."""
    searcher = search.Searcher(needles)
    home = land.home(zone)
    files = search.searched(home)
    assert files
    return searcher.search(files) + search.names_searched(home, searcher, folder)


@pytest.mark.parametrize("zone", ZONES)
def test_no_zone_stores_an_identifier_or_a_half(
    land: Land, zone: str, people: search.Needles, tmp_path: Path
) -> None:
    assert hits(land, zone, people, tmp_path) == []


def test_loans_are_stored_in_the_registry_zone_and_not_in_the_entry_zone(
    land: Land, loans: search.Needles, tmp_path: Path
) -> None:
    assert hits(land, "entry", loans, tmp_path) == []
    assert len(hits(land, "registry", loans, tmp_path)) > 1000, "the search can find them"


def test_tokens_are_stored_in_the_registry_zone_alone(
    land: Land, tokened: search.Needles, tmp_path: Path
) -> None:
    assert hits(land, "entry", tokened, tmp_path) == []
    assert hits(land, "intake", tokened, tmp_path) == []
    assert len(hits(land, "registry", tokened, tmp_path)) > 1000, "the search can find them"


def test_the_entry_zone_has_no_database_and_keeps_nothing(land: Land) -> None:
    kept = {
        path.relative_to(land.home("entry")).parts[0]
        for path in land.home("entry").rglob("*")
        if path.is_file()
    }
    assert kept == {"keys", "zone", "zones.yaml", "logs", "acts"}
    book = json.loads((land.home("entry") / "acts" / "acts.json").read_text(encoding="utf-8"))
    assert [*book["known"]] == ["entry"]
    assert book["waiting"] == [], "the running service has told the registry zone"


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_has_its_own_keyrings_and_can_open_no_other(land: Land, zone: str) -> None:
    own = {"intake": {"intake"}, "entry": {"entry"}, "registry": {"registry", "audit"}}[zone]
    keys = land.settings(zone).keys_dir
    assert {path.name for path in keys.glob("*.keyring")} == {f"{ring}.keyring" for ring in own}
    for ring in set(keyring.ZONES) - own:
        with pytest.raises(PrivacyError, match=r"P0110|P0114"):
            keyring.open(keys, ring)


@pytest.mark.parametrize("zone", ZONES)
def test_no_key_of_another_zone_lies_about(land: Land, zone: str, tmp_path: Path) -> None:
    """Roots and key-encryption keys, in the forms that they are kept and drawn in."""
    found = search.Needles()
    for other in ZONES:
        if other == zone:
            continue
        for file in land.settings(other).keys_dir.glob("*.kek"):
            text = file.read_bytes().strip()
            for needle in (text, base64.b64decode(text)):
                found.add(needle, f"{other} kek")
        for ring in {"intake": ["intake"], "entry": ["entry"], "registry": ["registry", "audit"]}[other]:
            for epoch in keyring.open(land.settings(other).keys_dir, ring).epochs:
                assert epoch.root is not None
                for needle in (epoch.root, base64.b64encode(epoch.root), epoch.root.hex().encode()):
                    found.add(needle, f"{other} root")
        secret = land.home(other) / "zone" / "key.pem"
        found.add(secret.read_bytes()[60:120], f"{other} tls key")
    assert hits(land, zone, found, tmp_path) == []


def test_the_intake_zones_tables_hold_no_loan_and_the_files_name_stays_there(
    land: Land, tmp_path: Path
) -> None:
    counts = json.loads((land.folder / "counts.json").read_text(encoding="utf-8"))
    assert counts["intake"] == {"loan": 0, "loan_key": 0, "alias": 0, "enquiry": 0, "submission": 6}
    assert counts["registry"]["loan"] > 9_000
    assert counts["registry"]["submission"] == 5, "what was refused before any row never left the intake zone"
    names = search.Needles()
    names.add("报送数据20260531".encode(), "file")
    names.add("五月末贷款".encode(), "file")
    assert hits(land, "registry", names, tmp_path) == []
    assert hits(land, "intake", names, tmp_path) != []
