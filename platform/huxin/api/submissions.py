"""/v1/submissions: the inbox over HTTP. A file sent so takes the very way of one that was dropped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from apiflask import APIFlask
from flask import Response, request
from pydantic import Field

from huxin.api import paging, uploads
from huxin.api.answers import answer
from huxin.api.bodies import BEGUN, require_uncoded
from huxin.api.caller import Access, Caller
from huxin.api.fields import Day
from huxin.api.queries import Paged, language, parameters, read_query, spoken
from huxin.api.routes import Route, View, add
from huxin.api.shell import shell
from huxin.api.submission_answers import (
    Receipt,
    StateName,
    SubmissionAnswer,
    SubmissionsPage,
    submission_answer,
)
from huxin.api.submission_receipts import Proving, receipt_of
from huxin.api.uploads import Body, parts
from huxin.contract import State
from huxin.errors import HuxinError
from huxin.nightly import wishes
from huxin.nightly.filing import Filing
from huxin.nightly.receive import Received
from huxin.registry import filings
from huxin.registry.alone import at_once
from huxin.registry.session import connection
from huxin.registry.submissions import Submission
from huxin.registry.worklist import ring
from huxin.zones.layout import require_files, zone_of
from huxin.zones.roles import INTAKE, REGISTRY
from huxin_checks.manifest import LIMIT

MEMBER = Access(scope="submissions")
UPLOAD = ("H1118", "H1119", "H1122", "H1145", "H1402", "H1403")
_RETRY_S = 10
ONE = "/v1/submissions/<uuid:submission_id>"
_LIST = "submissions"
_ALLOWED = (State.PSEUDONYMIZED, State.PUBLISHED)  # where a confirmation leads to
FORM: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "required": ["file", "manifest"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "CSV, XLSX, Parquet"},
                    "manifest": {"type": "string", "format": "binary", "description": "JSON, 64 KiB"},
                },
            }
        }
    },
}
SENT = """以 multipart/form-data 发送 `file` 和 `manifest` 两部分，与放入收报目录完全等效；
同一文件与清单再发一次得到同一批次（200）。

The parts `file` and `manifest`, as they would lie in the inbox. The same file with the same manifest is the same
submission however often it is sent (200 instead of 201), so after a broken connection just send it again."""


class Wanted(Paged):
    """Which submissions."""

    state: StateName | None = Field(default=None, description="only those in this state · 按状态")
    as_of_date: Day | None = Field(default=None, description="only those of this day · 按数据日期")


def register(app: APIFlask) -> None:
    """For members, each with its own submissions; those of others are unknown to it."""
    for route, view in (*_sending(), *_reading(), *_deciding()):
        add(app, route, view)


def _one(method: str, path: str, summary: str, **more: Any) -> Route:
    return Route(method, path, summary, "submissions", access=MEMBER, answer=SubmissionAnswer, **more)


def _sending() -> list[tuple[Route, View]]:
    sending = _one(
        "POST",
        "/v1/submissions",
        "报送一个文件 · Send a file",
        status=201,
        also=((200, "received before: the same submission"),),
        errors=(*UPLOAD, "H0612", "H1709"),
        description=SENT,
        request_body=FORM,
        headers=("Location",),
    )
    return [(sending, send)]


def _reading() -> list[tuple[Route, View]]:
    page = Route(
        "GET",
        "/v1/submissions",
        "我的报送批次 · My submissions, newest first",
        "submissions",
        access=MEMBER,
        answer=SubmissionsPage,
        errors=("H1121", "H1124"),
        parameters=parameters(Wanted),
    )
    proven = Route(
        "GET",
        f"{ONE}/receipt",
        "存证回执 · Receipt: proof that the publication, or the withdrawal, is in the audit log",
        "submissions",
        access=MEMBER,
        answer=Receipt,
        errors=("H1116", "H1121", "H1302", "H1309", "H1410", "H1709"),
        parameters=parameters(Proving),
    )
    one = _one("GET", ONE, "一个报送批次 · One submission", errors=("H1116",))
    return [(page, listed), (one, shown), (proven, receipt)]


def _deciding() -> list[tuple[Route, View]]:
    allowing = _one(
        "POST",
        f"{ONE}/confirm",
        "确认入库 · Publish it although many loans vanished",
        status=202,
        also=((200, "published before"),),
        errors=("H1116", "H0603", "H1407", "H1709"),
    )
    back = _one(
        "POST",
        f"{ONE}/withdraw",
        "撤回 · Take it back; what was before returns",
        errors=("H1116", "H0604", "H0605", "H1407", "H1709"),
    )
    return [(allowing, confirm), (back, withdraw)]


def send(caller: Caller) -> Response:
    """Receives; the worker goes on with it."""
    require_files(shell().settings)
    with turn(caller):
        received = _filed(caller)
    item = received.submission
    headers = [("Location", f"/v1/submissions/{item.id}"), *spoken()]
    return answer(submission_answer(item, language()), 201 if received.fresh else 200, headers)


def _filed(caller: Caller) -> Received:
    manifest = None
    taken = False
    with Filing(shell().settings, caller.code) as way:
        for part in parts(body(shell().config.upload_limit)):
            if part.name == "file" and not taken:
                way.take(part.filename, part.blocks)
                taken = True
            elif part.name == "manifest" and manifest is None:
                manifest = part.first(LIMIT + 1)
            else:
                raise HuxinError("H1403", parts="file, manifest")
        if manifest is None or not taken:
            raise HuxinError("H1403", parts="file, manifest")
        return way.file(manifest)


@contextmanager
def turn(caller: Caller) -> Iterator[None]:
    """One of the uploads that this process takes at once. HuxinError H1145 where it, or the caller, has enough."""
    with shell().uploads.turn(caller.code) as taken:
        if not taken:
            raise HuxinError("H1145", retry_s=_RETRY_S)
        yield


def body(limit: int) -> Body:
    """The present request's body, to be read as it comes; what stalls is H1122. HuxinError H1119: it is compressed."""
    require_uncoded(uploads.FORM)
    environ = request.environ
    length = request.content_length
    left = length if length is not None else limit + 1 if environ.get("wsgi.input_terminated") else 0

    def read(most: int) -> bytes:
        nonlocal left
        wanted = min(most, left)
        environ[BEGUN] = True
        block = shell().reads.read(environ["wsgi.input"], wanted, environ.get("REMOTE_ADDR", ""))
        left -= len(block)
        return block

    return Body(environ.get("CONTENT_TYPE", ""), length, read, limit)


