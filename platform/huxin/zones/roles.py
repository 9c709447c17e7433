"""The three zones that a platform can be split into, the keyrings each holds, and who may call whom."""

from __future__ import annotations

from typing import Final

INTAKE: Final = "intake"
ENTRY: Final = "entry"
REGISTRY: Final = "registry"
ROLES: Final = (INTAKE, ENTRY, REGISTRY)

# The audit log stands where answers are given.
RINGS: Final = {INTAKE: ("intake",), ENTRY: ("entry",), REGISTRY: ("registry", "audit")}
# Whose certificates a zone's port lets in. Nobody calls the intake zone: it asks the others.
CALLERS: Final[dict[str, tuple[str, ...]]] = {INTAKE: (), ENTRY: (INTAKE,), REGISTRY: (INTAKE,)}
# The zones whose cards a zone must have before it can work.
NEEDED: Final = {INTAKE: (ENTRY, REGISTRY), ENTRY: (INTAKE, REGISTRY), REGISTRY: (INTAKE, ENTRY)}
