"""Request bodies: read within a size and a time, parsed once by pydantic, and faults told by place, never by value."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import yaml
from flask import request
from pydantic import BaseModel, ValidationError

from huxin.api.shell import shell
from huxin.errors import HuxinError
from huxin.paths import schema_root

JSON = "application/json"
_READ = "huxin.body"
FORM = "application/x-www-form-urlencoded"
_DRAINED = 1 << 20

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class FieldFault:
    """One field that is wrong: a JSON pointer (RFC 6901), the fault's name, the bounds that its text tells."""

    pointer: str
    fault: str
    bounds: dict[str, Any]

    def told(self, language: str) -> dict[str, str]:
        texts = _texts()
        text = texts.get(self.fault, texts["invalid"])[language].format(**self.bounds)
        return {"pointer": self.pointer, "fault": self.fault, "text": text}


class InvalidFieldsError(HuxinError):
    """H1121 with the list of faults."""

    def __init__(self, fields: list[FieldFault]) -> None:
        super().__init__("H1121", count=len(fields))
        self.fields = fields


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


def drain() -> None:
    """Reads a body that was refused unread, up to a megabyte and within the time of any body.

    The server closes a connection with a body left on it; a sender that is still writing would meet a broken pipe in
    place of the refusal, and a proxy in front would make a 502 of it. What is longer is cut off so.
    """
    environ = request.environ
    sent = environ.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ
    if sent and _READ not in environ:
        length = environ.get("CONTENT_LENGTH") or ""
        said = int(length) if length.isascii() and length.isdigit() else _DRAINED
        with contextlib.suppress(HuxinError, OSError):
            shell().reads.read(environ["wsgi.input"], min(said, _DRAINED), environ.get("REMOTE_ADDR", ""))


def parse(model: type[Model], content: bytes) -> Model:
    """Bytes of JSON as `model`."""
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise refusal(model, error) from None


def require_type(wanted: str) -> None:
    """H1119 unless the body is said to be `wanted`, UTF-8 and not compressed."""
    said = request.environ.get("CONTENT_TYPE", "")
    if said != wanted:
        kind, _, parameters = said.partition(";")
        charset = parameters.strip().lower().removeprefix("charset=").strip('"')
        if kind.strip().lower() != wanted or charset not in ("", "utf-8"):
            raise HuxinError("H1119", wanted=wanted)
    if request.environ.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
        raise HuxinError("H1119", wanted=wanted)


def refusal(model: type[BaseModel], error: ValidationError) -> HuxinError:
    """What to tell of a pydantic error; its messages and inputs stay here."""
    found = error.errors(include_url=False, include_input=False)
    if any(each["type"] == "json_invalid" or ((each["type"], each["loc"]) == _SHAPE) for each in found):
        return HuxinError("H1120")
    known = _names(model)
    return InvalidFieldsError([_fault(each, known) for each in found])


def _fault(each: Any, known: frozenset[str]) -> FieldFault:
    # A name that the model does not have is the caller's own text, and may be anything.
    # One that begins so says which of several models was meant, and is no part of the place.
    loc = (step for step in each["loc"] if not str(step).startswith("@"))
    steps = (str(step) if isinstance(step, int) or step in known else "*" for step in loc)
    fault = each["type"] if each["type"] in _texts() else "invalid"
    bounds = {name: value for name, value in each.get("ctx", {}).items() if name in _BOUNDS}
    return FieldFault("".join(f"/{step}" for step in steps), fault, bounds)


# A body of JSON that is no object at all; a rule over several fields also has no place of its own.
_SHAPE = ("model_type", ())
# Of a rule's own making; pydantic's context may also quote what was sent.
_BOUNDS = frozenset(
    ("min_length", "max_length", "pattern", "expected", "gt", "ge", "lt", "le", "decimal_places")
)


@lru_cache(maxsize=256)
def _names(model: type[BaseModel]) -> frozenset[str]:
    """Every field name in a model and those within it."""
    schema = model.model_json_schema(by_alias=True)
    parts = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for part in parts for name in part.get("properties", {}))


@lru_cache(maxsize=1)
def _texts() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = yaml.safe_load(
        (schema_root() / "api" / "fields.yaml").read_text(encoding="utf-8")
    )
    return loaded
