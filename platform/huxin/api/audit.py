"""/v1/audit: what the log has signed, and proofs that it only ever grew. Nothing here tells what a record says."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIFlask
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from huxin.api.answers import answer
from huxin.api.caller import ROLES, Access, Caller
from huxin.api.queries import DIGITS, Bare, parameters, read_query
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.errors import HuxinError
from huxin.registry import audit_log

NOTE = "text/plain; charset=utf-8"
_ANYBODY = Access(scope="audit", roles=ROLES)
_MOST = 2**62
_DIGITS = 19
NEWEST = """总是以最新检查点为准，不接受任何参数（`size` 也不接受，否则会误以为证明的是另一棵树）。
旧检查点与它的关系由 `/v1/audit/consistency` 证明。

Always under the newest checkpoint, and without parameters: a `size` that was passed over would have the proof be taken
for that of another tree. That an older checkpoint's log is its beginning is proved by `/v1/audit/consistency`."""
Size = Annotated[int, Field(ge=0, le=_MOST), DIGITS]


class LeafProof(BaseModel):
    """RFC 6962, 2.1.1: hashes in base64, from the leaf upwards; `checkpoint` is the note whose root they lead to."""

    number: int
    leaf_hash: str
    path: list[str]
    checkpoint: str


class Growth(BaseModel):
    """RFC 6962, 2.1.2: that the log of `to` leaves begins with that of `from`."""

    from_: int = Field(alias="from")
    to: int
    path: list[str]


class Sizes(BaseModel):
    """Two sizes of the log."""

    model_config = ConfigDict(extra="forbid")
    from_: Size = Field(alias="from", description="leaves of the checkpoint that you kept")
    to: Size | None = Field(default=None, description="default: the newest checkpoint's")


def register(app: APIFlask) -> None:
    """For members, operators and auditors alike."""
    newest = Route(
        "GET",
        "/v1/audit/checkpoint",
        "最新检查点 · The newest signed checkpoint",
        "audit",
        access=_ANYBODY,
        errors=("H1303",),
        media="text/plain",
        description="A C2SP signed note (Ed25519). Keep it: later the log has to prove that it contains it.",
    )
    add(app, newest, checkpoint)
    leaf = Route(
        "GET",
        "/v1/audit/proof/<leaf>",
        "叶子的存在证明 · Proof that a leaf is in the log",
        "audit",
        access=_ANYBODY,
        answer=LeafProof,
        errors=("H1121", "H1302"),
        description=NEWEST,
    )
    add(app, leaf, proof)
    growth = Route(
        "GET",
        "/v1/audit/consistency",
        "日志只增不改的证明 · Proof that the log only grew",
        "audit",
        access=_ANYBODY,
        answer=Growth,
        errors=("H1121", "H1303", "H1310"),
        parameters=parameters(Sizes),
    )
    add(app, growth, consistency)


def checkpoint(caller: Caller) -> Response:
    """The note as it was signed."""
    return answer(_head().note.encode(), content_type=NOTE)


def proof(caller: Caller, leaf: str) -> Response:
    """Under the newest checkpoint. HuxinError H1302 beyond it, and for what is no number; H1121 with any parameter."""
    read_query(Bare)
    number = int(leaf) if leaf.isascii() and leaf.isdigit() and len(leaf) < _DIGITS else -1
    found = audit_log.leaf_proof(shell().live, number)
    if found is None:
        raise HuxinError("H1302")
    return answer(found)


def consistency(caller: Caller) -> Response:
    """Between any two sizes up to the newest."""
    sizes = read_query(Sizes)
    to = _head().size if sizes.to is None else sizes.to
    return answer(audit_log.consistency(shell().live, sizes.from_, to))


def _head() -> audit_log.Head:
    head = audit_log.latest_checkpoint(shell().live)
    if head is None:
        raise HuxinError("H1303")
    return head
