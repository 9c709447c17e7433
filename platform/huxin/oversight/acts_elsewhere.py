"""Acts on the keys of a zone without a log: kept in its book (zones.acts), and told to the registry zone for its log.

The order of one act: what an earlier one left unsaid is noted, the keyring changes, the act is noted, it is sent. A
process killed in between leaves a keyring and a book that the next act, or `huxin zone carry`, makes good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from huxin import faults
from huxin.audit.records import moment_text
from huxin.errors import HuxinError
from huxin.settings import Settings, running_user
from huxin.zones import acts
from huxin.zones.acts import Book
from huxin_privacy import keyring
from huxin_privacy.keyring import Keyring

Facts = Mapping[str, Any]


def act(
    settings: Settings, zone: str, topic: str, change: Callable[[Keyring], Keyring], facts: Facts
) -> Keyring:
    """Changes a keyring and has each epoch that stands otherwise become a leaf of the registry zone's log.

    Where that zone is away the acts wait, and the change holds. HuxinError H1604 (the keyring is another one), H1722.
    """
    with acts.turn(settings) as book:
        ring = keyring.open(settings.keys_dir, zone)
        if _noted(settings, book, ring, "keys.found" if book.known.get(zone) else "keys.first", {}):
            book.save()
        made = change(ring)
        faults.reach("keys.written")
        _noted(settings, book, made, topic, facts)
        book.save()
        faults.reach("acts.noted")
    acts.delivered(settings)
    return made


def note(settings: Settings, ring: Keyring, epoch: int, topic: str, facts: Facts) -> None:
    """An act that leaves the epochs as they stand."""
    with acts.turn(settings) as book:
        book.note(topic, {**_told(ring, epoch), **facts}, moment_text(settings.now()))
        book.save()
    acts.delivered(settings)


def known(settings: Settings, zone: str) -> dict[int, tuple[str, str]]:
    """State and check value of each epoch, as the last act left it."""
    with acts.turn(settings) as book:
        return dict(book.known.get(zone, {}))


def catch_up(settings: Settings, zone: str) -> int:
    """Notes what a keyring says and no act does, and sends what waits; how many acts wait still."""
    with acts.turn(settings) as book:
        ring = keyring.open(settings.keys_dir, zone)
        if _noted(settings, book, ring, "keys.found" if book.known.get(zone) else "keys.first", {}):
            book.save()
    return acts.deliver(settings)


def _noted(settings: Settings, book: Book, ring: Keyring, topic: str, facts: Facts) -> bool:
    before = book.known.setdefault(ring.zone, {})
    changed = False
    for each in ring.epochs:
        check = ring.check_value(each.number)
        state, held = before.get(each.number, ("", check))
        if held != check:
            raise HuxinError("H1604", zone=ring.zone, epoch=each.number)
        if state != each.state:
            before[each.number] = each.state, check
            book.note(topic, {**_told(ring, each.number), **facts}, moment_text(settings.now()))
            changed = True
    return changed


def _told(ring: Keyring, epoch: int) -> dict[str, Any]:
    found = ring.epoch(epoch)
    told: dict[str, Any] = {"epoch": epoch, "state": found.state, "check": ring.check_value(epoch)}
    told |= {"version": ring.version, "by": running_user()}
    return told | ({"suite": found.suite} if ring.zone == "entry" else {})
