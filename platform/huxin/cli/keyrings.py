"""`huxin keys`: the life of the platform's own keys, as docs/keys.md tells it step by step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from huxin.cli.resealing import reseal
from huxin.cli.show import note, print_table, ready_settings, write_line
from huxin.registry.key_readers import KeyReader
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.intake_keys import sealing_keys
from huxin_privacy.keyring import Keyring

if TYPE_CHECKING:
    from huxin.oversight.key_retiring import Retired
    from huxin.registry.key_acts import Request

app = typer.Typer(help="The platform's own keys · 平台密钥：新建、启用、停用、销毁", no_args_is_help=True)
Zone = Annotated[str, typer.Argument(help="entry, registry, intake, audit · 密钥区")]
Epoch = Annotated[int, typer.Argument(help="from `huxin keys list` · 密钥代")]
Wait = Annotated[
    float, typer.Option("--wait", min=0, help="seconds for processes to read the keys · 等待进程读取的秒数")
]
Json = Annotated[bool, typer.Option("--json", help="JSON output · JSON 输出")]
STAGES = {
    "aliases": ("别名", "aliases"),
    "mobiles": ("手机号别名", "mobiles' aliases"),
    "marks": ("姓名标记", "name marks"),
    "elements": ("群元素别名", "elements' aliases"),
    "spool": ("暂存区密钥", "keys of the spool"),
}
STATES = {"pending": "待启用", "active": "现行", "read_only": "只读", "destroyed": "已销毁"}
_WAIT_S = 60.0
app.command()(reseal)
_REFUSED = 3


@app.command("list")
def list_(json_: Json = False) -> None:
    """Lists epochs, what hangs on them, and who holds which. · 列出各区密钥、依赖数和持有密钥的进程。"""
    from huxin.oversight.key_listing import listing, readers  # no command waits for what it does not use

    settings = ready_settings()
    epochs, holders = listing(settings), readers(settings)
    if json_:
        write_line(json.dumps({"epochs": epochs, "readers": holders}, ensure_ascii=False))
        return
    zh = settings.language == "zh"
    heads = ("区", "代", "状态", "套件", "校验值", "依赖")
    table = Table(*(heads if zh else ("zone", "epoch", "state", "suite", "check", "depending")), box=None)
    for each in epochs:
        left = _left(each["depending"])
        state = STATES[each["state"]] if zh else each["state"]
        table.add_row(each["zone"], str(each["epoch"]), state, each.get("suite", "—"), each["check"], left)
    print_table(table)
    if holders:
        print_table(_readers_table(holders, zh))


@app.command()
def new(
    zone: Zone, suite: Annotated[str | None, typer.Option(help="zone entry: S256, SM · 算法套件")] = None
) -> None:
    """Makes a pending key; nothing is made under it yet. · 新建待启用的密钥。"""
    from huxin.oversight.key_epochs import new_epoch

    settings = ready_settings()
    made = new_epoch(settings, zone, suite)
    _told(settings, made, made.epochs[-1].number)
    note(
        "请备份密钥环文件，分发到每台主机，然后启用。"
        if settings.language == "zh"
        else "Back the keyring file up and bring it to every host; then activate it."
    )


@app.command()
def activate(zone: Zone, epoch: Epoch, wait: Wait = _WAIT_S) -> None:
    """Has new things made under a key, once every process has read it. · 启用密钥（须所有进程已读取）。"""
    from huxin.oversight import key_epochs

    settings = ready_settings()
    _told(settings, key_epochs.activate(settings, zone, epoch, wait, _waiting(settings)), epoch)


@app.command()
def retire(zone: Zone, epoch: Epoch, wait: Wait = _WAIT_S) -> None:
    """Moves what hangs on a read-only key to the active one. · 停用只读密钥：把依赖它的数据转到现行密钥下。"""
    from huxin.oversight import key_retiring

    settings = ready_settings()
    with _progress(settings) as tell:
        done = key_retiring.retire(settings, zone, epoch, wait, _waiting(settings), tell)
    write_line(json.dumps({"zone": zone, "epoch": epoch} | _retired_object(done)))
    if done.left.total:
        zh = settings.language == "zh"
        note(
            f"仍有 {done.left.total} 条依赖第 {epoch} 期密钥，暂不能销毁。"
            if zh
            else f"{done.left.total} entries still depend on epoch {epoch}; it cannot be destroyed yet."
        )
        raise typer.Exit(_REFUSED)


@app.command("rotate-oprf")
def rotate_oprf(wait: Wait = _WAIT_S) -> None:
    """Brings blind mode's key to the active entry key, and what hangs on it. · 把盲查密钥换到现行入口区密钥下。"""
    from huxin.oversight import oprf_rotation

    settings = ready_settings()
    with _progress(settings) as tell:
        told = [0]

        def moved(rows: int) -> None:
            told[0] += rows
            tell("elements", told[0], told[0])

        count = oprf_rotation.rotate(settings, wait, _waiting(settings), moved)
    write_line(json.dumps({"aliases": count}))


