"""Where the data of schemas/ lies: inside an installed wheel, or at the top of a source tree."""

from __future__ import annotations

from pathlib import Path


def schema_root() -> Path:
    """The folder that holds loan/v1 and errors.yaml."""
    packaged = Path(__file__).parent / "_schemas"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "schemas"
