"""`huxin-edge submit`: sends a file over HTTP, plain or sealed, and waits for what becomes of it. Safe to repeat."""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from huxin_edge.checking import required_manifest
from huxin_edge.command import DONE, REFUSED, Commands, Context, add
from huxin_edge.files import opened
from huxin_edge.sealing import counted, sealing_key
from huxin_edge.session import Session
from huxin_edge.transport import Body
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import write_atomic
from huxin_privacy.sealed_submission import facts_of, sealed_size

_ENDS: Final = frozenset({"published", "refused", "awaiting_confirmation", "withdrawn"})
_BLOCK: Final = 1 << 20
_SHOWN: Final = 40
_PATIENCE_S: Final = 120.0  # with a line that breaks while a long file is under way


def register(commands: Commands) -> None:
    sending = add(
        commands, "submit", submit, "报送文件并等待结果，可重复执行 · sends a file and waits; safe to repeat"
    )
    sending.add_argument("file", type=Path)
    sending.add_argument(
        "--manifest", type=Path, help="清单，默认为文件旁的 · default: the one beside the file"
    )
    sending.add_argument("--seal", action="store_true", help="密封后报送 · sealed on its way")
    sending.add_argument("--to", metavar="KEY", help="平台公钥，默认为已确认的 · default: the confirmed key")
    sending.add_argument(
        "--wait",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="最多等待的秒数，0 为不等 · 0: do not wait",
    )
    sending.add_argument(
        "--findings", type=Path, metavar="FILE", help="被拒收的行，.xlsx 或 .csv · rejected rows to mend"
    )


def submit(arguments: argparse.Namespace, context: Context) -> int:
    """0 when all of it is published, 3 when it was refused, lost rows, or waits for somebody."""
    # While it takes others' files it says when to come again: that is waited for like the file's own end.
    session = context.intake(_PATIENCE_S, arguments.wait)
    item = _sent(arguments, context, session)
    if arguments.wait and item["state"] not in _ENDS:
        item = _awaited(session, item["id"], arguments.wait, context)
    if arguments.findings and item["rejected"]:
        _fetch_rows(session, item["id"], arguments.findings)
    _tell(session, item, context)
    fine = item["state"] == "published" and not item["rejected"]
    return DONE if fine or not arguments.wait else REFUSED


def _sent(arguments: argparse.Namespace, context: Context, session: Session) -> dict[str, Any]:
    file: Path = arguments.file
    raw, said = required_manifest(file, arguments.manifest)
    key = sealing_key(arguments.to, context) if arguments.seal else None
    with opened(file) as source:
        facts = facts_of(source, said.member, file.name, said.contract) if key else None

        def blocks() -> Iterator[bytes]:
            with context.voice.bar("上传", "sending", file.stat().st_size) as progress:
                if key and facts:
                    yield from counted(source, facts, key, progress)
                    return
                source.seek(0)
                while block := source.read(_BLOCK):
                    yield block
                    progress(len(block))

        size = sealed_size(facts) if facts else file.stat().st_size
        return dict(
            session.call("POST", "/v1/submissions", body=lambda: form(raw, file.name, size, blocks())).json()
        )


def form(manifest: bytes, name: str, size: int, blocks: Iterator[bytes]) -> Body:
    """multipart/form-data (RFC 7578) of a manifest and a file of `size` bytes, as a stream."""
    mark = f"huxin-{secrets.token_hex(16)}"
    plain = name.replace("\\", "_").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="manifest"; filename="manifest.json"\r\n'
        "Content-Type: application/json\r\n\r\n"
    ).encode()
    between = (
        f'\r\n--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{plain}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode("utf-8", "replace")
    end = f"\r\n--{mark}--\r\n".encode()

    def whole() -> Iterator[bytes]:
        yield head + manifest + between
        yield from blocks
        yield end

    length = len(head) + len(manifest) + len(between) + size + len(end)
    return Body(f"multipart/form-data; boundary={mark}", length, whole())


def _awaited(session: Session, number: str, seconds: float, context: Context) -> dict[str, Any]:
    """The submission once it has come to an end. PrivacyError P0192 when it has not in time."""
    end, pause = time.monotonic() + seconds, 0.5
    while True:
        item = dict(session.call("GET", f"/v1/submissions/{number}").json())
        if item["state"] in _ENDS:
            return item
        if time.monotonic() + pause > end:
            raise PrivacyError("P0192", seconds=round(seconds), submission=number, state=item["state"])
        time.sleep(pause)
        pause = min(pause * 1.5, 5.0)


def _fetch_rows(session: Session, number: str, target: Path) -> None:
    kind = "xlsx" if target.suffix.lower() == ".xlsx" else "csv"
    rows = session.call("GET", f"/v1/submissions/{number}/findings?format={kind}")
    write_atomic(target, rows.body)


def _tell(session: Session, item: dict[str, Any], context: Context) -> None:
    voice = context.voice
    found: list[dict[str, Any]] = []
    if item["state"] in _ENDS and (item["codes"] or item["refusal"]):
        found = session.call("GET", f"/v1/submissions/{item['id']}/findings?limit={_SHOWN}").json()["items"]
    if voice.as_json:
        voice.data({**item, "findings": found})
        return
    for each in found:
        place = voice.pick(f"第 {each['line']} 行", f"line {each['line']}") if each["line"] else "-"
        voice.line(f"{each['code']} {place} {each['field']} {each['text']} {each['hint']}")
    counts = f"{item['rows'] or 0}/{item['accepted'] or 0}/{item['rejected'] or 0}"
    voice.line(f"{item['id']} {item['state']} {counts}")
    voice.note(item["state_text"], item["state_text"])
