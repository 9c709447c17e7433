"""`huxin-edge check`, `huxin-edge manifest`: what the centre would say of a file, and the manifest that fits it."""

from __future__ import annotations

import argparse
import csv
from datetime import date
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huxin_checks.manifest import MODES, Manifest, ManifestFault, manifest_json, parse_manifest
from huxin_edge.clock import today
from huxin_edge.command import DONE, REFUSED, Commands, Context, add, require_extra
from huxin_edge.files import manifest_bytes, manifest_path, opened
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import write_atomic

if TYPE_CHECKING:
    from huxin_checks.telling import Told
    from huxin_checks.whole_file import Checked

_SHOWN = 40  # findings on the screen; --out and --json have all of them


def register(commands: Commands) -> None:
    checking = add(commands, "check", check, "校验一个文件，不离开本机 · checks a file without sending it")
    checking.add_argument("file", type=Path, help="CSV, XLSX, Parquet")
    checking.add_argument(
        "--manifest", type=Path, help="清单，默认为文件旁的 · default: the one beside the file"
    )
    checking.add_argument(
        "--as-of", type=_day, help="没有清单时的数据日期 · as-of date where there is no manifest"
    )
    checking.add_argument("--out", type=Path, help="把全部错误写入 CSV · all findings as CSV")
    making = add(commands, "manifest", manifest, "生成报送清单 · makes the manifest of a file")
    making.add_argument("file", type=Path, help="CSV, XLSX, Parquet")
    making.add_argument("--as-of", type=_day, help="数据日期，默认今天 · default today")
    making.add_argument("--mode", choices=list(MODES), help="默认 full；修改后的拒收行为 correction")
    making.add_argument(
        "--sequence", type=int, default=1, help="同一数据日期内的序号 · its number within the day"
    )
    making.add_argument("--force", action="store_true", help="覆盖已有清单 · replaces the one that is there")


def check(arguments: argparse.Namespace, context: Context) -> int:
    """3 when the centre would refuse the file or a row of it."""
    try:
        from huxin_checks.telling import told, told_refused
        from huxin_checks.whole_file import Asked, check_file
    except ModuleNotFoundError as fault:
        raise require_extra(fault) from None
    file, voice = arguments.file, context.voice
    raw = manifest_bytes(file, arguments.manifest)
    asked = Asked(arguments.as_of or today(), context.settings.member, raw)
    with opened(file) as source, voice.bar("校验（行）", "checking (rows)") as progress:
        checked = check_file(source, file.name, asked, progress)
    findings = told(checked.findings, voice.language)
    if checked.refusal:
        findings.insert(0, told_refused(checked.refusal, voice.language))
    if arguments.out:
        write_atomic(arguments.out, _csv(findings).encode("utf-8-sig"))
    if voice.as_json:
        voice.data(_object(checked, findings))
    else:
        _show(checked, findings, raw is not None, context)
    return REFUSED if checked.refusal or checked.rejected else DONE


def manifest(arguments: argparse.Namespace, context: Context) -> int:
    """Counts and adds up the file's rows; 2 when it cannot be read."""
    file, place = arguments.file, manifest_path(arguments.file)
    if place.exists() and not arguments.force:
        raise PrivacyError("P0185", file=place.name)
    made = computed(file, context, arguments.as_of, arguments.mode, arguments.sequence)
    write_atomic(place, manifest_json(made))
    if context.voice.as_json:
        context.voice.data({"manifest": str(place), "sha256": made.sha256, "record_count": made.record_count})
    else:
        context.voice.note(
            f"{made.record_count} 行 -> {place.name}", f"{made.record_count} rows -> {place.name}"
        )
    return DONE


