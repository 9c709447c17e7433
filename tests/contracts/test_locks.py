"""The locks: hashed, without addresses, and holding what the distributions ask for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TREE = Path(__file__).parents[2]
LOCKS = sorted((TREE / "requirements").glob("*.lock"))
PYTHONS = ("3.11", "3.12", "3.13")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[a-z,0-9_-]+\])?==(?P<version>[^ ;\\]+)")


def pins(lock: Path) -> dict[str, str]:
    found = (PIN.match(line) for line in lock.read_text(encoding="utf-8").splitlines())
    return {canonicalize_name(pin["name"]): pin["version"] for pin in found if pin}


def runtime_wants() -> list[Requirement]:
    """What both distributions name, with the extras that a night uses."""
    wants = []
    for place, extras in (("pyproject.toml", ("airflow",)), ("privacy/pyproject.toml", ("fast",))):
        project = tomllib.loads((TREE / place).read_text(encoding="utf-8"))["project"]
        wants += [
            *project["dependencies"],
            *(want for extra in extras for want in project["optional-dependencies"][extra]),
        ]
    return [want for want in map(Requirement, wants) if want.name != "huxin-privacy"]


def test_there_is_a_lock_for_each_python_and_set() -> None:
    wanted = {f"{kind}-py{version}.lock" for kind in ("app", "runtime", "dev") for version in PYTHONS}
    assert {lock.name for lock in LOCKS} == wanted | {"bootstrap.lock", "fuzz.lock"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_has_hashes_and_no_addresses(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"\w+://|--(extra-)?index-url|--find-links|--trusted-host|@ file", text)
    blocks = (
        re.split(r"\n(?=[A-Za-z0-9])", text)[1:]
        if text.startswith("#")
        else re.split(r"\n(?=[A-Za-z0-9])", text)
    )
    assert blocks
    assert [
        block.splitlines()[0] for block in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", block)
    ] == []


@pytest.mark.parametrize("version", PYTHONS)
def test_the_runtime_set_is_a_part_of_the_dev_set(version: str) -> None:
    runtime = pins(TREE / "requirements" / f"runtime-py{version}.lock")
    dev = pins(TREE / "requirements" / f"dev-py{version}.lock")
    assert runtime.items() <= dev.items()
    assert {"pytest", "mypy", "ruff"} <= dev.keys() - runtime.keys()


@pytest.mark.parametrize("version", PYTHONS)
def test_the_app_set_is_the_runtime_set_without_the_scheduler(version: str) -> None:
    app = pins(TREE / "requirements" / f"app-py{version}.lock")
    runtime = pins(TREE / "requirements" / f"runtime-py{version}.lock")
    assert app.items() <= runtime.items()
    assert not [name for name in app if "airflow" in name]
    wants = {canonicalize_name(want.name) for want in runtime_wants()} - {"apache-airflow"}
    assert wants <= app.keys()


@pytest.mark.parametrize("version", PYTHONS)
def test_the_runtime_set_satisfies_both_distributions(version: str) -> None:
    have = pins(TREE / "requirements" / f"runtime-py{version}.lock")
    unmet = [
        str(want)
        for want in runtime_wants()
        if not want.specifier.contains(have.get(canonicalize_name(want.name), "0"), prereleases=True)
    ]
    assert unmet == []


def test_the_dev_set_itself_is_what_runs_here() -> None:
    """A test run on other versions than the lock's would prove nothing about it."""
    import sys
    from importlib.metadata import version

    locked = pins(TREE / "requirements" / f"dev-py{sys.version_info[0]}.{sys.version_info[1]}.lock")
    for name in ("polars", "great-expectations", "apache-airflow", "sqlalchemy", "pyarrow"):
        assert version(name) == locked[name]
