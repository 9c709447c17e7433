"""The documents say what is there: commands, options, targets, variables, links, codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer.main

from huxin.cli import app

TREE = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
PAGES = [*(TREE / name for name in READMES), TREE / "CHANGELOG.md", *sorted((TREE / "docs").rglob("*.md"))]
COMMANDS = (TREE / "docs" / "commands.md").read_text(encoding="utf-8")
SOURCES = [path for room in ("platform", "privacy/src") for path in (TREE / room).rglob("*.py")]
TARGETS = re.findall(r"^([a-z-]+):", (TREE / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


def leaves(command: Any, path: tuple[str, ...] = ("huxin",)) -> Iterator[tuple[str, list[str], str]]:
    """Each command that can be run: its words, its options, its help. A group counts where it can run alone."""
    children = getattr(command, "commands", {})
    if not children or getattr(command, "invoke_without_command", False):
        options = [name for parameter in command.params for name in parameter.opts if name.startswith("--")]
        yield " ".join(path), [name for name in options if name != "--help"], command.help or ""
    for name, child in children.items():
        yield from leaves(child, (*path, name))


RUNNABLE = list(leaves(typer.main.get_command(app)))


def section(words: str) -> str:
    """The part of commands.md under the heading of a command's first word."""
    heading = " ".join(words.split()[:2])
    found = re.search(rf"^## {heading}\b.*?(?=^## |\Z)", COMMANDS, flags=re.MULTILINE | re.DOTALL)
    assert found, f"docs/commands.md has no section {heading}"
    return found[0]


def test_the_command_line_is_walked() -> None:
    assert {
        "huxin init",
        "huxin night",
        "huxin submissions",
        "huxin submissions confirm",
        "huxin db dump",
    } <= {words for words, _, _ in RUNNABLE}


@pytest.mark.parametrize(("words", "options", "text"), RUNNABLE, ids=[words for words, _, _ in RUNNABLE])
def test_every_command_and_option_is_documented(words: str, options: list[str], text: str) -> None:
    said = section(words)
    assert words in said
    assert [name for name in options if not re.search(rf"{name}\b(?!-)", said)] == []
    assert text, f"{words} has no help"


def test_no_command_is_documented_that_is_not_there() -> None:
    known = {words for words, _, _ in RUNNABLE}
    groups = {words.split()[1] for words in known}
    spelt = set(
        re.findall(r"\bhuxin (\w+)(?: ([a-z-]+)\b)?", "\n".join(re.findall(r"`([^`\n]+)`", COMMANDS)))
    )
    assert {first for first, _ in spelt} <= groups
    two = {f"huxin {first} {second}" for first, second in spelt if second}
    nested = {words.split()[1] for words in known if len(words.split()) == 3}
    # A group within a group (huxin members key new) is known by its first three words.
    assert {words for words in two if words.split()[1] in nested} <= {
        " ".join(words.split()[:3]) for words in known
    }


@pytest.mark.parametrize("readme", READMES)
def test_the_two_commands_stand_on_the_first_screen(readme: str) -> None:
    first_screen = (TREE / readme).read_text(encoding="utf-8").splitlines()[:12]
    assert any(line.startswith("make demo") for line in first_screen)
    assert any(line.startswith("make test") for line in first_screen)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [unquote(link) for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [link.split("#") for link in targets if "://" not in link]
    assert [link[0] for link in local if link[0] and not (page.parent / link[0]).exists()] == []
    for path, *anchor in local:
        if anchor:
            aim = (page.parent / path).read_text(encoding="utf-8") if path else text
            assert anchor[0] in {slug(line) for line in aim.splitlines() if line.startswith("#")}


def slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lstrip("# ").strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_in_documents_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, flags=re.MULTILINE))
    assert named <= set(TARGETS)


def test_environment_variables_are_documented() -> None:
    """Those of tests (HUXIN_FAULT…) excepted; the key-encryption keys are spelt from the zone's name."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    read = set(re.findall(r"environ[^\n]*?\"(HUXIN_\w+)\"", code)) | set(
        re.findall(r"env\.get\(\"(HUXIN_\w+)\"", code)
    )
    read = {name for name in read if not name.startswith("HUXIN_FAULT")}
    assert read
    assert [name for name in sorted(read) if f"`{name}`" not in COMMANDS] == []


def test_no_variable_has_two_meanings() -> None:
    rows = re.findall(r"^\| (`HUXIN_.*?) \|", COMMANDS, flags=re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"HUXIN_\w+", row)]
    assert len(names) > 20
    assert sorted(names) == sorted(set(names))


def test_an_environment_variable_means_one_thing() -> None:
    named = re.findall(r"^\| `(HUXIN_\w+)`", COMMANDS, flags=re.MULTILINE)
    assert len(named) > 20
    assert sorted(named) == sorted(set(named))


def test_error_codes_in_documents_exist() -> None:
    known = (TREE / "schemas" / "errors.yaml").read_text(encoding="utf-8")
    known += (TREE / "privacy" / "src" / "huxin_privacy" / "errors.py").read_text(encoding="utf-8")
    known += "".join(
        path.read_text(encoding="utf-8") for path in (TREE / "schemas" / "loan" / "v1").glob("*.yaml")
    )
    for page in PAGES:
        codes = set(re.findall(r"\b[HPEFW]\d{4}\b", page.read_text(encoding="utf-8")))
        assert [code for code in sorted(codes) if code not in known] == [], page.name


def test_the_licence_is_whole() -> None:
    text = (TREE / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    for place in ("pyproject.toml", "privacy/pyproject.toml"):
        assert 'license = "Apache-2.0"' in (TREE / place).read_text(encoding="utf-8")
