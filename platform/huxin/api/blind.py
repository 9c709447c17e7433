"""/v1/blind: the keys that members pin, and the evaluation of elements that nobody here can read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from apiflask import APIFlask
from flask import Response, current_app
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from huxin.api.answers import answer
from huxin.api.caller import Access, Caller
from huxin.api.field_faults import misshapen
from huxin.api.fields import Epoch
from huxin.api.limits import rate_headers
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.enquiry.evaluating import Evaluator, published, taken
from huxin.enquiry.evaluating_entry import taken_elsewhere
from huxin.errors import HuxinError
from huxin.registry.gathering import Quota
from huxin.zones.layout import required, zone_of
from huxin.zones.roles import ENTRY
from huxin_privacy.blind import BATCH
from huxin_privacy.blind.pinned import decoded, encoded
from huxin_privacy.errors import PrivacyError

ACCESS = Access()
_NAME = "huxin_evaluator"
_BODY_LIMIT = 128 * 1024
# The last character holds four bits: of its other spellings none is taken.
_PATTERN = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
_making = threading.Lock()


def _element(text: str) -> bytes:
    try:
        return decoded(text)
    except ValueError:
        raise misshapen("element") from None  # pydantic's error would quote the value


Element = Annotated[str, AfterValidator(_element), WithJsonSchema({"type": "string", "pattern": _PATTERN})]
Said = Annotated[str, WithJsonSchema({"type": "string", "pattern": _PATTERN})]


class BlindKey(BaseModel):
    """A public key of 32 bytes as base64url, and the epoch it is of."""

    model_config = ConfigDict(extra="forbid")
    epoch: int
    public: Said


class BlindKeys(BaseModel):
    """The keys at work, the present ones first. Pin the first of each, and compare with others. 固定后请互相核对"""

    model_config = ConfigDict(extra="forbid")
    suite: str
    oprf: list[BlindKey] = Field(description="evaluations are proven under these · 盲算证明所用公钥")
    registry: list[BlindKey] = Field(
        description="elements are sealed to one of these (X25519) · 群元素密封给这些公钥"
    )


class Evaluating(BaseModel):
    """Blinded elements (RFC 9497, ristretto255-SHA512, VOPRF), each 32 bytes as base64url."""

    model_config = ConfigDict(extra="forbid", strict=True)
    epoch: Epoch = Field(description="of the pinned key · 所固定公钥的密钥代")
    elements: list[Element] = Field(min_length=1, max_length=BATCH)


class Evaluated(BaseModel):
    """The evaluated elements in the order they came in, and one proof for all."""

    model_config = ConfigDict(extra="forbid")
    epoch: int
    elements: list[Said]
    proof: Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]{86}$"})]


def register(app: APIFlask) -> None:
    """Publish the keys, and evaluate."""
    register_keys(app)
    register_evaluations(app, ACCESS)


def register_keys(app: APIFlask) -> None:
    """The keys that members pin."""
    publishing = Route(
        "GET",
        "/v1/blind/keys",
        "盲查公钥 · The public keys of blind mode",
        "blind",
        access=ACCESS,
        answer=BlindKeys,
        errors=("H1801",),
    )
    add(app, publishing, keys)


def register_evaluations(app: APIFlask, access: Access) -> None:
    """The entry zone's part, where the platform is split."""
    evaluating = Route(
        "POST",
        "/v1/blind/evaluations",
        "盲算 · Evaluate blinded elements, with a proof",
        "blind",
        access=access,
        body=Evaluating,
        answer=Evaluated,
        errors=("H1123", "H1801", "H1802", "H1803", "H1804"),
        limit=_BODY_LIMIT,
    )
    add(app, evaluating, evaluate)


def keys(_caller: Caller) -> Response:
    """The same for every member."""
    return answer(published(shell().settings, shell().live).told())


def evaluate(caller: Caller, body: Evaluating) -> Response:
    """By the key that the body names: a member that pinned an earlier one is served while that is at work."""
    blinded: list[Any] = body.elements
    try:
        made, quota = _evaluator().evaluate(caller.member_id, body.epoch, blinded)
    except PrivacyError as error:
        if error.code != "P0161":
            raise
        raise HuxinError("H1804", place=error.facts["place"]) from None
    told = {
        "epoch": body.epoch,
        "elements": [encoded(each) for each in made.evaluated],
        "proof": encoded(made.proof),
    }
    assert quota.limit is not None and quota.window_s and quota.remaining is not None and quota.reset_s
    return answer(
        told, headers=rate_headers("blind", quota.limit, quota.window_s, quota.remaining, quota.reset_s)
    )


def _take() -> Callable[[int, int, int], Quota]:
    """Where members' elements are counted: here, or in the registry zone. HuxinError H1709: nobody evaluates there."""
    settings, live = shell().settings, shell().live
    zone = zone_of(settings)
    if zone is None:
        return partial(taken, settings, live)
    required(settings, ENTRY)
    return partial(taken_elsewhere, settings)


def _evaluator() -> Evaluator:
    """That of the app which answers the present request, made when first asked."""
    found = current_app.extensions.get(_NAME)
    if found is None:
        with _making:
            found = current_app.extensions.get(_NAME)
            if found is None:
                found = current_app.extensions[_NAME] = Evaluator(shell().settings, _take())
    assert isinstance(found, Evaluator)
    return found
