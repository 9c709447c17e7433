"""Pages by cursor: an opaque text that says where to go on, good for one caller at one interface only."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import orjson

from huxin.api.caller import Caller
from huxin.api.shell import Shell
from huxin.errors import HuxinError

DEFAULT_SIZE = 50
MOST = 200
_SEAL = 16
Item = TypeVar("Item")


def page(
    shell: Shell, caller: Caller, kind: str, rows: Sequence[Item], size: int, place: Callable[[Item], Any]
) -> tuple[list[Item], str | None]:
    """The first `size` of rows (of which one more was fetched) and the cursor of the next page, None at the end.

    `place` gives of a row what the next page begins after: anything of JSON, such as its UUIDv7 as text.
    """
    shown = list(rows[:size])
    if len(rows) <= size or not shown:
        return shown, None
    return shown, cursor(shell, caller, kind, place(shown[-1]))


def cursor(shell: Shell, caller: Caller, kind: str, place: Any) -> str:
    """A cursor of `kind` (the interface) for this caller."""
    content = orjson.dumps(place)
    sealed = next(_seals(shell, caller, kind, content)) + content
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def place_of(shell: Shell, caller: Caller, kind: str, text: str | None) -> Any:
    """What a cursor says, None without one. HuxinError H1124 for one that was not made by us for this."""
    if text is None:
        return None
    try:
        if len(text) > 512:
            raise ValueError("length")
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise HuxinError("H1124") from None
    seal, content = raw[:_SEAL], raw[_SEAL:]
    if not any(hmac.compare_digest(seal, each) for each in _seals(shell, caller, kind, content)):
        raise HuxinError("H1124")
    return orjson.loads(content)


def _seals(shell: Shell, caller: Caller, kind: str, content: bytes) -> Iterator[bytes]:
    """Of the present key first: while it is exchanged, cursors under another one may still come back."""
    said = orjson.dumps([kind, caller.role, caller.member_id]) + content
    return (hmac.digest(key, said, "sha256")[:_SEAL] for key in shell.tokens.cursor_keys)