def computed(file: Path, context: Context, as_of: date | None, mode: str | None, sequence: int) -> Manifest:
    """The manifest that fits a file. PrivacyError P0180 (member), P0183, P0187 (with the check that refuses it)."""
    try:
        from huxin_checks.read import FileRefused
        from huxin_checks.totals import look_through
        from huxin_checks.whole_file import digest_of
    except ModuleNotFoundError as fault:
        raise require_extra(fault) from None
    member = context.settings.needed("member")
    with opened(file) as source, context.voice.bar("读取（行）", "reading (rows)") as progress:
        try:
            seen = look_through(source, file.name, progress)
        except FileRefused as refused:
            why = refused.facts[context.voice.pick("zh", "en")]
            raise PrivacyError("P0187", file=file.name, check=refused.code, why=why) from None
        digest = digest_of(source)
    chosen = mode or ("correction" if seen.mended else "full")
    return Manifest(
        "loan/v1", member, as_of or today(), sequence, chosen, seen.rows, seen.principal, seen.balance, digest
    )


def required_manifest(file: Path, given: Path | None = None) -> tuple[bytes, Manifest]:
    """The manifest beside a file that is to be sent, and what it says. PrivacyError P0188, P0183 (no such file)."""
    if not file.is_file():
        raise PrivacyError("P0183", file=file.name)
    raw = manifest_bytes(file, given)
    name = (given or manifest_path(file)).name
    if raw is None:
        raise PrivacyError("P0188", file=name, reason="-")
    try:
        return raw, parse_manifest(raw)
    except ManifestFault as fault:
        raise PrivacyError("P0188", file=name, reason=fault.reason) from None


def _object(checked: Checked, findings: list[Told]) -> dict[str, Any]:
    from huxin_checks.whole_file import at_the_centre

    return {
        "outcome": "refused" if checked.refusal else "accepted",
        "rows": checked.rows,
        "accepted": checked.accepted,
        "rejected": checked.rejected,
        "warned": checked.warned,
        "codes": checked.codes,
        "findings": [vars(each) for each in findings],
        "more": checked.cut,
        "checked_at_the_centre": at_the_centre(),
    }


def _show(checked: Checked, findings: list[Told], with_manifest: bool, context: Context) -> None:
    from huxin_checks.contract import load_contract
    from huxin_checks.whole_file import at_the_centre

    voice, contract = context.voice, load_contract()
    # What is rejected first: warnings, often many more, would fill the screen.
    for each in sorted(findings, key=_is_warning)[:_SHOWN]:
        field = contract.field(each.field) if each.field else None
        name = f" {voice.pick(field.zh, field.name)}" if field else ""
        place = (
            voice.pick(f"第 {each.line} 行", f"line {each.line}") if each.line else voice.pick("文件", "file")
        )
        value = f" [{each.masked}]" if each.masked and each.record else ""
        voice.line(f"{each.code} {place}{name}{value} {each.text} {each.hint}")
    more = len(findings) - _SHOWN + checked.cut
    if more > 0:
        voice.note(f"另有 {more} 条，用 --out 取全部", f"{more} more: --out has them all")
    if not with_manifest:
        voice.note(
            "没有清单：按今天的全量文件校验，不核对合计",
            "no manifest: taken for a whole book of today, totals unchecked",
        )
    codes = " ".join(f"{code}x{count}" for code, count in checked.codes.items())
    voice.note(
        f"{checked.rows} 行，可入库 {checked.accepted}，拒收 {checked.rejected}，提醒 {checked.warned} {codes}",
        f"{checked.rows} rows, {checked.accepted} good, {checked.rejected} rejected, {checked.warned} warned {codes}",
    )
    centre = " ".join(at_the_centre())
    voice.note(f"报送时由平台校验：{centre}", f"checked at the centre: {centre}")


def _is_warning(each: Told) -> bool:
    return each.severity == "warn"


def _csv(findings: list[Told]) -> str:
    target = StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    columns = ("record", "line", "code", "severity", "field", "masked", "text", "hint")
    writer.writerow(columns)
    writer.writerows([getattr(each, name) for name in columns] for each in findings)
    return target.getvalue()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("YYYY-MM-DD") from None
