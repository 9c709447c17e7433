"""Settings, read once from the environment; every path of the platform's own state stands below one home."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from huxin.errors import HuxinError

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Settings:
    """What a process needs to know of its surroundings.

    `database_url` is None when the embedded server below `home` serves; `fixed_now` is HUXIN_NOW; `zones` is the
    file of a split platform's zone where it is not HUXIN_HOME/zones.yaml.
    """

    home: Path
    database_url: str | None = None
    fixed_now: datetime | None = None
    language: str = "zh"
    zones: Path | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Reads HUXIN_HOME, HUXIN_DATABASE_URL (or the file HUXIN_DATABASE_URL_FILE), HUXIN_NOW, HUXIN_LANG and
        HUXIN_ZONES.

        Raises HuxinError H0101 when HUXIN_NOW is not an ISO 8601 time, H0103 when the file gives no address.
        """
        return cls(
            home=Path(env.get("HUXIN_HOME") or ".huxin").absolute(),
            database_url=env.get("HUXIN_DATABASE_URL") or _from_file(env.get("HUXIN_DATABASE_URL_FILE")),
            fixed_now=_parse_now(env.get("HUXIN_NOW")),
            language=_language(env),
            zones=Path(env["HUXIN_ZONES"]).absolute() if env.get("HUXIN_ZONES") else None,
        )

    def now(self) -> datetime:
        """The present moment, with its zone (UTC); HUXIN_NOW stands for it where it is set."""
        return self.fixed_now or datetime.now(UTC)

    def today(self) -> date:
        """The business day in Asia/Shanghai, which as-of dates are compared with."""
        return self.now().astimezone(SHANGHAI).date()

    @property
    def keys_dir(self) -> Path:
        return self.home / "keys"

    @property
    def spool_dir(self) -> Path:
        return self.home / "spool"

    @property
    def postgres_dir(self) -> Path:
        return self.home / "postgres"

    @property
    def zones_file(self) -> Path:
        """There in a platform that is split into zones only."""
        return self.zones or self.home / "zones.yaml"

    @property
    def airflow_home(self) -> Path:
        return self.home / "airflow"


def running_user() -> str:
    """Whose account this process runs under; `uid-<number>` where that has no name, as containers often run."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the one before Python 3.13, the other since
        return f"uid-{os.getuid()}"


def _from_file(name: str | None) -> str | None:
    """The address in a file: a password there is in no process list, compose file or crash report."""
    if not name:
        return None
    try:
        text = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise HuxinError("H0103", file=name, reason=type(error).__name__) from None
    if not text:
        raise HuxinError("H0103", file=name, reason="empty")
    return text


def _parse_now(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise HuxinError("H0101", value=text) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


def _language(env: Mapping[str, str]) -> str:
    chosen = env.get("HUXIN_LANG") or env.get("LC_ALL") or env.get("LANG") or "zh"
    return "zh" if chosen.lower().startswith(("zh", "c.", "c", "posix")) else "en"
