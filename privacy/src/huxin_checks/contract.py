"""The data contract: fields, enum labels, checks and submission states of schemas/ as frozen dataclasses."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from enum import IntEnum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from huxin_checks.contract_names import BLIND as BLIND
from huxin_checks.contract_names import LOANS as LOANS
from huxin_checks.paths import schema_root

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_T = TypeVar("_T", bound="DataclassInstance")
KINDS = frozenset({"text", "identifier", "enum", "money", "rate", "date", "integer", "pattern"})
PHASES = frozenset({"file", "cell", "row", "set", "registry"})
SEVERITY_BY_PREFIX = {"F": "refuse", "E": "reject", "W": "warn"}
EMPTY_WORDS = frozenset({"null", "-", "无"})
"""Cleaned, lower-case spellings of "nothing" that a cell may hold (contract.md, cell habits)."""

_CODE = re.compile(r"F0\d{3}|E[12]\d{3}|W[34]\d{3}")
_NAME = re.compile(r"[a-z][a-z0-9_-]*/v[0-9]+")
_EDGES = (
    " \t\r\n\ufeff\u200b\u2060"  # NFKC turns U+3000 and U+00A0 into a space, and leaves a BOM and zero widths
)


class State(IntEnum):
    """The states of a submission, numbered as in schemas/loan/v1/states.yaml."""

    RECEIVED = 1
    VALIDATED = 2
    PSEUDONYMIZED = 3
    AWAITING_CONFIRMATION = 4
    PUBLISHED = 5
    REFUSED = 6
    WITHDRAWN = 7


@dataclass(frozen=True)
class StateText:
    """Plain words for one state; `end` says that a submission stays there unless somebody acts."""

    number: int
    name: str
    zh: str
    en: str
    end: bool
    meaning_zh: str
    meaning_en: str


@dataclass(frozen=True)
class Label:
    """One permitted value of an enum field; `code` is what the registry stores (1 upwards, never 0)."""

    code: int
    name: str
    zh: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """One column of the file. `minimum` and `maximum` are cents for money, 1/10000 percent for rates.

    One that is `left_out` is no column of this contract's files: it may not be sent, and is empty in every row.
    """

    name: str
    zh: str
    kind: str
    example: str
    hint_zh: str
    hint_en: str
    required: bool = False
    required_column: bool = False
    party: bool = False
    max_length: int | None = None
    pattern: str | None = None
    labels: tuple[Label, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    left_out: bool = False

    def label_texts(self) -> dict[str, int]:
        """Every accepted spelling (cleaned, lower-case) of an enum's labels, to its code; empty otherwise."""
        spellings: dict[str, int] = {}
        for label in self.labels:
            for text in (label.name, label.zh, *label.aliases):
                spellings[_plain(text)] = label.code
        return spellings

    def label(self, code: int) -> Label:
        """The label of a stored code; KeyError when there is none."""
        for label in self.labels:
            if label.code == code:
                return label
        raise KeyError(f"{self.name} has no label {code}")


@dataclass(frozen=True)
class Check:
    """One rule with its code. `edge`: the file alone decides it. `active`: this version carries it out."""

    code: str
    severity: str
    phase: str
    fields: tuple[str, ...]
    zh: str
    en: str
    hint_zh: str
    hint_en: str
    edge: bool
    active: bool = True


@dataclass(frozen=True)
class Contract:
    """One version of the file contract. `annotations` and `annotations_zh` run in parallel."""

    name: str
    ruleset: str
    digest: str
    fields: tuple[Field, ...]
    checks: tuple[Check, ...]
    annotations: tuple[str, ...]
    annotations_zh: tuple[str, ...]

    @cached_property
    def _fields(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}

    @cached_property
    def _checks(self) -> dict[str, Check]:
        return {check.code: check for check in self.checks}

    @cached_property
    def _headers(self) -> dict[str, str]:
        known = dict.fromkeys((*self.annotations, *self.annotations_zh), "")
        for field in self.fields:
            if not field.left_out:
                known[field.name] = known[field.zh] = field.name
        return known

    @property
    def blind(self) -> bool:
        """Whether people come as sealed elements, and nothing of them can be read."""
        return self.field("id_no").pattern is not None

    def field(self, name: str) -> Field:
        """The field of that machine name; KeyError when there is none."""
        return self._fields[name]

    def check(self, code: str) -> Check:
        """The check of that code; KeyError when there is none."""
        return self._checks[code]

    def header(self, text: str) -> str | None:
        """The field that a header cell names, "" for a column of our own findings export, else None."""
        return self._headers.get(_plain(text).strip(f"*{_EDGES}"))


def label_code(field: Field, text: str) -> int | None:
    """The code of the label that a cell's text names in any accepted spelling; None when empty or unknown."""
    return field.label_texts().get(_plain(text))


