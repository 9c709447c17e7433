"""Reads one YAML file of schemas/, refusing what YAML would silently let pass."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from huxin.errors import HuxinError


def read_yaml(folder: Path, name: str) -> Any:
    """The file's content. HuxinError H1501 when it is absent, no UTF-8, no YAML, or has a doubled key."""
    try:
        text = (folder / name).read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise HuxinError("H1501", place=name) from None
    return parse_yaml(text, name)


def parse_yaml(text: str, name: str) -> Any:
    """The content of a text that errors call `name`. HuxinError H1501, with the line where it is known."""
    try:
        return yaml.load(text, _Strict)  # noqa: S506 a SafeLoader below
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise HuxinError("H1501", place=name if mark is None else f"{name}:{mark.line + 1}") from None
    except (ValueError, LookupError, AttributeError, RecursionError, yaml.YAMLError):
        # PyYAML's own, where a tag calls a text what it is not (`!!bool x`), among them.
        raise HuxinError("H1501", place=name) from None


class _Strict(yaml.SafeLoader):
    """YAML that refuses a key standing twice, where the later would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(problem="doubled key", problem_mark=key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)
