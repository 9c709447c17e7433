"""`huxin enquiries`: what was asked and answered, for auditors; each look is itself on record."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from huxin.cli.answers import OUTCOMES, moment_words, print_outcome
from huxin.cli.show import note, print_table, ready_settings, write_line
from huxin.enquiry.looking import look_at, look_through
from huxin.errors import HuxinError
from huxin.settings import SHANGHAI, Settings

app = typer.Typer(help="Enquiries on record · 查询记录", no_args_is_help=True)
_MOST = 1_000
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_PURPOSES = {
    "application": ("贷款申请", "application"),
    "guarantee": ("担保", "guarantee"),
    "post_loan": ("贷后", "post-loan"),
    "operator_check": ("运营核查", "operator's check"),
}
_WORDS = {
    "enquiry_id": ("查询编号", "enquiry"),
    "asked_at": ("时间", "asked at"),
    "member": ("机构", "member"),
    "by": ("查询方", "by"),
    "purpose": ("用途", "purpose"),
    "staff": ("查询人员", "staff"),
    "reference": ("业务编号", "reference"),
    "consent_no": ("授权编号", "consent"),
    "consent_until": ("授权到期", "consent until"),
    "product": ("产品", "product"),
    "amount": ("金额（元）", "amount (CNY)"),
    "policy": ("规则版本", "policy"),
    "tier": ("互惠等级", "tier"),
}
_LISTED = ("enquiry_id", "asked_at", "member", "purpose", "staff", "reference", "consent_no", "amount")


@app.command()
def show(
    enquiry_id: Annotated[str, typer.Argument(metavar="ID", help="the enquiry's number · 查询编号")],
    replay: Annotated[
        bool, typer.Option("--replay", help="work the answer out once more · 重算比对")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="JSON output")] = False,
) -> None:
    """Shows what was asked, by whom, and what was answered; ends with 3 where a replay differs. · 查看一次查询。"""
    settings = ready_settings()
    found = look_at(settings, _number(enquiry_id), replay)
    if json_:
        write_line(json.dumps(found, ensure_ascii=False))
    else:
        _print(settings, found)
    if replay and not found["equal"]:
        raise typer.Exit(3)


@app.command("list")
def list_(
    member: Annotated[str | None, typer.Option(help="of one member; else of all · 机构代码")] = None,
    since: Annotated[str | None, typer.Option(help="a day or a moment, ISO 8601 · 起始")] = None,
    before: Annotated[str | None, typer.Option(help="the last number of the page before · 翻页")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="how many at the most · 条数")] = 50,
    json_: Annotated[bool, typer.Option("--json", help="JSON lines")] = False,
) -> None:
    """Lists enquiries without their answers, the newest first. · 列出查询记录。"""
    settings = ready_settings()
    begin, place = _moment(since), None if before is None else _number(before)
    # One more than is shown says whether there are more.
    found = look_through(settings, member, begin, place, limit + 1)
    for each in found[:limit] if json_ else ():
        write_line(json.dumps(each, ensure_ascii=False))
    if not json_:
        _print_table(settings, found[:limit])
    if len(found) > limit:
        last = found[limit - 1]["enquiry_id"]
        note(f"{'还有更多' if settings.language == 'zh' else 'more'}: --before {last}")


def _print(settings: Settings, found: dict[str, Any]) -> None:
    zh, console = settings.language == "zh", Console(soft_wrap=True)
    for name, words in _WORDS.items():
        if found[name] is not None:
            said = f"{words[0 if zh else 1]}: {_said(settings, name, found)}"
            console.print(said, highlight=False, markup=False)
    told = found["told"]
    answer = told["answer"] if found["by"] == "operator" else told
    if told.get("as_of"):
        console.print(moment_words(zh, told["as_of"]), highlight=False)
    print_outcome(settings, answer, console)
    leaf = "尚未编号" if zh else "not numbered yet"
    number = leaf if found["leaf"] is None else str(found["leaf"])
    console.print(f"{'存证叶子' if zh else 'leaf of the log'}: {number}", highlight=False)
    if "equal" in found:
        console.print(_verdict(zh, found), highlight=False)


def _verdict(zh: bool, found: dict[str, Any]) -> str:
    if found["equal"]:
        return "重算一致" if zh else "worked out again: equal"
    again = OUTCOMES[found["recomputed"]["outcome"]][0 if zh else 1]
    return f"重算不一致（重算结论：{again}）" if zh else f"worked out again: NOT EQUAL (it is {again} now)"


def _print_table(settings: Settings, found: list[dict[str, Any]]) -> None:
    zh = settings.language == "zh"
    table = Table(*(_WORDS[name][0 if zh else 1] for name in _LISTED), box=None, pad_edge=False)
    for each in found:
        table.add_row(*(Text(_said(settings, name, each)) for name in _LISTED))
    print_table(table)


def _said(settings: Settings, name: str, found: dict[str, Any]) -> str:
    zh = settings.language == "zh"
    if name == "purpose":
        return _PURPOSES[found[name]][0 if zh else 1]
    if name == "by" and zh:
        return "运营管理员" if found[name] == "operator" else "会员机构"
    return "" if found[name] is None else str(found[name])


def _number(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise HuxinError("H1220") from None


def _moment(text: str | None) -> datetime:
    """From when on; a day alone is its beginning."""
    try:
        moment = _BEGINNING if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise HuxinError("H1222") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)
