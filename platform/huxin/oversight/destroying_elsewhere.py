"""The destruction of a key in a zone without a log: counted, signed for and put on record in the registry zone."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from huxin.errors import HuxinError
from huxin.oversight import acts_elsewhere
from huxin.oversight.key_approval import Operator, approval_of, public_of, request_by, secret_of
from huxin.registry.key_acts import Depending, Request
from huxin.settings import Settings
from huxin.zones.calls import Peer
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, INTAKE, REGISTRY
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.keyring import ACTIVE, DESTROYED, Keyring

DEPENDING: Final = "/zone/keys/depending"
STANDING: Final = "/zone/keys/standing"
REQUEST: Final = "/zone/keys/requests"
APPROVAL: Final = "/zone/keys/approvals"
_SECONDS: Final = 300.0  # a count walks through every alias
_LISTED_S: Final = 30.0  # a list goes without the count where the registry zone does not answer


def ask_or_approve(
    settings: Settings, zone: str, epoch: int, name: str, file: Path, here: int = 0
) -> tuple[Request, Keyring | None]:
    """As key_approval.ask_or_approve; `here` is what hangs on the key in this zone itself.

    Operators are those registered in the registry zone, which refuses while anything hangs on the epoch there:
    PrivacyError P0120 with the count. HuxinErrors of the call, H1609-H1612.
    """
    layout, secret = required(settings, ENTRY, INTAKE), secret_of(file)
    ring = keyring.open(settings.keys_dir, zone)
    state = ring.epoch(epoch).state
    if state in (ACTIVE, DESTROYED):
        raise PrivacyError("P0119", epoch=epoch, state=state, wanted=DESTROYED)
    if here:
        raise PrivacyError("P0120", epoch=epoch, count=here)
    acts_elsewhere.catch_up(settings, zone)  # what it has to know of this epoch
    peer, check = Peer(layout, REGISTRY), ring.check_value(epoch)
    whom = {"epoch": epoch, "by": name, "public": base64.b64encode(public_of(secret)).decode()}
    said = _called(peer, STANDING, whom)
    operator = Operator(name, UUID(said["credential"]), secret)
    if said["request"] is None:
        made = request_by(operator, zone, epoch, check, settings.now())
        _called(peer, REQUEST, request_json(made))
        return made, None
    asked = request_from(zone, said["request"])
    _called(peer, APPROVAL, _approval(operator, asked, settings.now()))
    facts = {"request": str(asked.id)}
    return asked, acts_elsewhere.act(
        settings, zone, "keys.destroyed", lambda held: keyring.destroy(held, epoch, 0), facts
    )


def depending_there(settings: Settings, epoch: int) -> Depending:
    """What hangs on an entry key, as the registry zone counts it. HuxinErrors of the call."""
    peer = Peer(required(settings, ENTRY), REGISTRY)
    return Depending(**_called(peer, DEPENDING, {"epoch": epoch}, _LISTED_S))


def request_json(made: Request) -> dict[str, Any]:
    """A request as one zone tells it another; nobody has approved it yet."""
    return {
        "id": str(made.id),
        "epoch": made.epoch,
        "check": made.check_value,
        "by": made.requested_by,
        "with": str(made.requested_with),
        "at": made.requested_at.isoformat(),
        "expires_at": made.expires_at.isoformat(),
        "signature": made.signature.hex(),
    }


def request_from(zone: str, said: Mapping[str, Any]) -> Request:
    """What `request_json` told. HuxinError H1718."""
    try:
        return Request(
            UUID(said["id"]),
            zone,
            int(said["epoch"]),
            str(said["check"]),
            str(said["by"]),
            UUID(said["with"]),
            datetime.fromisoformat(said["at"]),
            datetime.fromisoformat(said["expires_at"]),
            bytes.fromhex(said["signature"]),
        )
    except (KeyError, TypeError, ValueError):
        raise HuxinError("H1718") from None


def _approval(operator: Operator, asked: Request, now: datetime) -> dict[str, Any]:
    signature = operator.sign(approval_of(asked, operator.name, operator.credential, now))
    return {
        "id": str(asked.id),
        "epoch": asked.epoch,
        "by": operator.name,
        "with": str(operator.credential),
        "at": now.isoformat(),
        "signature": signature.hex(),
    }


def _called(peer: Peer, path: str, body: Mapping[str, Any], seconds: float = _SECONDS) -> Any:
    return peer.call("POST", path, json.dumps(body).encode(), seconds=seconds).json()
