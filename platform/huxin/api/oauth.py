"""POST /oauth/token: client credentials with private_key_jwt (RFC 6749, 4.4; RFC 7523, 2.2), and where to find it."""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qsl

from apiflask import APIFlask
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from huxin.api.answers import answer
from huxin.api.assertions import ALGORITHMS, holder_of
from huxin.api.bodies import FORM, read_body, require_type
from huxin.api.caller import Caller
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.api.tokens import LIFETIME
from huxin.errors import HuxinError
from huxin.registry.credentials import SCOPES, Key

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIMIT = 16 * 1024
ELEMENTS = "elements"
_TICKETS = frozenset(("tickets", ELEMENTS))
_REFUSALS = ("H1105", "H1106", "H1107", "H1108", "H1109", "H1110", "H1111", "H1112")


class TokenRequest(BaseModel):
    """A form. `scope` is a list with one blank between two; without it the token has every scope of the key."""

    model_config = ConfigDict(extra="forbid")
    grant_type: Literal["client_credentials"]
    client_assertion_type: Literal["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    client_assertion: str = Field(max_length=4096)
    client_id: str | None = Field(default=None, max_length=64)
    scope: str | None = Field(default=None, max_length=256)


class TokenAnswer(BaseModel):
    """RFC 6749, 5.1."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="seconds · 秒")
    scope: str


class ServerMetadata(BaseModel):
    """RFC 8414."""

    issuer: str
    token_endpoint: str
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    token_endpoint_auth_signing_alg_values_supported: list[str]
    scopes_supported: list[str]


def register(app: APIFlask) -> None:
    """The two addresses of authentication."""
    add(
        app,
        Route(
            method="POST",
            path="/oauth/token",
            summary="换取访问令牌 · Get an access token",
            tag="access",
            form=TokenRequest,
            answer=TokenAnswer,
            errors=_REFUSALS,
            limit=_LIMIT,
        ),
        token,
    )
    add(
        app,
        Route(
            method="GET",
            path="/.well-known/oauth-authorization-server",
            summary="认证服务说明 · Where and how to get tokens",
            tag="access",
            answer=ServerMetadata,
        ),
        metadata,
    )


def token() -> Response:
    """A token for whoever signed the assertion."""
    require_type(FORM)
    form = _form(read_body())
    assertion = _assertion(form)
    key, caller = holder_of(shell(), assertion)
    if form.get("client_id", key.holder) != key.holder:
        raise HuxinError("H1106")
    granted = _granted(key, caller, form.get("scope"))
    said = TokenAnswer(
        access_token=shell().tokens.issue(granted),
        token_type="Bearer",  # noqa: S106 - RFC 6750's word for how a token is used
        expires_in=LIFETIME,
        scope=" ".join(sorted(granted.scopes)),
    )
    return answer(said)


def _form(content: bytes) -> dict[str, str]:
    """H1111 unless it is a form in which every parameter stands once (RFC 6749, 3.2)."""
    try:
        pairs = parse_qsl(content.decode("utf-8"), strict_parsing=True, max_num_fields=16, errors="strict")
    except ValueError:
        raise HuxinError("H1111") from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise HuxinError("H1111")
    return form


def _assertion(form: dict[str, str]) -> str:
    """H1111 unless the form names what we do."""
    wanted = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
    said = {name: form.get(name) for name in wanted} == wanted
    assertion = form.get("client_assertion")
    if not (said and assertion):
        raise HuxinError("H1111")
    return assertion


def _granted(key: Key, caller: Caller, asked: str | None) -> Caller:
    if not asked:  # left out, or without a value, which is the same (RFC 6749, 3.2)
        return caller
    # By each blank: " " is malformed (3.3), and no wish for a token that opens nothing.
    scopes = frozenset(asked.split(" "))
    # Who may enquire may also get tickets for it, and who may report elements: by a token of its own, which is shown
    # to the entry zone.
    more = _TICKETS if "enquiries" in caller.scopes else frozenset()
    more |= frozenset((ELEMENTS,)) if "submissions" in caller.scopes else frozenset()
    if not scopes <= caller.scopes | more:
        raise HuxinError("H1112", granted=" ".join(key.scopes))
    return Caller(caller.member_id, caller.code, caller.role, scopes, caller.key_id, caller.skew)


def metadata() -> Response:
    """What a client library asks first."""
    issuer = shell().config.issuer
    return answer(
        ServerMetadata(
            issuer=issuer,
            token_endpoint=f"{issuer}/oauth/token",
            grant_types_supported=["client_credentials"],
            token_endpoint_auth_methods_supported=["private_key_jwt"],
            token_endpoint_auth_signing_alg_values_supported=list(ALGORITHMS),
            scopes_supported=list(SCOPES),
        )
    )
