"""The console behind the proxy: its own port, its own limits, its own headers, and no link or number in the log."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from proxy_rig import CONSOLE, Proxy, api, proxy_before, told

from huxin.console.access import access
from huxin.console.config import Config
from huxin.nightly.parts import PART
from support.ports import free_port

NUMBER = "110101199003077758"
SECRET = "kZ3v0Yq1mN8"
PLACE = "/my/uploads/01890000-0000-7000-8000-000000000000/parts"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with api() as port, proxy_before(port, tmp_path_factory.mktemp("proxy")) as made:
        yield made


def test_a_page_comes_through_and_knows_its_address(proxy: Proxy) -> None:
    claims = {"X-Forwarded-For": "10.0.0.9", "X-Forwarded-Host": "evil", "Forwarded": "for=10.0.0.9"}
    seen = told(proxy.ask_console("/sign-in", **claims))["headers"]
    assert seen["host"] == f"localhost:{proxy.console}"
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert not {"x-forwarded-host", "forwarded"} & seen.keys()


def test_what_the_console_says_of_itself_stands_alone(proxy: Proxy) -> None:
    """Its policy has a nonce; and with another referrer policy browsers would send forms without their origin."""
    answer = proxy.ask_console("/docs")
    assert answer.headers.get_all("content-security-policy") == ["default-src 'self'"]
    assert answer.headers.get_all("referrer-policy") == ["same-origin"]
    assert "Python" not in answer.headers["server"]


def test_limits_are_the_consoles(proxy: Proxy) -> None:
    limit = Config().body_limit
    assert told(proxy.ask_console("/people", b"x" * limit))["size"] == limit
    refused = proxy.ask_console("/people", b"x" * (limit + 1))
    assert refused.status == 413
    assert "过大" in refused.read().decode()
    assert refused.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert told(proxy.ask_console(f"{PLACE}/3", b"x" * PART))["size"] == PART
    assert proxy.ask_console(f"{PLACE}/3", b"x" * (PART + 1)).status == 413
    assert proxy.ask_console(f"{PLACE}/3/4", b"x" * PART).status == 413
    assert int(re.findall(r"client_max_body_size (\d+)m;", CONSOLE)[1]) << 20 == PART


def test_a_slow_part_does_not_bother_the_console(proxy: Proxy) -> None:
    """Half of one has come, and the console has not heard of it."""
    context = ssl.create_default_context(cafile=str(proxy.authority))
    slow = http.client.HTTPSConnection("localhost", proxy.console, context=context, timeout=120)
    slow.putrequest("POST", f"{PLACE}/3")
    slow.putheader("Content-Length", "200000")
    slow.putheader("X-Answer", "early")  # the API would answer to the half
    slow.endheaders()
    slow.send(b"x" * 100_000)
    slow.sock.settimeout(1)
    with pytest.raises(TimeoutError):
        slow.getresponse()
    slow.close()
    assert told(proxy.ask_console(f"{PLACE}/4", b"x"))["size"] == 1


def test_a_console_that_is_away_is_said(tmp_path: Path) -> None:
    with proxy_before(free_port(), tmp_path) as lonely:
        answer = lonely.ask_console("/")
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "控制台暂时无法打开" in answer.read().decode()


def test_the_log_names_pages_and_no_link(proxy: Proxy) -> None:
    paths = (
        f"/join/{SECRET}",
        f"/{NUMBER}",
        f"/my/{NUMBER}",
        f"/enquiries?person={NUMBER}",
        "/my/ask",
        "/people.xlsx",
    )
    for path in paths:
        proxy.ask_console(path, Referer=f"https://x/{SECRET}").read()
    wanted = {"/join", "other", "/enquiries", "/my/ask", "/people"}
    deadline = time.monotonic() + 60
    while not wanted <= set(pages := logged(proxy)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert wanted <= set(pages)
    written = proxy.log.with_name("console.log").read_text(encoding="utf-8")
    assert not re.search(f"{SECRET}|{NUMBER}", written)


def test_the_log_knows_every_room_of_the_console() -> None:
    """A page that is added is added there, or nobody sees in the log what is slow."""
    known = [
        re.compile(each.replace("?<", "?P<"))
        for each in re.findall(r"^    ~(\^.*) \$\w+;$", CONSOLE, flags=re.MULTILINE)
    ]
    paths = {re.sub(r"<[^>]*>", "1", route.split(" ")[1]) for route in access()} - {"/"}
    assert [path for path in sorted(paths) if not any(each.match(path) for each in known)] == []


def logged(proxy: Proxy) -> list[str]:
    lines = proxy.log.with_name("console.log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["page"] for line in lines]
