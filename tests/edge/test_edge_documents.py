"""docs/edge.md says every command, option, setting and exit code of the tool, and no other."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from huxin_edge import command
from huxin_edge.cli import parser
from huxin_edge.settings import NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "edge.md").read_text(encoding="utf-8")


def leaves(
    made: argparse.ArgumentParser, words: str = "huxin-edge"
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    groups = [action for action in made._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield words, made
    for group in groups:
        for name, child in group.choices.items():
            yield from leaves(child, f"{words} {name}")


COMMANDS = dict(leaves(parser()))


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_is_documented_with_its_options(words: str) -> None:
    assert f"`{words}" in PAGE
    options = [
        name for action in COMMANDS[words]._actions for name in action.option_strings if name.startswith("--")
    ]
    assert [name for name in options if name != "--help" and not re.search(rf"{name}\b(?!-)", PAGE)] == []
    assert COMMANDS[words].description


def test_no_other_command_is_documented() -> None:
    said = set(re.findall(r"`huxin-edge ((?:keys|receipt) [a-z]+|[a-z]+)", PAGE))
    assert {f"huxin-edge {words}" for words in said} == set(COMMANDS)


def test_every_exit_code_is_documented() -> None:
    codes = (command.DONE, command.FAILED, command.MISUSED, command.REFUSED, command.INTERRUPTED)
    assert [code for code in codes if f"\n| {code} |" not in PAGE] == []


def test_every_setting_is_documented() -> None:
    assert [name for name in NAMES if name != "seal_key" and f"`{name}`" not in PAGE] == []
    variables = {f"HUXIN_EDGE_{name.upper()}" for name in NAMES if name != "seal_key"} | {"HUXIN_EDGE_CONFIG"}
    assert [name for name in variables if name not in PAGE] == []


def test_every_help_speaks_both_languages() -> None:
    for words, made in COMMANDS.items():
        text = made.description or ""
        assert re.search(r"[\u4e00-\u9fff]", text) and re.search(r"[a-z]{3}", text), words
