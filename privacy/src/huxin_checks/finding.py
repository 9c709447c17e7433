"""One hit of a check, as it is stored and told: masked, no identifier can be read from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One hit of a check. `record` 0 stands for the whole file; `line` is the source file's own."""

    record: int
    code: str
    field: str
    line: int | None
    masked: str | None
