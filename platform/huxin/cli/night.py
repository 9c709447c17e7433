"""`huxin night` and `huxin submit`: files in."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from huxin.cli.show import note, progress_bars, ready_settings, submission_json, submissions_table, write_line
from huxin.contract import State
from huxin.errors import HuxinError
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, member_codes
from huxin.settings import Settings

NOT_IN = (State.REFUSED, State.AWAITING_CONFIRMATION)


def register(app: typer.Typer) -> None:
    app.command()(night)
    app.command()(submit)


def night(
    inbox: Annotated[Path, typer.Argument(help="folder with one folder a member · 收报目录")],
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="only files of this day · 仅处理该数据日期")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="one JSON object a submission · JSON 输出")] = False,
    return_rows: Annotated[
        bool,
        typer.Option(
            "--return", help="put rejected rows back into each member's folder `returned` · 退回拒收行"
        ),
    ] = False,
) -> None:
    """Brings a night's files into the registry, in this process. · 处理一夜的报送文件。

    Safe to run again: what was received is not received twice, what was interrupted goes on.
    Exit code 3 when a submission was refused or waits for confirmation, 1 when one could not be finished.
    """
    from huxin.nightly.pipeline import (
        run_night,  # loads Great Expectations: two seconds that others need not wait
    )
    from huxin.nightly.returning import return_rejected
    from huxin.oversight.closing import close_quietly

    settings = ready_settings()
    if not inbox.is_dir():
        raise HuxinError("H0609", folder=inbox.name)
    with progress_bars(settings) as tell:
        report = run_night(settings, inbox, as_of.date() if as_of else None, tell)
    if return_rows:
        return_rejected(settings, inbox, report.submissions)
    _print(settings, report.submissions, json_)
    close_quietly(settings)  # all is published and told: this reads every loan's key once
    for sender, file in report.without_manifest:
        note(f"{sender}/{file}: 尚无清单文件，未处理 · no manifest yet, left alone")
    if not report.fresh and report.submissions:
        note("没有新的报送批次 · no new submission: every file here was received before")
    if "H0612" in report.failed.values():
        raise HuxinError("H0612")
    if report.failed:
        raise HuxinError(
            "H0611", count=len(report.failed), kinds=", ".join(sorted(set(report.failed.values())))
        )
    _exit(report.submissions)


def submit(
    file: Annotated[Path | None, typer.Argument(help="the data file · 数据文件")] = None,
    member: Annotated[str | None, typer.Option(help="the sending member's code · 报送机构代码")] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="its manifest, default FILE.manifest.json · 清单文件")
    ] = None,
    computed_totals: Annotated[
        bool,
        typer.Option("--computed-totals", help="write the manifest from the file's rows · 按内容生成清单"),
    ] = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="with --computed-totals: the as-of date · 数据日期"),
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="with --computed-totals: full, incremental or correction · 报送方式")
    ] = None,
    sequence: Annotated[
        int | None, typer.Option(min=1, help="with --computed-totals: the sequence · 序号")
    ] = None,
    again: Annotated[
        str | None, typer.Option(help="try a refused submission once more, by its id · 重试")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="JSON output · JSON 输出")] = False,
) -> None:
    """Sends one file as a member and works it through. · 报送一个文件。

    A file with the columns of `huxin findings --format csv|xlsx` holds mended rows: with --computed-totals it is
    sent as a correction of the member's newest day.
    """
    from huxin.nightly import actions
    from huxin.nightly.submitting import Wish
    from huxin.nightly.submitting import submit as send

    settings = ready_settings()
    if again:
        _finish(settings, actions.again(settings, parse_id(again)), json_)
        return
    if file is None or member is None:
        raise typer.BadParameter("FILE and --member, or --again ID")
    if mode not in (None, "full", "incremental", "correction"):
        raise typer.BadParameter("full, incremental or correction", param_hint="--mode")
    day: date | None = as_of.date() if as_of else None
    wish = Wish(day, mode, sequence) if computed_totals else None
    item, fresh = send(settings, file, member, manifest, wish)
    if not fresh:
        note("这个文件以前已经收到，以下是它的结果 · received before; this is how it ended")
    _finish(settings, item, json_)


def parse_id(text: str) -> UUID:
    """A submission's id as typed. HuxinError H0602."""
    try:
        return UUID(text)
    except ValueError:
        raise HuxinError("H0602", id=text[:64]) from None


def _finish(settings: Settings, item: Submission, json_: bool) -> None:
    _print(settings, [item], json_)
    _exit([item])


def _print(settings: Settings, items: list[Submission], json_: bool) -> None:
    with connection(settings) as database:
        codes = member_codes(database)
    rows = [(codes.get(item.member_id, item.sender), item) for item in items]
    if not json_:
        submissions_table(rows, settings)
        return
    for code, item in rows:
        write_line(submission_json(item, code))


def _exit(items: list[Submission]) -> None:
    if any(item.state in NOT_IN for item in items):
        raise typer.Exit(3)
