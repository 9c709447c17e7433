"""The sector summed up after a night, or whenever something was published or taken back since."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from huxin.errors import HuxinError
from huxin.registry.sector import close_due, close_sector
from huxin.registry.session import connection
from huxin.settings import Settings

if TYPE_CHECKING:
    from datetime import date

log = logging.getLogger(__name__)


def close_if_due(settings: Settings) -> date | None:
    """Sums the sector up where that is due; its newest day, None where nothing was to be done."""
    with connection(settings) as database:
        return close_sector(database, settings.now()) if close_due(database) else None


def close_quietly(settings: Settings) -> None:
    """The same at the end of a night, whose work is done: a fault is noted, and the next close makes up for it."""
    try:
        close_if_due(settings)
    except HuxinError as error:
        log.warning("the sector was not summed up: %s", error.code)
