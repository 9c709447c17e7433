"""Which zone a HUXIN_HOME is of, and what it knows of the others: zones.yaml and the folder `zone` beside it.

    zones.yaml              zone: entry
                            peers: {registry: "https://registry.example:9443", …}
    zone/key.pem            the key of the zone's certificate (0600)      zone/certificate.pem      zone/issuer.pem
    zone/<peer>.card.json   the peers' cards

Where there is no zones.yaml, everything is one process and this package is at no work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin.zones.card import Card, read_card
from huxin.zones.roles import INTAKE, NEEDED, REGISTRY, RINGS, ROLES
from huxin_privacy import keyring
from huxin_privacy.files import write_atomic


@dataclass(frozen=True)
class Layout:
    """One zone's place: its files, and the addresses of the peers that it calls."""

    zone: str
    folder: Path
    peers: Mapping[str, str]

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def issuer(self) -> Path:
        return self.folder / "issuer.pem"

    def card_file(self, zone: str) -> Path:
        """Where a peer's card lies."""
        return self.folder / f"{zone}.card.json"

    def card(self, zone: str) -> Card:
        """A peer's card. HuxinError H1706 (there is none), H1705."""
        try:
            text = self.card_file(zone).read_bytes()
        except OSError:
            raise HuxinError("H1706", zone=zone, own=self.zone) from None
        found = read_card(text)
        if found.zone != zone:
            raise HuxinError("H1705")
        return found

    def missing(self) -> list[str]:
        """The peers whose cards are needed and not there."""
        return [zone for zone in NEEDED[self.zone] if not self.card_file(zone).exists()]


def layout_of(settings: Settings) -> Layout | None:
    """The layout of a split platform's home, None where everything is one process. HuxinError H1707."""
    file = settings.zones_file
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        if settings.zones is None:
            return None
        raise HuxinError(
            "H1707", file=file.name
        ) from None  # a zone that is named and not there is not "one process"
    except (OSError, UnicodeDecodeError):
        raise HuxinError("H1707", file=file.name) from None
    try:
        zone, peers = _said(yaml.safe_load(text))
    except (yaml.YAMLError, KeyError, TypeError, ValueError):
        raise HuxinError("H1707", file=file.name) from None
    return Layout(zone, settings.home / "zone", peers)


def zone_of(settings: Settings) -> str | None:
    """The zone that a home is of, None where it holds all of them."""
    layout = layout_of(settings)
    return layout.zone if layout else None


def rings_of(settings: Settings) -> tuple[str, ...]:
    """The keyrings that a home holds."""
    zone = zone_of(settings)
    return RINGS[zone] if zone else keyring.ZONES


def spool_ring(settings: Settings) -> str:
    """The keyring that the spool's files are sealed under: each zone seals under its own."""
    return REGISTRY if zone_of(settings) == REGISTRY else INTAKE


def require_files(settings: Settings) -> None:
    """HuxinError H1709 where members' files must not come: they hold people and loans together."""
    zone = zone_of(settings)
    if zone not in (None, INTAKE):
        raise HuxinError("H1709", zone=zone, wanted=INTAKE)


def required(settings: Settings, *zones: str) -> Layout:
    """The layout, of one of these zones. HuxinError H1708 (not split), H1709 (of another zone)."""
    layout = layout_of(settings)
    if layout is None:
        raise HuxinError("H1708", home=settings.home)
    if layout.zone not in zones:
        raise HuxinError("H1709", zone=layout.zone, wanted=", ".join(zones))
    return layout


def write_layout(settings: Settings, zone: str, peers: Mapping[str, str]) -> Layout:
    """Writes zones.yaml."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = settings.home / "zone"
    folder.mkdir(mode=0o700, exist_ok=True)
    text = yaml.safe_dump({"zone": zone, "peers": dict(peers)}, allow_unicode=True, sort_keys=False)
    write_atomic(settings.zones_file, text.encode())
    return Layout(zone, folder, dict(peers))


def _said(said: Any) -> tuple[str, dict[str, str]]:
    zone, peers = said["zone"], said.get("peers") or {}
    right = zone in ROLES and all(peer in ROLES and peer != zone for peer in peers)
    if not right or not all(isinstance(url, str) and url.startswith("https://") for url in peers.values()):
        raise ValueError("zones.yaml")
    return zone, dict(peers)
