"""What stands behind the question mark of an address: read by a pydantic model, and described from the same."""

from __future__ import annotations

from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from huxin.api.field_faults import refusal
from huxin.api.language import preferred
from huxin.api.paging import DEFAULT_SIZE, MOST
from huxin.api.shell import shell

Model = TypeVar("Model", bound=BaseModel)


class Paged(BaseModel):
    """How much of a list, and from where."""

    model_config = ConfigDict(extra="forbid")
    limit: int = Field(default=DEFAULT_SIZE, ge=1, le=MOST, description="items of one page · 每页条数")
    cursor: str | None = Field(default=None, description="`next` of the page before · 上一页给出的游标")


def read_query(model: type[Model]) -> Model:
    """The address's parameters as `model`. HuxinError H1121."""
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise refusal(model, error) from None


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
