"""Past moments are told of registries that the real night has filled: its world is the one of tests/nightly."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "nightly"))
