"""As a newcomer meets it: `huxin serve --sandbox`, the printed line, the page with the table."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
import psycopg
import pytest
from python_calamine import CalamineWorkbook

from huxin.decision import load_policies
from huxin.errors import HuxinError
from huxin.registry import embedded
from huxin.registry.connect import libpq_uri
from huxin.sandbox.files import rows_of
from huxin.sandbox.home import in_turn, served_alone
from huxin.sandbox.keys import member_key
from huxin.sandbox.page import PAGE, filled
from huxin.sandbox.subjects import load_sandbox
from huxin.settings import Settings
from huxin_privacy.client import Client, Identity
from support.ports import free_port
from support.rows import write_submission

TREE = Path(__file__).parents[2]
READY_S = 400
PATIENCE_S = 6  # with one answer: less than the slow subject takes, more than a busy machine does


def test_the_page_is_as_the_data_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == filled(page), "run: python -m huxin.sandbox.page"


def test_the_pages_quotas_are_the_policys() -> None:
    page, policy = PAGE.read_text(encoding="utf-8"), load_policies()[-1]
    for member in load_sandbox().members[:3]:
        for purpose in ("application", "guarantee", "post_loan"):
            quota = policy.quota(member.tier, purpose)
            told = [f"{each:,}" if each else "none 无" for each in (quota.per_minute, quota.per_day)]
            assert f"| {member.code} | {member.tier} | {purpose} | {told[0]} | {told[1]} |" in page


@dataclass
class Running:
    """A server that is ready: its port, the folder it lies in, its environment, and the line that it told to run."""

    port: int
    place: Path
    env: dict[str, str]
    line: str


@contextmanager
def running(place: Path) -> Iterator[Running]:
    """`huxin serve --sandbox` in a folder, until the block ends; it leaves no database server behind."""
    port, said = free_port(), place / "said"
    command = [sys.executable, "-m", "huxin", "serve", "--sandbox", "--port", str(port)]
    env = {**os.environ, "HUXIN_HOME": str(place / "home"), "HUXIN_LANG": "en"}
    with said.open("wb") as target:
        serving = subprocess.Popen(command, env=env, cwd=TREE, stderr=target, stdout=target)
    try:
        yield Running(port, place, env, printed(said, serving))
    finally:
        serving.send_signal(signal.SIGINT)
        serving.wait(180)
    assert not embedded.status(Settings(home=place / "home" / "sandbox")).running


@pytest.mark.slow
def test_the_printed_line_runs_and_every_answer_is_as_expected(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        example = [*shlex.split(server.line), "--timeout", str(PATIENCE_S)]
        done = subprocess.run(example, cwd=TREE, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "huxin-receipt/1" in done.stdout
        assert "  granted  until " in done.stdout
        assert "  refused  409 H1212" in done.stdout
        if shutil.which("curl") and shutil.which("jq"):
            by_hand = shell(tmp_path, server.env | {"API": f"http://127.0.0.1:{server.port}"})
            assert json.loads(by_hand) == {"outcome": "refer", "flags": ["MULTI_LENDER"]}
        asked = enquiries(tmp_path / "home")
        again = served_at(free_port(), tmp_path / "home")
        assert (again.returncode, again.stderr.split()[0]) == (1, "H1141"), again.stderr
        assert f"127.0.0.1:{server.port};" in again.stderr
        assert enquiries(tmp_path / "home") >= asked  # the slow one may have been answered meanwhile


@pytest.mark.slow
def test_rejected_rows_come_back_as_files_also_after_a_reset(tmp_path: Path) -> None:
    """What makes them has threads of its own: a worker forked from a process that had used it would wait for ever."""
    with running(tmp_path) as server:
        for _ in range(2):
            with member(server) as http:
                found = f"/v1/submissions/{published(http, tmp_path)}/findings"
                rows = http.get(found, params={"format": "csv"})
                book = http.get(found, params={"format": "xlsx"})
            assert (rows.status_code, book.status_code) == (200, 200)
            assert rows.text.count("E2601") == 2
            sheet = CalamineWorkbook.from_filelike(BytesIO(book.content)).get_sheet_by_index(0)
            assert str(sheet.to_python()).count("E2601") == 2
            reset = [sys.executable, "-m", "huxin", "sandbox", "reset"]
            done = subprocess.run(
                reset, env=server.env, capture_output=True, text=True, timeout=READY_S, check=False
            )
            assert done.returncode == 0, done.stderr


def member(server: Running) -> httpx.Client:
    """Calls as T9001, each with its time."""
    key = member_key(Settings(home=server.place / "home" / "sandbox"), "T9001")
    address = f"http://127.0.0.1:{server.port}"
    token = Client(address, Identity.read("T9001", str(key.id), key.file)).token()
    return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def published(http: httpx.Client, folder: Path) -> str:
    """The number of a file with two bad rows, once it is in the registry."""
    today = Settings(home=folder).today()
    own = next(rows_of(load_sandbox(), "T9001", today))
    rows = [own | {"loan_no": f"L{n}", "consent_no": "" if n < 2 else "SQ"} for n in range(40)]
    file = write_submission(folder, "T9001", rows, today, mode="incremental")
    manifest = file.with_name(file.name + ".manifest.json")
    parts = {"file": (file.name, file.read_bytes()), "manifest": (manifest.name, manifest.read_bytes())}
    sent = http.post("/v1/submissions", files=parts)
    assert sent.status_code == 201, sent.text
    return until_published(http, str(sent.json()["id"]))


def until_published(http: httpx.Client, number: str) -> str:
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        item = http.get(f"/v1/submissions/{number}").json()
        if item["state"] == "published":
            assert item["rejected"] == 2
            return number
        assert item["state"] in ("received", "validated", "pseudonymized"), item
        time.sleep(0.5)
    raise AssertionError("not published")


def test_on_an_address_that_is_taken_nothing_is_made_anew(tmp_path: Path) -> None:
    """What has it may be this very sandbox, with callers in the middle of something."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = served_at(port, tmp_path / "home")
    assert done.returncode == 1
    assert "H1129" in done.stderr
    assert not (tmp_path / "home" / "sandbox" / "postgres").exists()
    assert not list((tmp_path / "home").rglob("*.pem"))


