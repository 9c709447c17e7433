"""The demo's API: `huxin serve` as anybody runs it, on a free port, with a key for each of two members."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from huxin.demo.people import invited
from huxin.demo.stage import Stage
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.registry.credentials import SCOPES, Credential, add_credential, list_credentials
from huxin.registry.members import find_member
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy.client import Client, Identity, send

ASKING = ("M0001", "M0002")
USUAL_PORT, CONSOLE_PORT = 8000, 8001
# An answer has no line's end of its own: pasted together, the next one would begin beside it.
_CURL = "curl -sS -w '\\n'"
_PATIENCE_S = 60.0
_STOP_S = 20.0


@dataclass(frozen=True)
class Served:
    """The running API and the two members' clients."""

    address: str
    process: subprocess.Popen[bytes]
    clients: dict[str, Client]
    keys: dict[str, Path]
    console: str | None = None


@contextmanager
def served(settings: Settings, stage: Stage, console: bool = False) -> Iterator[Served]:
    """The API until the block ends, with the console where it is wanted. HuxinError H1136 when it does not come up."""
    keys = {code: member_key(settings, code) for code in ASKING}
    api = _started(settings, stage, keys, console)
    try:
        yield api
    finally:
        _end(api.process)


def _started(settings: Settings, stage: Stage, keys: dict[str, Path], console: bool) -> Served:
    """The API at the usual port, or at another one where somebody was faster."""
    for usual in (USUAL_PORT, 0, 0):
        port = _free_port(usual)
        address = f"http://127.0.0.1:{port}"
        stage.say(f"启动接口 {address} …", f"starting the API at {address} …")
        command = [sys.executable, "-m", "huxin", "serve", "--port", str(port), "--workers", "1"]
        pages = _free_port(CONSOLE_PORT) if console else None
        if pages:
            command += ["--console", "--console-port", str(pages)]
        # The server lives on the demo's evening, and so do the tokens.
        now = settings.now().timestamp
        clients = {
            code: Client(address, Identity.read(code, file.stem, file), now) for code, file in keys.items()
        }
        # A group of its own: a Ctrl-C at the terminal is ours to pass on, once.
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, process_group=0)
        try:
            if _is_up(process, clients[ASKING[0]]):
                return Served(address, process, clients, keys, f"http://127.0.0.1:{pages}" if pages else None)
        except BaseException:
            _end(process)
            raise
        _end(process)
    raise HuxinError("H1136")


def print_lines(settings: Settings, stage: Stage, api: Served) -> None:
    """Lines to paste into another terminal, while the API runs."""
    file = api.keys[ASKING[0]]
    code = ASKING[0]
    huxin = f"{Path(sys.executable).parent / 'huxin'}"
    now = os.environ["HUXIN_NOW"]
    stage.say(
        "接口在运行，Ctrl-C 停止。在另一个终端里粘贴：",
        "The API runs; Ctrl-C stops it. Paste into another terminal:",
    )
    body = (
        '{"subject":{"id_type":"resident_id","id_no":"11010519491231002X"},"purpose":"application",'
        '"amount":"20000.00","product":"consumer","consent_no":"SQ1","consent_until":"2027-01-01",'
        '"staff":"S-17","reference":"case-1"}'
    )
    bearer = '-H "Authorization: Bearer $TOKEN"'
    lines = (
        (
            ("访问令牌，五分钟有效", "an access token, good for five minutes"),
            f"export TOKEN=$(HUXIN_NOW={now} '{huxin}' members key token {code} --key '{file}' --url {api.address})",
        ),
        (("我是谁", "who you are"), f"{_CURL} {api.address}/v1/whoami {bearer}"),
        (
            ("查询一个主体", "ask about a subject"),
            f'{_CURL} {api.address}/v1/enquiries {bearer} -H "Idempotency-Key: try-$(date +%s%N)" '
            f"-H 'Content-Type: application/json' -d '{body}'",
        ),
        (
            ("经接口报送的批次", "what was sent over the API"),
            f"{_CURL} {api.address}/v1/submissions {bearer}",
        ),
        (
            ("存证日志的检查点", "the log's checkpoint"),
            f"{_CURL} {api.address}/v1/audit/checkpoint {bearer}",
        ),
    )
    for (zh, en), line in lines:
        # Not through the console, which would break a line that is to be pasted.
        sys.stdout.write(f"\n# {zh if stage.zh else en}\n{line}\n")
    sys.stdout.write(f"\n{'接口文档' if stage.zh else 'documentation'}: {api.address}/docs\n")
    if api.console:
        _print_console(settings, stage, api.console)
    sys.stdout.write("\n")
    sys.stdout.flush()


def _print_console(settings: Settings, stage: Stage, address: str) -> None:
    """Where the console is, and for each of the demo's people the link to join by, or the name of who has joined."""
    sys.stdout.write(f"{'控制台' if stage.zh else 'console'}: {address}\n")
    for login, words, link in invited(settings):
        told = f"{address}/join/{link}" if link else ("已加入" if stage.zh else "has joined")
        sys.stdout.write(f"  {login} · {words[0] if stage.zh else words[1]}: {told}\n")


def member_key(settings: Settings, code: str) -> Path:
    """The member's private key, its number for a name; a new one where a home has none."""
    folder = settings.home / "demo-keys" / code
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with connection(settings) as database:
        live = {str(each.id) for each in list_credentials(database, code) if each.revoked_at is None}
        for file in sorted(folder.glob("*.pem")):
            if file.stem in live:
                return file
        member = find_member(database, code)
        assert member is not None
        secret, id_ = generate_private_key(SECP256R1()), new_id()
        public = secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        made = Credential(id_, "member", member.id, code, "ES256", public, SCOPES, settings.now())
        add_credential(database, made)
        file = folder / f"{id_}.pem"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            target.write(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


def _free_port(usual: int) -> int:
    """The usual one where nobody has it."""
    for port in (usual, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise HuxinError("H1136")


def _is_up(process: subprocess.Popen[bytes], client: Client) -> bool:
    """Whether our own server came up, False where it ended; another one at that port does not know the client's key.

    HuxinError H1136 when it does neither.
    """
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        if process.poll() is not None:
            return False
        try:
            if send("GET", f"{client.url}/readyz", None, {}).status == 200 and client.token():
                return True
        except (OSError, RuntimeError):
            pass
        time.sleep(0.1)
    raise HuxinError("H1136")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
