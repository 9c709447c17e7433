"""A member registers its own key, and the commands that the page shows work against a real API as they stand."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from console_world import Console, Somebody
from members_world import clerk, lending
from sqlalchemy import text

from huxin.registry.session import connection
from huxin.settings import Settings
from support.ports import free_port


@pytest.fixture
def console(settings: Settings) -> Console:
    return lending(settings)


@pytest.fixture
def who(console: Console) -> Somebody:
    return clerk(console, role="member_administrator")


def made(folder: Path, page: str) -> str:
    """What the page's first commands print."""
    return run(folder, command(page, "make"))


def command(page: str, id_: str) -> str:
    found = re.search(rf'id="{id_}"[^>]*>(.*?)</pre>', page, flags=re.DOTALL)
    assert found
    return html.unescape(found[1])


def run(folder: Path, words: str) -> str:
    done = subprocess.run(["sh", "-ec", words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_the_page_leads_to_a_call_that_works(
    console: Console, who: Somebody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shutil.which("curl") and shutil.which("openssl")
    port = free_port()
    api = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("HUXIN_PUBLIC_URL", api)
    public = made(tmp_path, who.get("/my/keys").text)
    answer = who.post("/my/keys", {"pem": public, "scope": ["enquiries", "submissions"]})
    assert answer.status_code == 303, answer.text
    call = command(who.get("/my/keys").text, "call")
    env = {
        **{name: value for name, value in os.environ.items() if name != "HUXIN_NOW"},
        "HUXIN_HOME": str(console.settings.home),
        "HUXIN_DATABASE_URL": console.settings.database_url or "",
    }
    served = [
        sys.executable,
        "-m",
        "huxin",
        "serve",
        "--port",
        str(port),
        "--workers",
        "1",
        "--no-sequencer",
        "--no-work",
    ]
    process = subprocess.Popen(served, env=env, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 180
        while time.monotonic() < until:
            try:
                if httpx.get(f"{api}/healthz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        told = run(tmp_path, call)
    finally:
        process.terminate()
        process.wait(timeout=120)
    assert '"M0001"' in told
    assert '"role"' in told


def test_no_more_than_two_and_no_private_half(console: Console, who: Somebody, tmp_path: Path) -> None:
    page = who.get("/my/keys").text
    public = made(tmp_path, page)
    private = (tmp_path / "M0001.pem").read_text(encoding="utf-8")
    answer = who.post("/my/keys", {"pem": private})
    assert answer.status_code == 422
    assert who.post("/my/keys", {"pem": public, "scope": "everything"}).status_code == 422
    for _ in range(2):
        assert who.post("/my/keys", {"pem": public}).status_code == 303
    assert who.post("/my/keys", {"pem": public}).status_code == 422
    with connection(console.settings) as database:
        assert database.execute(text("SELECT count(*) FROM credential")).scalar() == 2


def test_a_key_is_ended_by_its_own_member_only(console: Console, who: Somebody, tmp_path: Path) -> None:
    who.post("/my/keys", {"pem": made(tmp_path, who.get("/my/keys").text)})
    (act,) = re.findall(r'action="(/my/keys/[^"]+/revoke)"', who.get("/my/keys").text)
    other = clerk(console, "M0002", role="member_administrator")
    assert other.post(act).status_code == 404
    assert who.post(act).status_code == 303
    assert "已吊销" in who.get("/my/keys").text
