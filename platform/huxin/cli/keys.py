"""`huxin members key`: the keys that callers of the API prove themselves with. Here only public halves are kept."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import typer
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from rich.table import Table

from huxin.cli.show import note, print_table, ready_settings, write_line
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.oversight.caller_keys import PublicKey, holder_id, read_public, register
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.credentials import (
    Credential,
    list_credentials,
    revoke_credential,
)
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy.client import Client, Identity

if TYPE_CHECKING:
    from sqlalchemy import Connection

app = typer.Typer(help="Keys of callers · 接入密钥", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="a member's code, or the name of an operator or auditor · 代码")]
Role = Annotated[
    Literal["member", "operator", "auditor"], typer.Option(help="member, operator, auditor · 角色")
]
Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", help="what it may be used for, several times; default all · 权限范围"),
]


@app.command()
def new(
    code: Code,
    out: Annotated[
        Path | None, typer.Option(help="file of the private key, default CODE-<number>.pem · 私钥文件")
    ] = None,
    alg: Annotated[Literal["ES256", "EdDSA"], typer.Option(help="ES256, EdDSA")] = "ES256",
    scope: Scopes = None,
    role: Role = "member",
) -> None:
    """Makes a key pair, writes the private half to a file and registers the public one. · 新建密钥对并登记公钥。"""
    settings = ready_settings()
    secret = Ed25519PrivateKey.generate() if alg == "EdDSA" else generate_private_key(SECP256R1())
    id_ = new_id()
    file = out or Path(f"{code[:64].replace('/', '_')}-{id_}.pem")
    if file.exists():
        raise HuxinError("H1132", file=file)
    with connection(settings) as database:
        made = _register(database, settings, id_, code, role, secret.public_key(), scope)
        # Within the transaction: without its file, a registered key would be of use to nobody.
        _write_secret(file, secret)
    _tell(settings, made, file)


@app.command()
def add(
    code: Code,
    public_key: Annotated[Path, typer.Option(help="public key, PEM · 公钥文件")],
    scope: Scopes = None,
    role: Role = "member",
) -> None:
    """Registers a public key whose private half never left its holder. · 登记机构自行生成的公钥。"""
    settings = ready_settings()
    public = _read_public(public_key)
    with connection(settings) as database:
        made = _register(database, settings, new_id(), code, role, public, scope)
    _tell(settings, made, None)


@app.command("list")
def list_(
    code: Code,
    role: Role = "member",
    json_: Annotated[bool, typer.Option("--json", help="JSON lines")] = False,
) -> None:
    """Lists a holder's keys, live and revoked. · 列出密钥。"""
    settings = ready_settings()
    with connection(settings) as database:
        holder_id(database, code, role)
        found = list_credentials(database, code, role)
    if json_:
        for each in found:
            write_line(json.dumps(_object(each), ensure_ascii=False, default=str))
        return
    zh = settings.language == "zh"
    heads = ("编号", "算法", "范围", "建立", "最近使用", "状态")
    table = Table(*(heads if zh else ("number", "alg", "scopes", "made", "last used", "state")), box=None)
    for each in found:
        live = ("有效" if zh else "live") if each.revoked_at is None else ("已吊销" if zh else "revoked")
        used = str(each.last_used_at or "—")[:19]
        table.add_row(str(each.id), each.alg, " ".join(each.scopes), str(each.created_at)[:19], used, live)
    print_table(table)


@app.command()
def revoke(number: Annotated[UUID, typer.Argument(help="from `huxin members key list` · 密钥编号")]) -> None:
    """Ends a key for good; its tokens are refused within seconds. · 吊销密钥。"""
    settings = ready_settings()
    with connection(settings) as database:
        holder = revoke_credential(database, number, settings.now())
        facts = {"holder": holder, "key": str(number)}
        note_operator_act(database, "credential.revoked", facts, settings.now())
    note(f"{holder}: {number} " + ("已吊销" if settings.language == "zh" else "revoked"))


@app.command()
def token(
    code: Code,
    key: Annotated[Path, typer.Option(help="file of the private key · 私钥文件")],
    url: Annotated[str, typer.Option(help="address of the API · 接口地址")] = "http://127.0.0.1:8000",
    number: Annotated[
        str | None,
        typer.Option(help="the key's number, where neither file name nor a .json beside it tells · 密钥编号"),
    ] = None,
) -> None:
    """Gets an access token for trying calls by hand; it holds five minutes. · 换取访问令牌（试用）。"""
    settings = Settings.from_env()
    identity = _identity(code, number, key)
    try:
        write_line(Client(url, identity, lambda: settings.now().timestamp()).token())
    except OSError as error:
        raise HuxinError("H1143", url=url, reason=getattr(error, "reason", None) or error.strerror) from None
    except (ValueError, KeyError) as error:  # an address that is none, or an answer of somebody else
        raise HuxinError("H1143", url=url, reason=type(error).__name__) from None
    except RuntimeError as refusal:
        raise HuxinError("H1140", said=refusal) from None


def _identity(code: str, number: str | None, key: Path) -> Identity:
    """HuxinError H1139 (the file is not read), H1144 (it is no such key), H1142 (its number is not known)."""
    try:
        found = Identity.read(code, "", key)
    except OSError as error:
        raise HuxinError("H1139", file=key.name, reason=error.strerror) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it is encrypted
        raise HuxinError("H1144", file=key.name) from None
    try:
        return replace(found, key_id=number or _number(key))
    except (OSError, ValueError, KeyError):
        raise HuxinError("H1142", file=key.name) from None


def _number(key: Path) -> str:
    """The key's number: as the file beside it says, which the sandbox writes, or else the end of the file's name."""
    beside = key.with_suffix(".json")
    if beside.is_file():
        return str(json.loads(beside.read_bytes())["kid"])
    found = key.stem[-36:]
    UUID(found)
    return found


def _register(
    database: Connection,
    settings: Settings,
    id_: UUID,
    code: str,
    role: str,
    public: PublicKey,
    scope: list[str] | None,
) -> Credential:
    made = register(database, settings, id_, code, role, public, scope)
    facts = {"holder": code, "role": role, "key": str(id_), "scopes": list(made.scopes)}
    note_operator_act(database, "credential.added", facts, settings.now())
    return made


def _write_secret(file: Path, secret: Ed25519PrivateKey | EllipticCurvePrivateKey) -> None:
    content = secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise HuxinError("H1132", file=file) from None
    with os.fdopen(descriptor, "wb") as target:
        target.write(content)


def _read_public(file: Path) -> PublicKey:
    try:
        content = file.read_bytes()
    except OSError:
        raise HuxinError("H1133", file=file.name) from None
    return read_public(content, file.name)


def _object(each: Credential) -> dict[str, Any]:
    return {
        "key": each.id,
        "holder": each.holder,
        "role": each.role,
        "alg": each.alg,
        "scopes": each.scopes,
        "created_at": each.created_at,
        "last_used_at": each.last_used_at,
        "revoked_at": each.revoked_at,
    }


def _tell(settings: Settings, made: Credential, file: Path | None) -> None:
    write_line(json.dumps(_object(made) | {"file": file}, ensure_ascii=False, default=str))
    if file is None:
        return
    note(
        f"私钥只在 {file} 中，平台不保留。请经安全途径交给 {made.holder}，并从本机删除。"
        if settings.language == "zh"
        else f"The private key is in {file} only; the platform keeps none. Hand it to {made.holder} safely and "
        "delete it here."
    )
