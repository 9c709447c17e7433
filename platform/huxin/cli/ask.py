"""`huxin ask`: one subject, or a file of them; an operator's act, which is on record."""

from __future__ import annotations

import csv
import getpass
import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from huxin.cli.answers import print_checked
from huxin.cli.show import note, ready_settings, write_line
from huxin.enquiry.check_words import REASONS, Account, Check, as_of, typed
from huxin.enquiry.checking import BUNCH, Checker
from huxin.errors import HuxinError


def register(app: typer.Typer) -> None:
    app.command("ask")(ask)


def ask(
    member: Annotated[str, typer.Option(help="on behalf of which member · 查询机构代码")],
    id_type: Annotated[
        str | None, typer.Option(help="resident_id, passport, uscc (居民身份证 …) · 证件类型")
    ] = None,
    id_no: Annotated[str | None, typer.Option(help="its number · 证件号码")] = None,
    id_country: Annotated[str | None, typer.Option(help="with a passport: issuing country · 签发国")] = None,
    name: Annotated[str | None, typer.Option(help="for the match grade · 姓名")] = None,
    mobile: Annotated[str | None, typer.Option(help="for counts by mobile · 手机号")] = None,
    product: Annotated[str | None, typer.Option(help="consumer, business, agricultural · 产品")] = None,
    amount: Annotated[
        str | None, typer.Option(help="of a loan that is in mind, yuan · 拟借金额（元）")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="CSV with the columns id_type,id_no · 批量查询文件")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="with --file: JSON lines, in its order · 输出文件")] = None,
    as_of_: Annotated[
        str | None, typer.Option("--as-of", help="a past moment, or a day's close · 截至某一时刻或某日终")
    ] = None,
    reason: Annotated[str, typer.Option(help=" | ".join(REASONS) + " · 事由")] = "routine",
    reference: Annotated[str | None, typer.Option(help="number of the case, no person's · 业务编号")] = None,
    staff: Annotated[str | None, typer.Option(help="who asks, else the account · 查询人员")] = None,
    json_: Annotated[bool, typer.Option("--json", help="JSON output · JSON 输出")] = False,
) -> None:
    """Answers about a subject with exact figures, now or as of a past moment; on record. · 查询并留痕，可回溯。"""
    settings = ready_settings()
    account = Account(staff or getpass.getuser(), reason, reference)
    checker = Checker(settings, member, account, as_of(as_of_, settings) if as_of_ else None)
    if file and out:
        _ask_file(checker, file, out)
        return
    if not id_type or not id_no:
        raise HuxinError("H0804")
    person = typed(id_type, id_no, id_country, name, mobile)
    (line,) = checker.ask([Check(person, product, _cents(amount))])
    told = json.loads(line)
    if "error" in told:
        raise HuxinError("H0801", codes=", ".join(told["codes"]))
    if json_:
        write_line(line.decode())
    else:
        print_checked(settings, told)


def _ask_file(checker: Checker, file: Path, out: Path) -> None:
    """Writes one answer a line; the file is there whole or not at all."""
    if not file.is_file():
        raise HuxinError("H0601", file=file.name)
    partial = out.with_name(out.name + ".part")
    count = 0
    with partial.open("wb") as target:
        for bunch in _bunches(_questions(file)):
            target.write(b"".join(line + b"\n" for line in checker.ask(bunch)))
            count += len(bunch)
    partial.replace(out)
    note(f"{count} → {out}")


def _questions(file: Path) -> Iterator[Check]:
    with file.open(encoding="utf-8-sig", newline="") as source:
        reader = csv.DictReader(source)
        if not {"id_type", "id_no"} <= set(reader.fieldnames or ()):
            raise HuxinError("H0802")
        for row in reader:
            country, name, mobile = (row.get(each) or None for each in ("id_country", "name", "mobile"))
            yield Check(typed(row["id_type"] or "", row["id_no"] or "", country, name, mobile))


def _bunches(questions: Iterator[Check]) -> Iterator[list[Check]]:
    while bunch := list(islice(questions, BUNCH)):
        yield bunch


def _cents(amount: str | None) -> int | None:
    """Yuan as typed, in cents."""
    if amount is None:
        return None
    try:
        cents = Decimal(amount).scaleb(2)
        return int(cents) if cents == cents.to_integral_value() else -1  # which no amount is
    except (InvalidOperation, ValueError, OverflowError):
        return -1