@pytest.mark.slow
def test_a_build_that_fails_is_told_with_its_code_and_nothing_is_served(tmp_path: Path) -> None:
    keys = tmp_path / "home" / "sandbox" / "keys"
    keys.mkdir(parents=True)
    (keys / "audit.keyring").write_text("{", encoding="utf-8")
    done = served_at(free_port(), tmp_path / "home")
    told = [line for line in done.stderr.splitlines() if re.match(r"[HP]\d{4} ", line)]
    assert (done.returncode, [line[:3] for line in told]) == (2, ["P01"]), done.stderr
    assert "is ready" not in done.stderr
    assert not embedded.status(Settings(home=tmp_path / "home" / "sandbox")).running


@pytest.mark.slow
def test_whoever_stops_it_while_it_is_made_leaves_nothing_running(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "huxin", "serve", "--sandbox", "--port", str(free_port())]
    env = {**os.environ, "HUXIN_HOME": str(tmp_path / "home"), "HUXIN_LANG": "en"}
    settings = Settings(home=tmp_path / "home" / "sandbox")
    with subprocess.Popen(command, env=env, cwd=TREE, stderr=subprocess.PIPE, text=True) as serving:
        for _ in range(READY_S * 10):
            if (settings.home / "keys").exists():  # the building has begun
                break
            time.sleep(0.1)
        serving.send_signal(signal.SIGINT)
        _, said = serving.communicate(timeout=READY_S)
    assert (serving.returncode, said.count("Interrupted")) == (130, 1), said
    assert not embedded.status(settings).running
    with in_turn(settings):  # nobody builds on
        pass


def test_a_home_that_is_served_is_not_made_anew_under_another_port(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home" / "sandbox")
    with served_alone(settings, "http://127.0.0.1:1234"):
        done = served_at(free_port(), tmp_path / "home")
    assert (done.returncode, done.stderr.split()[0]) == (1, "H1141")
    assert "http://127.0.0.1:1234" in done.stderr
    assert "Preparing" not in done.stderr
    assert sorted(each.name for each in settings.home.iterdir()) == ["serving.lock"]


def test_a_server_that_was_killed_leaves_its_home_free(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "sandbox")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(settings.home)], stdout=subprocess.PIPE, text=True, cwd=TREE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(HuxinError, match="H1141"), served_alone(settings, "mine"):
        pass
    holder.kill()
    holder.wait(30)
    with served_alone(settings, "mine"):
        assert (settings.home / "serving.lock").read_text() == "mine"


HOLD = """
import sys, time
from pathlib import Path
from huxin.sandbox.home import in_turn, served_alone
from huxin.settings import Settings
with served_alone(Settings(home=Path(sys.argv[1])), "a much longer address"):
    print("held", flush=True)
    time.sleep(600)
"""


def served_at(port: int, home: Path) -> subprocess.CompletedProcess[str]:
    """What a server that is refused says."""
    command = [sys.executable, "-m", "huxin", "serve", "--sandbox", "--port", str(port)]
    env = {**os.environ, "HUXIN_HOME": str(home), "HUXIN_LANG": "en"}
    return subprocess.run(
        command, env=env, cwd=TREE, capture_output=True, text=True, timeout=READY_S, check=False
    )


def enquiries(home: Path) -> int:
    """How many are on record in the sandbox below that home."""
    with psycopg.connect(libpq_uri(Settings(home=home / "sandbox"))) as database:
        found = database.execute("SELECT count(*) FROM enquiry").fetchone()
    assert found is not None
    return int(found[0])


def shell(place: Path, env: dict[str, str]) -> str:
    """What the page's own lines say."""
    (lines,) = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    huxin = f'huxin() {{ {shlex.join([sys.executable, "-m", "huxin"])} "$@"; }}'
    script = ["bash", "-euo", "pipefail", "-c", f"{huxin}\n{lines}"]
    done = subprocess.run(
        script, cwd=place, env=env, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def printed(said: Path, serving: subprocess.Popen[bytes]) -> str:
    """The command that the server tells a newcomer to run, once it is ready."""
    for _ in range(READY_S * 10):
        for line in said.read_text(encoding="utf-8").splitlines():
            if "examples/sandbox/ask.py" in line:
                return line.strip()
        assert serving.poll() is None, said.read_text(encoding="utf-8")
        time.sleep(0.1)
    raise AssertionError("not ready")
