"""`huxin ask`: one subject, or a file of them; an operator's act, which is on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from huxin.cli.answers import print_checked
from huxin.cli.lists import rows_of, written
from huxin.cli.show import note, ready_settings, write_line
from huxin.enquiry.check_words import REASONS, Account, Check, as_of, typed
from huxin.enquiry.checking import BUNCH, Checker
from huxin.enquiry.checking_zones import ZoneChecker, read_sealed, sealed_lines
from huxin.errors import HuxinError
from huxin.registry.replay import When
from huxin.settings import Settings, running_user
from huxin.zones.layout import required, zone_of
from huxin.zones.roles import ENTRY, REGISTRY
from huxin_privacy.files import write_atomic


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
    tickets: Annotated[
        Path | None,
        typer.Option(help="registry zone: what the entry zone's ask wrote · 入口区生成的凭证文件"),
    ] = None,
    as_of_: Annotated[
        str | None, typer.Option("--as-of", help="a past moment, or a day's close · 截至某一时刻或某日终")
    ] = None,
    reason: Annotated[str, typer.Option(help=" | ".join(REASONS) + " · 事由")] = "routine",
    reference: Annotated[str | None, typer.Option(help="number of the case, no person's · 业务编号")] = None,
    staff: Annotated[str | None, typer.Option(help="who asks, else the account · 查询人员")] = None,
    json_: Annotated[bool, typer.Option("--json", help="JSON output · JSON 输出")] = False,
) -> None:
    """Answers about a subject with exact figures, now or as of a past moment; on record. · 查询并留痕，可回溯。

    On a split platform the entry zone seals who it is (--out), and the registry zone answers (--tickets).
    """
    settings = ready_settings()
    if zone_of(settings) == ENTRY:
        typed_ = _typed_one(id_type, id_no, id_country, name, mobile, product, amount)
        _seal(settings, member, _questions(file) if file else typed_, out)
        return
    account = Account(staff or running_user(), reason, reference)
    if zone_of(settings) is not None:
        _ask_sealed(
            settings, member, account, as_of(as_of_, settings) if as_of_ else None, tickets, out, json_
        )
        return
    checker = Checker(settings, member, account, as_of(as_of_, settings) if as_of_ else None)
    if file and out:
        _ask_file(checker, file, out)
        return
    (line,) = checker.ask(list(_typed_one(id_type, id_no, id_country, name, mobile, product, amount)))
    _show(settings, line, json_)


def _typed_one(
    id_type: str | None,
    id_no: str | None,
    id_country: str | None,
    name: str | None,
    mobile: str | None,
    product: str | None,
    amount: str | None,
) -> Iterator[Check]:
    """The question that was typed. HuxinError H0804 (no identifier), H0803."""
    if not id_type or not id_no:
        raise HuxinError("H0804")
    yield Check(typed(id_type, id_no, id_country, name, mobile), product, _cents(amount))


def _show(settings: Settings, line: bytes, json_: bool) -> None:
    told = json.loads(line)
    if "error" in told:
        raise HuxinError("H0801", codes=", ".join(told["codes"]))
    if json_:
        write_line(line.decode())
    else:
        print_checked(settings, told)


def _seal(settings: Settings, member: str, checks: Iterator[Check], out: Path | None) -> None:
    """In the entry zone: tickets for the registry zone, to a file that is there whole or not at all, or printed."""
    lines = list(sealed_lines(settings, member, checks))
    if out is None:
        for line in lines:
            write_line(line)
        return
    write_atomic(out, "".join(line + "\n" for line in lines).encode())
    note(f"{len(lines)} → {out}")


def _ask_sealed(
    settings: Settings,
    member: str,
    account: Account,
    past: When | None,
    tickets: Path | None,
    out: Path | None,
    json_: bool,
) -> None:
    """In the registry zone: nobody is typed here. HuxinError H1238, H1709 (of the intake zone)."""
    required(settings, REGISTRY)
    if tickets is None:
        raise HuxinError("H1238")
    checker, checks = ZoneChecker(settings, member, account, past), read_sealed(settings, member, tickets)
    if out is None:
        for line in checker.ask(list(checks)):
            _show(settings, line, json_)
        return
    _write(checker, checks, out)


def _ask_file(checker: Checker, file: Path, out: Path) -> None:
    """Writes one answer a line; the file is there whole or not at all."""
    for _ in _questions(file):  # all of them can be put before any is put on record
        pass
    _write(checker, _questions(file), out)


def _write(checker: Checker, questions: Iterator[Check], out: Path) -> None:
    count = 0
    with written(out) as target:
        for bunch in _bunches(questions):
            target.write(b"".join(line + b"\n" for line in checker.ask(bunch)))
            count += len(bunch)
    note(f"{count} → {out}")


def _questions(file: Path) -> Iterator[Check]:
    """The questions of a file. HuxinError H0601, H0706 (no CSV), H0802 (no such columns), H0806 (an unknown type)."""
    with rows_of(file) as reader:
        if not {"id_type", "id_no"} <= set(reader.fieldnames or ()):
            raise HuxinError("H0802")
        for row in reader:
            country, name, mobile = (row.get(each) or None for each in ("id_country", "name", "mobile"))
            try:
                yield Check(typed(row["id_type"] or "", row["id_no"] or "", country, name, mobile))
            except HuxinError as error:
                if error.code != "H0803":
                    raise
                raise HuxinError("H0806", line=reader.line_num) from None


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
