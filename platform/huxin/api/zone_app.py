"""The app behind a zone's port: for the other zones alone, whose certificates the server has seen.

Which zones those are is the server's affair (zone_serving): it trusts their issuers and no others.
"""

from __future__ import annotations

from apiflask import APIFlask
from flask import Response

from huxin.api import (
    problems,
    zone_blind,
    zone_entry,
    zone_health,
    zone_honeytokens,
    zone_keys,
    zone_registry,
)
from huxin.api.app import create_app
from huxin.api.shell import Config
from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin.zones.layout import required
from huxin.zones.roles import CALLERS, ENTRY, INTAKE, REGISTRY
from huxin_privacy.errors import PrivacyError

_MODULES = {
    (ENTRY, INTAKE): (zone_entry,),
    (REGISTRY, INTAKE): (zone_registry, zone_keys),
    (REGISTRY, ENTRY): (zone_keys, zone_blind, zone_honeytokens),
}
# Between two parts of a body: the intake zone makes the next ones meanwhile.
_BODY_S = 300.0


def create_zone_app(settings: Settings, config: Config, caller: str = INTAKE) -> APIFlask:
    """The app of a zone that others call, for one of them. HuxinError H1708, H1709."""
    called = [zone for zone, callers in CALLERS.items() if caller in callers]
    zone = required(settings, *called).zone
    chosen = Config(config.issuer, body_limit=config.body_limit, body_seconds=_BODY_S)
    app = create_app(settings, chosen, (*_MODULES[zone, caller], zone_health))
    app.extensions[zone_keys.CALLER] = caller
    app.register_error_handler(PrivacyError, refused)
    app.register_error_handler(HuxinError, told)
    return app


def told(error: HuxinError) -> Response:
    """A foreseen error by its code, also one that would be no member's business."""
    unknown = error.status is None and error.code not in problems.LOST
    return problems.problem(error) if unknown else problems.told(error)


def refused(error: PrivacyError) -> Response:
    """What the privacy package refuses is the other zone's business to know, by its code."""
    if error.code not in _TOLD:
        return problems.unforeseen(error)
    return problems.private(error)


# Of what was sealed, by whom and for whom; and that something hangs on a key.
_TOLD = frozenset(("P0151", "P0170", "P0171", "P0172", "P0101", "P0120"))
