"""Who may open which route: schemas/console/access.yaml. What has no line there is refused to everybody."""

from __future__ import annotations

from functools import lru_cache

import yaml

from huxin.paths import schema_root
from huxin.registry.people import ROLES

EVERYONE = "everyone"


@lru_cache(maxsize=1)
def access() -> dict[str, frozenset[str]]:
    """Roles by "METHOD /rule"; EVERYONE stands for those who have not signed in, too."""
    loaded = yaml.safe_load((schema_root() / "console" / "access.yaml").read_text(encoding="utf-8"))
    found = {
        route: frozenset([roles] if isinstance(roles, str) else roles) for route, roles in loaded.items()
    }
    unknown = {role for roles in found.values() for role in roles} - {*ROLES, EVERYONE}
    if unknown:
        raise ValueError(f"access.yaml names {', '.join(sorted(unknown))}")
    return found


def may(role: str | None, method: str, rule: str) -> bool:
    """Whether a person of that role (None: nobody has signed in) may open a route."""
    allowed = access().get(f"{'GET' if method == 'HEAD' else method} {rule}", frozenset())
    return EVERYONE in allowed or (role is not None and role in allowed)
