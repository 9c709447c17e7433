"""/healthz: the process answers. /readyz: it can also work: database, its tables' version, keys and policy."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from apiflask import APIFlask
from flask import Response
from pydantic import BaseModel

from huxin.api.answers import answer
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.errors import HuxinError
from huxin.registry import credentials
from huxin.registry.migrate import heads
from huxin.registry.policies import policy_on


class Healthy(BaseModel):
    status: Literal["ok"]


_OK = b'{"status":"ok"}'


def register(app: APIFlask) -> None:
    """For whoever watches the process; without authentication."""
    add(
        app,
        Route("GET", "/healthz", "进程存活 · The process answers", "operation", answer=Healthy),
        healthz,
    )
    add(
        app,
        Route(
            "GET", "/readyz", "可以工作 · It can work", "operation", answer=Healthy, errors=("H1101", "H1128")
        ),
        readyz,
    )


def healthz() -> Response:
    """Says so without touching anything."""
    return answer(_OK)


def readyz() -> Response:
    """H1101 without the database, H1128 when its tables are of another version, H1125 without keyring or policy."""
    present, wanted = credentials.revision(shell().row), _wanted()
    if present != wanted:
        raise HuxinError("H1128", present=present or "-", wanted=wanted)
    shell().tokens.prepare()
    policy_on(shell().settings, shell().settings.today())
    return answer(_OK)


@lru_cache(maxsize=1)
def _wanted() -> str:
    return ",".join(heads())
