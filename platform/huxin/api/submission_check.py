"""POST /v1/submissions/check: what validation would say of a file, without filing it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any, Literal

from apiflask import APIFlask
from flask import Response
from pydantic import BaseModel, Field

from huxin.api.answers import answer
from huxin.api.caller import Caller
from huxin.api.queries import language, spoken
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.api.submission_answers import FindingAnswer, ModeName
from huxin.api.submissions import FORM, MEMBER, UPLOAD, body, turn
from huxin.api.uploads import Part, parts
from huxin.errors import HuxinError
from huxin.nightly.checker import Checker
from huxin.nightly.filing import plain_name
from huxin.zones.layout import require_files
from huxin_checks.manifest import LIMIT

_MODES: dict[int | None, ModeName] = {1: "full", 2: "incremental", 3: "correction"}
_AROUND = 1 << 20  # bytes of the form beside the file
ABOUT = """与报送时相同的逐行、逐文件校验，不登记、不保存。`manifest` 可省略：此时按今天的全量文件校验，不核对合计。
与登记库有关的两项（是否重复报送或日期倒退、有多少借据消失）要到报送时才知道。

The very checks of a submission, with nothing recorded and nothing kept. `manifest` may be left out: then the file is
taken for a whole book of today, and its totals are compared with nothing. What hangs on the registry is known on
sending only: whether this or newer data was published before, and how many loans vanished (F0005, F0006, W4003)."""


class CheckAnswer(BaseModel):
    """What would become of the file: `refused` as a whole, or `accepted` less its rejected rows."""

    outcome: Literal["accepted", "refused"]
    as_of_date: date | None
    sequence: int | None
    mode: ModeName | None
    ruleset: str | None
    rows: int | None
    accepted: int | None
    rejected: int | None
    warned: int | None
    codes: dict[str, int] = Field(description="how often each check fired")
    sha256: str
    findings: list[FindingAnswer]
    more: int = Field(description="findings beyond those told here")


def register(app: APIFlask) -> None:
    """For members."""
    route = Route(
        "POST",
        "/v1/submissions/check",
        "只校验，不报送 · Check a file without sending it",
        "submissions",
        access=MEMBER,
        answer=CheckAnswer,
        errors=(*(code for code in UPLOAD if code != "H1118"), "H1404", "H1405", "H1406", "H1709"),
        description=ABOUT,
        request_body=_form(),
    )
    add(app, route, check)


def check(caller: Caller) -> Response:
    """Streams the file to the process that checks it."""
    require_files(shell().settings)
    with turn(caller), _checker() as checker:
        asked = _given(caller, checker)
        said = checker.answer(asked)
    facts: dict[str, Any] = {name: said[name] for name in CheckAnswer.model_fields if name in said}
    outcome = "refused" if said["state"] == "REFUSED" else "accepted"
    told = CheckAnswer.model_validate(facts | {"outcome": outcome, "mode": _MODES.get(said["mode"])})
    return answer(told, headers=spoken())


def _given(caller: Caller, checker: Checker) -> dict[str, Any]:
    """Passes the file on; what else the form says of it."""
    limit = shell().config.check_limit
    name: str | None = None
    manifest: str | None = None
    for part in _parts(limit):
        if part.name == "file" and name is None:
            name = plain_name(part.filename)
            checker.give(_bounded(part.blocks, limit))
        elif part.name == "manifest" and manifest is None:
            manifest = part.first(LIMIT + 1).decode("utf-8", "surrogateescape")
        else:
            raise HuxinError("H1403", parts="file[, manifest]")
    if name is None:
        raise HuxinError("H1403", parts="file[, manifest]")
    now = shell().settings.now().isoformat()
    return {"now": now, "language": language(), "member": caller.code, "file": name, "manifest": manifest}


def _parts(limit: int) -> Iterator[Part]:
    """The form's parts; that the whole is too large is told like a file that is."""
    try:
        yield from parts(body(limit + _AROUND))
    except HuxinError as error:
        raise HuxinError("H1404", limit=limit) if error.code == "H1118" else error from None


def _bounded(blocks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    taken = 0
    for block in blocks:
        taken += len(block)
        if taken > limit:
            raise HuxinError("H1404", limit=limit)
        yield block


def _form() -> dict[str, Any]:
    """The form of sending, in which the manifest may be missing."""
    (kind, content), *_ = FORM["content"].items()
    return {"required": True, "content": {kind: {"schema": content["schema"] | {"required": ["file"]}}}}


@lru_cache(maxsize=1)
def _checker() -> Checker:
    """This process's."""
    return Checker()
