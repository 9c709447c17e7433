"""`huxin-edge` from the first key to the receipt, as a clerk at a small lender goes: against a served platform."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from edge_tool import Tool
from edge_world import ME, OTHER, Platform, question, until
from typer.testing import CliRunner

from huxin.cli import app
from huxin.cli.setup import turn_on_blind
from huxin.nightly.pipeline import run_night
from huxin.nightly.worker import Patience, work_round
from huxin.registry.connect import libpq_uri
from huxin.registry.sequencing import drain
from huxin_privacy import blind
from support.rows import loan, write_submission

EVERY = ("--consent-no", "SQ1", "--consent-until", "2027-03-24", "--staff", "S-17", "--reference", "case-1")


def operator(platform: Platform, *words: str) -> str:
    """What the association's operator does."""
    done = CliRunner().invoke(
        app,
        list(words),
        env={
            "HUXIN_HOME": str(platform.settings.home),
            "HUXIN_DATABASE_URL": str(platform.settings.database_url),
            "HUXIN_NOW": platform.settings.now().isoformat(),
        },
    )
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def set_up(shared: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of ME's clerk, set up as docs/edge.md says; the platform's key is not confirmed yet."""
    folder = tmp_path_factory.mktemp("clerk")
    made = Tool(folder, {"HUXIN_NOW": shared.settings.now().isoformat()})
    made.run("set", "url", shared.address)
    made.run("--member", ME, "keys", "new")
    public = folder / f"{ME}.pub.pem"
    assert (folder / f"{ME}.pem").stat().st_mode & 0o077 == 0
    assert load_pem_public_key(public.read_bytes())
    said = operator(shared, "members", "key", "add", ME, "--public-key", str(public))
    made.run("set", "key_id", json.loads(said)["key"])
    return folder


@pytest.fixture
def tool(platform: Platform, set_up: Path, tmp_path: Path) -> Tool:
    """The tool in a folder of the test's own."""
    shutil.copytree(set_up, tmp_path / "书记员 clerk")
    return Tool(tmp_path / "书记员 clerk", {"HUXIN_NOW": platform.settings.now().isoformat()})


def confirmed(tool: Tool) -> None:
    tool.run("keys", "fetch", expect=3)
    digits = tool.out.decode().split("+")[1]
    tool.run("keys", "fetch", "--confirm", "0" * 8, expect=3)
    tool.run("keys", "fetch", "--confirm", digits.upper())
    tool.run("keys", "fetch")


def book(tool: Tool, first: int, wrong: int = 0, name: str = "贷款 五月.csv") -> Path:
    """A file of thirty loans without a manifest, some of them without consent."""
    rows = [loan(ME, n) for n in range(first, first + 30)]
    for row in rows[:wrong]:
        row["consent_no"] = ""
    made = write_submission(tool.folder, ".", rows, file_name=name)
    made.with_name(name + ".manifest.json").unlink()
    return made


def rows(platform: Platform, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(libpq_uri(platform.settings)) as connection:
        return connection.execute(query, values).fetchall()


def work(platform: Platform) -> None:
    work_round(platform.settings, Patience())


def test_a_file_from_the_first_check_to_the_receipt(platform: Platform, tool: Tool) -> None:
    confirmed(tool)
    file = book(tool, 1, wrong=2).name
    tool.run("submit", file, expect=2)
    assert "P0188" in tool.said
    tool.run("manifest", file)
    tool.run("manifest", file, expect=2)
    assert "P0185" in tool.said
    found = tool.json("check", file, expect=3)
    assert (found["rejected"], found["codes"]) == (2, {"E2601": 2})
    first = tool.json("submit", file, "--seal", "--wait", "0")
    assert first["state"] == "received"
    work(platform)
    again = tool.json("submit", file, "--findings", "待改.csv", expect=3)
    assert (again["id"], again["state"], again["rejected"]) == (first["id"], "published", 2)
    assert {each["code"] for each in again["findings"]} == {"E2601"}
    rows = list(csv.reader((tool.folder / "待改.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == 3
    # mended, they go back as a correction of their own, whose manifest knows that
    for row in rows[1:]:
        row[rows[0].index("授权编号")] = "SQ9"
    with (tool.folder / "改好.csv").open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows(rows)
    tool.run("manifest", "改好.csv", "--as-of", "2026-05-31", "--sequence", "2")
    tool.run("check", "改好.csv")
    tool.run("submit", "改好.csv", "--wait", "0")
    work(platform)
    assert tool.json("submit", "改好.csv")["accepted"] == 2


def test_a_file_sealed_by_hand_and_dropped_in_the_inbox(
    platform: Platform, tool: Tool, tmp_path: Path
) -> None:
    confirmed(tool)
    file = book(tool, 100)
    tool.run("manifest", file.name, "--sequence", "7", "--mode", "incremental")
    tool.run("seal", file.name)
    inbox = tmp_path / "inbox" / ME
    inbox.mkdir(parents=True)
    for name in (file.name + ".sealed", file.name + ".sealed.manifest.json"):
        (tool.folder / name).rename(inbox / name)
    (item,) = run_night(platform.settings, tmp_path / "inbox").submissions
    assert (item.state.name, item.accepted) == ("PUBLISHED", 30)


def test_a_sealed_file_of_somebody_else_is_refused(platform: Platform, tool: Tool) -> None:
    confirmed(tool)
    file = book(tool, 200)
    tool.run("--member", OTHER, "manifest", file.name)
    tool.run("seal", file.name)
    sealed = file.name + ".sealed"
    said = json.loads((tool.folder / (sealed + ".manifest.json")).read_text(encoding="utf-8"))
    (tool.folder / (sealed + ".manifest.json")).write_text(
        json.dumps(said | {"member": ME}), encoding="utf-8"
    )
    told = tool.json("submit", sealed, expect=3)
    assert (told["refusal"]["code"], told["refusal"]["reason"]) == ("F0011", "P0154")


@pytest.mark.skipif(not blind.available(), reason="libsodium is not there")
def test_a_file_without_its_people(platform: Platform, tool: Tool) -> None:
    turn_on_blind(platform.settings)
    file = book(tool, 300, name="五月.csv")
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    tool.run("manifest", file.name, "--sequence", "20", "--mode", "incremental")
    first = tool.json("tokenize", file.name)
    assert (first["rows"], first["evaluated"], first["faults"]) == (30, 30, [])
    assert "pinned" in tool.said
    made = (tool.folder / "五月.csv.tokens.csv").read_text(encoding="utf-8")
    told = made + (tool.folder / "五月.csv.tokens.csv.manifest.json").read_text(encoding="utf-8")
    for row in rows:
        assert row["loan_no"] in made
        assert not [row[name] for name in ("id_no", "name", "mobile") if row[name] in told]
    assert json.loads(told[len(made) :])["contract"] == "loan-tokens/v1"
    again = tool.json("tokenize", file.name)
    assert (again["evaluated"], "pinned" in tool.said) == (0, False)
    sent = "五月.csv.tokens.csv"
    assert tool.json("check", sent)["rejected"] == 0
    tool.run("submit", sent, "--wait", "0")
    work(platform)
    item = tool.json("submit", sent)
    assert (item["state"], item["accepted"]) == ("published", 30)
    rows[3]["id_no"] = rows[3]["id_no"][:-1] + "Q"
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    tool.run("manifest", file.name, "--force", "--sequence", "21", "--mode", "incremental")
    faulty = tool.json("tokenize", file.name, expect=3)
    assert (faulty["faults"], faulty["evaluated"]) == ([{"record": 4, "codes": ["E1104"]}], 0)
    assert tool.json("check", sent, expect=3)["codes"] == {"E1001": 1}
    kept = json.loads((tool.folder / "huxin-blind.json").read_text(encoding="utf-8"))
    kept["oprf"][0]["public"] = kept["registry"][0]["public"]
    (tool.folder / "huxin-blind.json").write_text(json.dumps(kept), encoding="utf-8")
    tool.run("tokenize", file.name, expect=2)
    assert "P0165" in tool.said


def test_a_question_and_its_receipt(platform: Platform, tool: Tool) -> None:
    asked = question(51)
    answer = tool.json(
        "ask", *EVERY, "--amount", "20000", "--product", "consumer", given=f"{asked.id_no}\n".encode()
    )
    assert (answer["provisional"], answer["subject_known"]) == (False, False)
    again = tool.json("ask", *EVERY, "--amount", "20000", "--product", "consumer", "--id-no", asked.id_no,
                      "--idempotency-key", answer["key"])  # fmt: skip
    assert again["enquiry_id"] == answer["enquiry_id"]
    tool.run("--lang", "zh", "ask", *EVERY, "--id-no", asked.id_no)
    drain(platform.settings)
    tool.run("receipt", "fetch", "enquiry", answer["enquiry_id"], "--out", "receipt.json")
    (tool.folder / "log.pub").write_text(operator(platform, "audit", "key"), encoding="utf-8")
    (tool.folder / "answer.json").write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
    told = tool.json("receipt", "verify", "answer.json", "--log-key", "log.pub")
    assert (told["answer"], told["record"]) == (True, answer["promise"]["record"])
    changed = json.dumps(answer | {"outcome": "refer"}, ensure_ascii=False)
    (tool.folder / "answer.json").write_text(changed, encoding="utf-8")
    tool.run("receipt", "verify", "answer.json", "--log-key", "log.pub", expect=2)
    assert "P0149" in tool.said
    (tool.folder / "answer.json").write_text(json.dumps(answer | {"promise": None}), encoding="utf-8")
    tool.run("receipt", "verify", "answer.json", "--log-key", "log.pub", expect=2)
    assert "P0139" in tool.said and "receipt?act=" in tool.said
    key = operator(platform, "audit", "key").splitlines()[0]
    tool.run("receipt", "verify", "receipt.json", "--log-key", key)
    text = (tool.folder / "receipt.json").read_text(encoding="utf-8")
    (tool.folder / "receipt.json").write_text(text.replace("application", "guarantee", 1), encoding="utf-8")
    tool.run("receipt", "verify", "receipt.json", "--log-key", key, expect=2)
    assert "P0144" in tool.said


@pytest.mark.skipif(not blind.available(), reason="libsodium is not there")
def test_a_question_that_shows_nobody(platform: Platform, away: Platform, tool: Tool) -> None:
    turn_on_blind(platform.settings)
    number = question(52).id_no
    one = ("ask", *EVERY, "--amount", "20000", "--id-no", number)
    direct = tool.json(*one, "--name", "某人")
    first = tool.json(*one, "--blind", "--name", "某人", "--mobile", "13900000000")
    assert "pinned" in tool.said
    assert (first["handle"], first["provisional"]) == (direct["handle"], False)
    # Sealed anew it is the same question; and nothing is evaluated twice.
    again = tool.json(*one, "--blind", "--idempotency-key", first["key"])
    assert (again["enquiry_id"], "pinned" in tool.said) == (first["enquiry_id"], False)
    tool.run(*one[:-1], number[:-1] + "Q", "--blind", expect=2)
    assert "P0195" in tool.said and number[:-1] not in tool.said
    # One that waits for the platform goes out blind as well, whoever sends it.
    waiting = tool.json("--url", away.address, *one, "--blind", "--patience", "0.5",
                        "--when-down", "closed", expect=3)  # fmt: skip
    settled = json.loads(tool.run("reconcile", "--json", expect=3))
    assert (settled["key"], settled["refused"]) == (waiting["key"], None)
    found = rows(platform, "SELECT count(DISTINCT subject_id), count(*) FROM enquiry WHERE subject_id = "
                 "(SELECT subject_id FROM enquiry WHERE id = %s)", first["enquiry_id"])  # fmt: skip
    assert found == [(1, 3)]


def test_a_submission_survives_its_platforms_death(platform: Platform, tool: Tool) -> None:
    file = book(tool, 400, name="六月.csv")
    tool.run("manifest", file.name, "--sequence", "9", "--mode", "incremental")
    platform.signal(signal.SIGSTOP)  # what is sent waits in its sockets
    sending = tool.start("submit", file.name, "--wait", "0", "--json")
    time.sleep(1.5)
    platform.kill()
    platform.start()
    said, _ = sending.communicate(timeout=240)
    assert sending.returncode == 0, said
    again = tool.json("submit", file.name, "--wait", "0")
    assert json.loads(said)["id"] == again["id"]


def half_sent(platform: Platform) -> socket.socket:
    """A connection on which an upload of ME has begun, and does not end."""
    session = platform.session()
    session.call("GET", "/v1/whoami")
    head = (
        f"POST /v1/submissions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {session._token}\r\n"
        "Content-Type: multipart/form-data; boundary=XyZ\r\nContent-Length: 9000000\r\n\r\n"
        '--XyZ\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    )
    opened = socket.create_connection(("127.0.0.1", platform.port))
    opened.sendall(head.encode() + b"x" * 100_000)
    return opened


def test_a_file_waits_for_its_turn_and_says_so(platform: Platform, tool: Tool) -> None:
    """Two uploads hold all turns of a member; the file is long enough for the line to be cut while it is sent."""
    file = book(tool, 500, name="七月.csv")
    file.write_bytes(file.read_bytes() + b"\n" * (20 << 20))
    tool.run("manifest", file.name, "--sequence", "10", "--mode", "incremental")
    spool = platform.settings.spool_dir
    before = len(list(spool.iterdir()))
    with half_sent(platform), half_sent(platform):
        until(lambda: len(list(spool.iterdir())) == before + 2, "the uploads do not begin")
        sending = tool.start("submit", file.name, "--wait", "0", "--json")
        assert sending.stderr is not None
        said = sending.stderr.readline().decode()
    assert said == "The platform cannot take it now (HTTP 503 H1145); trying again in 10 s\n"
    told, _ = sending.communicate(timeout=60)
    assert (sending.returncode, json.loads(told)["state"]) == (0, "received")


def test_while_the_platform_is_away(away: Platform, platform: Platform, tool: Tool) -> None:
    number = question(61).id_no
    one = ("ask", *EVERY, "--id-no", number, "--patience", "0.5")
    here = ("--url", away.address)
    tool.run(*here, *one, expect=1)
    assert "P0181" in tool.said
    said = tool.json(*here, *one, "--when-down", "closed", expect=3)
    assert (said["outcome"], said["provisional"]) == ("refer", True)
    tool.run(*here, "reconcile", "--patience", "0.5", expect=1)
    settled = json.loads(tool.run("reconcile", "--json", expect=3))
    assert (settled["key"], settled["reference"], settled["changed"]) == (said["key"], "case-1", True)
    assert tool.run("reconcile") == ""


def test_settings_that_are_missing_or_malformed_are_named(tmp_path: Path) -> None:
    tool = Tool(tmp_path)
    for words, what in ((("keys", "fetch"), "url"), (("--url", "https://x", "keys", "fetch"), "member")):
        tool.run(*words, expect=2)
        assert "P0180" in tool.said and what in tool.said
    tool.run("--url", "ftp://x", "--member", "M", "--key", "k", "--key-id", "n", "keys", "fetch", expect=2)
    (tmp_path / "huxin-edge.toml").write_text("url = 5\n", encoding="utf-8")
    tool.run("keys", "fetch", expect=2)
    assert "P0191" in tool.said
    (tmp_path / "huxin-edge.toml").write_text(
        'url = "https://x"\nmember = "M"\nkey = "k.pem"\nkey_id = "1"\n', "utf-8"
    )
    tool.run("keys", "fetch", expect=2)
    assert "P0183" in tool.said
    (tmp_path / "k.pem").write_text("no key", encoding="utf-8")
    tool.run("keys", "fetch", expect=2)
    assert "P0184" in tool.said


def test_no_command_overwrites_a_key(tmp_path: Path) -> None:
    tool = Tool(tmp_path)
    tool.run("--member", "M0009", "keys", "new", "--alg", "EdDSA")
    before = (tmp_path / "M0009.pem").read_bytes()
    tool.run("--member", "M0009", "keys", "new", expect=2)
    assert (tmp_path / "M0009.pem").read_bytes() == before
    assert before.decode() not in tool.said + tool.out.decode()


def test_both_languages_and_their_choice(tmp_path: Path) -> None:
    for words, environment, wanted in (
        (("--lang", "zh"), {}, "不存在"),
        (("--lang", "en"), {}, "not there"),
        ((), {"LANG": "zh_CN.GB18030"}, "不存在"),
        ((), {"LANG": "de_DE.UTF-8"}, "not there"),
        ((), {"LANG": ""}, "不存在"),
        ((), {"HUXIN_EDGE_LANGUAGE": "en", "LANG": "zh_CN"}, "not there"),
    ):
        tool = Tool(tmp_path, environment)
        tool.run(*words, "receipt", "verify", "nothing.json", "--log-key", "+", expect=2)
        assert wanted in tool.said


@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
def test_a_console_of_any_encoding_takes_every_text(tmp_path: Path, encoding: str) -> None:
    rows = [loan(ME, n) for n in range(1, 20)]
    rows[0]["purpose"] = "Ⅷ\U0001f600" * 40
    file = write_submission(tmp_path, ".", rows, file_name="五月\U0001f600.csv").name
    tool = Tool(tmp_path, {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
    tool.run("--lang", "zh", "check", file, expect=3)
    assert encoding != "gbk" or "控制字符" in tool.out.decode("gbk")
    tool.run("--lang", "zh", "check", file, "--json", expect=3)
    said: dict[str, Any] = json.loads(tool.out.decode("ascii"))
    assert said["codes"] == {"E1401": 1}
    assert "控制字符" in said["findings"][0]["text"]
    tool.run("keys", "new", "--help")
    tool.run("seal", "没有\U0001f600.csv", expect=2)


def test_what_is_wrong_use_ends_with_two(tmp_path: Path) -> None:
    tool = Tool(tmp_path)
    for words in (
        (),
        ("nothing",),
        ("check",),
        ("check", "f", "--as-of", "yesterday"),
        ("set", "seal_key", "x"),
    ):
        tool.run(*words, expect=2)
