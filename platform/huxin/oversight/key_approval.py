"""The destruction of a key: asked by one operator, approved by another, each with a signature of their own key.

An operator is who holds the private half of a key registered for the role `operator` (`huxin members key`). The
signatures stand in the log's leaves and can be checked against the registered public keys at any time. What this does
not hold against: whoever may write the registry's tables and run commands as the service can register operators too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from huxin.audit.records import moment_text
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.oversight.key_epochs import destroy, require_record
from huxin.oversight.key_retiring import depending
from huxin.registry import key_acts
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.credentials import list_credentials
from huxin.registry.key_acts import Request
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.keyring import ACTIVE, DESTROYED, Keyring

if TYPE_CHECKING:
    from sqlalchemy import Connection

VALID: Final = timedelta(days=7)  # a request that nobody approved in this time is void
ROLE: Final = "operator"


@dataclass(frozen=True)
class Operator:
    """Who acts: a name, the number of the registered key, and what signs. Its repr shows no key."""

    name: str
    credential: UUID
    _secret: Ed25519PrivateKey | EllipticCurvePrivateKey = field(repr=False)

    def sign(self, statement: bytes) -> bytes:
        """A signature of the registered kind: EdDSA, or ES256 in DER."""
        if isinstance(self._secret, Ed25519PrivateKey):
            return self._secret.sign(statement)
        return self._secret.sign(statement, ECDSA(SHA256()))


def operator_of(settings: Settings, name: str, file: Path) -> Operator:
    """The operator of that name whose registered key goes with this private one. HuxinError H1609, H1610."""
    try:
        secret = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        raise HuxinError("H1610", file=file.name) from None
    if not isinstance(secret, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise HuxinError("H1610", file=file.name)
    der = secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with connection(settings) as database:
        held = list_credentials(database, name, ROLE)
    for each in held:
        if each.public_key == der and each.revoked_at is None:
            return Operator(name, each.id, secret)
    raise HuxinError("H1609", holder=name[:64])


def ask_or_approve(
    settings: Settings, zone: str, epoch: int, operator: Operator
) -> tuple[Request, Keyring | None]:
    """Asks for an epoch's destruction, or approves what another operator asked; then it is destroyed.

    Returns the request, and the keyring as it is afterwards (None: another operator's word is waited for). Nothing is
    asked for while anything hangs on the epoch: PrivacyError P0120 with the count; P0117, P0119. HuxinError H1611
    (one's own request), H1612 (the request on record is not what was signed).
    """
    require_record(settings)
    count = _require_free(settings, zone, epoch)
    with connection(settings) as database:
        key_acts.take_turn(database)
        asked = key_acts.open_request(database, zone, epoch, settings.now())
        if asked is None:
            return _ask(database, settings, zone, epoch, operator), None
        asked = _approved(database, settings, asked, operator)
    facts = {
        "request": str(asked.id),
        "requested_by": asked.requested_by,
        "request_signature": asked.signature.hex(),
        "approved_by": operator.name,
        "approval_signature": (asked.approval or b"").hex(),
    }
    return asked, destroy(settings, zone, epoch, count, facts)


def statement_of(request: Request) -> bytes:
    """What the first operator signs."""
    return _said(request, "request", request.requested_by, request.requested_with, request.requested_at)


def approval_of(request: Request, by: str, with_: UUID, at: datetime) -> bytes:
    """What the second operator signs."""
    return _said(request, "approval", by, with_, at)


def _require_free(settings: Settings, zone: str, epoch: int) -> int:
    state = keyring.open(settings.keys_dir, zone).epoch(epoch).state
    if state in (ACTIVE, DESTROYED):
        raise PrivacyError("P0119", epoch=epoch, state=state, wanted=DESTROYED)
    count = depending(settings, zone, epoch).total
    if count:
        raise PrivacyError("P0120", epoch=epoch, count=count)
    return count


def _ask(database: Connection, settings: Settings, zone: str, epoch: int, operator: Operator) -> Request:
    now = settings.now()
    check = keyring.open(settings.keys_dir, zone).check_value(epoch)
    bare = Request(
        new_id(), zone, epoch, check, operator.name, operator.credential, now, now + VALID, signature=b""
    )
    made = Request(**{**vars(bare), "signature": operator.sign(statement_of(bare))})
    key_acts.add_request(database, made)
    facts = {"zone": zone, "epoch": epoch, "check": check, "request": str(made.id)}
    facts |= {"operator": operator.name, "signature": made.signature.hex()}
    note_operator_act(database, "keys.destroy_requested", facts, now)
    return made


def _approved(database: Connection, settings: Settings, asked: Request, operator: Operator) -> Request:
    if operator.name == asked.requested_by or operator.credential == asked.requested_with:
        raise HuxinError("H1611", holder=asked.requested_by)
    _verify(database, settings, asked, operator)
    now = settings.now()
    signature = operator.sign(approval_of(asked, operator.name, operator.credential, now))
    key_acts.approve_request(database, asked.id, operator.name, operator.credential, signature, now)
    word = {"approved_by": operator.name, "approved_with": operator.credential, "approved_at": now}
    return Request(**{**vars(asked), **word, "approval": signature})


def _verify(database: Connection, settings: Settings, asked: Request, operator: Operator) -> None:
    """That the request on record is the one that was signed, by a key that is live and not the approver's own."""
    held = {each.id: each for each in list_credentials(database, asked.requested_by, ROLE)}
    first = held.get(asked.requested_with)
    check = keyring.open(settings.keys_dir, asked.zone).check_value(asked.epoch)
    own = {each.public_key for each in list_credentials(database, operator.name, ROLE)}
    good = first is not None and first.revoked_at is None and first.public_key not in own
    if first is None or not good or asked.check_value != check:
        raise HuxinError("H1612")
    public: Any = load_der_public_key(first.public_key)
    try:
        if isinstance(public, Ed25519PublicKey):
            public.verify(asked.signature, statement_of(asked))
        elif isinstance(public, EllipticCurvePublicKey):
            public.verify(asked.signature, statement_of(asked), ECDSA(SHA256()))
    except InvalidSignature:
        raise HuxinError("H1612") from None


def _said(request: Request, word: str, by: str, with_: UUID, at: datetime) -> bytes:
    said = {
        "act": "keys.destroy",
        "word": word,
        "zone": request.zone,
        "epoch": request.epoch,
        "check": request.check_value,
        "request": str(request.id),
        "by": by,
        "key": str(with_),
        "at": moment_text(at),
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


__all__ = ["Operator", "approval_of", "ask_or_approve", "operator_of", "statement_of"]
