"""`huxin alarms`: what the guard found out of the ordinary, and what became of it."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from huxin.cli.show import note, print_table, ready_settings, write_line
from huxin.errors import HuxinError
from huxin.oversight import alarms
from huxin.oversight.guard import KINDS
from huxin.registry.alarms import ACKNOWLEDGED, CLOSED

app = typer.Typer(help="Alarms about members' enquiries · 查询异常告警", no_args_is_help=True)
_MOST = 1_000
_STATES = {
    "open": ("待处理", "open"),
    "acknowledged": ("已受理", "acknowledged"),
    "closed": ("已关闭", "closed"),
}
_KINDS = {
    "hit_rate": ("命中率异常", "unusual share of hits"),
    "conversion": ("查而不贷", "asked about, not lent to"),
    "repeated": ("反复查询同一主体", "one subject again and again"),
    "unreported": ("转贷款后未报送", "said to be loans, never reported"),
    "quota": ("超出配额", "beyond the quota"),
    "honeytoken": ("查询了诱饵标识", "asked about a honeytoken"),
    "honeytoken_loan": ("报送了诱饵标识", "reported a honeytoken"),
}
_WORDS = {
    "alarm": ("告警编号", "alarm"),
    "member": ("机构", "member"),
    "kind": ("类别", "kind"),
    "purpose": ("用途", "purpose"),
    "state": ("状态", "state"),
    "window_from": ("起", "from"),
    "window_until": ("止", "until"),
    "first_seen": ("首次发现", "first seen"),
    "last_seen": ("最近发现", "last seen"),
    "policy": ("规则版本", "policy"),
    "changed_at": ("处理时间", "changed at"),
    "changed_by": ("处理人", "changed by"),
    "note": ("备注", "note"),
}
_FIGURES = {
    "against": ("异于", "unlike"),
    "enquiries": ("查询次数", "enquiries"),
    "known": ("命中次数", "of known subjects"),
    "share": ("占比（%）", "share (%)"),
    "usual_own": ("本机构平常（%）", "usual, own (%)"),
    "usual_sector": ("同业平常（%）", "usual, others (%)"),
    "subjects": ("主体数", "subjects"),
    "borrowers": ("放款主体数", "borrowers"),
    "staff": ("查询人员数", "staff"),
    "last_enquiry": ("最近一次查询", "last enquiry"),
    "reservations": ("占用笔数", "reservations"),
    "quota": ("配额", "quota"),
    "asked": ("当日查询", "asked that day"),
    "refused": ("被拒次数", "refused"),
}
_LISTED = ("alarm", "member", "kind", "purpose", "state", "window_until", "last_seen")
Id = Annotated[str, typer.Argument(metavar="ID", help="the alarm's number · 告警编号")]
Json = Annotated[bool, typer.Option("--json", help="JSON output")]


@app.command("list")
def list_(
    state: Annotated[
        Literal["going_on", "open", "acknowledged", "closed", "all"],
        typer.Option(help="which; those not closed unless said · 状态"),
    ] = "going_on",
    member: Annotated[str | None, typer.Option(help="of one member · 机构代码")] = None,
    kind: Annotated[str | None, typer.Option(help=" | ".join(KINDS) + " · 类别")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="how many at the most · 条数")] = 100,
    json_: Json = False,
) -> None:
    """Lists alarms, the last seen first. · 列出告警。"""
    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(" | ".join(KINDS), param_hint="--kind")
    settings = ready_settings()
    found = [alarms.alarm_object(each) for each in alarms.look_through(settings, state, member, kind, limit)]
    if json_:
        for each in found:
            write_line(json.dumps(each, ensure_ascii=False))
        return
    place = _place(settings.language)
    table = Table(*(_WORDS[name][place] for name in _LISTED), box=None, pad_edge=False)
    for each in found:
        table.add_row(*(Text(_said(place, name, each[name])) for name in _LISTED))
    print_table(table)


@app.command()
def show(alarm_id: Id, json_: Json = False) -> None:
    """Shows one alarm with its figures. · 查看一条告警。"""
    settings = ready_settings()
    _print(settings.language, alarms.alarm_object(alarms.look(settings, _number(alarm_id))), json_)


@app.command()
def ack(
    alarm_id: Id,
    note_: Annotated[str | None, typer.Option("--note", help="no person's name or number · 备注")] = None,
) -> None:
    """Says that somebody is looking into it. · 受理告警。"""
    _settle(alarm_id, ACKNOWLEDGED, note_)


@app.command()
def close(
    alarm_id: Id,
    note_: Annotated[
        str, typer.Option("--note", help="what was found out; no person's name or number · 处理结论")
    ],
) -> None:
    """Closes it with what was found out; what happens later is another alarm. · 关闭告警。"""
    _settle(alarm_id, CLOSED, note_)


def _settle(alarm_id: str, state: str, said: str | None) -> None:
    settings = ready_settings()
    found = alarms.settle(settings, _number(alarm_id), state, said)
    note(f"{found.id}: {_STATES[state][_place(settings.language)]}")


def _print(language: str, found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        write_line(json.dumps(found, ensure_ascii=False))
        return
    place, console = _place(language), Console(soft_wrap=True)
    lines = [
        (_WORDS[name][place], _said(place, name, found[name])) for name in _WORDS if found[name] is not None
    ]
    for name, value in found["figures"].items():
        said = ", ".join(value) if isinstance(value, list) else "—" if value is None else str(value)
        lines.append((_FIGURES[name][place], said))
    for word, value in lines:
        console.print(f"{word}: {value}", highlight=False, markup=False)


def _said(place: int, name: str, value: Any) -> str:
    words = {"kind": _KINDS, "state": _STATES}.get(name)
    return words[value][place] if words else "" if value is None else str(value)


def _place(language: str) -> int:
    return 0 if language == "zh" else 1


def _number(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise HuxinError("H1903") from None
