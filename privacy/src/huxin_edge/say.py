"""What the tool says, and how: to people on any console in their language, to programs as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

_EVERY_S = 0.1
_WIDTH = 24


def language_of(said: str | None, env: Mapping[str, str] = os.environ) -> str:
    """ "zh" or "en": as said, else by HUXIN_LANG or the locale, else Chinese."""
    chosen = said or env.get("HUXIN_LANG") or env.get("LC_ALL") or env.get("LANG") or "zh"
    return "zh" if chosen.lower().startswith(("zh", "c.", "c", "posix")) else "en"


def fit_console() -> None:
    """Has a console of any encoding (GBK among them) take every text: what it cannot show becomes a question mark."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


class Voice:
    """One run's way of speaking. Data goes to standard output, everything else to standard error."""

    def __init__(self, language: str, as_json: bool = False) -> None:
        self.language, self.as_json = language, as_json

    def pick(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def line(self, text: str) -> None:
        """A line of data."""
        sys.stdout.write(text + "\n")

    def data(self, content: Any) -> None:
        """JSON as one line: ASCII where the console could not show it, so that programs read what was meant."""
        encoding = (getattr(sys.stdout, "encoding", "") or "").lower()
        self.line(json.dumps(content, ensure_ascii=not encoding.startswith("utf"), default=str))

    def note(self, zh: str, en: str) -> None:
        """A line for people."""
        sys.stderr.write(self.pick(zh, en) + "\n")

    @contextmanager
    def bar(self, zh: str, en: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """A function that is told what was just done; draws on a terminal only, in ASCII but for its words."""
        bar = _Bar(sys.stderr, self.pick(zh, en), total)
        try:
            yield bar.add
        finally:
            bar.end()


class _Bar:
    def __init__(self, stream: TextIO, words: str, total: int | None) -> None:
        self._stream, self._words, self._total = stream, words, total
        self._done, self._drawn = 0, 0.0
        self._shown = stream.isatty()

    def add(self, done: int) -> None:
        self._done += done
        if self._shown and time.monotonic() - self._drawn >= _EVERY_S:
            self._draw()

    def end(self) -> None:
        if self._shown and self._drawn:
            self._draw()
            self._stream.write("\n")

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        if self._total:
            full = min(_WIDTH, self._done * _WIDTH // self._total)
            percent = min(100, self._done * 100 // self._total)
            shape = f"[{'#' * full}{'.' * (_WIDTH - full)}] {percent:3d}%"
        else:
            shape = f"{self._done:,}"
        self._stream.write(f"\r{self._words} {shape}")
        self._stream.flush()
