"""What a rule gives when it fires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Fired:
    """`figures` go into the answer, `words` only into the reason; `level` where it is not simply the policy's."""

    figures: dict[str, Any]
    words: Mapping[str, str] = field(default_factory=dict)
    level: str | None = None
