"""The one desk of a process that answers enquiries, made when first asked."""

from __future__ import annotations

import threading
from collections.abc import Callable

from flask import current_app

from huxin.api.shell import shell
from huxin.enquiry.desk import Desk
from huxin.enquiry.zone_desk import ZoneDesk
from huxin.settings import Settings
from huxin.zones.layout import zone_of
from huxin.zones.roles import REGISTRY

_NAME = "huxin_desk"
# Where an app that is to have another desk than the real one names what makes it.
MAKER = "huxin_desk_maker"
_making = threading.Lock()


def desk() -> Desk:
    """That of the app which answers the present request."""
    found = current_app.extensions.get(_NAME)
    if found is None:
        with _making:
            found = current_app.extensions.get(_NAME)
            if found is None:
                found = current_app.extensions[_NAME] = _maker()(shell().settings)
    assert isinstance(found, Desk)
    return found


def _maker() -> Callable[[Settings], Desk]:
    usual = ZoneDesk if zone_of(shell().settings) == REGISTRY else Desk
    made: Callable[[Settings], Desk] = current_app.extensions.get(MAKER, usual)
    return made
