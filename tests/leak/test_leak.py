"""No leak: a night of the samples in a home of its own, then not one person is found in it outside inbox and seals.

The searcher must be able to fail: the same one finds an identifier planted in each kind of place.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import numpy as np
import polars as pl
import psycopg
import pyarrow as pa
import pytest
import search

from huxin.registry import embedded
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.tokens import halves, name_halves, tokens

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "examples" / "nightly"
MEMBERS = [f"M{number:04d}" for number in range(1, 7)]
EVENING = "2026-05-31T22:00:00+08:00"
# The program with its loudest log, of every library it uses, in a file below the home.
LOUD = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, filename=sys.argv.pop(1), force=True)
{fault}
from huxin.cli import main
main()
"""
# A fault of ours in the middle of a group, whose own message quotes the cells.
FAULT = """
import polars as pl
from huxin_checks import rows
rows.parse = lambda raw, contract: raw.select(pl.col("id_no", "name", "mobile").str.to_date("%Y"))
"""


@dataclass
class Home:
    """A HUXIN_HOME after its night, with what every command printed below `logs`."""

    path: Path
    known: pl.DataFrame = field(repr=False)
    ran: int = 0

    def run(self, *arguments: str, code: int = 0, fault: str = "") -> str:
        """Runs `huxin`; its output and errors are kept in the home, and it must end with this code."""
        self.ran += 1
        logs = self.path / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "HUXIN_HOME": str(self.path),
            "HUXIN_NOW": EVENING,
            "PYTHONFAULTHANDLER": "1",
        }
        environment.pop("HUXIN_DATABASE_URL", None)
        program = [sys.executable, "-c", LOUD.format(fault=fault), str(logs / f"{self.ran:02d}.log")]
        done = subprocess.run(
            [*program, *arguments], check=False, capture_output=True, env=environment, timeout=300
        )
        (logs / f"{self.ran:02d}.out").write_bytes(done.stdout + done.stderr)
        assert done.returncode == code, (arguments[0], done.returncode, done.stderr[-600:])
        return done.stdout.decode()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The sample night and what people do after it: ask, look at findings, send, withdraw, fail, dump."""
    folder = tmp_path_factory.mktemp("leak")
    made = Home(folder / "home", search.people(SAMPLES))
    try:
        _live(made, folder)
        yield made
    finally:
        embedded.stop(Settings(home=made.path))


def _live(home: Home, folder: Path) -> None:
    inbox = home.path / "inbox"
    shutil.copytree(SAMPLES, inbox, ignore=shutil.ignore_patterns("truth.json"))
    home.run("init")
    listed = folder / "members.csv"
    listed.write_text(
        "code,name\n" + "".join(f"{member},{member} 小贷\n" for member in MEMBERS), encoding="utf-8"
    )
    home.run("members", "import", str(listed))
    night = [
        json.loads(line) for line in home.run("night", str(inbox), "--json", "--return", code=3).splitlines()
    ]
    ids = {item["member"]: item["submission_id"] for item in night}
    for member in MEMBERS[:2]:
        home.run("findings", ids[member])
        home.run("findings", ids[member], "--format", "xlsx", "--out", str(folder / f"{member}.xlsx"))
    _ask(home, folder)
    home.run("submissions", "withdraw", ids["M0005"])
    home.run("submit", "--again", ids["M0006"], code=3)
    _fail(home, inbox, folder)
    home.run("submissions")
    home.run("db", "dump", str(home.path / "dump.sql"))


def _ask(home: Home, folder: Path) -> None:
    """Questions about known people, singly and by file; the file is the asker's and lies outside."""
    whole = home.known.filter(pl.col("id_canonical").is_not_null() & (pl.col("id_type") == 1))
    people = whole["id_canonical"].unique().sort()[:200].to_list()
    for person in people[:1]:
        home.run("ask", "--member", "M0001", "--id-type", "resident_id", "--id-no", person)
        home.run(
            "ask", "--member", "M0001", "--id-type", "resident_id", "--id-no", person[:-2] + "00", code=2
        )
    questions = folder / "ids.csv"
    questions.write_text("id_type,id_no\n" + "".join(f"resident_id,{person}\n" for person in people))
    home.run("ask", "--member", "M0001", "--file", str(questions), "--out", str(home.path / "answers.jsonl"))


def _fail(home: Home, inbox: Path, folder: Path) -> None:
    """A file that cannot be read, one of a stranger, and a group that fails with a message full of cells."""
    sample = inbox / "M0001" / "loans_20260531.csv"
    manifest = json.loads(sample.with_name(sample.name + ".manifest.json").read_bytes())
    broken = gzip.compress(sample.read_bytes())[:-500]
    bad = folder / "bad.csv.gz"
    bad.write_bytes(broken)
    told = {**manifest, "sequence": 2, "sha256": hashlib.sha256(broken).hexdigest()}
    (folder / "bad.csv.gz.manifest.json").write_text(json.dumps(told))
    home.run("submit", str(bad), "--member", "M0001", code=3)
    home.run("submit", str(bad), "--member", "X0001", code=3)
    odd = {**told, "contract": home.known["id_canonical"].drop_nulls()[0]}
    (folder / "bad.csv.gz.manifest.json").write_text(json.dumps(odd))
    home.run("submit", str(bad), "--member", "M0001", code=3)
    again = ("submit", str(sample), "--member", "M0001", "--computed-totals", "--sequence", "3")
    home.run(*again, code=1, fault=FAULT)
    home.run("night", str(inbox), code=1, fault=FAULT)


