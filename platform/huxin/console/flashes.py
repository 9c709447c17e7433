"""One word to the next page, in a signed cookie that is read once: 'saved', 'sent', and what went wrong."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, Response, g, request
from itsdangerous import BadSignature, TimestampSigner

from huxin.console.desk import desk

COOKIE = "huxin_said"
_KINDS = frozenset(("success", "info", "warning", "danger"))
_LIVES_S = 60
_MOST = 4


def register(app: Flask) -> None:
    """Lets templates show what was said, once."""
    app.jinja_env.globals.update(get_flashed=said)
    app.after_request(_keep)


def say(words: Any, kind: str = "success") -> None:
    """Shows `words` on the next page (or this one). Never a secret: it passes through the browser."""
    if kind not in _KINDS:
        raise ValueError(kind)
    g.setdefault("saying", []).append((kind, str(words)[:300]))


def said() -> list[tuple[str, str]]:
    """What was said on the page before, and on this one so far."""
    found = [*_earlier(), *g.get("saying", [])]
    g.saying = []
    g.heard = True
    return found


def _earlier() -> list[tuple[str, str]]:
    try:
        text = _signer().unsign(request.cookies.get(COOKIE, ""), max_age=_LIVES_S)
        return [(kind, words) for kind, words in json.loads(text) if kind in _KINDS]
    except (BadSignature, ValueError):
        return []


def _keep(response: Response) -> Response:
    waiting = g.get("saying", [])[-_MOST:]
    if waiting:
        signed = _signer().sign(json.dumps(waiting)).decode("ascii")
        response.set_cookie(
            COOKIE,
            signed,
            max_age=_LIVES_S,
            secure=desk().config.secure,
            httponly=True,
            samesite="Lax",
            path="/",
        )
    elif g.get("heard") and COOKIE in request.cookies:
        response.delete_cookie(COOKIE, path="/")
    return response


def _signer() -> TimestampSigner:
    return TimestampSigner(desk().key("check", "said"), salt=b"huxin console")
