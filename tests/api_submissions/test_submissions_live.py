"""The served API: a sender that goes away, a server that is killed, a worker beside it, the documents' own lines."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import httpx
import pytest
from http_world import ME, until
from live_server import Served, running, served, temporary_of
from night_tools import book, ready, sent, spool_folders
from rich.console import Console
from test_filing import send

from huxin.contract import State, load_states
from huxin.demo import served as demo
from huxin.demo.stage import Stage
from huxin.nightly.leftovers import clear_leftovers
from huxin.registry.sequencing import drain
from huxin.registry.session import connection, forget_engine
from huxin.registry.submissions import every
from huxin.settings import Settings
from support.rows import write_submission

TREE = Path(__file__).parents[2]
PAGE = (TREE / "docs/api.md").read_text(encoding="utf-8")


def lines(heading: str) -> list[str]:
    """What is to be run in a section of the page."""
    section = re.split(r"^## ", PAGE.partition(f"\n## {heading}")[2], flags=re.MULTILINE)[0]
    return re.findall(r"^```sh\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def api(settings: Settings) -> Iterator[Served]:
    ready(settings)
    with served(settings) as found:
        yield found
    forget_engine(settings)


def states(settings: Settings) -> list[State]:
    with connection(settings) as database:
        return [item.state for item in every(database)]


def half(api: Served, data: bytes, length: int) -> socket.socket:
    """A connection on which the head and some of the body of an upload were sent."""
    head = (
        f"POST /v1/submissions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n"
        f"Content-Type: multipart/form-data; boundary=XyZ\r\nContent-Length: {length}\r\n\r\n"
    )
    opened = socket.create_connection(("127.0.0.1", api.port))
    opened.sendall(
        head.encode()
        + b'--XyZ\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        + data
    )
    return opened


def test_a_sender_that_goes_away_leaves_nothing(api: Served, settings: Settings) -> None:
    opened = half(api, os.urandom(3 << 20), 10 << 20)
    until(lambda: spool_folders(settings))
    opened.close()
    until(lambda: not spool_folders(settings))
    assert states(settings) == []


def test_a_server_killed_meanwhile_leaves_what_the_next_one_clears(api: Served, settings: Settings) -> None:
    opened = half(api, os.urandom(3 << 20), 10 << 20)
    until(lambda: spool_folders(settings))
    clear_leftovers(settings)
    assert spool_folders(settings)  # it is being received: nobody's leavings
    children = Path(f"/proc/{api.process.pid}/task/{api.process.pid}/children").read_text().split()
    for each in (api.process.pid, *map(int, children)):
        os.kill(each, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{each}/fd").exists() and alive(int(each)) for each in children))
    opened.close()
    assert b"a.csv" not in b"".join(
        path.read_bytes() for path in settings.spool_dir.rglob("*") if path.is_file()
    )
    # A process is a zombie before the last of its threads has let go of what it held.
    until(lambda: cleared(settings))
    assert states(settings) == []


def cleared(settings: Settings) -> bool:
    clear_leftovers(settings)
    return spool_folders(settings) == set()


def alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/status").read_text().split("State:")[1].split()[0] not in "ZX"
    except OSError:
        return False


def test_nothing_of_a_file_lies_in_clear_while_it_comes(
    api: Served, settings: Settings, tmp_path: Path
) -> None:
    secret = b"110101199001011237,"
    opened = half(api, secret * 200_000, 20 << 20)
    until(lambda: spool_folders(settings))
    time.sleep(0.2)
    for place in (settings.home, temporary_of(settings)):
        assert place.is_dir()
        for path in place.rglob("*"):
            if path.is_file():
                assert secret[:18] not in path.read_bytes()
    opened.close()


@pytest.mark.skipif(not shutil.which("jq") or not shutil.which("curl"), reason="the lines need curl and jq")
def test_the_lines_of_the_documents_run(api: Served, settings: Settings, tmp_path: Path) -> None:
    data = write_submission(tmp_path / "inbox", ME, book(ME, wrong=[3]))
    shutil.copy(data, tmp_path / "loans.csv")
    (tmp_path / "loans.csv.manifest.json").write_bytes(sent(data))
    *script, receipt = lines("Submissions")
    (log,) = lines("Audit log")
    with running(settings, "work"):
        said = shell(api, tmp_path, "".join(script) + "echo $ID > id.txt")
    assert '"rejected": 1' in said
    assert "E2601" in said
    assert json.loads((tmp_path / "submission.json").read_text())["state"] == "published"
    assert (tmp_path / "findings.xlsx").read_bytes().startswith(b"PK")
    drain(settings)
    shell(api, tmp_path, f"ID=$(cat id.txt)\n{receipt}\n{log}")
    assert "submission.published" in (tmp_path / "receipt.json").read_text()
    assert len((tmp_path / "checkpoint.txt").read_text().splitlines()) >= 4


# Two looks before the last answer, which stays; who has looked twenty times is still waiting, and is ended.
CURL = """#!/bin/sh
echo x >> looks.txt
case $(wc -l < looks.txt) in 1|2) cat first.json;; 20) kill $PPID;; *) cat last.json;; esac
"""


@pytest.mark.skipif(not shutil.which("jq"), reason="the lines need jq")
@pytest.mark.parametrize("state", [*(each.name for each in load_states()), None])
def test_the_loop_of_the_documents_ends_when_nothing_more_comes(tmp_path: Path, state: str | None) -> None:
    (loop,) = (each for each in lines("Submissions") if "sleep 2" in each)
    for name, content in (("curl", CURL), ("sleep", "#!/bin/sh\n")):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "first.json").write_text(json.dumps({"state": "received"}))
    # None: a problem, such as that the token has expired meanwhile.
    (tmp_path / "last.json").write_text(
        json.dumps({"state": state, "items": []} if state else {"status": 401})
    )
    named = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "API": "", "TOKEN": "", "ID": ""}
    subprocess.run(
        ["bash", "-c", loop], cwd=tmp_path, env=named, capture_output=True, check=False, timeout=60
    )
    looked = len((tmp_path / "looks.txt").read_text().split())
    # Once more for the list behind the loop.
    assert looked == (20 if state in ("received", "validated", "pseudonymized") else 4)


@pytest.mark.skipif(not shutil.which("jq") or not shutil.which("curl"), reason="the lines need curl and jq")
def test_the_lines_about_an_enquiry_run(api: Served, tmp_path: Path) -> None:
    said = shell(api, tmp_path, "".join((*lines("Enquiries"), *lines("Reservations"))))
    assert '"subject_known": false' in said
    assert said.splitlines()[-3:] == ['"eligible"', "true", '"converted"']


@pytest.mark.skipif(not shutil.which("curl"), reason="the lines need curl")
def test_the_lines_that_make_serve_prints_run(
    api: Served,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HUXIN_NOW", settings.now().isoformat())
    keys = {ME: demo.member_key(settings, ME)}
    stage = Stage(Console(file=StringIO()), zh=False, begin=0.0)
    demo.print_lines(settings, stage, demo.Served(api.address, api.process, {}, keys))
    script, _, _ = capsys.readouterr().out.partition("documentation:")
    told = [each.splitlines() for each in script.strip().split("\n\n")]
    assert [(lines[0][:2], lines[1].split()[0], len(lines)) for lines in told] == [
        ("# ", word, 2) for word in ("export", "curl", "curl", "curl", "curl")
    ]
    shell(api, tmp_path, script)
    drain(settings)  # what was asked is in the log, and a checkpoint over it
    known, answered, sent_before, *checkpoint = shell(api, tmp_path, script).split("\n")
    assert json.loads(known)["holder"] == ME
    assert json.loads(answered)["outcome"] == "eligible"
    assert json.loads(sent_before)["items"] == []
    assert checkpoint[0].startswith("huxin/log/")


def shell(api: Served, place: Path, lines: str) -> str:
    surroundings = os.environ | {"API": api.address, "TOKEN": api.token}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        check=False,
        cwd=place,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_confirm_and_withdraw_need_no_owner(api: Served, settings: Settings, tmp_path: Path) -> None:
    def call(method: str, path: str, data: Path | None = None) -> httpx.Response:
        files = {"file": (data.name, data.read_bytes()), "manifest": sent(data)} if data else None
        head = {"Authorization": f"Bearer {api.token}"}
        return httpx.request(
            method, f"{api.address}/v1/submissions{path}", headers=head, files=files, timeout=180
        )

    def decided(path: str) -> httpx.Response:
        """Again while the worker, which has just said what became of it, still holds it: H1407 asks for that."""

        def act() -> httpx.Response | None:
            told = call("POST", path)
            return None if told.status_code == 409 and told.json()["code"] == "H1407" else told

        found: httpx.Response = until(act)
        return found

    def settled(number: str) -> str:
        def look() -> str:
            state = call("GET", f"/{number}").json()["state"]
            return "" if state in ("received", "validated", "pseudonymized") else state

        return str(until(look))

    with running(settings, "work"):
        first = call("POST", "", write_submission(tmp_path, ME, book(ME))).json()["id"]
        assert settled(first) == "published"
        second = call("POST", "", write_submission(tmp_path, ME, book(ME)[3:], sequence=2)).json()["id"]
        assert settled(second) == "awaiting_confirmation"
        assert decided(f"/{second}/confirm").status_code == 202
        assert settled(second) == "published"
        back = decided(f"/{second}/withdraw")
        assert (back.status_code, back.json()["state"]) == (200, "withdrawn")
    assert states(settings) == [State.PUBLISHED, State.WITHDRAWN]


def test_two_workers_work_nothing_twice(settings: Settings, tmp_path: Path) -> None:
    ready(settings)
    with running(settings, "work"), running(settings, "work"):
        ids = [
            send(settings, write_submission(tmp_path, ME, book(ME, count=40 + n), sequence=n)).submission.id
            for n in (1, 2, 3)
        ]
        until(lambda: states(settings) == [State.PUBLISHED] * 3)
    with connection(settings) as database:
        rows = database.exec_driver_sql(
            "SELECT body->>'submission' FROM outbox WHERE topic = 'submission.published'"
        ).scalars()
        assert sorted(rows) == sorted(map(str, ids))
    forget_engine(settings)
