"""`huxin ask`: one subject, or a file of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from huxin.cli.show import note, ready_settings, write_line
from huxin.enquiry.ask import Answer, Question, answer_object, coverage
from huxin.enquiry.ask import ask as put
from huxin.errors import HuxinError
from huxin.settings import Settings

_BUNCH = 5_000


def register(app: typer.Typer) -> None:
    app.command("ask")(ask)


def ask(
    member: Annotated[str, typer.Option(help="on behalf of which member · 查询机构代码")],
    id_type: Annotated[
        str | None, typer.Option(help="resident_id, passport, uscc (居民身份证 …) · 证件类型")
    ] = None,
    id_no: Annotated[str | None, typer.Option(help="its number · 证件号码")] = None,
    id_country: Annotated[str | None, typer.Option(help="with a passport: issuing country · 签发国")] = None,
    file: Annotated[
        Path | None, typer.Option(help="CSV with the columns id_type,id_no · 批量查询文件")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="with --file: JSON lines, in its order · 输出文件")] = None,
    json_: Annotated[bool, typer.Option("--json", help="JSON output · JSON 输出")] = False,
) -> None:
    """Says what a subject owes over all members, and to how many; no member is named. · 查询总敞口。"""
    settings = ready_settings()
    if file and out:
        _ask_file(settings, member, file, out)
        return
    if not id_type or not id_no:
        raise HuxinError("H0804")
    answer = put(settings, member, [Question(id_type, id_no, id_country)])[0]
    if answer.exposure is None:
        raise HuxinError("H0801", codes=", ".join(answer.codes))
    if json_:
        write_line(json.dumps(answer_object(answer) | {"coverage": coverage(settings)}, ensure_ascii=False))
    else:
        _print(settings, answer)


def _ask_file(settings: Settings, member: str, file: Path, out: Path) -> None:
    """Writes one answer a line; the file is there whole or not at all."""
    if not file.is_file():
        raise HuxinError("H0601", file=file.name)
    partial = out.with_name(out.name + ".part")
    count = 0
    with partial.open("w", encoding="utf-8") as target:
        for bunch in _bunches(_questions(file)):
            for answer in put(settings, member, bunch):
                target.write(json.dumps(answer_object(answer), ensure_ascii=False) + "\n")
            count += len(bunch)
    partial.replace(out)
    note(f"{count} → {out}")


def _questions(file: Path) -> Iterator[Question]:
    with file.open(encoding="utf-8-sig", newline="") as source:
        reader = csv.DictReader(source)
        if not {"id_type", "id_no"} <= set(reader.fieldnames or ()):
            raise HuxinError("H0802")
        for row in reader:
            yield Question(row["id_type"] or "", row["id_no"] or "", row.get("id_country") or None)


def _bunches(questions: Iterator[Question]) -> Iterator[list[Question]]:
    while bunch := list(islice(questions, _BUNCH)):
        yield bunch


def _print(settings: Settings, answer: Answer) -> None:
    zh = settings.language == "zh"
    said = answer_object(answer)
    words = {
        "lenders": ("未结清机构数", "lenders"),
        "open_loans": ("未结清笔数", "open loans"),
        "outstanding": ("余额合计（元）", "outstanding (CNY)"),
        "max_dpd": ("当前最长逾期天数", "days past due, worst now"),
        "guaranteed_loans": ("为他人担保笔数", "loans guaranteed"),
        "guaranteed_balance": ("担保余额（元）", "balance guaranteed (CNY)"),
    }
    console = Console(soft_wrap=True)
    if not said["subject_known"]:
        console.print(
            "登记平台没有该主体的借款记录。" if zh else "The registry holds no loan of this subject."
        )
    for name, (chinese, english) in words.items():
        part = said["own"].get(name)
        own = "" if part is None else f"（本机构 {part}）" if zh else f" (own {part})"
        console.print(f"{chinese if zh else english}: {said[name]}{own}", highlight=False)
    told = coverage(settings)
    members, reported, oldest = told["members"], told["reported"], told["oldest_as_of"] or "—"
    console.print(
        f"覆盖：{members} 家会员中 {reported} 家已报送，最早数据日期 {oldest}"
        if zh
        else f"coverage: {reported} of {members} members reported, oldest as of {oldest}",
        highlight=False,
    )
