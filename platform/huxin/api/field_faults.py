"""What is wrong with the fields of a request: told by place, with the form that is wanted, never by the value sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from huxin.errors import HuxinError
from huxin.paths import schema_root

_FORM = "form"
# A body of JSON that is no object at all; a rule over several fields also has no place of its own.
_SHAPE = ("model_type", ())
# Of a rule's own making; pydantic's context may also quote what was sent.
_BOUNDS = frozenset(
    ("min_length", "max_length", "pattern", "expected", "gt", "ge", "lt", "le", "decimal_places")
)
_CHOICE = re.compile(r"'([^']*)'")


@dataclass(frozen=True)
class FieldFault:
    """One field that is wrong: a JSON pointer (RFC 6901), the fault's name, the bounds that its text tells.

    `form` is the form wanted, one of schemas/api/forms.yaml, where the fault's own text does not say it.
    """

    pointer: str
    fault: str
    bounds: dict[str, Any] = field(default_factory=dict)
    form: str | None = None

    def told(self, language: str) -> dict[str, str]:
        """Pointer, fault and its text in `language`, for problem+json."""
        texts = _read("fields.yaml").get(self.fault) if self.form is None else _read("forms.yaml")[self.form]
        text = (texts or _read("fields.yaml")["invalid"])[language]
        return {"pointer": self.pointer, "fault": self.fault, "text": self._filled(text, language)}

    def _filled(self, text: str, language: str) -> str:
        if self.form is not None:
            return text
        bounds, expected = self.bounds, self.bounds.get("expected")
        if expected is not None and language == "zh":  # pydantic joins the choices by an English "or"
            bounds = {**bounds, "expected": "、".join(_CHOICE.findall(expected)) or expected}
        return text.format(**bounds)


class InvalidFieldsError(HuxinError):
    """H1121 with the list of faults."""

    def __init__(self, fields: list[FieldFault]) -> None:
        super().__init__("H1121", count=len(fields))
        self.fields = fields


def misshapen(form: str) -> PydanticCustomError:
    """What a validator of ours raises: the value is not of `form`, one of schemas/api/forms.yaml."""
    return PydanticCustomError(_FORM, "not of the form", {"form": form})


def refusal(
    model: type[BaseModel], error: ValidationError, over_all: Callable[[], Iterable[FieldFault]] | None = None
) -> HuxinError:
    """What to tell of a pydantic error; its messages and inputs stay here.

    `over_all` finds what is wrong with several fields together, which pydantic looks at only when each is right.
    """
    found = error.errors(include_url=False, include_input=False)
    if any(each["type"] == "json_invalid" or ((each["type"], each["loc"]) == _SHAPE) for each in found):
        return HuxinError("H1120")
    known = _names(model)
    # Each once: a thousand fields that nobody knows are all told as "*", and one such line says it.
    faults = {(each.pointer, each.fault): each for each in (_fault(each, known) for each in found)}
    told = {pointer for pointer, _ in faults}
    more = [] if over_all is None else [each for each in over_all() if each.pointer not in told]
    return InvalidFieldsError([*more, *faults.values()])


def _fault(each: Any, known: frozenset[str]) -> FieldFault:
    # A name that the model does not have is the caller's own text, and may be anything.
    # One that begins so says which of several models was meant, and is no part of the place.
    loc = (step for step in each["loc"] if not str(step).startswith("@"))
    steps = (str(step) if isinstance(step, int) or step in known else "*" for step in loc)
    kind, context = each["type"], each.get("ctx", {})
    fault = kind if kind in _read("fields.yaml") else "invalid"
    bounds = {name: value for name, value in context.items() if name in _BOUNDS}
    form = context["form"] if kind == _FORM else _forms().get(context.get("pattern", kind))
    return FieldFault("".join(f"/{step}" for step in steps), fault, bounds, form)


@lru_cache(maxsize=256)
def _names(model: type[BaseModel]) -> frozenset[str]:
    """Every field name in a model and those within it."""
    schema = model.model_json_schema(by_alias=True)
    parts = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for part in parts for name in part.get("properties", {}))


@lru_cache(maxsize=1)
def _forms() -> dict[str, str]:
    """Forms by pydantic's names of faults, and by patterns."""
    forms = _read("forms.yaml").items()
    return {key: name for name, each in forms for key in (*each.get("fault", ()), each.get("pattern")) if key}


@lru_cache(maxsize=2)
def _read(name: str) -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(
        (schema_root() / "api" / name).read_text(encoding="utf-8")
    )
    return loaded
