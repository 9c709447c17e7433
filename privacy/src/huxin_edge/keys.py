"""`huxin-edge keys`: the member's own signing key, and the platform's public key that files are sealed with."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from huxin_edge.command import DONE, REFUSED, Commands, Context, add
from huxin_edge.settings import store
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import write_atomic
from huxin_privacy.sealing_key import SealingKey, parse_sealing_key

_PATIENCE_S: Final = 30.0


def register(commands: Commands) -> None:
    own = commands.add_parser("keys", help="密钥 · keys").add_subparsers(required=True, metavar="COMMAND")
    making = add(own, "new", new, "新建本机构的接入密钥 · makes the member's own key pair")
    making.add_argument("--alg", choices=("ES256", "EdDSA"), default="ES256")
    making.add_argument("--out", type=Path, help="私钥文件，默认 <会员代码>.pem · file of the private key")
    fetching = add(
        own, "fetch", fetch, "取得并确认平台的密封公钥 · gets and confirms the platform's sealing key"
    )
    fetching.add_argument(
        "--confirm",
        metavar="DIGITS",
        help="电话核对过的 8 位校验码 · the digits, once compared by telephone",
    )


def new(arguments: argparse.Namespace, context: Context) -> int:
    """The private half goes to one file of mode 0600 and nowhere else; the public one is for the association."""
    member = context.settings.needed("member")
    file = arguments.out or Path(f"{member}.pem")
    public_file = file.with_suffix(".pub.pem")
    for each in (file, public_file):
        if each.exists():
            raise PrivacyError("P0185", file=each.name)
    secret = Ed25519PrivateKey.generate() if arguments.alg == "EdDSA" else generate_private_key(SECP256R1())
    public = secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_atomic(file, secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), replace=False)
    write_atomic(public_file, public)
    store(context.file, member=member, key=_seen_from(context.file.parent, file))
    if context.voice.as_json:
        context.voice.data({"private_key": str(file), "public_key": str(public_file)})
    context.voice.note(
        f"私钥在 {file.name}，请勿外传；把 {public_file.name} 交给协会登记，"
        "得到密钥编号后执行：huxin-edge set key_id <编号>",
        f"The private key is in {file.name}: give it to nobody. Hand {public_file.name} to the association, "
        "and when you are told the key's number: huxin-edge set key_id NUMBER",
    )
    return DONE


def _seen_from(folder: Path, file: Path) -> str:
    """The path as the settings file tells it: whole where it lies on another of Windows' drives."""
    try:
        return os.path.relpath(file, folder)
    except ValueError:
        return str(file.absolute())


def fetch(arguments: argparse.Namespace, context: Context) -> int:
    """Kept only when its digits were confirmed; 3 while they are not."""
    said = context.intake(_PATIENCE_S).call("GET", "/v1/keys/sealing").json()
    key = parse_sealing_key(said["keys"][0]["key"])
    digits, kept = key.id.hex(), context.settings.seal_key
    if kept == key.text:
        context.voice.note(f"公钥未变：{digits}", f"The key is the confirmed one: {digits}")
        return DONE
    if arguments.confirm is None and kept:
        raise PrivacyError("P0190", now=digits, pinned=parse_sealing_key(kept).id.hex())
    if (arguments.confirm or "").replace(" ", "").lower() != digits:
        _ask_to_compare(key, context)
        return REFUSED
    store(context.file, seal_key=key.text)
    context.voice.note(f"已确认公钥 {digits}", f"Confirmed: {digits}")
    return DONE


def _ask_to_compare(key: SealingKey, context: Context) -> None:
    digits = key.id.hex()
    context.voice.line(key.text)
    context.voice.note(
        f"请与协会电话核对校验码 {digits}，一致后执行：huxin-edge keys fetch --confirm {digits}",
        f"Compare the digits {digits} with the association by telephone; if they agree: "
        f"huxin-edge keys fetch --confirm {digits}",
    )
