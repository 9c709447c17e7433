"""`huxin-edge seal`: a file that only the platform can read, for whatever way it travels."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from huxin_edge.checking import required_manifest
from huxin_edge.command import DONE, Commands, Context, add
from huxin_edge.files import SEALED, manifest_path, opened
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import open_private, put_in_place, temporary_beside, write_atomic
from huxin_privacy.sealed_submission import Facts, facts_of, sealed_blocks
from huxin_privacy.sealing_key import NAME, SealingKey, parse_sealing_key


def register(commands: Commands) -> None:
    sealing = add(commands, "seal", seal, "密封文件，只有平台能打开 · seals a file for the platform alone")
    sealing.add_argument("file", type=Path)
    sealing.add_argument(
        "--to",
        metavar="KEY",
        help="平台公钥或其文件，默认为已确认的 · the key or its file; default: the confirmed key",
    )
    sealing.add_argument("--out", type=Path, help="默认 <文件>.sealed · default FILE.sealed")


def seal(arguments: argparse.Namespace, context: Context) -> int:
    """Writes FILE.sealed with its manifest beside it: both are to be sent, and may lie in the inbox."""
    file: Path = arguments.file
    raw, said = required_manifest(file)
    key = sealing_key(arguments.to, context)
    out: Path = arguments.out or file.with_name(file.name + SEALED)
    if out.exists() and out.samefile(file):
        raise PrivacyError("P0185", file=out.name)
    with opened(file) as source:
        facts = facts_of(source, said.member, file.name, said.contract)
        with context.voice.bar("密封", "sealing", facts.size) as progress:
            _write(out, counted(source, facts, key, progress))
    write_atomic(manifest_path(out), raw)
    if context.voice.as_json:
        context.voice.data({"sealed": str(out), "manifest": str(manifest_path(out)), "key": key.id.hex()})
    context.voice.note(
        f"已密封：请报送 {out.name} 和 {manifest_path(out).name}",
        f"Sealed: send {out.name} with {manifest_path(out).name}",
    )
    return DONE


def sealing_key(said: str | None, context: Context) -> SealingKey:
    """The key as it was given, or as a file of that name begins; else the confirmed one. PrivacyError P0158, P0180."""
    if not said:
        return context.settings.sealing_key()
    if said.startswith(f"{NAME}+") or not Path(said).is_file():
        return parse_sealing_key(said)
    # `huxin keys public` prints the key to seal with first.
    text = Path(said).read_text(encoding="utf-8", errors="replace")
    return parse_sealing_key(next(iter(text.split()), ""))


def counted(
    source: BinaryIO, facts: Facts, key: SealingKey, progress: Callable[[int], None]
) -> Iterator[bytes]:
    """The blocks of a sealed file; `progress` is told of their bytes."""
    for block in sealed_blocks(source, facts, key):
        yield block
        progress(len(block))


def _write(out: Path, blocks: Iterator[bytes]) -> None:
    temporary = temporary_beside(out)
    try:
        with open(open_private(temporary), "wb") as target:  # noqa: PTH123 - a descriptor is no path
            for block in blocks:
                target.write(block)
        put_in_place(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)
