"""Registering the public halves of callers' keys, whoever does it: a command, or a member's own administrator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from huxin.errors import HuxinError
from huxin.registry.credentials import SCOPES, Credential, add_credential
from huxin.registry.members import find_member
from huxin.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

PublicKey = EllipticCurvePublicKey | Ed25519PublicKey


def read_public(content: bytes, name: str) -> PublicKey:
    """A public key of a PEM text that errors call `name`. HuxinError H1133 when it is no P-256 or Ed25519 key."""
    try:
        found = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise HuxinError("H1133", file=name) from None
    if isinstance(found, Ed25519PublicKey):
        return found
    if isinstance(found, EllipticCurvePublicKey) and isinstance(found.curve, SECP256R1):
        return found
    raise HuxinError("H1133", file=name)


def register(
    database: Connection,
    settings: Settings,
    id_: UUID,
    code: str,
    role: str,
    public: PublicKey,
    scope: Sequence[str] | None,
) -> Credential:
    """Registers a key in the caller's transaction, whose act is to be noted there too.

    HuxinError H0701 (no such member), H1130 (two live ones), H1134 (a scope that is none).
    """
    scopes = tuple(dict.fromkeys(scope or SCOPES))
    if not set(scopes) <= set(SCOPES):
        raise HuxinError("H1134", known=", ".join(SCOPES))
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    alg = "EdDSA" if isinstance(public, Ed25519PublicKey) else "ES256"
    made = Credential(id_, role, holder_id(database, code, role), code, alg, der, scopes, settings.now())
    add_credential(database, made)
    return made


def holder_id(database: Connection, code: str, role: str) -> int:
    """The member's number, 0 for an operator or auditor. HuxinError H0701."""
    if role != "member":
        return 0
    found = find_member(database, code)
    if found is None:
        raise HuxinError("H0701", code=code[:64])
    return found.id