@pytest.fixture(scope="module")
def searcher(home: Home) -> search.Searcher:
    return search.Searcher(search.needles_of(home.known, home.path))


def test_nobody_is_found_while_the_server_runs_nor_after_it_has_stopped(
    home: Home, searcher: search.Searcher, tmp_path: Path
) -> None:
    settings = Settings(home=home.path)
    server = embedded.ensure_started(settings)
    with psycopg.connect(server.uri("postgres"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    for running in (True, False):
        if not running:
            embedded.stop(settings)
        files = search.searched(home.path)
        told = [file.relative_to(home.path).as_posix() for file in files]
        for place in ("postgres/", "base/", "pg_wal/", "logs/", "keys/", "dump.sql", "answers.jsonl", ".log"):
            assert any(place in name for name in told), place
        hits = searcher.search(files) + search.names_searched(home.path, searcher, tmp_path)
        assert [f"{hit.path.relative_to(home.path)} @{hit.offset} {hit.kind}" for hit in hits[:20]] == []
    size = sum(file.stat().st_size for file in files) >> 20
    print(f"{home.known.height} people, {searcher.count} needles, {len(files)} files, {size} MiB")


def test_the_home_holds_what_it_should(home: Home) -> None:
    """The search above was not of an empty house."""
    logs = b"".join(path.read_bytes() for path in sorted((home.path / "logs").iterdir()))
    assert b"DEBUG" in logs
    assert b"InvalidOperationError" in logs  # as a kind of fault, without its message
    assert b"conversion from" not in logs
    assert b"H0102" in logs
    dump = (home.path / "dump.sql").read_bytes()
    assert b"COPY public.loan " in dump
    assert b"M0001" in dump
    answers = (home.path / "answers.jsonl").read_bytes().splitlines()
    assert len(answers) == 200
    assert sum(json.loads(line)["subject_known"] for line in answers) > 100
    seals = list(home.path.rglob("*.sealed"))
    assert seals


def test_sealed_files_are_sealed(home: Home, searcher: search.Searcher) -> None:
    """They may hold people, but not so that anyone reads them there."""
    assert searcher.search(sorted(home.path.rglob("*.sealed"))) == []


def test_the_tokens_that_are_there_are_found_by_the_same_searcher(home: Home, tmp_path: Path) -> None:
    """The halves searched for are the right ones: sent through the registry's key they are the tokens of the dump."""
    keys = home.path / "keys"
    whole = home.known.filter(pl.col("id_canonical").is_not_null() & (pl.col("id_type") == 1))
    entry = keyring.open(keys, "entry").key("token", "resident_id")
    registry = keyring.open(keys, "registry").key("token", "resident_id")
    made = tokens(
        registry, halves(entry, "resident_id", whole["id_canonical"].unique().to_arrow().cast(pa.string()))
    )
    needles = search.Needles()
    search._add_blocks(needles, made, "token")
    hits = search.Searcher(needles).search([home.path / "dump.sql"])
    assert len({hit.offset for hit in hits if hit.kind == "token uuid"}) > 1_000
    numbers = home.known["mobile_canonical"].drop_nulls().unique().to_arrow().cast(pa.string())
    entry, registry = (keyring.open(keys, zone).key("token", "mobile") for zone in ("entry", "registry"))
    mobiles = search.Needles()
    search._add_blocks(mobiles, tokens(registry, halves(entry, "mobile", numbers)), "token")
    hits = search.Searcher(mobiles).search([home.path / "dump.sql"])
    assert len({hit.offset for hit in hits if hit.kind == "token uuid"}) > 1_000
    pages = [path for path in search.searched(home.path) if "/base/" in str(path)]
    assert [hit for hit in search.Searcher(needles).search(pages) if hit.kind == "token"]


def planted(home: Home) -> dict[str, bytes]:
    """One person in each form that the searcher must know."""
    whole = home.known.filter(
        (pl.col("id_type") == 1)
        & pl.all_horizontal(pl.col("id_canonical", "mobile_canonical", "name_canonical").is_not_null())
        & (pl.col("name_canonical").str.len_chars() == 3)
    )
    person = whole.sort("id_canonical").row(0, named=True)
    number, phone, name = (person[f"{what}_canonical"] for what in ("id", "mobile", "name"))
    entry = keyring.open(home.path / "keys", "entry")
    half = halves(entry.key("token", "resident_id"), "resident_id", pa.array([number]))
    mark = name_halves(entry.key("token", "name"), half, pa.array([name]))
    called = halves(entry.key("token", "mobile"), "mobile", pa.array([phone]))
    raw: bytes = np.asarray(half)[0].tobytes()
    return {
        "id_no": number.encode(),
        "raw cell": person["id_no"].strip().encode(),
        "mobile": phone.encode(),
        "name": name.encode(),
        "name in GB18030": name.encode("gb18030"),
        "id_no in UTF-16": number.encode("utf-16-le"),
        "id_no in hex": number.encode().hex().encode(),
        "id_no in base64": base64.b64encode(b"a" + number.encode() + b"z"),
        "id_no as md5": hashlib.md5(number.encode(), usedforsecurity=False).hexdigest().encode(),
        "id_no as sha256": hashlib.sha256(number.encode()).digest(),
        "half": raw,
        "half in hex": raw.hex().encode(),
        "half as uuid": str(UUID(bytes=raw)).encode(),
        "mobile half": np.asarray(called)[0].tobytes(),
        "mobile half as uuid": str(UUID(bytes=np.asarray(called)[0].tobytes())).encode(),
        "name half": np.asarray(mark)[0].tobytes(),
    }


def test_a_planted_person_is_found_in_any_file_and_form(
    home: Home, searcher: search.Searcher, tmp_path: Path
) -> None:
    text, noise = b"INFO huxin: a line of a log\n" * 3_000, np.random.default_rng(1).bytes(90_000)
    for form, needle in planted(home).items():
        for around in (text, noise):
            for place in (0, 1, 4_099, len(around)):
                file = tmp_path / "planted"
                file.write_bytes(around[:place] + needle + around[place:])
                hits = searcher.search([file])
                assert place in {hit.offset for hit in hits} or ("base64" in form and hits), (form, place)
                assert needle.decode("latin-1") not in repr(hits)
    file.write_bytes(text + noise)
    assert searcher.search([file]) == []


def test_a_mobile_in_a_number_of_64_bits_is_there_by_chance(
    home: Home, searcher: search.Searcher, tmp_path: Path
) -> None:
    phone, file = planted(home)["mobile"], tmp_path / "planted"
    for around, found in (
        (b"\t12345678%b\t", False),
        (b"1234%b8765", False),
        (b"%b87654", False),
        (b"x" * 300 + b"-%b12345\n" + b"x" * 300, False),
        (b"0086%b", True),
        (b"a%b87654321", False),
        (b"123456789%b", True),
        (b"1234567 %b 1234567", True),
    ):
        file.write_bytes(around % phone)
        assert bool(searcher.search([file])) == found, around


def test_a_short_name_is_found_in_text_but_not_sought_in_binary_files(
    home: Home, searcher: search.Searcher, tmp_path: Path
) -> None:
    names = home.known["name_canonical"].drop_nulls()
    short = names.filter(names.str.len_chars() == 2)[0]
    file = tmp_path / "planted"
    file.write_bytes(f"WARNING {short} was here\n".encode())
    assert [hit.kind for hit in searcher.search([file])] == ["name utf-8"]
    file.write_bytes(b"\0" + short.encode())
    assert searcher.search([file]) == []


def test_a_person_that_lies_across_two_windows_is_found(
    home: Home, searcher: search.Searcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "WINDOW", 1 << 12)
    needle = planted(home)["id_no"]
    for place in range((1 << 16) + (1 << 12) - 20, (1 << 16) + (1 << 12) + 3):
        file = tmp_path / "planted"
        file.write_bytes(b"." * place + needle + b"." * 9_000)
        assert place in {hit.offset for hit in searcher.search([file])}


def test_the_program_finds_a_person_planted_in_any_place_of_a_home(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through the command line, in a small home with the same keys; inbox and seals are left out."""
    small = tmp_path / "home"
    shutil.copytree(home.path / "keys", small / "keys")
    needle = planted(home)["id_no"].decode()
    for quiet in ("inbox/M0001/loans.csv", "spool/x/source.sealed", "logs/empty"):
        (small / quiet).parent.mkdir(parents=True, exist_ok=True)
        (small / quiet).write_text("" if "empty" in quiet else needle)
    outside = tmp_path / "printed"
    outside.write_text("x")
    assert search.main([str(small), str(SAMPLES), str(outside)]) == 0
    places = ["logs/x.log", "spool/x/note", "postgres/x", "airflow/x/y.db", "run/x.json", "report.csv"]
    for place in places:
        (small / place).parent.mkdir(parents=True, exist_ok=True)
        (small / place).write_text(f"a{needle}b")
    (small / f"{needle}.txt").write_text("x")
    outside.write_text(needle)
    capsys.readouterr()
    assert search.main([str(small), str(SAMPLES), str(outside)]) == 1
    told = {line.partition(" @")[0] for line in capsys.readouterr().out.splitlines() if " @" in line}
    found = {Path(path).name for path in told}
    assert found == {*(Path(place).name for place in places), "printed", "names.txt"}
