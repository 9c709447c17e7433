"""`huxin policy`: what enquiries are judged by, what another policy would change, and changing it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table
from rich.text import Text

from huxin.cli.policy_shown import print_effect
from huxin.cli.show import note, print_table, progress_bars, ready_settings, write_line
from huxin.decision import load_policies
from huxin.decision.policy_words import differences
from huxin.errors import HuxinError
from huxin.oversight import policy_changes
from huxin.oversight.policy_simulation import Period, last_month, simulate
from huxin.oversight.policy_sources import draft_of, written
from huxin.registry.policy_changes import PolicyChange
from huxin.settings import Settings

app = typer.Typer(help="What enquiries are judged by · 准入规则", no_args_is_help=True)
_STATES = {
    "shipped": ("随版本发布", "shipped"),
    "proposed": ("待批准", "proposed"),
    "approved": ("已批准", "approved"),
    "withdrawn": ("已撤回", "withdrawn"),
}
_HEADS = ("版本号", "生效日期", "状态", "提出人", "批准人", "变更编号"), (
    "version", "effective on", "state", "proposed by", "approved by", "change",
)  # fmt: skip
_DAY = ["%Y-%m-%d"]
By = Annotated[str, typer.Option("--by", help="the person who acts · 操作人")]
Id = Annotated[str, typer.Argument(metavar="ID", help="the change's number · 变更编号")]
Json = Annotated[bool, typer.Option("--json", help="JSON output")]
What = Annotated[str, typer.Argument(help="a file, a version, or a change's number · 文件、版本号或变更编号")]


@app.command("list")
def list_(json_: Json = False) -> None:
    """Lists policies: those shipped, and those proposed, approved or withdrawn. · 列出规则版本。"""
    settings = ready_settings()
    shipped = [
        {"version": each.version, "effective_on": each.effective_on.isoformat(), "state": "shipped"}
        for each in load_policies()
    ]
    rows = [*shipped, *map(policy_changes.change_object, policy_changes.look_through(settings))]
    place = 0 if settings.language == "zh" else 1
    table = Table(*_HEADS[place], box=None, pad_edge=False)
    for row in rows:
        if json_:
            write_line(json.dumps(row, ensure_ascii=False))
        said = (row.get(name) or "" for name in ("proposed_by", "approved_by", "id"))
        state = _STATES[row["state"]][place]
        table.add_row(*map(Text, (row["version"], row["effective_on"], state, *said)))
    if not json_:
        print_table(table)


@app.command()
def show(what: What) -> None:
    """Prints a policy as it was written. · 查看规则全文。"""
    write_line(written(ready_settings(), what)[0].rstrip("\n"))


@app.command()
def diff(old: What, new: What, json_: Json = False) -> None:
    """Tells where two policies differ, in words; ends with 3 where they do. · 比较两份规则。"""
    settings = ready_settings()
    found = differences(draft_of(settings, old).entry, draft_of(settings, new).entry)
    if json_:
        write_line(json.dumps([vars(each) for each in found], ensure_ascii=False))
    for each in () if json_ else found:
        word = each.word(settings.language)
        write_line(f"{word}: {each.before} → {each.after}  ({each.key})")
    if not found:
        note("没有差异" if settings.language == "zh" else "no difference")
    else:
        raise typer.Exit(3)


@app.command("simulate")
def simulate_(
    new: What,
    from_: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="first day; else last month · 起始日期")
    ] = None,
    to: Annotated[datetime | None, typer.Option(formats=_DAY, help="last day · 截止日期")] = None,
    json_: Json = False,
) -> None:
    """Tells how past enquiries would have been answered by a policy; changes nothing. · 模拟规则变更的影响。"""
    settings = ready_settings()
    policy = draft_of(settings, new).policy
    with progress_bars(settings) as bars:
        told = 0

        def tell(done: int, _all: int) -> bool:
            nonlocal told
            bars("simulate", done - told, total=_all)
            told = done
            return True

        found = simulate(settings, policy, _period(settings, from_, to), tell)
    if json_:
        write_line(json.dumps(found, ensure_ascii=False))
    else:
        print_effect(settings, found)


@app.command()
def propose(
    file: Annotated[Path, typer.Argument(help="the policy as YAML · 规则文件")],
    effective: Annotated[datetime, typer.Option(formats=_DAY, help="first business day · 生效日期")],
    by: By,
) -> None:
    """Proposes a policy, for another person to approve before its day. · 提出规则变更。"""
    settings = ready_settings()
    if not file.is_file():
        raise HuxinError("H0601", file=file.name)
    text, name, _ = written(settings, str(file))
    _tell(settings, policy_changes.propose(settings, text, name, effective.date(), by))


@app.command()
def approve(id_: Id, by: By) -> None:
    """Approves another person's proposal: in force from its day on. · 批准规则变更。"""
    settings = ready_settings()
    _tell(settings, policy_changes.approve(settings, _number(id_), by))


@app.command()
def withdraw(id_: Id, by: By) -> None:
    """Takes back what is proposed, or approved and not in force yet. · 撤回规则变更。"""
    settings = ready_settings()
    _tell(settings, policy_changes.withdraw(settings, _number(id_), by))


def _period(settings: Settings, first: datetime | None, last: datetime | None) -> Period:
    usual = last_month(settings.today())
    if first is None and last is None:
        return usual
    return Period(
        usual.first if first is None else first.date(), settings.today() if last is None else last.date()
    )


def _tell(settings: Settings, change: PolicyChange) -> None:
    state = _STATES[change.state][0 if settings.language == "zh" else 1]
    write_line(f"{change.id}  {change.version}  {change.effective_on}  {state}")


def _number(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise HuxinError("H1514") from None
