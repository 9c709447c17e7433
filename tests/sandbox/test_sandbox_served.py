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
from pathlib import Path

import psycopg
import pytest

from huxin.decision import load_policies
from huxin.errors import HuxinError
from huxin.registry import embedded
from huxin.registry.connect import libpq_uri
from huxin.sandbox.home import served_alone
from huxin.sandbox.page import PAGE, filled
from huxin.sandbox.subjects import load_sandbox
from huxin.settings import Settings
from support.ports import free_port

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


@pytest.mark.slow
def test_the_printed_line_runs_and_every_answer_is_as_expected(tmp_path: Path) -> None:
    port = free_port()
    said = tmp_path / "said"
    command = [sys.executable, "-m", "huxin", "serve", "--sandbox", "--port", str(port)]
    env = {**os.environ, "HUXIN_HOME": str(tmp_path / "home"), "HUXIN_LANG": "en"}
    with said.open("wb") as target:
        serving = subprocess.Popen(command, env=env, cwd=TREE, stderr=target, stdout=target)
    try:
        line = printed(said, serving)
        example = [*shlex.split(line), "--timeout", str(PATIENCE_S)]
        done = subprocess.run(example, cwd=TREE, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "huxin-receipt/1" in done.stdout
        assert "  granted  until " in done.stdout
        assert "  refused  409 H1212" in done.stdout
        if shutil.which("curl") and shutil.which("jq"):
            by_hand = shell(tmp_path, env | {"API": f"http://127.0.0.1:{port}"})
            assert json.loads(by_hand) == {"outcome": "refer", "flags": ["MULTI_LENDER"]}
        asked = enquiries(tmp_path / "home")
        again = served_at(free_port(), tmp_path / "home")
        assert (again.returncode, again.stderr.split()[0]) == (1, "H1141"), again.stderr
        assert f"127.0.0.1:{port};" in again.stderr
        assert enquiries(tmp_path / "home") >= asked  # the slow one may have been answered meanwhile
    finally:
        serving.send_signal(signal.SIGINT)
        serving.wait(180)
    assert not embedded.status(Settings(home=tmp_path / "home" / "sandbox")).running


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
from huxin.sandbox.home import served_alone
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
