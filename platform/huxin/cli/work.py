"""`huxin work`: what members sent over HTTP, worked as it comes."""

from __future__ import annotations

from typing import Annotated

import typer

from huxin.cli.show import note, ready_settings
from huxin.stopping import stopped_by_signals


def register(app: typer.Typer) -> None:
    app.command()(work)


def work(
    once: Annotated[bool, typer.Option("--once", help="what waits now, then end · 处理完即结束")] = False,
) -> None:
    """Works what was sent over HTTP or confirmed, as it comes, until it is stopped. · 处理经接口报送的批次。

    One process at a time; others wait to take its place. The inbox is left to the night.
    """
    from huxin.nightly.worker import Patience, work_on, work_round  # as in `night`

    settings = ready_settings()
    zh = settings.language == "zh"
    if once:
        count = work_round(settings, Patience())
        note(f"处理了 {count} 个批次" if zh else f"{count} submissions worked")
        return
    work_on(settings, stopped_by_signals().is_set)
