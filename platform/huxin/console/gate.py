"""Before and after each request: who may open the route, whether a form is our own, and what the browser may do."""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import quote, urlsplit

from flask import Flask, Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from huxin.console.access import may
from huxin.console.desk import desk
from huxin.console.visitor import recognise, set_cookie, visitor

_CHANGES = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_STILL = "static"
# Style sheets come from this host only and nothing is styled in the page; a script is one that we have marked.
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
}


def register(app: Flask) -> None:
    """Guards every route of the app."""
    app.before_request(guard)
    app.after_request(seal_response)


def nonce() -> str:
    """What marks our own scripts in this response."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    made: str = g.nonce
    return made


def guard() -> AnyResponse | None:
    """Refuses what access.yaml does not allow, and forms that are not ours; None lets the request pass."""
    if request.url_rule is None or request.endpoint == _STILL:
        return None
    found = recognise()
    role = found.person.role if found.person else None
    if not may(role, request.method, request.url_rule.rule):
        if role is None:
            return _to_sign_in()
        abort(403)
    if request.method in _CHANGES:
        _own_form(found.csrf)
    return None


def _own_form(csrf: str) -> None:
    """403 unless the form brings the token of this very session and comes from a page of this host."""
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf") or ""
    if not hmac.compare_digest(given.encode(), csrf.encode()) or not _same_origin():
        abort(403, "csrf")


def _same_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site not in (None, "same-origin"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc in (request.host, urlsplit(desk().config.address).netloc)


def _to_sign_in() -> AnyResponse:
    """To the page of signing in, and from there back; htmx is told to take the whole page there."""
    wanted = url_for("sign_in.show")
    if request.method == "GET" and request.path != "/":
        wanted += f"?next={quote(request.full_path.rstrip('?'))}"
    if request.headers.get("HX-Request"):
        return Response(status=401, headers={"HX-Redirect": url_for("sign_in.show")})
    return redirect(wanted, 303)


def local(target: str | None) -> str:
    """A place within the console to go on to; the first page for anything else."""
    fine = target and target.startswith("/") and not target.startswith(("//", "/\\")) and "\\" not in target
    return target if fine and target and target.isprintable() else "/"


def seal_response(response: Response) -> Response:
    """Headers of every response, whatever made it."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce())
    if desk().config.secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint == _STILL:
        kept = "public, max-age=31536000, immutable" if request.args.get("v") else "no-cache"
        response.headers["Cache-Control"] = kept
    else:
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Cookie, Accept-Language"
        set_cookie(response)
    return response


def csrf() -> str:
    """The token of forms in the present page."""
    return visitor().csrf
