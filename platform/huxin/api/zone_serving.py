"""Serves a zone: its port for the other zones over mutual TLS, and beside it what members' programs call.

Whoever shows no certificate of a zone that may call is not let in at all: the server trusts the issuers of these zones
and no others, and the app need not ask who calls.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

from apiflask import APIFlask

from huxin.api.serving import Serving, Tell, serve
from huxin.api.shell import Config
from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin.zones.layout import Layout, required
from huxin.zones.roles import ENTRY, INTAKE, PORTS
from huxin_privacy.files import write_atomic


def serve_port(
    settings: Settings, config: Config, serving: Serving, tell: Tell, caller: str = INTAKE
) -> None:
    """Serves one of the other zones until SIGTERM or Ctrl-C.

    HuxinError H1708, H1709, H1706 (no card of a zone that may call), H1711 (no certificate), H1129 (address taken).
    """
    layout = required(settings, *(zone for zone, calling in PORTS if calling == caller))
    if not (layout.certificate.is_file() and layout.key.is_file()):
        raise HuxinError("H1711", zone=layout.zone)
    with tempfile.TemporaryDirectory(prefix="huxin-callers-") as folder:
        chosen = replace(
            serving,
            tls_cert=layout.certificate,
            tls_key=layout.key,
            callers=_callers(layout, caller, Path(folder)),
            sequencer=False,
            work=False,
            database=layout.zone != ENTRY,
        )
        serve(settings, config, chosen, tell, partial(_make_port, caller))


def _callers(layout: Layout, caller: str, folder: Path) -> Path:
    """The issuer of the one who may call, in a file which is not the zone's own: that folder may be read-only."""
    file = folder / "callers.pem"
    write_atomic(file, layout.card(caller).issuer.encode())
    return file


def _make_port(caller: str, settings: Settings, config: Config) -> APIFlask:
    from huxin.api.zone_app import create_zone_app  # in the worker, as its other apps

    return create_zone_app(settings, config, caller)
