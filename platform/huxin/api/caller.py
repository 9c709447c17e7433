"""Who calls, and whether they may: the decorator that a view is wrapped in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from flask import request

from huxin.api.shell import Shell, shell
from huxin.errors import HuxinError
from huxin.registry import credentials

ROLES = credentials.ROLES
_PREFIX = "bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a verified access token. `code` is a member's, or the name of an operator or auditor.

    `skew` is by how many seconds its clock was ahead of ours when it got the token, None where it did not say.
    """

    member_id: int
    code: str
    role: str
    scopes: frozenset[str]
    key_id: UUID
    skew: int | None = None


@dataclass(slots=True)
class Known:
    """A token already verified in this process: until when it holds, and how its holder stood when last asked."""

    caller: Caller
    begins: float
    expires: float
    asked_at: float = float("-inf")  # of time.monotonic()
    live: bool = True
    status: str = "active"


@dataclass(frozen=True)
class Access:
    """Who may call a route: a scope of the token (None: any), roles, and whether a suspended member may."""

    scope: str | None = None
    roles: tuple[str, ...] = ("member",)
    suspended: bool = False


def authenticated(access: Access) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a view its caller as the first argument, or refuses: H1102-H1104, H1110, H1113-H1115 (H1101)."""

    def decorator(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **values: Any) -> Any:
            return view(identify(shell(), access), *args, **values)

        return guarded

    return decorator


def identify(shell: Shell, access: Access) -> Caller:
    """The caller of the present request, who may call what `access` guards."""
    header: str | None = request.environ.get("HTTP_AUTHORIZATION")
    if header is None or header[:7].lower() != _PREFIX:
        raise HuxinError("H1102")
    known = shell.tokens.known(header[7:])
    if time.monotonic() - known.asked_at >= shell.config.recheck_seconds:
        known.live, known.status = shell.tokens.standing(shell.live, known.caller.key_id)
        known.asked_at = time.monotonic()
    if not known.live:
        raise HuxinError("H1110")
    return _permitted(known, access)


def _permitted(known: Known, access: Access) -> Caller:
    caller = known.caller
    if caller.role not in access.roles:
        raise HuxinError("H1115", roles=", ".join(access.roles))
    if known.status != "active" and not access.suspended:
        raise HuxinError("H1113")
    if access.scope is not None and access.scope not in caller.scopes:
        raise HuxinError("H1114", scope=access.scope)
    return caller
