"""What holds for every file of the tree: its first line, the reasons for its exceptions, its place."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
CODE = sorted(
    path
    for room in ("platform", "privacy/src", "dags", "docker", "requirements", "benches")
    for path in (TREE / room).rglob("*.py")
)
TESTS = sorted((TREE / "tests").rglob("*.py"))
SILENCED = re.compile(
    r"#\s*(?:ruff:\s*)?(?:noqa|type:\s*ignore|nosec)\b(?P<codes>:\s*[A-Z0-9, ]+|\[[a-z, -]+\])?(?P<rest>.*)"
)
TOP = {
    *(
        ".ci",
        ".dockerignore",
        ".gitattributes",
        ".gitignore",
        ".pre-commit-config.yaml",
        "Makefile",
        "pyproject.toml",
    ),
    *("CHANGELOG.md", "LICENSE", "NOTICE", "README.md", "README.zh-CN.md"),
    *(
        "benches",
        "dags",
        "docker",
        "docs",
        "examples",
        "platform",
        "privacy",
        "requirements",
        "schemas",
        "tests",
    ),
}


def name(path: Path) -> str:
    return str(path.relative_to(TREE))


def test_platform_is_a_source_root_and_no_package() -> None:
    """An __init__.py there would shadow the standard library's `platform`."""
    assert not (TREE / "platform" / "__init__.py").exists()
    import platform

    assert hasattr(platform, "machine")


def test_the_top_level_is_fixed() -> None:
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=TREE,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    assert {path.split("/")[0] for path in listed.stdout.split("\0") if path} <= TOP


def test_every_module_says_what_it_is_for() -> None:
    silent = [name(path) for path in CODE + TESTS if not opens_with_a_purpose(path)]
    assert silent == []


def opens_with_a_purpose(path: Path) -> bool:
    """A package marker that holds nothing may stay empty."""
    text = path.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text))
    return (path.name == "__init__.py" and not text.strip()) or bool(
        docstring and len(docstring.split()) >= 3
    )


def test_an_exception_to_a_rule_has_its_code_and_its_reason() -> None:
    found = [(name(path), fault) for path in CODE for fault in unreasoned(path.read_text(encoding="utf-8"))]
    assert found == []


def unreasoned(source: str) -> list[str]:
    """Lines that silence a tool without a code, or without a reason there or in a comment just above."""
    lines = source.splitlines()
    faults = []
    for number, line in enumerate(lines):
        silenced = SILENCED.search(line)
        if not silenced:
            continue
        above = lines[number - 1].strip() if number else ""
        reasoned = len(re.findall(r"\w{2,}", silenced["rest"])) >= 1 or above.startswith("#")
        if not (silenced["codes"] and reasoned):
            faults.append(f"{number + 1}: {line.strip()[-80:]}")
    return faults


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("x = 1  # noqa", 1),
        ("x = 1  # noqa: S101", 1),
        ("x = y  # type: ignore", 1),
        ("x = y  # type: ignore[misc]", 1),
        ("x = y  # type: ignore[misc]  # the library has no types", 0),
        ("x = 1  # noqa: S608 - constants", 0),
        ("# The library wants it so.\nx = 1  # noqa: N805", 0),
        ("x = 1", 0),
    ],
)
def test_the_search_for_reasons_can_fail(source: str, faults: int) -> None:
    assert len(unreasoned(source)) == faults


def test_no_file_is_beyond_reading() -> None:
    """Files are about 120 lines; none is over 350."""
    long = {
        name(path): lines for path in CODE if (lines := path.read_text(encoding="utf-8").count("\n")) > 350
    }
    assert long == {}


def test_test_files_have_names_of_their_own() -> None:
    """Without packages under tests/, two files of one name would be one module."""
    names = [path.name for path in TESTS if path.name not in {"conftest.py"}]
    assert sorted(names) == sorted(set(names))
    assert not list((TREE / "tests").rglob("__init__.py"))


def test_library_code_prints_nothing() -> None:
    """Output belongs to the command line and the demo; ruff's T20 watches the rest unless a file opts out."""
    quiet = [
        path for path in CODE if "huxin" in path.parts and "cli" not in path.parts and path.name != "demo.py"
    ]
    loud = [
        name(path)
        for path in quiet
        if any(map(is_print, ast.walk(ast.parse(path.read_text(encoding="utf-8")))))
    ]
    assert loud == []


def is_print(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
