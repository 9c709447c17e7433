"""The three zones that a platform can be split into, the keyrings each holds, and who may call whom."""

from __future__ import annotations

from typing import Final

INTAKE: Final = "intake"
ENTRY: Final = "entry"
REGISTRY: Final = "registry"
ROLES: Final = (INTAKE, ENTRY, REGISTRY)

# The audit log stands where answers are given.
RINGS: Final = {INTAKE: ("intake",), ENTRY: ("entry",), REGISTRY: ("registry", "audit")}
# Who calls a zone, each at a port of its own, where no other's certificate is let in. Nobody calls the intake zone.
CALLERS: Final[dict[str, tuple[str, ...]]] = {INTAKE: (), ENTRY: (INTAKE,), REGISTRY: (INTAKE, ENTRY)}
PORTS: Final = {(ENTRY, INTAKE): 9444, (REGISTRY, INTAKE): 9443, (REGISTRY, ENTRY): 9445}
# The zones whose cards a zone must have before it can work.
NEEDED: Final = {INTAKE: (ENTRY, REGISTRY), ENTRY: (INTAKE, REGISTRY), REGISTRY: (INTAKE, ENTRY)}
