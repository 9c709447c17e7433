"""A platform split into zones, in this process: three homes, two databases, and the ports of two zones in threads.

The ports are served by Werkzeug over the very TLS that the zones' own server demands (tests/zones runs that one too).
"""

from __future__ import annotations

import shutil
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from huxin.api.shell import Config
from huxin.api.zone_app import create_zone_app
from huxin.cli.setup import prepare
from huxin.settings import Settings
from huxin.zones import authority
from huxin.zones.card import card_text
from huxin.zones.layout import Layout, required
from huxin.zones.making import make_zone, own_card, take_card
from huxin.zones.roles import ENTRY, INTAKE, PORTS, REGISTRY, ROLES

HERE = "127.0.0.1"
ISSUER = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Split:
    """The three zones' settings, the certificates' authority, and `whole`: both other zones' keys on the registry.

    `whole` is nobody's: with it a test reads what the registry holds as the one process would.
    """

    intake: Settings
    entry: Settings
    registry: Settings
    whole: Settings
    authority: Path

    def of(self, zone: str) -> Settings:
        return {INTAKE: self.intake, ENTRY: self.entry, REGISTRY: self.registry}[zone]


def made(
    folder: Path,
    intake_url: str | None,
    registry_url: str | None,
    now: datetime | None,
    suite: str | None = None,
    issuer: str = ISSUER,
) -> Split:
    """The homes, ready but for the addresses; databases are those given, or embedded servers of the homes' own."""
    ca = folder / "ca"
    authority.create_authority(ca)
    urls = {INTAKE: intake_url, ENTRY: None, REGISTRY: registry_url}
    homes = {zone: Settings(folder / zone, urls[zone], now) for zone in ROLES}
    for zone, settings in homes.items():
        make_zone(settings, zone, [HERE], ca)
        prepare(settings, suite if zone == ENTRY else None)
    exchange(homes, issuer)
    whole = Settings(folder / "whole", registry_url, now)
    for zone in (ENTRY, REGISTRY, INTAKE):
        shutil.copytree(homes[zone].keys_dir, whole.keys_dir, dirs_exist_ok=True)
    return Split(homes[INTAKE], homes[ENTRY], homes[REGISTRY], whole, ca)


def exchange(homes: dict[str, Settings], issuer: str = ISSUER) -> None:
    """Everybody's card to everybody else."""
    cards = {zone: card_text(own_card(settings, issuer)) for zone, settings in homes.items()}
    for zone, settings in homes.items():
        for other, card in cards.items():
            if other != zone:
                take_card(settings, card, None)


@contextmanager
def served(split: Split) -> Iterator[Split]:
    """The ports of entry and registry zone at work, their addresses known to those who call them."""
    with ExitStack() as stack:
        for zone, caller in PORTS:
            port = stack.enter_context(port_of(split.of(zone), caller))
            card = split.of(caller).home / "zone" / f"{zone}.card.json"
            take_card(split.of(caller), card.read_bytes(), f"https://{HERE}:{port}")
        yield split


@contextmanager
def port_of(settings: Settings, caller: str = INTAKE) -> Iterator[int]:
    """One zone's port for another in a thread; its number."""
    layout = required(settings, *ROLES)
    app = create_zone_app(settings, Config(), caller)
    server = make_server(HERE, 0, app, threaded=True, request_handler=_Quiet, ssl_context=tls(layout, caller))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        _stop(server, thread)
        app.extensions["huxin"].live.close()


def tls(layout: Layout, caller: str) -> ssl.SSLContext:
    """What the zone's server demands: 1.3, and a certificate by the issuer of the one who may call."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(layout.certificate, layout.key)
    context.load_verify_locations(cadata=layout.card(caller).issuer)
    return context


def later(split: Split, now: datetime) -> Split:
    """The same at another time."""
    names = ("intake", "entry", "registry", "whole")
    return replace(split, **{name: replace(getattr(split, name), fixed_now=now) for name in names})


def _stop(server: BaseWSGIServer, thread: threading.Thread) -> None:
    server.shutdown()
    thread.join()
    server.server_close()


class _Quiet(WSGIRequestHandler):
    """Writes no line a request, and ends a connection after its answer."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing."""
