"""What a value in a policy file has to be: small checks that are put together, each naming the place of a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, NoReturn

from huxin.errors import HuxinError

Check = Callable[[Any, str], Any]  # (value, place) to the value as it is used; HuxinError otherwise


def refuse(place: str, wanted: str) -> NoReturn:
    raise HuxinError("H1503", place=place, wanted=wanted)


def whole(low: int, high: int = 10**12) -> Check:
    """An integer of that range, both ends included."""

    def check(value: Any, place: str) -> int:
        if type(value) is not int or not low <= value <= high:
            refuse(place, f"integer {low}..{high}")
        return int(value)

    return check


def yuan(value: Any, place: str) -> int:
    """Whole yuan in the file, cents in use."""
    return int(whole(0)(value, place)) * 100


def optional(inner: Check) -> Check:
    def check(value: Any, place: str) -> Any:
        return None if value is None else inner(value, place)

    return check


def day(value: Any, place: str) -> date:
    # A datetime is a date too, and would not compare with one.
    if type(value) is not date:
        refuse(place, "YYYY-MM-DD")
    return value


def truth(value: Any, place: str) -> bool:
    if type(value) is not bool:
        refuse(place, "true | false")
    return bool(value)


def word(value: Any, place: str) -> str:
    """A short text that may stand in an answer and a file name."""
    if not isinstance(value, str) or not value.isascii() or not 0 < len(value) <= 32:
        refuse(place, "text of 1..32 ASCII characters, quoted")
    if not all(letter.isalnum() or letter in "._-" for letter in value):
        refuse(place, "letters, digits, . _ -")
    return value


def one_of(names: Iterable[str]) -> Check:
    allowed = tuple(name for name in names if name)

    def check(value: Any, place: str) -> str:
        if not isinstance(value, str) or value not in allowed:
            refuse(place, " | ".join(allowed))
        return value

    return check


def many(inner: Check, unique: bool = True) -> Check:
    """A list, each entry checked; doubled entries are refused."""

    def check(value: Any, place: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            refuse(place, "list")
        found = tuple(inner(entry, f"{place}[{i}]") for i, entry in enumerate(value))
        if unique and len(set(found)) != len(found):
            refuse(place, "no entry twice")
        return found

    return check


def each(inner: Check) -> Check:
    """A mapping with keys of the writer's choice."""

    def check(value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict) or not value:
            refuse(place, "mapping with an entry")
        return {word(key, place): inner(entry, f"{place}.{key}") for key, entry in value.items()}

    return check


def record(
    fields: dict[str, Check], build: Callable[..., Any] = dict, since: Mapping[str, Any] | None = None
) -> Check:
    """A mapping with exactly these keys, handed to `build` by name. HuxinError H1502 for other keys.

    `since` are keys that files of earlier programs do not have, and what is read in their place.
    """
    later = since or {}

    def check(value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            refuse(place, "mapping")
        value = {**later, **value}
        missing, unknown = fields.keys() - value.keys(), {str(key) for key in value.keys() - fields.keys()}
        if missing or unknown:
            raise HuxinError("H1502", place=place, missing=_names(missing), unknown=_names(unknown))
        return build(**{name: inner(value[name], f"{place}.{name}") for name, inner in fields.items()})

    return check


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "-"
