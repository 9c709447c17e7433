"""`huxin members`: who may send and ask."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from huxin.cli import keys, terms
from huxin.cli.lists import rows_of
from huxin.cli.show import note, print_table, ready_settings, write_line
from huxin.errors import HuxinError
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.member_acts import note_member_act
from huxin.registry.members import add_members, change_member, find_member, list_members, set_status
from huxin.registry.onboardings import ONBOARDING
from huxin.registry.policies import tiers_known
from huxin.registry.session import connection
from huxin.settings import running_user

app = typer.Typer(help="Member lenders · 会员机构", no_args_is_help=True)
app.add_typer(keys.app, name="key")
terms.register(app)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,31}")
_ACTS = {"active": "member.resumed", "suspended": "member.suspended"}
_KIND = re.compile(r"[a-z][a-z_]{1,31}")
_HEADERS = {"code": "code", "机构代码": "code", "name": "name", "机构名称": "name"}


@app.command()
def add(
    code: Annotated[str, typer.Option(help="its code, the name of its inbox folder · 机构代码")],
    name: Annotated[str, typer.Option(help="its full name · 机构名称")],
) -> None:
    """Registers one member. · 登记一家会员机构。"""
    _register([(1, code, name)])


@app.command("import")
def import_(file: Annotated[Path, typer.Argument(help="CSV with the columns code,name · 名单文件")]) -> None:
    """Registers the members of a CSV file; all or none. · 从名单批量登记。"""
    with rows_of(file) as reader:
        names = {_HEADERS[text.strip()]: text for text in reader.fieldnames or () if text.strip() in _HEADERS}
        if set(names) != {"code", "name"}:
            raise HuxinError("H0703")
        rows = [(reader.line_num, row[names["code"]] or "", row[names["name"]] or "") for row in reader]
    _register(rows)


@app.command("list")
def list_(json_: Annotated[bool, typer.Option("--json", help="JSON lines")] = False) -> None:
    """Lists the members. · 列出会员机构。"""
    settings = ready_settings()
    with connection(settings) as database:
        found = list_members(database)
    if json_:
        for m in found:
            values = {"code": m.code, "name": m.name, "status": m.status, "as_of_date": m.as_of_date}
            write_line(json.dumps(values, ensure_ascii=False, default=str))
        return
    zh = settings.language == "zh"
    table = Table(
        *(("代码", "名称", "状态", "最新数据日期") if zh else ("code", "name", "status", "newest as-of")),
        box=None,
    )
    for m in found:
        table.add_row(m.code, m.name, m.status, str(m.as_of_date or "—"))
    print_table(table)


@app.command()
def suspend(code: str) -> None:
    """Refuses a member's submissions and questions until it is resumed. · 暂停会员。"""
    _set(code, "suspended")


@app.command()
def resume(code: str) -> None:
    """Makes a suspended member active again. · 恢复会员。"""
    _set(code, "active")


@app.command("set")
def set_(
    code: str,
    tier: Annotated[
        str | None, typer.Option(help="what it may see: full, banded, query_only · 互惠等级")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="kind of lender, such as microlender · 机构类型")] = None,
) -> None:
    """Sets a member's reciprocity tier and its kind of lender. · 设置互惠等级和机构类型。"""
    settings = ready_settings()
    if kind is not None and not _KIND.fullmatch(kind):
        raise HuxinError("H0705")
    with connection(settings) as database:
        known = tiers_known(database, settings.today())
        if (tier is None and kind is None) or (tier is not None and tier not in known):
            raise HuxinError("H0704", tiers=", ".join(known))
        found = find_member(database, code)
        if found is None:
            raise HuxinError("H0701", code=code[:64])
        change_member(database, code, tier=tier, kind=kind, now=settings.now())
        facts = {"code": code, "tier": tier, "kind": kind}
        note_member_act(database, found.id, "member.set", facts, running_user(), settings.now())
    note(f"{code}: {' '.join(each for each in (tier, kind) if each)}")


def _set(code: str, status: str) -> None:
    settings = ready_settings()
    with connection(settings) as database:
        found = find_member(database, code)
        if found is None:
            raise HuxinError("H0701", code=code[:64])
        if found.status == ONBOARDING:  # it becomes active by a test file that passes, in the console
            raise HuxinError("H2012")
        set_status(database, code, status, settings.now())
        note_member_act(database, found.id, _ACTS[status], {"code": code}, running_user(), settings.now())
    note(f"{code}: {status}")


def _register(rows: list[tuple[int, str, str]]) -> None:
    pairs = []
    for line, code, name in rows:
        if not _CODE.fullmatch(code.strip()) or not name.strip():
            raise HuxinError("H0702", line=line)
        pairs.append((code.strip(), name.strip()))
    settings = ready_settings()
    with connection(settings) as database:
        new = set(add_members(database, pairs, settings.now()))
        for code in sorted(new):
            note_operator_act(database, "member.added", {"code": code}, settings.now())
    for code, _ in pairs:
        known = "已登记" if settings.language == "zh" else "was registered before"
        fresh = "登记完成" if settings.language == "zh" else "registered"
        note(f"{code}: {fresh if code in new else known}")
