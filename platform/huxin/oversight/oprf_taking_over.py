"""The registry zone's part: δ of the entry zone's envelope, and the key that it leads to."""

from __future__ import annotations

import re
from typing import Final

from huxin.errors import HuxinError
from huxin.oversight.oprf_handing_over import PURPOSE
from huxin.oversight.oprf_rotation import publish_for
from huxin.registry.blind import Generation
from huxin.settings import Settings
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, REGISTRY
from huxin.zones.secrets import receiving
from huxin_privacy.blind.sodium import ELEMENT_BYTES, is_element
from huxin_privacy.envelope import open_envelope

_BOUND: Final = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


def take_step(settings: Settings, bound: str, envelope: bytes) -> None:
    """Makes the key of an envelope the present one.

    HuxinError H1718 (malformed, or not of the key that is at work), H1801; PrivacyError P0151, P0170-P0172.
    """
    named = _BOUND.fullmatch(bound)
    senders, secrets = required(settings, REGISTRY).card(ENTRY).sign, receiving(settings, REGISTRY)
    content = open_envelope(senders, secrets, PURPOSE, bound.encode(), envelope)
    public, delta = content[:ELEMENT_BYTES], content[ELEMENT_BYTES:]
    if named is None or len(delta) != ELEMENT_BYTES or not is_element(public):
        raise HuxinError("H1718")
    publish_for(settings, int(named[1]), Generation(int(named[2]), public), delta)
