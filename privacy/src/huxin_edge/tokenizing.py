"""`huxin-edge tokenize`: a file without the people in it, made with the platform's help and without its seeing them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from huxin_checks.manifest import Manifest, manifest_json
from huxin_edge.checking import required_manifest
from huxin_edge.command import DONE, REFUSED, Commands, Context, add, require_extra
from huxin_edge.elements import blinder
from huxin_edge.files import manifest_path, opened
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import open_private, put_in_place, temporary_beside, write_atomic

if TYPE_CHECKING:
    from huxin_privacy.blind import Blinder, Tokenized

_PATIENCE_S: Final = 300.0  # a quota of elements a minute is waited for
_SHOWN: Final = 40


def register(commands: Commands) -> None:
    making = add(
        commands, "tokenize", tokenize, "生成不含个人信息的报送文件 · makes a file without its people"
    )
    making.add_argument("file", type=Path)
    making.add_argument(
        "--manifest", type=Path, help="清单，默认为文件旁的 · default: the one beside the file"
    )
    making.add_argument("--out", type=Path, help="默认 <文件>.tokens.csv · default FILE.tokens.csv")


def tokenize(arguments: argparse.Namespace, context: Context) -> int:
    """Writes FILE.tokens.csv and its manifest; 3 when there are rows whose identifier cannot be used.

    What was evaluated is kept sealed beside the settings: a file of the next night sends what is new in it. The same
    command goes on where an interruption left it.
    """
    _, said = required_manifest(arguments.file, arguments.manifest)
    out: Path = arguments.out or arguments.file.with_name(arguments.file.name + ".tokens.csv")
    zones = context.session(_PATIENCE_S), context.elements(_PATIENCE_S)
    elements = blinder(zones[0], context.file.parent, context.pinned, zones[1])
    done = _written(arguments.file, out, elements, said, context)
    _put_manifest(out, said, done)
    if context.voice.as_json:
        faults = [{"record": each.record, "codes": each.codes} for each in done.faults]
        context.voice.data(
            {"file": str(out), "rows": done.rows, "evaluated": done.evaluated, "faults": faults}
        )
    else:
        for each in done.faults[:_SHOWN]:
            context.voice.line(f"{' '.join(each.codes)} {context.voice.pick('记录', 'record')} {each.record}")
    context.voice.note(
        f"{done.rows} 行，新盲算 {done.evaluated} 个，证件不可用 {len(done.faults)} 行：报送 {out.name}",
        f"{done.rows} rows, {done.evaluated} newly evaluated, {len(done.faults)} unusable: submit {out.name}",
    )
    return REFUSED if done.faults else DONE


def _written(file: Path, out: Path, elements: Blinder, said: Manifest, context: Context) -> Tokenized:
    from huxin_privacy.blind import tokenize_file

    temporary = temporary_beside(out)
    try:
        with opened(file) as source, open(open_private(temporary), "wb") as target:  # noqa: PTH123 - a descriptor
            rows = _rows(source, file.name, said.record_count, context)
            done = tokenize_file(
                rows, target, elements, said.member, types=_types(), not_after=said.as_of_date
            )
        put_in_place(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)
    return done


def _rows(source: BinaryIO, name: str, total: int, context: Context) -> Iterator[Mapping[str, str]]:
    """The file's rows by the machine names of the columns that it has."""
    try:
        from huxin_checks.contract import load_contract
        from huxin_checks.read import FileRefused, open_rows
    except ModuleNotFoundError as fault:
        raise require_extra(fault) from None
    try:
        with (
            open_rows(source, name, load_contract()) as rows,
            context.voice.bar("盲算（行）", "evaluating (rows)", total) as progress,
        ):
            fields = [field for field in rows.layout.fields if field]
            for raw in rows:
                for row in raw.select(fields).iter_rows():
                    yield {field: cell or "" for field, cell in zip(fields, row, strict=True)}
                    progress(1)
    except FileRefused as refused:
        why = refused.facts[context.voice.pick("zh", "en")]
        raise PrivacyError("P0187", file=name, check=refused.code, why=why) from None


def _types() -> dict[str, str]:
    """Every spelling of an identifier's type, to its machine name."""
    from huxin_checks.contract import load_contract

    labels = load_contract().field("id_type").labels
    return {text: label.name for label in labels for text in (label.name, label.zh, *label.aliases)}


def _put_manifest(out: Path, said: Manifest, done: Tokenized) -> None:
    from huxin_privacy.blind import CONTRACT

    content: dict[str, Any] = json.loads(manifest_json(said))
    content |= {"contract": CONTRACT, "sha256": done.sha256, "element_key": done.element_key}
    write_atomic(manifest_path(out), json.dumps(content, ensure_ascii=False, indent=1).encode())
