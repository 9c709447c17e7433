"""`huxin receipt verify`: a receipt or an answer checked offline, with the log's public key and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from huxin.cli.show import write_line
from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin_privacy.notes import VerifierKey, parse_keys
from huxin_privacy.promises import Promised, holds_promise, verify_told
from huxin_privacy.receipts import read_receipt, verify_receipt

app = typer.Typer(help="Receipts · 存证回执", no_args_is_help=True)


@app.callback()
def receipts() -> None:
    """Receipts, checked by whoever holds them. · 存证回执的核验。"""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="a receipt, or an answer with its promise, JSON · 回执或答复")],
    key: Annotated[str, typer.Option(help="the log's public key, or a file that holds it · 公钥或其文件")],
    json_: Annotated[bool, typer.Option("--json", help="JSON output")] = False,
) -> None:
    """Proves offline that a record stands in the log, or that an answer was promised to it; else ends with 2. ·
    离线核验回执或答复。"""
    if not file.is_file():
        raise HuxinError("H0601", file=file.name)
    text = file.read_bytes()
    if holds_promise(text):
        _tell_promised(verify_told(text, _keys(key)), json_)
        return
    head, read = verify_receipt(text, _keys(key)), read_receipt(text)
    if json_:
        said = {"log": head.origin, "size": head.size, "root": head.root.hex(), "number": read.number}
        write_line(json.dumps({**said, "record": read.record}, ensure_ascii=False))
        return
    zh = Settings.from_env().language == "zh"
    write_line(
        f"回执有效：记录是日志 {head.origin} 的第 {read.number} 号叶子（日志大小 {head.size}）。"
        if zh
        else f"The receipt is good: the record is leaf {read.number} of log {head.origin} (size {head.size})."
    )
    write_line(read.record)


def _tell_promised(found: Promised, json_: bool) -> None:
    if json_:
        write_line(json.dumps(found.facts(), ensure_ascii=False))
        return
    write_line(found.words()[0 if Settings.from_env().language == "zh" else 1])
    write_line(found.record)


def _keys(text: str) -> tuple[VerifierKey, ...]:
    """The key as given, or as a file of that name holds it."""
    path = Path(text)
    if path.is_file():
        return parse_keys(path.read_text(encoding="utf-8", errors="replace"))
    if "+" not in text:
        raise HuxinError("H0601", file=path.name)
    return parse_keys(text)