@app.command()
def destroy(
    zone: Zone,
    epoch: Epoch,
    by: Annotated[str, typer.Option(help="the operator's name · 运营管理员姓名")],
    key: Annotated[Path, typer.Option(help="the operator's private key, PEM · 其私钥文件")],
) -> None:
    """Asks for a key's destruction; run by a second operator, approves it and destroys. · 申请或批准销毁密钥。"""
    settings = ready_settings()
    asked, made = _destroyed(settings, zone, epoch, by, key)
    zh = settings.language == "zh"
    if made is None:
        day = asked.expires_at.date()
        write_line(json.dumps({"request": str(asked.id), "zone": zone, "epoch": epoch, "state": "requested"}))
        note(
            f"已记录 {by} 的销毁申请，{day} 前须由另一位运营管理员用同一命令批准。"
            if zh
            else f"Asked for by {by}; another operator has to approve it with the same command before {day}."
        )
        raise typer.Exit(_REFUSED)
    _told(settings, made, epoch)
    note(
        "请同时删除该区密钥环文件的旧备份，否则密钥并未真正销毁。"
        if zh
        else "Delete the old backups of this zone's keyring file too: until then the key is not truly gone."
    )


@app.command()
def check(json_: Json = False) -> None:
    """Opens every keyring and compares it with what is on record. · 检查密钥环：能否打开、是否与记录一致。"""
    from huxin.oversight.key_listing import faults_of

    settings = ready_settings()
    found = faults_of(settings)
    if json_:
        write_line(json.dumps([vars(each) for each in found], ensure_ascii=False))
    else:
        for each in found:
            write_line(f"{each.zone} {each.code}: {each.zh if settings.language == 'zh' else each.en}")
    if found:
        raise typer.Exit(1)
    note("密钥环完好。" if settings.language == "zh" else "The keyrings are well.")


@app.command()
def public(json_: Json = False) -> None:
    """Prints the public keys that members seal files with, the active one first. · 输出机构密封文件用的公钥。"""
    settings = ready_settings()
    found = sealing_keys(keyring.open(settings.keys_dir, "intake"))
    if json_:
        keys = [{"key": each.key.text, "epoch": each.epoch, "state": each.state} for each in found]
        write_line(json.dumps({"keys": keys}))
        return
    for each in found:
        write_line(each.key.text)


def _left(depending: dict[str, int] | None) -> str:
    """What hangs on an epoch; a zone that is away could not be asked."""
    if depending is None:
        return "?"
    return " ".join(f"{name}={count}" for name, count in depending.items()) or "—"


def _destroyed(
    settings: Settings, zone: str, epoch: int, by: str, key: Path
) -> tuple[Request, Keyring | None]:
    """Here, or with the registry zone's word where that one counts what hangs on a key and keeps the log."""
    from huxin.oversight import destroying_elsewhere, key_approval
    from huxin.oversight.key_epochs import counted, recorded
    from huxin.oversight.key_retiring import depending

    if recorded(settings):
        operator = key_approval.operator_of(settings, by, key)
        return key_approval.ask_or_approve(settings, zone, epoch, operator)
    here = depending(settings, zone, epoch).total if counted(settings) else 0
    return destroying_elsewhere.ask_or_approve(settings, zone, epoch, by, key, here)


def _told(settings: Settings, ring: Keyring, epoch: int) -> None:
    found = ring.epoch(epoch)
    said = {"zone": ring.zone, "epoch": epoch, "state": found.state, "check": ring.check_value(epoch)}
    write_line(json.dumps(said | {"version": ring.version}))


def _retired_object(done: Retired) -> dict[str, Any]:
    counts = {name: value for name, value in vars(done).items() if name != "left"}
    return counts | {"left": {name: count for name, count in vars(done.left).items() if count}}


def _waiting(settings: Settings) -> Callable[[Sequence[KeyReader]], None]:
    """Shows who has not read the keys, to standard error."""
    from huxin.oversight.key_listing import reader_object

    def show(behind: Sequence[KeyReader]) -> None:
        zh = settings.language == "zh"
        note("这些进程还没有读取新的密钥环：" if zh else "These processes have not read the keyring yet:")
        table = _readers_table([reader_object(each) | {"behind": []} for each in behind], zh)
        Console(stderr=True, width=220).print(table)

    return show


def _readers_table(found: Sequence[dict[str, Any]], zh: bool) -> Table:
    heads = ("进程", "主机", "进程号", "启动", "已读版本", "落后")
    table = Table(*(heads if zh else ("process", "host", "pid", "since", "read", "behind")), box=None)
    for each in found:
        read = " ".join(f"{zone}:{version}" for zone, version in sorted(each["versions"].items())) or "—"
        table.add_row(
            each["kind"], each["host"], str(each["pid"]), each["since"][:19], read, " ".join(each["behind"])
        )
    return table


@contextmanager
def _progress(settings: Settings) -> Iterator[Callable[[str, int, int], None]]:
    """A function (stage, done, total) that draws progress to standard error; silent where that is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(
                    STAGES[stage][0 if settings.language == "zh" else 1], total=total
                )
            bars.update(tasks[stage], completed=done, total=total)

        yield tell
