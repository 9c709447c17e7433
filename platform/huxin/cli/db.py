"""`huxin db`: the embedded server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huxin.cli.show import note
from huxin.registry import embedded
from huxin.settings import Settings

app = typer.Typer(help="The embedded PostgreSQL · 内置数据库", no_args_is_help=True)


@app.command()
def start() -> None:
    """Starts the server, when it is not running. · 启动数据库。"""
    embedded.ensure_started(Settings.from_env())
    status()


@app.command()
def stop() -> None:
    """Stops the server; the next command starts it again. · 停止数据库。"""
    settings = Settings.from_env()
    stopped = embedded.stop(settings)
    zh = settings.language == "zh"
    note(("已停止" if zh else "stopped") if stopped else ("没有在运行" if zh else "was not running"))


@app.command()
def status() -> None:
    """Says whether the server runs, and where. · 数据库状态。"""
    settings = Settings.from_env()
    note(_told(embedded.status(settings), settings.language == "zh"))


def _told(found: embedded.Status, zh: bool) -> str:
    if not found.running:
        return (
            f"没有在运行，数据在 {found.data_dir}" if zh else f"not running; its data is in {found.data_dir}"
        )
    if zh:
        return f"正在运行（进程 {found.pid}），数据在 {found.data_dir}，套接字在 {found.socket_dir}"
    return f"running (process {found.pid}); its data is in {found.data_dir}, its socket in {found.socket_dir}"


@app.command()
def dump(file: Annotated[Path, typer.Argument(help="plain SQL of every database · 备份文件")]) -> None:
    """Writes every database as plain SQL. It holds tokens, no identifiers. · 备份全部数据库。"""
    embedded.dump(Settings.from_env(), file)
    note(str(file))
