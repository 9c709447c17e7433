"""`huxin guard`: runs the monitors over members' enquiries, and limits single members."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import typer

from huxin.cli.show import note, ready_settings, write_line
from huxin.decision.codes import PURPOSES
from huxin.oversight import alarms
from huxin.registry.limits import list_limits
from huxin.registry.session import connection
from huxin.settings import Settings

app = typer.Typer(help="Watches members' enquiries · 查询监测", no_args_is_help=True)
Code = Annotated[str, typer.Argument(metavar="CODE", help="the member · 机构代码")]
Purpose = Annotated[str, typer.Option(help=" | ".join(PURPOSES) + " · 用途")]


@app.command()
def run(
    as_of: Annotated[
        str | None, typer.Option(help="a past moment, or a day's close of business; else now · 截至")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="JSON output")] = False,
) -> None:
    """Runs every monitor once and raises alarms; safe to run again. · 运行全部监测。"""
    from huxin.enquiry.check_words import as_of as past
    from huxin.oversight.guard import run_guard

    settings = ready_settings()
    done = run_guard(settings, None if as_of is None else past(as_of, settings))
    if json_:
        kinds = sorted(each.kind for each in done.found)
        told = {"policy": done.policy, "found": len(kinds), "new": done.fresh}
        write_line(json.dumps(told | {"kinds": {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}}))
        return
    zh = f"发现异常 {len(done.found)} 项，新增告警 {done.fresh} 条"
    note(_in(settings, zh, f"{len(done.found)} findings, {done.fresh} new alarms"))


@app.command()
def limit(
    code: Code,
    purpose: Purpose,
    per_minute: Annotated[int | None, typer.Option(min=0, help="enquiries a minute · 每分钟")] = None,
    per_day: Annotated[int | None, typer.Option(min=0, help="enquiries a day · 每日")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the last day · 截止日期")
    ] = None,
) -> None:
    """Limits what one member may ask, more tightly than the policy does. · 限制单家机构的查询。"""
    settings = ready_settings()
    day = None if until is None else until.date()
    alarms.limit(settings, code, alarms.Wanted(purpose, per_minute, per_day, day))
    note(f"{code}: {purpose} {'已限制' if settings.language == 'zh' else 'limited'}")


@app.command()
def unlimit(code: Code, purpose: Purpose) -> None:
    """Lifts a member's limit: the policy's quota holds again. · 解除限制。"""
    settings = ready_settings()
    lifted = alarms.unlimit(settings, code, purpose)
    zh, en = ("已解除限制", "limit lifted") if lifted else ("没有限制", "was not limited")
    note(f"{code}: {purpose} {_in(settings, zh, en)}")


@app.command()
def limits(json_: Annotated[bool, typer.Option("--json", help="JSON lines")] = False) -> None:
    """Lists the limits of single members. · 列出限制。"""
    with connection(ready_settings()) as database:
        found = list_limits(database)
    for each in found:
        told = vars(each) | {
            "until": each.until and each.until.isoformat(),
            "set_at": each.set_at.isoformat(),
        }
        write_line(
            json.dumps(told) if json_ else "  ".join(f"{name}={value}" for name, value in told.items())
        )


def _in(settings: Settings, zh: str, en: str) -> str:
    return zh if settings.language == "zh" else en
