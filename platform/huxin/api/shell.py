"""What the API's views share in a process: settings, configuration, the registry's statements, tokens, counters."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import current_app

from huxin.errors import HuxinError
from huxin.registry.credentials import Row
from huxin.registry.live import Live
from huxin.settings import Settings

if TYPE_CHECKING:
    from huxin.api.metrics import Meter
    from huxin.api.taking_turns import Turns
    from huxin.api.tokens import Tokens
    from huxin.slow import Reads

NAME = "huxin"


@dataclass(frozen=True)
class Config:
    """How the API is served. `issuer` is its public address: tokens and assertions name it."""

    issuer: str = "http://127.0.0.1:8000"
    body_limit: int = 64 * 1024
    body_seconds: float = 10.0
    # A process's: uploads take up to half of them, one member's a quarter, bodies that were refused another.
    threads: int = 8
    # Of a member's file with all that is around it; one to be checked only is held in memory.
    upload_limit: int = 2 << 30
    check_limit: int = 50 << 20
    # For how long a caller's standing (key live, member active) is believed without asking the registry.
    recheck_seconds: float = 2.0
    access_log: bool = False
    # Whether nobody here is real (huxin.sandbox).
    sandbox: bool = False
    metrics_token: str | None = field(default=None, repr=False)

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Config:
        """Reads HUXIN_PUBLIC_URL, HUXIN_UPLOAD_MB, HUXIN_BODY_SECONDS, HUXIN_ACCESS_LOG and
        HUXIN_METRICS_TOKEN."""
        return cls(
            issuer=(env.get("HUXIN_PUBLIC_URL") or cls.issuer).rstrip("/"),
            body_seconds=float(env.get("HUXIN_BODY_SECONDS") or cls.body_seconds),
            upload_limit=_upload_limit(env, cls.upload_limit),
            access_log=env.get("HUXIN_ACCESS_LOG") == "1",
            metrics_token=env.get("HUXIN_METRICS_TOKEN") or None,
        )


def _upload_limit(env: Mapping[str, str], default: int) -> int:
    """HUXIN_UPLOAD_MB in bytes. HuxinError H1411 when it is no number of megabytes."""
    said = env.get("HUXIN_UPLOAD_MB")
    if not said:
        return default
    if not re.fullmatch("[1-9][0-9]{0,5}", said):
        raise HuxinError("H1411", value=said[:32])
    return int(said) << 20


@dataclass(frozen=True)
class Shell:
    """`live` is the process's pool of connections as the app's role; `uploads` and `refusals` are files that come and
    bodies that are read only to be dropped, both for as long as their senders take."""

    settings: Settings
    config: Config
    live: Live
    tokens: Tokens
    meter: Meter
    reads: Reads
    uploads: Turns
    refusals: Turns

    @property
    def row(self) -> Row:
        """Runs one statement as the app's role and gives its first row."""
        return self.live.row


def shell() -> Shell:
    """That of the app which answers the present request."""
    found = current_app.extensions[NAME]
    assert isinstance(found, Shell)
    return found
