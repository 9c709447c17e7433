"""The intake zone's copy of the members: who may send is the registry zone's word."""

from __future__ import annotations

from huxin.registry.members import copy_members
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.zones.calls import Peer
from huxin.zones.layout import layout_of, required
from huxin.zones.roles import INTAKE, REGISTRY


def follow_members(settings: Settings) -> None:
    """Brings the copy up to date where this is the intake zone of a split platform.

    HuxinError H1709 in the other zones, where no file may come in; H1712, H1713 when the registry zone cannot be asked.
    """
    if layout_of(settings) is None:
        return
    layout = required(settings, INTAKE)
    said = Peer(layout, REGISTRY).call("GET", "/zone/members").json()
    with connection(settings) as database:
        copy_members(database, said["members"])
