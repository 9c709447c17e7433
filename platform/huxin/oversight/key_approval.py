"""The destruction of a key: asked by one operator, approved by another, each with a signature of their own key.

An operator is who holds the private half of a key registered for the role `operator` (`huxin members key`). The
signatures stand in the log's leaves and can be checked against the registered public keys at any time. What this does
not hold against: whoever may write the registry's tables and run commands as the service can register operators too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePrivateKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
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
from huxin.oversight.key_epochs import destroy, require_count
from huxin.oversight.key_retiring import depending
from huxin.registry import key_acts
from huxin.registry.audit_acts import note_act, note_operator_act
from huxin.registry.credentials import Credential, list_credentials
from huxin.registry.key_acts import Request
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.zones.layout import rings_of, zone_of
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.keyring import ACTIVE, DESTROYED, Keyring

if TYPE_CHECKING:
    from sqlalchemy import Connection

VALID: Final = timedelta(days=7)  # a request that nobody approved in this time is void
ROLE: Final = "operator"
Secret = Ed25519PrivateKey | EllipticCurvePrivateKey
SIGNED_WITHIN: Final = timedelta(
    minutes=15
)  # so old may a signature be that was made before the console's page
_RAW: Final = 64  # bytes of r and s of P-256


@dataclass(frozen=True)
class Operator:
    """Who acts: a name, the number of the registered key, and what signs. Its repr shows no key."""

    name: str
    credential: UUID
    _secret: Secret = field(repr=False)

    def sign(self, statement: bytes) -> bytes:
        """A signature of the registered kind: EdDSA, or ES256 in DER."""
        if isinstance(self._secret, Ed25519PrivateKey):
            return self._secret.sign(statement)
        return self._secret.sign(statement, ECDSA(SHA256()))


def operator_of(settings: Settings, name: str, file: Path) -> Operator:
    """The operator of that name whose registered key goes with this private one. HuxinError H1609, H1610."""
    secret = secret_of(file)
    with connection(settings) as database:
        return Operator(name, live_credential(database, name, public_of(secret)), secret)


def secret_of(file: Path) -> Secret:
    """An operator's private key. HuxinError H1610."""
    try:
        secret = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        raise HuxinError("H1610", file=file.name) from None
    if not isinstance(secret, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise HuxinError("H1610", file=file.name)
    return secret


def public_of(secret: Secret) -> bytes:
    """Its public half as it is registered (DER)."""
    return secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def live_credential(database: Connection, name: str, public: bytes) -> UUID:
    """The number of an operator's registered key. HuxinError H1609."""
    for each in operator_keys(database, name):
        if each.public_key == public:
            return each.id
    raise HuxinError("H1609", holder=name[:64])


def ask_or_approve(
    settings: Settings, zone: str, epoch: int, operator: Operator
) -> tuple[Request, Keyring | None]:
    """Asks for an epoch's destruction, or approves what another operator asked; then it is destroyed.

    Returns the request, and the keyring as it is afterwards (None: another operator's word is waited for). Nothing is
    asked for while anything hangs on the epoch: PrivacyError P0120 with the count; P0117, P0119. HuxinError H1611
    (one's own request), H1612 (the request on record is not what was signed).
    """
    require_count(settings)
    count = _require_free(settings, zone, epoch)
    with connection(settings) as database:
        key_acts.take_turn(database)
        asked = key_acts.open_request(database, zone, epoch, settings.now())
        if asked is None:
            return _ask(database, settings, zone, epoch, operator), None
        asked = _approved(database, settings, asked, operator)
    return asked, destroy(settings, zone, epoch, count, _facts(asked))


def approve_signed(settings: Settings, id_: UUID, by: str, at: datetime, signature: bytes) -> Keyring:
    """Approves by a signature that the second operator made elsewhere, of `approval_of`; then the epoch is destroyed.

    `signature` is EdDSA's, or ES256's in DER or as r and s. HuxinError H2007 (no such request waits), H2008 (their
    own), H2018 (a signature of something else, or of another time), H2019 (no operator's key), H2020 (something
    still hangs on the epoch), H1612, H1709 (another zone's key); PrivacyError P0117, P0119.
    """
    require_count(settings)
    with connection(settings) as database:
        asked = _waiting(key_acts.open_requests(database, settings.now()), id_)
    if asked.zone not in rings_of(
        settings
    ):  # where the platform is split: by `huxin keys destroy`, in that zone
        raise HuxinError("H1709", zone=zone_of(settings), wanted=asked.zone)
    count = depending(settings, asked.zone, asked.epoch).total
    if count:
        raise HuxinError("H2020", epoch=asked.epoch, count=count)
    _require_free(settings, asked.zone, asked.epoch)
    with connection(settings) as database:
        key_acts.take_turn(database)
        asked = _waiting(key_acts.open_requests(database, settings.now()), id_)
        asked = _approved_signed(database, settings, asked, by, at, signature)
    return destroy(settings, asked.zone, asked.epoch, count, _facts(asked))


def decline(settings: Settings, id_: UUID, by: str) -> Request:
    """Ends a request: nothing is destroyed. HuxinError H2007 where none such waits."""
    with connection(settings) as database:
        key_acts.take_turn(database)
        asked = key_acts.decline_request(database, id_, settings.now())
        if asked is None:
            raise HuxinError("H2007")
        facts = {"zone": asked.zone, "epoch": asked.epoch, "check": asked.check_value, "request": str(id_)}
        facts |= {"requested_by": asked.requested_by, "by": by}
        note_act(database, "keys.destroy_declined", facts, settings.now())
    return asked


def operator_keys(database: Connection, name: str) -> list[Credential]:
    """The live keys registered for an operator of that name."""
    return [each for each in list_credentials(database, name, ROLE) if each.revoked_at is None]


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


def _facts(asked: Request) -> dict[str, str]:
    return {
        "request": str(asked.id),
        "requested_by": asked.requested_by,
        "request_signature": asked.signature.hex(),
        "approved_by": asked.approved_by or "",
        "approval_signature": (asked.approval or b"").hex(),
    }


def _waiting(found: list[Request], id_: UUID) -> Request:
    for each in found:
        if each.id == id_:
            return each
    raise HuxinError("H2007")


def request_by(operator: Operator, zone: str, epoch: int, check: str, now: datetime) -> Request:
    """A request as its operator signs it."""
    bare = Request(
        new_id(), zone, epoch, check, operator.name, operator.credential, now, now + VALID, signature=b""
    )
    return replace(bare, signature=operator.sign(statement_of(bare)))


def _ask(database: Connection, settings: Settings, zone: str, epoch: int, operator: Operator) -> Request:
    now = settings.now()
    check = keyring.open(settings.keys_dir, zone).check_value(epoch)
    made = request_by(operator, zone, epoch, check, now)
    key_acts.add_request(database, made)
    facts = {"zone": zone, "epoch": epoch, "check": check, "request": str(made.id)}
    facts |= {"operator": operator.name, "signature": made.signature.hex()}
    note_operator_act(database, "keys.destroy_requested", facts, now)
    return made


def _approved(database: Connection, settings: Settings, asked: Request, operator: Operator) -> Request:
    if operator.name == asked.requested_by or operator.credential == asked.requested_with:
        raise HuxinError("H1611", holder=asked.requested_by)
    _verify(database, settings, asked, operator.name)
    now = settings.now()
    signature = operator.sign(approval_of(asked, operator.name, operator.credential, now))
    key_acts.approve_request(database, asked.id, operator.name, operator.credential, signature, now)
    word = {"approved_by": operator.name, "approved_with": operator.credential, "approved_at": now}
    return Request(**{**vars(asked), **word, "approval": signature})


def _approved_signed(
    database: Connection, settings: Settings, asked: Request, by: str, at: datetime, signature: bytes
) -> Request:
    held = operator_keys(database, by)
    if not held:
        raise HuxinError("H2019", login=by)
    if by == asked.requested_by or asked.requested_with in {each.id for each in held}:
        raise HuxinError("H2008")
    _verify(database, settings, asked, by)
    fresh = timedelta(0) <= settings.now() - at <= SIGNED_WITHIN
    for each in held if fresh else ():
        signed = _signed(each.public_key, signature, approval_of(asked, by, each.id, at))
        if signed:
            key_acts.approve_request(database, asked.id, by, each.id, signed, at)
            word = {"approved_by": by, "approved_with": each.id, "approved_at": at, "approval": signed}
            return Request(**{**vars(asked), **word})
    raise HuxinError("H2018", minutes=SIGNED_WITHIN // timedelta(minutes=1))


def _signed(der: bytes, signature: bytes, statement: bytes) -> bytes | None:
    """The signature as it is kept, where it is one of the statement by this key; None where it is not."""
    public: Any = load_der_public_key(der)
    try:
        if isinstance(public, Ed25519PublicKey):
            public.verify(signature, statement)
            return signature
        if len(signature) == _RAW:  # as browsers make it
            half = _RAW // 2
            numbers = (int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
            signature = encode_dss_signature(*numbers)
        public.verify(signature, statement, ECDSA(SHA256()))
    except InvalidSignature:
        return None
    return signature


def _verify(database: Connection, settings: Settings, asked: Request, approver: str) -> None:
    """That the request on record is the one that was signed, by a key that is live and not the approver's own."""
    check = keyring.open(settings.keys_dir, asked.zone).check_value(asked.epoch)
    require_request(database, asked, check, approver)


def require_request(database: Connection, asked: Request, check: str, approver: str) -> None:
    """The same of a key whose check value is told, where its zone is elsewhere. HuxinError H1612."""
    own = {each.public_key for each in list_credentials(database, approver, ROLE)}
    first = _live(database, asked.requested_by, asked.requested_with)
    if first.public_key in own or asked.check_value != check:
        raise HuxinError("H1612")
    if _signed(first.public_key, asked.signature, statement_of(asked)) is None:
        raise HuxinError("H1612")


def require_word(database: Connection, name: str, credential: UUID, signature: bytes, said: bytes) -> None:
    """That an operator whose key is live signed these words. HuxinError H1612."""
    if _signed(_live(database, name, credential).public_key, signature, said) is None:
        raise HuxinError("H1612")


def _live(database: Connection, name: str, credential: UUID) -> Credential:
    for each in operator_keys(database, name):
        if each.id == credential:
            return each
    raise HuxinError("H1612")


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


__all__ = [
    "Operator",
    "approval_of",
    "approve_signed",
    "ask_or_approve",
    "decline",
    "live_credential",
    "operator_keys",
    "operator_of",
    "public_of",
    "request_by",
    "require_request",
    "require_word",
    "secret_of",
    "statement_of",
]
