"""The test members' keys: made once, kept in the sandbox's folder `members`, registered anew with every reset."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from huxin.ids import new_id
from huxin.registry.credentials import SCOPES, Credential, add_credential
from huxin.registry.members import find_member
from huxin.registry.session import connection
from huxin.sandbox.subjects import SandboxMember
from huxin.settings import Settings

ALG = "ES256"


@dataclass(frozen=True)
class MemberKey:
    """A test member's key: the number it is registered under, and the file of its private half (PEM)."""

    member: str
    id: UUID
    file: Path


def keys_folder(settings: Settings) -> Path:
    return settings.home / "members"


def member_key(settings: Settings, code: str) -> MemberKey:
    """The key of a test member, made where there is none yet. Beside the PEM stands what a client has to name."""
    folder = keys_folder(settings)
    folder.mkdir(mode=0o700, exist_ok=True)
    described, file = folder / f"{code}.json", folder / f"{code}.pem"
    if not (described.is_file() and file.is_file()):
        _write(file, generate_private_key(SECP256R1()))
        said = {"member": code, "kid": str(new_id()), "alg": ALG, "private_key": file.name}
        described.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    kid = json.loads(described.read_text(encoding="utf-8"))["kid"]
    return MemberKey(code, UUID(kid), file)


def register_keys(home: Settings, database: Settings, members: tuple[SandboxMember, ...]) -> None:
    """Registers the public halves in a new database of the sandbox."""
    with connection(database) as opened:
        for member in members:
            key, found = member_key(home, member.code), find_member(opened, member.code)
            assert found is not None, "members are registered before their keys"
            public = _read(key.file).public_key()
            der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            made = Credential(key.id, "member", found.id, key.member, ALG, der, SCOPES, database.now())
            add_credential(opened, made)


def _write(file: Path, secret: EllipticCurvePrivateKey) -> None:
    content = secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        target.write(content)


def _read(file: Path) -> EllipticCurvePrivateKey:
    secret = load_pem_private_key(file.read_bytes(), None)
    assert isinstance(secret, EllipticCurvePrivateKey), "made here, with P-256"
    return secret
