"""`huxin submissions`: what was sent, and the member's word on it."""

from __future__ import annotations

from typing import Annotated

import typer

from huxin.cli.night import parse_id
from huxin.cli.show import ready_settings, submission_json, submissions_table, write_line
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, every, member_codes
from huxin.settings import Settings

app = typer.Typer(help="Submissions · 报送批次", invoke_without_command=True)


@app.callback()
def list_(
    context: typer.Context,
    json_: Annotated[bool, typer.Option("--json", help="JSON lines · JSON 输出")] = False,
) -> None:
    """Lists every submission ever made. · 列出全部报送批次。"""
    if context.invoked_subcommand:
        return
    settings = ready_settings()
    with connection(settings) as database:
        _print(settings, every(database), member_codes(database), json_)


@app.command()
def confirm(submission_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Publishes a submission that waits because many loans vanished. · 确认入库。"""
    from huxin.nightly import actions  # as in `night`

    _told(actions.confirm(ready_settings(), parse_id(submission_id)))


@app.command()
def withdraw(submission_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Takes back a waiting submission or the member's last published one; what was before returns. · 撤回。"""
    from huxin.nightly import actions  # as in `night`

    _told(actions.withdraw(ready_settings(), parse_id(submission_id)))


def _told(item: Submission) -> None:
    settings = ready_settings()
    with connection(settings) as database:
        _print(settings, [item], member_codes(database), False)


def _print(settings: Settings, items: list[Submission], codes: dict[int, str], json_: bool) -> None:
    rows = [(codes.get(item.member_id, item.sender), item) for item in items]
    if not json_:
        submissions_table(rows, settings)
        return
    for code, item in rows:
        write_line(submission_json(item, code))
