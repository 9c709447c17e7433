"""How the console is served, and the clock by which people sign in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


def present() -> datetime:
    """The machine's clock. Codes and sessions follow it even where HUXIN_NOW stands still: a telephone does not."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Config:
    """`address` is the console's public one: links name it, and cookies are for TLS alone where it is https.

    A block of a body may take `block_seconds` to arrive, all of it `body_seconds`.
    """

    address: str = "http://127.0.0.1:8001"
    idle: timedelta = timedelta(minutes=30)
    longest: timedelta = timedelta(hours=12)
    body_limit: int = 1 << 20
    block_seconds: float = 10.0
    body_seconds: float = 180.0
    clock: Callable[[], datetime] = field(default=present, repr=False)

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ, address: str | None = None) -> Config:
        """Reads HUXIN_CONSOLE_URL (without it `address`, where it is served) and HUXIN_BODY_SECONDS."""
        return cls(
            address=(env.get("HUXIN_CONSOLE_URL") or address or cls.address).rstrip("/"),
            block_seconds=float(env.get("HUXIN_BODY_SECONDS") or cls.block_seconds),
        )

    @property
    def secure(self) -> bool:
        return self.address.startswith("https://")
