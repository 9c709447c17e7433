"""Request bodies: read within a size and a time, parsed once by pydantic, and faults told by place, never by value."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from functools import partial
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from huxin.api.field_faults import FieldFault, refusal
from huxin.api.shell import shell
from huxin.errors import HuxinError
from huxin_privacy.errors import PrivacyError
from huxin_privacy.receipts import read_object

JSON = "application/json"
_READ = "huxin.body"
BEGUN = "huxin.begun"  # set by a view that has read some of the body itself
FORM = "application/x-www-form-urlencoded"
_DRAINED = 1 << 20

Model = TypeVar("Model", bound=BaseModel)


def read_json(model: type[Model]) -> Model:
    """The body as `model`. Raises H1118 (size), H1119 (content type), H1120 (no JSON object), H1121 (fields)."""
    require_type(JSON)
    return parse(model, read_body())


def read_body() -> bytes:
    """The body's bytes, read once a request. H1118 (size), H1122 (too slow), H1126 (it ended before its length).

    Not by Flask's get_data: its three layers of streams cost a tenth of a whole enquiry, and know no time limit.
    """
    environ = request.environ
    found: bytes | None = environ.get(_READ)
    if found is None:
        found = environ[_READ] = _read(environ)
    return found


def _read(environ: dict[str, Any]) -> bytes:
    limit = request.max_content_length or 0
    length = environ.get("CONTENT_LENGTH") or ""
    said = int(length) if length.isascii() and length.isdigit() else None
    if length and said is None:
        raise HuxinError("H1126")
    if said is not None and said > limit:
        raise HuxinError("H1118", limit=limit)
    if said is None and not environ.get("wsgi.input_terminated"):
        return b""  # a server that does not end a body by itself takes none without its length
    wanted = limit + 1 if said is None else said
    content = shell().reads.read(environ["wsgi.input"], wanted, environ.get("REMOTE_ADDR", ""))
    if len(content) > limit:
        raise HuxinError("H1118", limit=limit)
    if said is not None and len(content) < said:
        raise HuxinError("H1126")
    return content


def drain() -> bool:
    """Reads a body that was refused unread, up to a megabyte and within the time of any body; False where it is left.

    The server closes a connection with a body left on it; a sender that is still writing would meet a broken pipe in
    place of the refusal, and a proxy in front would make a 502 of it. What is longer is cut off so. It is left where a
    sender waits to be told to send it (Expect), and where as many threads as may be are at this already: refusing must
    not hold up everybody.
    """
    environ = request.environ
    sent = environ.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ
    if not sent or _READ in environ:
        return True
    if "HTTP_EXPECT" in environ and BEGUN not in environ:
        return False
    length = environ.get("CONTENT_LENGTH") or ""
    said = int(length) if length.isascii() and length.isdigit() else _DRAINED
    with shell().refusals.turn() as taken:
        if taken:
            with contextlib.suppress(HuxinError, OSError):
                shell().reads.read(environ["wsgi.input"], min(said, _DRAINED), environ.get("REMOTE_ADDR", ""))
        return taken


def parse(model: type[Model], content: bytes) -> Model:
    """Bytes of JSON as `model`. H1120 also where an object says a key twice: readers differ on which they take."""
    try:
        found = model.model_validate_json(content)
    except ValidationError as error:
        raise refusal(model, error, partial(_over_all, model, content)) from None
    # No key stands without a colon: with no more colons than fields each key was said once, and nothing is read again.
    if content.count(b":") != _fields_of(found):
        _require_each_once(content)
    return found


def _fields_of(model: BaseModel) -> int:
    """How many fields were sent, those of models within it among them; in lists they are not looked for."""
    count = len(model.model_fields_set)
    for each in vars(model).values():
        if hasattr(each, "model_fields_set"):  # isinstance takes twice as long with pydantic's classes
            count += _fields_of(each)
    return count


def _require_each_once(content: bytes) -> None:
    try:
        read_object(content)
    except PrivacyError:
        raise HuxinError("H1120") from None


def _over_all(model: type[BaseModel], content: bytes) -> Iterable[FieldFault]:
    """What the model itself finds wrong with the fields together, of what was sent, however wrong each may be."""
    finding = getattr(model, "over_all", None)
    return () if finding is None else finding(from_json(content))


def require_type(wanted: str) -> None:
    """H1119 unless the body is said to be `wanted`, UTF-8 and not compressed."""
    said = request.environ.get("CONTENT_TYPE", "")
    if said != wanted:
        kind, _, parameters = said.partition(";")
        charset = parameters.strip().lower().removeprefix("charset=").strip('"')
        if kind.strip().lower() != wanted or charset not in ("", "utf-8"):
            raise HuxinError("H1119", wanted=wanted)
    require_uncoded(wanted)


def require_uncoded(wanted: str) -> None:
    """H1119 for a body that is compressed as a whole; a file within it may be."""
    if request.environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise HuxinError("H1119", wanted=wanted)
