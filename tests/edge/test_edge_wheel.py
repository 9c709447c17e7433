"""The wheel as a small lender gets it: in an environment of its own, with what it names and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

TREE = Path(__file__).parents[2]
SAMPLE = TREE / "examples" / "nightly" / "M0001"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of a copy of the tree, without a network."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for name in ("privacy", "schemas"):
        shutil.copytree(TREE / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = ("wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out))
    subprocess.run([sys.executable, "-m", "pip", *build, "./privacy"], cwd=tree, check=True, timeout=300)
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def lender(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, and of ours just the packages that it and those need."""
    place = tmp_path_factory.mktemp("lender") / "env"
    venv.create(place, with_pip=False)
    (packages,) = place.glob("lib/python*/site-packages")
    install = ("--quiet", "--no-index", "--no-deps", "--no-compile", str(wheel))
    python = str(place / "bin" / "python")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", *install], check=True, timeout=300
    )
    (made,) = packages.glob("huxin_privacy-*.dist-info")
    for each in needed(Distribution.at(made), {"edge"}):
        link(each, packages)
    return place


def needed(wanting: Distribution, extras: set[str]) -> list[Distribution]:
    """The distributions that one asks for, and what those ask for."""
    found: dict[str, Distribution] = {}
    waiting = [(wanting, extras)]
    while waiting:
        each, chosen = waiting.pop()
        for text in each.requires or ():
            want = Requirement(text)
            marked = want.marker is None or any(
                want.marker.evaluate({"extra": extra}) for extra in {"", *chosen}
            )
            if marked and want.name not in found:
                found[want.name] = distribution(want.name)
                waiting.append((found[want.name], want.extras))
    return list(found.values())


def link(each: Distribution, packages: Path) -> None:
    """Its top-level names, as they lie in ours."""
    for name in {file.parts[0] for file in each.files or () if file.parts[0] not in ("..", "__pycache__")}:
        source = Path(str(each.locate_file(name)))
        if source.exists() and not (packages / name).exists():
            (packages / name).symlink_to(source)


def test_it_holds_three_packages_the_tables_and_nothing_of_the_platform(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        names = content.namelist()
        assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
            "huxin_privacy",
            "huxin_checks",
            "huxin_edge",
        }
        for table in (
            "loan/v1/fields.yaml",
            "loan/v1/checks.yaml",
            "loan-tokens/v1/fields.yaml",
            "loan-tokens/v1/checks.yaml",
            "classes/five_tier.yaml",
            "policy/nightly.yaml",
        ):
            assert content.read(f"huxin_checks/_schemas/{table}") == (TREE / "schemas" / table).read_bytes()
    assert wheel.stat().st_size < 400_000


def test_it_needs_few_packages(lender: Path) -> None:
    (packages,) = lender.glob("lib/python*/site-packages")
    (made,) = packages.glob("huxin_privacy-*.dist-info")
    names = {each.metadata["Name"].lower() for each in needed(Distribution.at(made), {"edge"})}
    assert names <= {"cryptography", "cffi", "pycparser", "numpy", "pyarrow", "polars", "polars-runtime-32", "pyyaml",
                     "python-calamine"}  # fmt: skip


def test_it_checks_a_sample_and_knows_no_platform(lender: Path, tmp_path: Path) -> None:
    for each in SAMPLE.iterdir():
        shutil.copy(each, tmp_path)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HUXIN"))}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(lender / "bin" / words[0]), *words[1:]]
        return subprocess.run(
            command, cwd=tmp_path, env=plain, capture_output=True, text=True, timeout=300, check=False
        )

    assert "ModuleNotFoundError" in run("python", "-c", "import huxin").stderr
    done = run("huxin-edge", "--lang", "en", "check", "loans_20260531.csv")
    assert done.returncode in (0, 3), done.stderr
    assert "checked at the centre" in done.stderr
    assert "3,160" in done.stderr.replace("3160", "3,160")
    xlsx = TREE / "examples" / "nightly" / "M0004" / "五月末贷款.xlsx"
    done = run("huxin-edge", "check", str(xlsx), "--json")
    assert done.returncode in (0, 3), done.stderr
