"""The two steps after validation: done here, or by the other zones where the platform is split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from huxin.nightly.timings import Timings
from huxin.settings import Settings
from huxin.zones.layout import required, zone_of
from huxin.zones.roles import INTAKE, REGISTRY

Step = Callable[[Settings, Sequence[UUID], Timings | None], None]


def pseudonymize_step(settings: Settings) -> Step:
    """What makes a validated submission a pseudonymized one. HuxinError H1709 in the entry zone."""
    zone = zone_of(settings)
    if zone is None:
        from huxin.nightly.blind_rows import pseudonymize_either  # each with its own heavy libraries

        return pseudonymize_either
    if zone == REGISTRY:
        return _taken_over
    required(settings, INTAKE)
    from huxin.nightly.handing_over import hand_over_group

    return hand_over_group


def load_step(settings: Settings) -> Step:
    """What brings a pseudonymized submission into the registry. HuxinError H1709 in the entry zone."""
    if zone_of(settings) in (None, REGISTRY):
        from huxin.nightly.load import load_group

        return load_group
    required(settings, INTAKE)
    from huxin.nightly.handing_over import load_elsewhere

    return load_elsewhere


def _taken_over(settings: Settings, ids: Sequence[UUID], timings: Timings | None = None) -> None:
    """Nothing: what is in the registry zone's spool came there pseudonymized."""
