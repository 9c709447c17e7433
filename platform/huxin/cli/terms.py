"""`huxin members holiday`, `extend` and `backfill`: what is granted to a member about its reporting."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from huxin.cli.show import note, ready_settings
from huxin.oversight import terms
from huxin.oversight.terms import REASONS, Grant
from huxin.registry.terms import BACKFILL, EXTENSION, HOLIDAY
from huxin.settings import SHANGHAI, Settings, running_user

_EVERYBODY = "ALL"
Code = Annotated[str, typer.Argument(metavar="CODE", help=f"a member, or {_EVERYBODY} · 机构代码")]
Day = Annotated[datetime, typer.Argument(metavar="DAY", formats=["%Y-%m-%d"], help="YYYY-MM-DD · 数据日期")]
To = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="the last of several days · 止日")
]
Until = Annotated[
    datetime,
    typer.Option("--until", formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], help="Shanghai's time · 截止时间"),
]
Reason = Annotated[str, typer.Option(help=" | ".join(REASONS) + " · 事由")]
Lift = Annotated[bool, typer.Option("--lift", help="takes it back · 撤销")]


def register(app: typer.Typer) -> None:
    """The commands, below `huxin members`."""
    for command in (holiday, extend, backfill):
        app.command()(command)


def holiday(code: Code, day: Day, to: To = None, reason: Reason = "operations", lift: Lift = False) -> None:
    """Nothing is due for these days. · 停报。"""
    _granted(ready_settings(), HOLIDAY, code, (day, to), None, reason, lift)


def extend(code: Code, day: Day, until: Until, to: To = None, reason: Reason = "operations") -> None:
    """These days are due later. · 延期。"""
    _granted(ready_settings(), EXTENSION, code, (day, to), until, reason, False)


def backfill(code: Code, day: Day, until: Until, to: To = None, reason: Reason = "operations") -> None:
    """Missed days are asked for after all, by then. · 补报。"""
    _granted(ready_settings(), BACKFILL, code, (day, to), until, reason, False)


def _granted(
    settings: Settings,
    kind: str,
    code: str,
    days: tuple[datetime, datetime | None],
    until: datetime | None,
    reason: str,
    lift: bool,
) -> None:
    first, last = days[0].date(), (days[1] or days[0]).date()
    ends = None if until is None else until.replace(tzinfo=SHANGHAI)
    member = None if code == _EVERYBODY else code
    grant = Grant(member, kind, first, last, ends, reason)
    count = (terms.lift if lift else terms.grant)(settings, grant, running_user())
    zh = settings.language == "zh"
    what = terms.KIND_WORDS[kind][0 if zh else 1]
    note(f"{code} {what}: {first} – {last}, {count} {'天' if zh else 'days'}{' ×' if lift else ''}")
