"""A fault in the tables is found at load and names its entry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from huxin.contract import load_contract, load_states
from huxin.paths import schema_root

Tables = dict[str, dict[str, Any]]
FILES = ("fields", "checks", "states")


def _copy(folder: Path, change: Callable[[Tables], None]) -> Path:
    """The shipped tables with one change, below a root of their own."""
    source = schema_root() / "loan" / "v1"
    tables = {name: yaml.safe_load((source / f"{name}.yaml").read_text(encoding="utf-8")) for name in FILES}
    change(tables)
    target = folder / "loan" / "v1"
    target.mkdir(parents=True)
    for name, table in tables.items():
        (target / f"{name}.yaml").write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
    return folder


def _field(tables: Tables, name: str) -> dict[str, Any]:
    return next(entry for entry in tables["fields"]["fields"] if entry["name"] == name)


def _check(tables: Tables, code: str) -> dict[str, Any]:
    return next(entry for entry in tables["checks"]["checks"] if entry["code"] == code)


FAULTS: dict[str, tuple[Callable[[Tables], object], str]] = {
    "doubled check": (lambda t: t["checks"]["checks"].append(_check(t, "E1001")), "check E1001 stands twice"),
    "doubled field": (
        lambda t: t["fields"]["fields"].append(_field(t, "mobile")),
        "header mobile stands twice",
    ),
    "doubled header": (lambda t: _field(t, "mobile").update(zh="姓名"), "header 姓名 stands twice"),
    "header of an annotation": (
        lambda t: _field(t, "mobile").update(zh="记录号"),
        "header 记录号 stands twice",
    ),
    "doubled label": (
        lambda t: _field(t, "role")["labels"][1].update(zh="担保人"),
        "field role: label 担保人",
    ),
    "doubled label code": (
        lambda t: _field(t, "role")["labels"][1].update(code=1),
        "field role: label code 1",
    ),
    "label code 0": (lambda t: _field(t, "role")["labels"][0].update(code=0), "primary has a code below 1"),
    "alias of another label": (
        lambda t: _field(t, "role")["labels"][0].update(aliases=["guarantor"]),
        "field role: an alias repeats",
    ),
    "unknown key of a field": (
        lambda t: _field(t, "role").update(lenght=3),
        "field role: unknown key lenght",
    ),
    "unknown key of a check": (
        lambda t: _check(t, "E2101").update(link="x"),
        "check E2101: unknown key link",
    ),
    "unknown key of a label": (
        lambda t: _field(t, "role")["labels"][0].update(en="x"),
        "field role, label: unknown key en",
    ),
    "unknown key of the file": (lambda t: t["checks"].update(version=2), "checks.yaml: unknown key version"),
    "missing text": (lambda t: _check(t, "E2101").pop("hint_en"), "check E2101: missing key hint_en"),
    "unknown kind": (lambda t: _field(t, "mobile").update(kind="phone"), "field mobile: unknown kind phone"),
    "enum without labels": (
        lambda t: _field(t, "role").pop("labels"),
        "field role: labels belong to an enum",
    ),
    "labels without enum": (lambda t: _field(t, "role").update(kind="text"), "field role: labels belong"),
    "unknown phase": (lambda t: _check(t, "E2101").update(phase="batch"), "check E2101: unknown phase batch"),
    "severity against the code": (
        lambda t: _check(t, "E2101").update(severity="warn"),
        "check E2101: warn does",
    ),
    "not a code": (lambda t: _check(t, "E2101").update(code="X2101"), "check X2101: not a code"),
    "field that is not there": (
        lambda t: _check(t, "E2101").update(fields=["age"]),
        "E2101: unknown field age",
    ),
    "another contract's name": (lambda t: t["fields"].update(contract="loan/v2"), "calls itself loan/v2"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_tables_names_its_entry(fault: str, tmp_path: Path) -> None:
    change, message = FAULTS[fault]
    root = _copy(tmp_path, lambda tables: change(tables) and None)
    with pytest.raises(ValueError, match=message):
        load_contract(root=root)


def test_an_unchanged_copy_loads_and_means_the_same(tmp_path: Path) -> None:
    copy = load_contract(root=_copy(tmp_path, lambda tables: None))
    assert copy.fields == load_contract().fields
    assert copy.checks == load_contract().checks


def test_any_change_of_the_tables_changes_the_digest(tmp_path: Path) -> None:
    plain = load_contract(root=_copy(tmp_path / "a", lambda tables: None))
    hint = load_contract(root=_copy(tmp_path / "b", lambda t: _check(t, "E2101").update(hint_en="Mend it.")))
    limit = load_contract(root=_copy(tmp_path / "c", lambda t: _field(t, "purpose").update(max_length=33)))
    assert len({plain.digest, hint.digest, limit.digest}) == 3
    assert len(plain.digest) == 64


@pytest.mark.parametrize(
    "name", ["../../etc", "loan/v1/../v1", "/etc/v1", "loan", "loan/V1", "", "loan/v1\n", "a/v1/"]
)
def test_a_contracts_name_cannot_be_a_path(name: str) -> None:
    with pytest.raises(ValueError, match="named like loan/v1"):
        load_contract(name)


def test_an_unknown_version_is_not_found() -> None:
    with pytest.raises(FileNotFoundError):
        load_contract("loan/v99")


def test_states_must_equal_the_enum(tmp_path: Path) -> None:
    root = _copy(tmp_path, lambda tables: tables["states"]["states"].reverse())
    with pytest.raises(ValueError, match=r"states\.yaml and"):
        load_states(root)
