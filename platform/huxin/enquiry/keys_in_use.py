"""The keys of a serving process: read anew when a keyring file changes, and what was read is told to the registry."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from functools import partial

from huxin.audit.notes import Signer, log_keys
from huxin.enquiry.elements import Elements
from huxin.enquiry.redeeming import TicketKeys
from huxin.enquiry.subject_keys import Keys, RegistryKeys, schemes_of
from huxin.errors import HuxinError
from huxin.registry.blind import Generation, generations
from huxin.registry.key_readers import Reading
from huxin.registry.schemes import scheme_ids
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.zones.layout import zone_of
from huxin.zones.roles import REGISTRY
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.generations import Rings

log = logging.getLogger(__name__)

LOOK_S = 1.0  # between two looks at the files; a look is a few system calls
_HELD = 15  # looks between two at the session, whose loss is otherwise not noticed


@dataclass(frozen=True)
class Read:
    """What one reading of the keyrings gave."""

    keys: RegistryKeys
    signer: Signer
    versions: dict[str, int]
    elements: Elements | None = None
    # In the registry zone of a split platform, whose keyring does not change with the entry zone's keys.
    at_work: tuple[Generation, ...] | None = None


class KeysInUse:
    """Keys for the threads of one process. `now` is whole and never changes: a question takes it once."""

    def __init__(self, settings: Settings, kind: str) -> None:
        """Reads the keyrings: PrivacyError P0110-P0118, and the registry's HuxinErrors."""
        self._settings = settings
        self._turn = threading.Lock()
        self._over = threading.Event()
        self._place = Reading(settings, kind)
        try:
            self._seen = keyring.file_marks(settings.keys_dir)
            self.now = _read(settings)
            self._place.say(self.now.versions)
        except BaseException:
            self._place.close()
            raise
        self._thread = threading.Thread(target=self._watch, name="keys", daemon=True)
        self._thread.start()

    def renew(self) -> Read:
        """Reads the keyrings anew, for whoever was told that its keys are not those in force. Errors as at first."""
        with self._turn:
            marks = keyring.file_marks(self._settings.keys_dir)
            self.now = _read(self._settings)
            self._place.say(self.now.versions)
            self._seen = marks
        return self.now

    def latest(self) -> Read:
        """Those in force as the keyrings' files tell: read anew where one was written. Errors as at first."""
        return self.renew() if self._changed() else self.now

    def close(self) -> None:
        """Ends the watch, and leaves the registry's list of readers."""
        self._over.set()
        self._thread.join()
        self._place.close()

    def _watch(self) -> None:
        looks, told = 0, ""
        while not self._over.wait(LOOK_S):
            looks += 1
            try:
                if told or self._changed() or (looks % _HELD == 0 and self._lost()):
                    self.renew()
                told = ""
            except (HuxinError, PrivacyError) as error:
                # It goes on with the keys it has, and has not acknowledged any others.
                if error.code != told:
                    log.warning("%s: the keyrings could not be read anew; trying again", error.code)
                told = error.code

    def _changed(self) -> bool:
        if keyring.file_marks(self._settings.keys_dir) != self._seen:
            return True
        return self.now.at_work is not None and _at_work(self._settings) != self.now.at_work

    def _lost(self) -> bool:
        with self._turn:
            return not self._place.held()


def _read(settings: Settings) -> Read:
    split = zone_of(settings) == REGISTRY
    at_work = _at_work(settings) if split else None
    keys, elements = _of_zone(settings) if split else _of_both(settings)
    audit = keyring.open(settings.keys_dir, "audit")
    versions = {**keys.versions, audit.zone: audit.version}
    return Read(keys, log_keys(audit).promise, versions, elements, at_work)


def _at_work(settings: Settings) -> tuple[Generation, ...]:
    with connection(settings) as database:
        return tuple(generations(database))


def _of_both(settings: Settings) -> tuple[RegistryKeys, Elements | None]:
    with connection(settings) as database:
        rings, numbers = Rings.open(settings.keys_dir), partial(scheme_ids, database)
        keys = Keys(rings, numbers(schemes_of(rings)))
        return keys, Elements.read(rings, generations(database), numbers)


def _of_zone(settings: Settings) -> tuple[RegistryKeys, Elements | None]:
    """Where the platform is split, the entry zone's key is with the entry zone."""
    ring = keyring.open(settings.keys_dir, REGISTRY)
    with connection(settings) as database:
        return TicketKeys(settings, ring), Elements.of_registry(ring, database)