@lru_cache(maxsize=8)
def load_contract(name: str = "loan/v1", root: Path | None = None) -> Contract:
    """The contract `name` below `root` (default: the shipped schemas).

    Raises ValueError for a name of the wrong shape or a fault in the tables (it names the entry),
    FileNotFoundError for a version that does not exist.
    """
    if not _NAME.fullmatch(name):  # a manifest names its contract: this must not become a path
        raise ValueError("a contract is named like loan/v1")
    folder = (root or schema_root()) / name
    raw = [(folder / file).read_bytes() for file in ("fields.yaml", "checks.yaml")]
    columns, rules = (_parse(text) for text in raw)
    _only_keys(columns, {"contract", "annotations", "fields"}, "fields.yaml")
    _only_keys(rules, {"ruleset", "checks"}, "checks.yaml")
    contract = Contract(
        name=columns["contract"],
        ruleset=rules["ruleset"],
        digest=hashlib.sha256(b"\0".join(raw)).hexdigest(),
        fields=tuple(_field(entry) for entry in columns["fields"]),
        checks=tuple(_check(entry) for entry in rules["checks"]),
        annotations=tuple(entry["name"] for entry in columns["annotations"]),
        annotations_zh=tuple(entry["zh"] for entry in columns["annotations"]),
    )
    _whole(contract, name)
    return contract


@lru_cache(maxsize=8)
def load_states(root: Path | None = None) -> tuple[StateText, ...]:
    """The words for every `State`, in order; ValueError when table and enum differ."""
    table = _parse(((root or schema_root()) / "loan/v1/states.yaml").read_bytes())
    states = tuple(_build(StateText, entry, f"state {entry.get('name')}") for entry in table["states"])
    if [(text.number, text.name.upper()) for text in states] != [
        (state.value, state.name) for state in State
    ]:
        raise ValueError("states.yaml and the enum State differ")
    return states


def _plain(text: str) -> str:
    """NFKC, lower-case, without blanks (U+3000 too) and invisible marks at either end."""
    return unicodedata.normalize("NFKC", text).strip(_EDGES).lower()


def _parse(raw: bytes) -> dict[str, Any]:
    loaded = yaml.load(raw, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    if not isinstance(loaded, dict):
        raise ValueError("a schema file is a mapping")
    return loaded


def _only_keys(entry: Mapping[str, object], known: Iterable[str], where: str) -> None:
    if surplus := sorted(set(entry) - set(known)):
        raise ValueError(f"{where}: unknown key {', '.join(surplus)}")


def _build(kind: type[_T], entry: Mapping[str, Any], where: str) -> _T:
    """`entry` as the dataclass `kind`; ValueError names `where` when a key is unknown or missing."""
    known = {item.name: item for item in fields(kind)}
    _only_keys(entry, known, where)
    needed = {name for name, item in known.items() if item.default is MISSING}
    if missing := sorted(needed - set(entry)):
        raise ValueError(f"{where}: missing key {', '.join(missing)}")
    return kind(**entry)


def _field(entry: dict[str, Any]) -> Field:
    where = f"field {entry.get('name')}"
    labels = tuple(_label(label, where) for label in entry.get("labels", ()))
    required = entry.get("required", False)
    built = _build(Field, {"required_column": required, **entry, "labels": labels}, where)
    if built.kind not in KINDS:
        raise ValueError(f"{where}: unknown kind {built.kind}")
    if (built.kind == "enum") != bool(labels):
        raise ValueError(f"{where}: labels belong to an enum, and every enum has them")
    _unique((label.code for label in labels), f"{where}: label code")
    _unique((_plain(text) for label in labels for text in (label.name, label.zh)), f"{where}: label")
    if len(built.label_texts()) != sum(2 + len(label.aliases) for label in labels):
        raise ValueError(f"{where}: an alias repeats another label")
    return built


def _label(entry: dict[str, Any], where: str) -> Label:
    label = _build(Label, {**entry, "aliases": tuple(entry.get("aliases", ()))}, f"{where}, label")
    if label.code < 1:
        raise ValueError(f"{where}: label {label.name} has a code below 1")
    return label


def _check(entry: dict[str, Any]) -> Check:
    code = str(entry.get("code"))
    if not _CODE.fullmatch(code):
        raise ValueError(f"check {code}: not a code")
    built = _build(Check, {**entry, "fields": tuple(entry.get("fields", ()))}, f"check {code}")
    if built.severity != SEVERITY_BY_PREFIX[code[0]]:
        raise ValueError(f"check {code}: {built.severity} does not fit the code")
    if built.phase not in PHASES:
        raise ValueError(f"check {code}: unknown phase {built.phase}")
    return built


def _whole(contract: Contract, name: str) -> None:
    """What only the whole table shows: its name, doubled entries, fields that checks refer to."""
    if contract.name != name:
        raise ValueError(f"{name}: fields.yaml calls itself {contract.name}")
    headers = [text for field in contract.fields for text in (field.name, field.zh)]
    _unique([*headers, *contract.annotations, *contract.annotations_zh], "header")
    _unique((check.code for check in contract.checks), "check")
    known = {field.name for field in contract.fields}
    for check in contract.checks:
        if stray := sorted(set(check.fields) - known):
            raise ValueError(f"check {check.code}: unknown field {', '.join(stray)}")


def _unique(values: Iterable[object], what: str) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} {value} stands twice")
        seen.add(value)