def listed(caller: Caller) -> Response:
    """Newest first; the cursor names the last one shown."""
    wanted = read_query(Wanted)
    before = paging.place_of(shell(), caller, _LIST, wanted.cursor)
    which = filings.Wanted(State[wanted.state.upper()] if wanted.state else None, wanted.as_of_date)
    last = UUID(before) if before else None
    found = filings.page(shell().live, caller.member_id, which, last, wanted.limit + 1)
    items, following = paging.page(shell(), caller, _LIST, found, wanted.limit, lambda item: str(item.id))
    told = [submission_answer(item, language()) for item in items]
    return answer(SubmissionsPage(items=told, next=following), headers=spoken())


def shown(caller: Caller, submission_id: UUID) -> Response:
    """The submission as it is now."""
    return _told(own(caller, submission_id))


def receipt(caller: Caller, submission_id: UUID) -> Response:
    """Of its publication or of its withdrawal, of the last of them by itself; in the log within a minute of either.

    Where the platform is split, the log is the registry zone's, whose API tells it under the same id.
    """
    if zone_of(shell().settings) == INTAKE:
        raise HuxinError("H1709", zone=INTAKE, wanted=REGISTRY)
    wanted = read_query(Proving)
    return answer(receipt_of(shell().live, own(caller, submission_id), wanted.act))


def confirm(caller: Caller, submission_id: UUID) -> Response:
    """Says yes; the worker loads it. Said twice it is the same."""
    require_files(shell().settings)
    item = own(caller, submission_id)
    if item.confirmed and item.state in _ALLOWED:
        return _told(item, 200 if item.state == State.PUBLISHED else 202)
    settings = shell().settings
    allowed = wishes.allow(settings, submission_id, at_once)
    with connection(settings) as database:
        ring(database)
    return _told(allowed, 202)


def withdraw(caller: Caller, submission_id: UUID) -> Response:
    """Takes back at once. Said twice it is the same."""
    require_files(shell().settings)
    item = own(caller, submission_id)
    if item.state != State.WITHDRAWN:
        item = wishes.withdraw(shell().settings, submission_id, at_once)
    return _told(item)


def own(caller: Caller, submission_id: UUID) -> Submission:
    """The caller's submission of that id. HuxinError H1116, also where it is another's."""
    item = filings.of_member(shell().live, caller.member_id, submission_id)
    if item is None:
        raise HuxinError("H1116")
    return item


def _told(item: Submission, status: int = 200) -> Response:
    return answer(submission_answer(item, language()), status, spoken())
