"""`huxin honeytokens`: numbers that nobody has, which ring when somebody asks about them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer

from huxin.cli.show import note, ready_settings, write_line
from huxin.oversight import honeytokens
from huxin.registry import honeytokens as stored
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.zones.layout import required, zone_of
from huxin.zones.roles import REGISTRY

app = typer.Typer(help="Numbers of nobody that ring when asked about · 诱饵标识", no_args_is_help=True)


@app.command()
def new(
    count: Annotated[int, typer.Option(min=1, max=honeytokens.MOST, help="how many · 数量")],
    region: Annotated[
        list[str] | None, typer.Option(help="six digits, repeatable; else those that loans name · 地区代码")
    ] = None,
    born_from: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="first day of birth · 出生日期起")
    ] = None,
    born_until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="last day of birth · 出生日期止")
    ] = None,
) -> None:
    """Makes so many more; their numbers are drawn, become aliases and are told to nobody. · 新建诱饵标识。

    On a split platform in the entry zone; `count` and `drop` in the registry zone.
    """
    settings = ready_settings()
    field = honeytokens.usual_field(settings, region or ())
    if born_from is not None:
        field = replace(field, born_from=born_from.date())
    if born_until is not None:
        field = replace(field, born_until=born_until.date())
    made = honeytokens.make(settings, count, field)
    zh = settings.language == "zh"
    note(f"新建了 {made} 个诱饵标识" if zh else f"{made} honeytokens made")


@app.command()
def count(json_: Annotated[bool, typer.Option("--json", help="JSON lines")] = False) -> None:
    """Says how many there are, by when they were made. · 统计诱饵标识。"""
    settings = _registry_settings()
    with connection(settings) as database:
        found = stored.counts(database)
    for made_at, number in found:
        told = {"made_at": made_at.isoformat(), "count": number}
        write_line(json.dumps(told) if json_ else f"{told['made_at']}  {number}")


@app.command()
def drop() -> None:
    """Takes all of them, as before new ones are made under new keys. · 撤除全部诱饵标识。"""
    settings = _registry_settings()
    gone = honeytokens.drop(settings)
    zh = settings.language == "zh"
    note(f"撤除了 {gone} 个诱饵标识" if zh else f"{gone} honeytokens dropped")


def _registry_settings() -> Settings:
    """HuxinError H1709 in another zone than the registry's."""
    settings = ready_settings()
    if zone_of(settings) is not None:
        required(settings, REGISTRY)
    return settings
