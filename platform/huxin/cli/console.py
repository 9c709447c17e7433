"""`huxin console`: HTML for people, and the people who may sign in to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from huxin.cli.show import note, print_table, ready_settings, write_line
from huxin.errors import HuxinError
from huxin.registry import people, people_links, people_sessions
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.members import find_member
from huxin.registry.session import connection

app = typer.Typer(help="The console · 控制台", invoke_without_command=True)
persons = typer.Typer(help="Who may sign in · 控制台人员", no_args_is_help=True)
app.add_typer(persons, name="people")
LONGEST_DAYS = 366


@app.callback()
def console(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="address to listen on · 监听地址")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port · 端口")] = 8001,
    workers: Annotated[int, typer.Option(min=1, help="processes · 进程数")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="threads of a process · 每进程线程数")] = 4,
    tls_cert: Annotated[Path | None, typer.Option(help="certificate chain, PEM · 证书")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="its private key, PEM · 证书私钥")] = None,
) -> None:
    """Serves the console for people until Ctrl-C. · 启动控制台（Ctrl-C 停止）。"""
    if context.invoked_subcommand is not None:
        return
    # Imported here: the other commands need not wait for a web server.
    from huxin.api.serving import Serving
    from huxin.api.serving import serve as run
    from huxin.api.shell import Config as ApiConfig
    from huxin.console.app import create_console
    from huxin.console.config import Config

    settings = ready_settings()
    serving = Serving(host, port, workers, threads, tls_cert, tls_key, sequencer=False, work=False)
    config = Config.from_env(address=serving.address)
    zh = settings.language == "zh"

    def tell(_address: str) -> None:
        note(f"控制台 {config.address}" if zh else f"console {config.address}")

    run(settings, ApiConfig(), serving, tell, lambda ours, _: create_console(ours, config))
    note("已停止" if zh else "stopped")


@persons.command()
def invite(
    login: Annotated[str, typer.Argument(help="name to sign in with, like zhang.wei · 用户名")],
    role: Annotated[str, typer.Option(help=" | ".join(people.ROLES) + " · 角色")],
    member: Annotated[str | None, typer.Option(help="a member's code, for its staff · 会员代码")] = None,
    days: Annotated[int | None, typer.Option(help="an auditor's access ends after · 审计员权限天数")] = None,
) -> None:
    """Registers a person and prints the one-time link to join by. · 邀请人员，输出一次性链接。"""
    from huxin.console.config import Config
    from huxin.console.credentials import check_login

    settings = ready_settings()
    check_login(login)
    if role not in people.ROLES or (role in people.OF_MEMBERS) != (member is not None):
        raise HuxinError("H2003", role=role[:32])
    until = _until(role, days)
    now = datetime.now(UTC)
    with connection(settings) as database:
        found = find_member(database, member) if member else None
        if member and found is None:
            raise HuxinError("H0701", code=member[:64])
        of = found.id if found else people.NO_MEMBER
        id_ = people.add_person(database, login, role, of, "command", now, until)
        secret = people_links.make_link(database, id_, people_links.JOIN, now)
        facts = {"person": login, "role": role, "of": member}
        note_operator_act(database, "person.invited", facts, settings.now())
    write_line(f"{Config.from_env().address}/join/{secret}")
    zh = settings.language == "zh"
    note("链接只能使用一次，72 小时内有效。" if zh else "The link works once, within 72 hours.")


@persons.command()
def recover(login: str) -> None:
    """Prints a one-time link for who has lost password or phone. · 为遗失密码或手机者输出一次性链接。

    For the day on which no two administrators are left to do it in the console. The act is a leaf of the audit log.
    """
    from huxin.console.config import Config

    settings = ready_settings()
    now = datetime.now(UTC)
    with connection(settings) as database:
        person = people.find_login(database, login)
        if person is None or person.state == people.CLOSED:
            raise HuxinError("H2004", login=login[:40])
        people_sessions.end_all(database, person.id)
        secret = people_links.make_link(database, person.id, people_links.RECOVER, now)
        note_operator_act(database, "person.recovery", {"person": login}, settings.now())
    write_line(f"{Config.from_env().address}/join/{secret}")


@persons.command("list")
def list_() -> None:
    """Lists who may sign in. · 列出控制台人员。"""
    settings = ready_settings()
    with connection(settings) as database:
        found = people.list_people(database, most=10_000)
    zh = settings.language == "zh"
    heads = ("用户名", "角色", "会员", "状态", "截止") if zh else ("name", "role", "member", "state", "until")
    table = Table(*heads, box=None)
    for each in found:
        until = each.valid_until.date().isoformat() if each.valid_until else "—"
        table.add_row(each.login, each.role, each.member or "—", each.state, until)
    print_table(table)


def _until(role: str, days: int | None) -> datetime | None:
    """When access ends: an auditor's has to. HuxinError H2009."""
    if role == people.AUDITOR and (days is None or not 1 <= days <= LONGEST_DAYS):
        raise HuxinError("H2009", days=LONGEST_DAYS)
    return None if days is None else datetime.now(UTC) + timedelta(days=days)
