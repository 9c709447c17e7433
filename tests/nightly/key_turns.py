"""Turns of the keys as operators make them, one act at a time, and the questions whose answers must not notice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from huxin.enquiry.desk import Desk
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import Person
from huxin.errors import HuxinError
from huxin.oversight import key_epochs, key_retiring
from huxin.registry import gathering
from huxin.registry.gathering import Asking
from huxin.registry.members import find_member
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.keyring import PENDING, READ_ONLY
from support.rows import mobile, name, resident_id

PATIENCE = 120.0


def nobody(_behind: object) -> None:
    """Takes the word of who lags."""


def person(number: int) -> Person:
    return Person("resident_id", resident_id(number), name=name(number), mobile=mobile(number))


@dataclass
class Turns:
    """The keys of one home, and how far the exchange of each zone's has come."""

    settings: Settings
    destroy: Callable[[str, int], object]
    retired: set[tuple[str, int]] = field(default_factory=set)
    during: Callable[[], None] = lambda: None

    def ring(self, zone: str) -> keyring.Keyring:
        return keyring.open(self.settings.keys_dir, zone)

    def step(self, zone: str, suite: str | None = None) -> str:
        """The next act of this zone's exchange: new, activate, retire, destroy; what was done."""
        ring = self.ring(zone)
        old = [each.number for each in ring.epochs if each.state == READ_ONLY]
        pending = [each.number for each in ring.epochs if each.state == PENDING]
        if pending:
            key_epochs.activate(self.settings, zone, pending[0], PATIENCE, nobody)
            return "activate"
        if not old:
            key_epochs.new_epoch(self.settings, zone, suite if zone == "entry" else None)
            return "new"
        if (zone, old[0]) not in self.retired:
            return self._retire(zone, old[0])
        return self._destroy(zone, old[0])

    def under_way(self, zone: str) -> bool:
        """Whether an exchange was begun and is not at its end."""
        return bool({each.state for each in self.ring(zone).epochs} & {PENDING, READ_ONLY})

    def _retire(self, zone: str, epoch: int) -> str:
        try:
            key_retiring.retire(self.settings, zone, epoch, PATIENCE, nobody, lambda *_: self.during())
        except HuxinError as error:
            assert error.code == "H1606", error
            return "waits"
        self.retired.add((zone, epoch))
        return "retire"

    def _destroy(self, zone: str, epoch: int) -> str:
        left = key_retiring.depending(self.settings, zone, epoch).total
        try:
            self.destroy(zone, epoch)
        except PrivacyError as error:
            assert (error.code, left > 0) == ("P0120", True), error
            self.retired.discard((zone, epoch))  # what came since is moved by another retirement
            return "refused"
        assert left == 0
        assert self.ring(zone).epoch(epoch).root is None
        return "destroy"


@dataclass
class Answers:
    """What is answered about people: through the API's desk, whose process lives on while the keys turn."""

    settings: Settings
    member: str
    people: Sequence[int]
    told: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.desk = Desk(self.settings)
        with connection(self.settings) as database:
            found = find_member(database, self.member)
        assert found is not None
        self.asker = Asker(found.id, self.member)

    def facts(self) -> list[bytes]:
        """Everybody's facts with name and mobile, to the byte; nobody is claimed."""
        return [self._facts(number) for number in self.people]

    def ask(self, number: int) -> dict[str, Any]:
        """A new enquiry, told again and again later on."""
        key = f"k{len(self.told)}"
        said = self._asked(number, key)
        self.told[key] = number, said
        return said

    def check_told(self) -> None:
        """Each enquiry asked again under its key tells the same, and its subject has the same handle as ever."""
        handles: dict[int, str] = {}
        for key, (number, said) in self.told.items():
            assert self._asked(number, key) == said
            assert handles.setdefault(number, said["handle"]) == said["handle"]

    def close(self) -> None:
        self.desk.close()

    def _asked(self, number: int, key: str) -> dict[str, Any]:
        request = EnquiryRequest(
            person=person(number),
            purpose="application",
            product="consumer",
            amount=500_000,
            consent_no="C-1",
            consent_until=self.settings.today() + timedelta(days=30),
            staff="S1",
            reference="R1",
        )
        told: dict[str, Any] = json.loads(self.desk.enquire(self.asker, request, key).content)
        return told

    def _facts(self, number: int) -> bytes:
        keys = self.desk.keys.of(person(number))
        asking = Asking(
            member_id=self.asker.member_id,
            purpose="application",
            keys=keys.keys,
            name_marks=keys.name_marks,
            mobile_keys=keys.mobile_keys,
            now=self.settings.now(),
            today=self.settings.today(),
            claim=False,
        )
        return gathering.gather(self.desk.live, asking).facts
