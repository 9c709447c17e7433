"""GET /v1/whoami: how a caller is set up, and what is wrong with it. A suspended member learns here that it is."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from apiflask import APIFlask
from flask import Response, request
from pydantic import BaseModel, Field

from huxin.api.answers import answer
from huxin.api.caller import Access, Caller
from huxin.api.language import preferred
from huxin.api.routes import Route, add
from huxin.api.set_up import Finding, findings
from huxin.api.shell import shell
from huxin.contract import State
from huxin.registry import credentials
from huxin.registry.credentials import ROLES


class OwnMember(BaseModel):
    """`tier` is what the member may see, in return for what it reports."""

    code: str
    name: str
    status: str
    kind: str | None = None
    tier: str | None = None


class OwnKey(BaseModel):
    id: str
    alg: str
    scopes: list[str] = Field(description="that a token may have which is got with it · 密钥的权限范围")
    created_at: datetime
    last_used_at: datetime | None
    age_days: int
    in_use: bool = Field(description="the present token was got with it · 当前令牌所用")


class OwnReports(BaseModel):
    """The newest published as-of date, and the last submission whatever became of it."""

    as_of_date: date | None
    age_days: int | None
    last_submission: str | None = None
    last_state: str | None = None
    last_received_at: datetime | None = None
    last_rows: int | None = None
    last_accepted: int | None = None
    last_rejected: int | None = None


class Clock(BaseModel):
    """`skew_seconds` is your clock less ours when the token was got (from the assertion's iat)."""

    platform_time: datetime
    skew_seconds: int | None


class WhoAmI(BaseModel):
    role: str
    holder: str
    scopes: list[str] = Field(description="of the present token, its key's or fewer · 当前令牌的权限范围")
    member: OwnMember | None
    keys: list[OwnKey]
    clock: Clock
    reports: OwnReports | None
    findings: list[Finding]
    sandbox: bool = Field(default=False, description="nobody here is real · 沙箱，均为虚构")


def register(app: APIFlask) -> None:
    """For every role: it tells of the caller only."""
    route = Route(
        "GET",
        "/v1/whoami",
        "我的接入情况，有哪些问题 · My set-up, and what is wrong with it",
        "access",
        access=Access(roles=ROLES, suspended=True),
        answer=WhoAmI,
    )
    add(app, route, whoami)


def whoami(caller: Caller) -> Response:
    """Everything from one statement, of the caller itself."""
    said = who(caller, credentials.own_set_up(shell().row, caller.key_id), shell().settings.now())
    language = preferred(request.environ.get("HTTP_ACCEPT_LANGUAGE"), shell().settings.language)
    said.findings = findings(said, language)
    return answer(said, headers=[("Content-Language", language), ("Vary", "Accept-Language")])


def who(caller: Caller, known: dict[str, Any], now: datetime) -> WhoAmI:
    """The parts that are facts."""
    return WhoAmI(
        role=caller.role,
        holder=caller.code,
        scopes=sorted(caller.scopes),
        member=OwnMember(**known["member"]) if known["member"] else None,
        keys=[_key(each, caller, now) for each in known["keys"] or ()],
        clock=Clock(platform_time=now, skew_seconds=caller.skew),
        reports=_reports(known["member"], known["submission"]) if known["member"] else None,
        findings=[],
        sandbox=shell().config.sandbox,
    )


def _key(stored: dict[str, Any], caller: Caller, now: datetime) -> OwnKey:
    created = datetime.fromisoformat(stored["created_at"])
    age = max(0, (now - created).days)
    return OwnKey(**stored, age_days=age, in_use=stored["id"] == str(caller.key_id))


def _reports(member: dict[str, Any], last: dict[str, Any] | None) -> OwnReports:
    as_of = date.fromisoformat(member["as_of_date"]) if member["as_of_date"] else None
    found = OwnReports(as_of_date=as_of, age_days=(shell().settings.today() - as_of).days if as_of else None)
    if last:
        found.last_submission = last["id"]
        found.last_state = State(last["state"]).name.lower()
        found.last_received_at = datetime.fromisoformat(last["received_at"])
        found.last_rows, found.last_accepted = last["rows"], last["accepted"]
        found.last_rejected = last["rejected"]
    return found
