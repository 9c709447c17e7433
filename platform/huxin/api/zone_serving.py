"""Serves a zone: its port for the other zones over mutual TLS, and beside it what members' programs call.

Whoever shows no certificate of a zone that may call is not let in at all: the server trusts the issuers of these zones
and no others, and the app need not ask who calls.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from apiflask import APIFlask

from huxin.api.serving import Serving, Tell, serve
from huxin.api.shell import Config
from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin.zones.layout import Layout, required
from huxin.zones.roles import CALLERS, ENTRY, REGISTRY
from huxin_privacy.files import write_atomic

PORTS = {ENTRY: 9444, REGISTRY: 9443}


def serve_port(settings: Settings, config: Config, serving: Serving, tell: Tell) -> None:
    """Serves the other zones until SIGTERM or Ctrl-C.

    HuxinError H1708, H1709, H1706 (no card of a zone that may call), H1711 (no certificate), H1129 (address taken).
    """
    layout = required(settings, *PORTS)
    if not (layout.certificate.is_file() and layout.key.is_file()):
        raise HuxinError("H1711", zone=layout.zone)
    with tempfile.TemporaryDirectory(prefix="huxin-callers-") as folder:
        chosen = replace(
            serving,
            tls_cert=layout.certificate,
            tls_key=layout.key,
            callers=_callers(layout, Path(folder)),
            sequencer=False,
            work=False,
            database=layout.zone != ENTRY,
        )
        serve(settings, config, chosen, tell, _make_port)


def _callers(layout: Layout, folder: Path) -> Path:
    """The issuers of those who may call, in one file, which is not the zone's own: that folder may be read-only."""
    issuers = [layout.card(zone).issuer for zone in CALLERS[layout.zone]]
    file = folder / "callers.pem"
    write_atomic(file, "".join(issuers).encode())
    return file


def _make_port(settings: Settings, config: Config) -> APIFlask:
    from huxin.api.zone_app import create_zone_app  # in the worker, as its other apps

    return create_zone_app(settings, config)
