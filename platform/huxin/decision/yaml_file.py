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
        return yaml.load((folder / name).read_text(encoding="utf-8"), _Strict)  # noqa: S506 a SafeLoader below
    except (OSError, ValueError, yaml.YAMLError):
        raise HuxinError("H1501", place=name) from None


class _Strict(yaml.SafeLoader):
    """YAML that refuses a key standing twice, where the later would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) < len(keys):
            raise yaml.YAMLError("doubled key")
        return super().construct_mapping(node, deep)
