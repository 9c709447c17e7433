"""`huxin findings`: what is wrong, and the rows to mend."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from huxin.cli.lists import written
from huxin.cli.night import parse_id
from huxin.cli.show import note, ready_settings, write_line
from huxin.errors import HuxinError
from huxin.registry.session import connection
from huxin.registry.submissions import find


class Format(StrEnum):
    """How findings are written: all of them as JSON, or the rejected rows to be mended."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


def register(app: typer.Typer) -> None:
    app.command()(findings)


def findings(
    submission_id: Annotated[str, typer.Argument(metavar="ID")],
    format_: Annotated[
        Format,
        typer.Option(
            "--format",
            help="json: every finding, values masked; csv, xlsx: the member's own rejected rows · 格式",
        ),
    ] = Format.JSON,
    out: Annotated[
        Path | None,
        typer.Option(
            help="write to this file; xlsx without it: MEMBER_DAY_findings.xlsx in the present folder · 输出文件"
        ),
    ] = None,
) -> None:
    """Shows a submission's findings, or its rejected rows with what is wrong beside them. · 错误清单。

    csv and xlsx hold identifiers in clear, as the member sent them: they are for that member only. Mend the rows
    there and send the file back with `huxin submit FILE --member M --computed-totals`.
    """
    from huxin.nightly import report  # as in `night`

    settings = ready_settings()
    wanted = parse_id(submission_id)
    with connection(settings) as database:
        item = find(database, wanted)
    if item is None:
        raise HuxinError("H0602", id=wanted)
    found = report.told_findings(settings, item)
    if format_ is Format.JSON:
        _put(report.findings_json(found), out)
        return
    rows = report.rejected_rows(settings, item, found)
    if format_ is Format.CSV:
        _put(report.findings_csv(rows), out)
        return
    target = out or Path(
        re.sub(r"[^\w-]", "_", f"{item.sender}_{item.as_of_date or 'file'}_findings") + ".xlsx"
    )
    with written(target) as file:
        report.findings_xlsx(rows, found, file)
    note(str(target))


def _put(text: str, out: Path | None) -> None:
    if out is None:
        write_line(text)
    else:
        with written(out) as file:
            file.write(text.encode())
        note(str(out))
