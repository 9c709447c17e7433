"""`huxin-edge receipt`: fetches the receipt of an enquiry or a submission, and checks one offline."""

from __future__ import annotations

import argparse
from pathlib import Path
from urllib.parse import quote

from huxin_edge.asking import ADDED
from huxin_edge.command import DONE, Commands, Context, add
from huxin_edge.files import opened
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import write_atomic
from huxin_privacy.notes import VerifierKey, parse_keys
from huxin_privacy.promises import Promised, holds_promise, verify_told
from huxin_privacy.receipts import read_object, read_receipt, verify_receipt


def register(commands: Commands) -> None:
    own = commands.add_parser("receipt", help="存证回执 · receipts").add_subparsers(
        required=True, metavar="COMMAND"
    )
    fetching = add(own, "fetch", fetch, "取回存证回执 · fetches a receipt, from a minute later on")
    fetching.add_argument("what", choices=("enquiry", "submission"))
    fetching.add_argument("number", help="编号 · its id")
    fetching.add_argument("--out", type=Path, required=True)
    verifying = add(own, "verify", verify, "离线核验回执或答复 · checks a receipt or an answer offline")
    verifying.add_argument("file", type=Path)
    verifying.add_argument(
        "--log-key", required=True, help="日志公钥或其文件 · the log's public key, or a file that holds it"
    )


def fetch(arguments: argparse.Namespace, context: Context) -> int:
    """Writes the receipt as it came."""
    room = {"enquiry": "enquiries", "submission": "submissions"}[arguments.what]
    reply = context.session().call("GET", f"/v1/{room}/{quote(arguments.number, safe='')}/receipt")
    write_atomic(arguments.out, reply.body)
    context.voice.note(f"已保存 {arguments.out.name}", f"Saved {arguments.out.name}")
    return DONE


def verify(arguments: argparse.Namespace, context: Context) -> int:
    """0 when the record is proved to stand in the log, or the answer to be promised to it; every other end is an error
    with its code (2)."""
    with opened(arguments.file) as source:
        text = source.read()
    if holds_promise(text):
        told = {name: value for name, value in read_object(text).items() if name not in ADDED}
        return _promised(verify_told(told, _keys(arguments.log_key)), context)
    head, read = verify_receipt(text, _keys(arguments.log_key)), read_receipt(text)
    if context.voice.as_json:
        said = {"log": head.origin, "size": head.size, "root": head.root.hex(), "number": read.number}
        context.voice.data({**said, "record": read.record})
        return DONE
    context.voice.line(
        context.voice.pick(
            f"回执有效：记录是日志 {head.origin} 的第 {read.number} 号叶子（日志大小 {head.size}）。",
            f"The receipt is good: the record is leaf {read.number} of log {head.origin} (size {head.size}).",
        )
    )
    context.voice.line(read.record)
    return DONE


def _promised(found: Promised, context: Context) -> int:
    if context.voice.as_json:
        context.voice.data(found.facts())
        return DONE
    context.voice.line(context.voice.pick(*found.words()))
    context.voice.line(found.record)
    return DONE


def _keys(text: str) -> tuple[VerifierKey, ...]:
    """The key as given, or as a file of that name holds it. PrivacyError P0148, P0183."""
    path = Path(text)
    if path.is_file():
        return parse_keys(path.read_text(encoding="utf-8", errors="replace"))
    if "+" not in text:
        raise PrivacyError("P0183", file=path.name)
    return parse_keys(text)
