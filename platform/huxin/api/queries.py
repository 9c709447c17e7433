"""What stands behind the question mark of an address: read by a pydantic model, and described from the same."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any, TypeVar

from flask import request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from huxin.api.field_faults import FieldFault, InvalidFieldsError, refusal
from huxin.api.language import preferred
from huxin.api.paging import DEFAULT_SIZE, MOST
from huxin.api.shell import shell

Model = TypeVar("Model", bound=BaseModel)
_DIGITS = re.compile("[0-9]+")


def _plain(said: Any) -> Any:
    # By itself pydantic also reads " 5", "+5", "5.0" and "1_0"; whoever wrote that may have meant something else.
    if isinstance(said, str) and not _DIGITS.fullmatch(said):
        raise PydanticCustomError("int_parsing", "no plain digits")
    return said


DIGITS = BeforeValidator(_plain)
Number = Annotated[int, DIGITS]


class Paged(BaseModel):
    """How much of a list, and from where."""

    model_config = ConfigDict(extra="forbid")
    limit: Number = Field(default=DEFAULT_SIZE, ge=1, le=MOST, description="items of one page · 每页条数")
    cursor: str | None = Field(default=None, description="`next` of the page before · 上一页给出的游标")


class Bare(BaseModel):
    """No parameters: for an address where one that is passed over would have changed what the answer proves."""

    model_config = ConfigDict(extra="forbid")


def read_query(model: type[Model]) -> Model:
    """The address's parameters as `model`, each said once. HuxinError H1121."""
    try:
        found = model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise refusal(model, error, partial(_repeated, model)) from None
    if repeated := _repeated(model):
        raise InvalidFieldsError(repeated)
    return found


def _repeated(model: type[BaseModel]) -> list[FieldFault]:
    """What stands there more than once; an unknown name is not told, and refused already."""
    known = {field.alias or name for name, field in model.model_fields.items()}
    twice = (name for name, said in request.args.lists() if len(said) > 1)
    return [FieldFault(f"/{name}", "repeated") for name in twice if name in known]


def parameters(model: type[BaseModel]) -> tuple[dict[str, Any], ...]:
    """OpenAPI's parameters of a model of plain fields."""
    schema = model.model_json_schema()
    needed = schema.get("required", ())
    return tuple(
        _parameter(name, dict(said)) | ({"required": True} if name in needed else {})
        for name, said in schema["properties"].items()
    )


def language() -> str:
    """The present caller's."""
    return preferred(request.environ.get("HTTP_ACCEPT_LANGUAGE"), shell().settings.language)


def spoken() -> list[tuple[str, str]]:
    """The headers of an answer with texts in the caller's language."""
    return [("Content-Language", language()), ("Vary", "Accept-Language")]


def _parameter(name: str, said: dict[str, Any]) -> dict[str, Any]:
    described = said.pop("description", "")
    said.pop("title", None)
    kinds = [kind for kind in said.pop("anyOf", []) if kind != {"type": "null"}]
    if said.get("default", 0) is None:
        said.pop("default")
    return {
        "name": name,
        "in": "query",
        "description": described,
        "schema": {**said, **(kinds[0] if kinds else {})},
    }
