"""What the console's views share in a process: settings, configuration, keys."""

from __future__ import annotations

import hashlib
import hmac
import threading
from dataclasses import dataclass, field

from flask import current_app

from huxin.console.config import Config
from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin_privacy.derivation import derive
from huxin_privacy.errors import PrivacyError
from huxin_privacy.kek import create_kek, key_encryption_key

NAME = "huxin_console"
KEY = "console"


@dataclass
class Desk:
    """One a process. Keys are read when they are first needed, and made where a home has none yet."""

    settings: Settings
    config: Config
    _root: bytes | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def key(self, use: str, type_: str) -> bytes:
        """32 bytes for one use. HuxinError H2010 when the console's key cannot be read."""
        return derive(self._opened(), zone=KEY, suite="", type_=type_, epoch=0, use=use)

    def csrf(self, token: str) -> str:
        """What a form must bring that is sent under a session or visit: bound to its cookie, told by no other page."""
        return hmac.new(self.key("check", "csrf"), token.encode(), hashlib.sha256).hexdigest()

    def _opened(self) -> bytes:
        with self._lock:
            if self._root is None:
                self._root = console_key(self.settings)
            return self._root


def console_key(settings: Settings) -> bytes:
    """The home's key for people's secrets; made at the first call. HuxinError H2010."""
    try:
        create_kek(settings.keys_dir, KEY)
        return key_encryption_key(settings.keys_dir, KEY)
    except PrivacyError as error:
        raise HuxinError("H2010", reason=error.code) from None
    except OSError as error:
        raise HuxinError("H2010", reason=type(error).__name__) from None


def desk() -> Desk:
    """That of the app which answers the present request."""
    found = current_app.extensions[NAME]
    assert isinstance(found, Desk)
    return found
