"""Where the tables of the contract lie: inside an installed wheel, or at the top of a source tree."""

from __future__ import annotations

from pathlib import Path


def schema_root() -> Path:
    """The folder that holds loan/v1, classes and policy/nightly.yaml."""
    packaged = Path(__file__).parent / "_schemas"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "schemas"
