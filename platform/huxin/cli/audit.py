"""`huxin audit`: number, sign and check the log, and what an auditor asks of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from huxin.audit.notes import ZONE, log_keys
from huxin.cli.show import note, ready_settings, write_line
from huxin.errors import HuxinError, for_operators
from huxin.registry.audit_acts import REASONS, erase_record
from huxin.registry.audit_log import audit_rows, inclusion, latest_checkpoint
from huxin.registry.audit_verify import Verified, verify_log
from huxin.registry.sequencer_loop import note_state, run
from huxin.registry.sequencing import drain
from huxin.settings import Settings
from huxin.stopping import stopped_by_signals
from huxin_privacy import keyring

app = typer.Typer(help="The audit log · 存证日志", no_args_is_help=True)


@app.command()
def sequence(
    once: Annotated[bool, typer.Option("--once", help="what waits now, then end · 处理完即结束")] = False,
) -> None:
    """Numbers and signs what happened, until it is stopped; one process only. · 编号并签署存证日志。"""
    settings = ready_settings()
    if once:
        note_state(settings)
        count = drain(settings)
    else:
        note(_in(settings, "编号进程已启动，Ctrl-C 停止。", "The sequencer runs; Ctrl-C stops it."))
        count = run(settings, stopped_by_signals(), lambda error: note(_fault(settings, error)))
    note(_in(settings, f"新增叶子 {count} 个", f"{count} leaves added"))


@app.command()
def checkpoint() -> None:
    """Prints the newest signed checkpoint; keep it, to check the log against later. · 输出最新检查点。"""
    with audit_rows(ready_settings()) as rows:
        head = latest_checkpoint(rows)
    if head is None:
        raise HuxinError("H1303")
    write_line(head.note.removesuffix("\n"))


@app.command()
def verify(
    since: Annotated[
        list[Path] | None, typer.Option(help="an earlier checkpoint, repeatable · 先前保存的检查点")
    ] = None,
) -> None:
    """Checks every leaf, node and checkpoint, and that earlier checkpoints still hold. · 核验整个日志。"""
    settings = ready_settings()
    done = verify_log(settings, [_text(file) for file in since or ()])
    write_line(_account(settings, done, len(since or ())))


@app.command()
def key() -> None:
    """Prints the public keys that receipts and promises are checked with. · 输出核验公钥。"""
    for each in log_keys(keyring.open(ready_settings().keys_dir, ZONE)).verifiers:
        write_line(each.text)


@app.command()
def receipt(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="enquiry, reservation, submission · 编号")],
    out: Annotated[Path | None, typer.Option(help="write to a file · 输出文件")] = None,
) -> None:
    """Prints the receipt of a record. · 输出一条记录的存证回执。"""
    with audit_rows(ready_settings()) as rows:
        found = inclusion(rows, _id(record_id))
    if found is None:
        raise HuxinError("H1302")
    text = json.dumps(found, ensure_ascii=False, indent=1)
    if out:
        out.write_text(text + "\n", encoding="utf-8")
        note(f"→ {out}")
    else:
        write_line(text)


@app.command()
def erase(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="enquiry, reservation, submission · 编号")],
    reason: Annotated[str, typer.Option(help=" | ".join(REASONS) + " · 原因")],
) -> None:
    """Erases what a record says; its digest stays and the log stays verifiable. · 删除记录内容，保留摘要。"""
    settings = ready_settings()
    if reason not in REASONS:
        raise typer.BadParameter(" | ".join(REASONS), param_hint="--reason")
    count, words = erase_record(settings, _id(record_id), reason), REASONS[reason]
    note(
        _in(settings, f"已删除 {count} 条记录的内容（{words[0]}）", f"{count} records erased for {words[1]}")
    )


def _account(settings: Settings, done: Verified, earlier: int) -> str:
    zh = (
        f"日志完整：叶子 {done.size} 个（其中 {done.erased} 个已删除内容），检查点 {done.checkpoints} 个，"
        f"与 {earlier} 个先前的检查点一致。根 {done.root.hex()}"
    )
    en = (
        f"The log is whole: {done.size} leaves ({done.erased} erased), {done.checkpoints} checkpoints, "
        f"in line with {earlier} earlier ones. Root {done.root.hex()}"
    )
    return _in(settings, zh, en)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise HuxinError("H1302") from None


def _text(file: Path) -> str:
    if not file.is_file():
        raise HuxinError("H0601", file=file.name)
    return file.read_text(encoding="utf-8", errors="replace")


def _fault(settings: Settings, error: HuxinError) -> str:
    return f"{error.code} {for_operators(error, settings.language)}"


def _in(settings: Settings, zh: str, en: str) -> str:
    return zh if settings.language == "zh" else en
