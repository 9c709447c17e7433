"""Where the demo's account is printed, in which language, and since when it runs."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from rich.console import Console


@dataclass(frozen=True)
class Stage:
    """Where the account is printed, in which language, and since when the demo runs."""

    console: Console
    zh: bool
    begin: float

    def say(self, zh: str, en: str) -> None:
        """One line, with the seconds since the start."""
        self.console.print(
            f"[dim]{monotonic() - self.begin:5.0f}s[/] {zh if self.zh else en}", highlight=False
        )
