"""What several commands print: JSON objects of submissions, tables, progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from huxin.contract import State, load_states
from huxin.errors import HuxinError
from huxin.registry.submissions import Submission
from huxin.settings import Settings

STAGES = {
    "receive": ("接收文件", "receiving files"),
    "validate": ("校验（行）", "checking (rows)"),
    "pseudonymize": ("假名化", "making tokens"),
    "load": ("入库", "loading"),
    "simulate": ("重算查询", "working out enquiries"),
}


def ready_settings() -> Settings:
    """The settings of a home that was set up. HuxinError H0901 when `huxin init` has not run."""
    settings = Settings.from_env()
    if not settings.keys_dir.is_dir():
        raise HuxinError("H0901", home=settings.home)
    return settings


def write_line(text: str) -> None:
    """One line of data to standard output."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """One line for people, to standard error, so that data on standard output stays clean."""
    sys.stderr.write(text + "\n")


def submission_object(item: Submission, code: str) -> dict[str, Any]:
    """A submission as commands print it in JSON."""
    return {
        "submission_id": str(item.id),
        "member": code,
        "file": item.file,
        "state": item.state.name.lower(),
        "rows": item.rows or 0,
        "accepted": item.accepted or 0,
        "rejected": item.rejected or 0,
        "warned": item.warned or 0,
        "codes": dict(sorted(item.codes.items())),
        "as_of_date": item.as_of_date.isoformat() if item.as_of_date else None,
        "sequence": item.sequence,
        "reason": item.facts.get("reason"),
        "vanished": item.vanished,
    }


def submission_json(item: Submission, code: str) -> str:
    return json.dumps(submission_object(item, code), ensure_ascii=False)


def submissions_table(rows: list[tuple[str, Submission]], settings: Settings) -> None:
    """A readable table of (member code, submission)."""
    zh = settings.language == "zh"
    words = {state.number: state.zh if zh else state.en for state in load_states()}
    heads = (
        ("机构", "文件", "数据日期", "状态", "行数", "入库", "拒收", "提醒", "主要错误", "批次编号")
        if zh
        else (
            "member",
            "file",
            "as of",
            "state",
            "rows",
            "accepted",
            "rejected",
            "warned",
            "top codes",
            "submission",
        )
    )
    table = Table(*heads, box=None, pad_edge=False)
    for code, item in rows:
        top = sorted(item.codes.items(), key=lambda each: (-each[1], each[0]))[:4]
        table.add_row(
            Text(code),  # as text, since square brackets in a name would be markup
            Text(item.file),
            str(item.as_of_date or ""),
            _coloured(item.state, words[item.state]),
            *(
                str(value if value is not None else "")
                for value in (item.rows, item.accepted, item.rejected, item.warned)
            ),
            " ".join(f"{name}×{count}" for name, count in top),
            str(item.id),
        )
    print_table(table)


def print_table(table: Table) -> None:
    """Prints a table as wide as it needs to be where nobody has said how wide the screen is."""
    console = Console()
    (console if console.is_terminal else Console(width=220)).print(table)


@contextmanager
def progress_bars(settings: Settings) -> Iterator[Any]:
    """A function (stage, done, total) that draws progress to standard error; silent where that is no terminal."""
    zh = settings.language == "zh"
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int | None = None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(STAGES[stage][0 if zh else 1], total=total)
            bars.advance(tasks[stage], done)

        yield tell


def _coloured(state: State, word: str) -> str:
    colours = {State.PUBLISHED: "green", State.REFUSED: "red", State.AWAITING_CONFIRMATION: "yellow"}
    return f"[{colours[state]}]{word}[/]" if state in colours else word
