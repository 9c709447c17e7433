"""A member's settings: from the command line, the environment (HUXIN_EDGE_…), or huxin-edge.toml; in this order."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

from huxin_edge.transport import Transport
from huxin_privacy.client import Identity
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import write_atomic
from huxin_privacy.sealing_key import SealingKey, parse_sealing_key

FILE: Final = "huxin-edge.toml"
_PREFIX: Final = "HUXIN_EDGE_"


@dataclass(frozen=True)
class EdgeSettings:
    """All are texts, None where nothing was said; paths that the file names are relative to its folder."""

    url: str | None = None
    entry_url: str | None = None
    intake_url: str | None = None
    member: str | None = None
    key: str | None = None
    key_id: str | None = None
    seal_key: str | None = None
    ca_file: str | None = None
    language: str | None = None

    def needed(self, name: str) -> str:
        """A setting that a command cannot do without. PrivacyError P0180."""
        value: str | None = getattr(self, name)
        if not value:
            raise PrivacyError("P0180", what=name)
        return value

    def identity(self) -> Identity:
        """Who calls. PrivacyError P0180, P0183 (no such file), P0184 (no key in it)."""
        member, file, number = self.needed("member"), Path(self.needed("key")), self.needed("key_id")
        try:
            return Identity.read(member, number, file)
        except OSError:
            raise PrivacyError("P0183", file=file.name) from None
        except (ValueError, TypeError):
            raise PrivacyError("P0184", file=file.name) from None

    def transport(self, name: str = "url", timeout_s: float = 60.0) -> Transport:
        """The way to the platform, or to the zone of that setting. PrivacyError P0180, P0183 (no such certificates)."""
        url = self.needed(name)
        try:
            return Transport(url, Path(self.ca_file) if self.ca_file else None, timeout_s)
        except OSError:
            raise PrivacyError("P0183", file=self.ca_file) from None
        except ValueError:
            raise PrivacyError("P0180", what=f"{name} (https://…)") from None

    def sealing_key(self) -> SealingKey:
        """The platform's key that was confirmed. PrivacyError P0180, P0158."""
        return parse_sealing_key(self.needed("seal_key"))


NAMES: Final = tuple(each.name for each in fields(EdgeSettings))


def settings_file(said: str | None, env: Mapping[str, str] = os.environ) -> Path:
    """Where the settings lie."""
    return Path(said or env.get(f"{_PREFIX}CONFIG") or FILE)


def read_settings(
    file: Path, said: Mapping[str, str | None], env: Mapping[str, str] = os.environ
) -> EdgeSettings:
    """The settings of a command. PrivacyError P0191 when the file is malformed."""
    found = EdgeSettings(**stored(file))
    places = {name: value for name in ("key", "ca_file") if (value := getattr(found, name))}
    found = replace(found, **{name: str(file.parent / value) for name, value in places.items()})
    named = {name: env[_PREFIX + name.upper()] for name in NAMES if env.get(_PREFIX + name.upper())}
    return replace(found, **named, **{name: value for name, value in said.items() if value and name in NAMES})


def stored(file: Path) -> dict[str, str]:
    """What a settings file says; nothing where there is none. PrivacyError P0191."""
    try:
        content = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise PrivacyError("P0191", file=file.name, what="TOML") from None
    for name, value in content.items():
        if name not in NAMES or not isinstance(value, str):
            raise PrivacyError("P0191", file=file.name, what=name[:32])
    return content


def store(file: Path, **changes: str) -> None:
    """Writes settings into the file, beside those it has."""
    lines = [
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n"
        for name, value in (stored(file) | changes).items()
    ]
    write_atomic(file, "".join(lines).encode())
