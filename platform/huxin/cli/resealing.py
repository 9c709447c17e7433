"""`huxin keys reseal`: another key-encryption key for a zone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from huxin.cli.show import note, ready_settings, write_line
from huxin_privacy.files import read_private

Zone = Annotated[str, typer.Argument(help="entry, registry, intake, audit · 密钥区")]
_PENDING = 3


def reseal(
    zone: Zone,
    with_: Annotated[
        Path | None,
        typer.Option(
            "--with", exists=True, dir_okay=False, help="the new key, base64, mode 0600 · 新主密钥文件"
        ),
    ] = None,
) -> None:
    """Seals a keyring under a new key-encryption key. · 更换主密钥：密钥环改由新主密钥加密。"""
    from huxin.oversight import key_resealing  # no command waits for what it does not use

    settings = ready_settings()
    made = key_resealing.reseal(settings, zone, None if with_ is None else read_private(with_))
    state = "pending" if made.pending else "done"
    write_line(json.dumps({"zone": zone, "version": made.keyring.version, "state": state}))
    zh = settings.language == "zh"
    if made.pending:
        place = settings.keys_dir / f"{zone}.kek.next"
        note(
            f"密钥环已由 {place} 中的新主密钥加密。请把它写入原来存放主密钥的地方（环境变量、Vault 或挂载目录），"
            "然后再次执行本命令。"
            if zh
            else f"The keyring is under the new key in {place}. Put that where the old one came from (environment, "
            "Vault or mounted folder), then run this again."
        )
        raise typer.Exit(_PENDING)
    note(
        "请保存好新的主密钥；旧主密钥只在恢复旧备份时还需要。"
        if zh
        else "Keep the new key safe; the old one opens nothing but the old backups."
    )
