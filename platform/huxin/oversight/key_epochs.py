"""Epochs as operators make, activate and destroy them: each act is a leaf of the log, and none outruns a process.

The keyring file is what counts. What the registry demands of whoever asks is widened before the file changes and
narrowed before a key goes, so that a process killed between two writes leaves everything answered; the act itself goes
on record after the file, and where that was missed the next command makes it good (`reconcile`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from huxin import faults
from huxin.errors import HuxinError
from huxin.nightly.turner import types_of
from huxin.oversight import acts_elsewhere
from huxin.registry import key_acts, schemes
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.key_readers import KeyReader, key_readers
from huxin.registry.schemes import Scheme
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.zones.layout import rings_of, zone_of
from huxin.zones.roles import ENTRY, REGISTRY
from huxin_privacy import keyring
from huxin_privacy.generations import suite_of
from huxin_privacy.keyring import ACTIVE, DESTROYED, PENDING, Keyring
from huxin_privacy.suites import SUITES

if TYPE_CHECKING:
    from sqlalchemy import Connection

TOKENS: Final = ("entry", "registry")  # the zones whose keys make tokens
_LOOK_S: Final = 0.2

Waiting = Callable[[Sequence[KeyReader]], None]
Facts = Mapping[str, Any]


def new_epoch(settings: Settings, zone: str, suite: str | None = None) -> Keyring:
    """A pending epoch, readable by everybody before anything is made under it. PrivacyError P0101, P0114-P0122."""
    if suite is not None and zone != "entry":
        raise HuxinError("H1602", zone=zone)
    made = act(settings, zone, "keys.new", lambda ring: keyring.add_epoch(ring, suite))
    if zone in TOKENS and recorded(settings):
        with connection(settings) as database:  # so that no process needs the right to number them
            schemes.scheme_ids(database, schemes_of(settings, database))
    return made


def activate(settings: Settings, zone: str, epoch: int, patience_s: float, waiting: Waiting) -> Keyring:
    """Makes a pending epoch the active one, once every process has read it; the active one becomes read-only.

    `waiting` is told who has not, each time that changes. HuxinError H1603 when they still had not after
    `patience_s` seconds, and nothing was changed; PrivacyError P0117, P0119.
    """
    ring = keyring.open(settings.keys_dir, zone)
    require_state(ring, epoch, PENDING, ACTIVE)
    await_readers(settings, ring, patience_s, waiting)
    if zone in TOKENS and recorded(settings):
        put_in_force(settings, coming=(zone, epoch))
    return act(settings, zone, "keys.activated", lambda ring: keyring.activate(ring, epoch))


def destroy(settings: Settings, zone: str, epoch: int, dependants: int, facts: Facts) -> Keyring:
    """Forgets an epoch's root on which nothing depends. PrivacyError P0117, P0119, P0120."""
    if zone in TOKENS and not dependants:
        put_in_force(settings, going=(zone, epoch))
    return act(settings, zone, "keys.destroyed", lambda ring: keyring.destroy(ring, epoch, dependants), facts)


def act(
    settings: Settings,
    zone: str,
    topic: str,
    change: Callable[[Keyring], Keyring],
    facts: Facts | None = None,
) -> Keyring:
    """Changes a keyring, and puts on record which epochs stand otherwise now: here, or in the registry zone."""
    if not recorded(settings):
        return acts_elsewhere.act(settings, zone, topic, change, facts or {})
    with connection(settings) as database:
        key_acts.take_turn(database)
        ring = keyring.open(settings.keys_dir, zone)
        reconcile(database, settings, ring)
        made = change(ring)
        faults.reach("keys.written")
        _record(database, settings, made, topic, facts or {})
    return made


def recorded(settings: Settings) -> bool:
    """Whether acts go on record here: of the zones of a split platform the registry zone alone has a log."""
    return zone_of(settings) in (None, REGISTRY)


def counted(settings: Settings) -> bool:
    """Whether what hangs on keys and who reads them is known here: the entry zone stores nothing."""
    return zone_of(settings) != ENTRY


def require_count(settings: Settings) -> None:
    """HuxinError H1613 where nobody could count what hangs on a key."""
    if not counted(settings):
        raise HuxinError("H1613")


def reconcile(database: Connection, settings: Settings, ring: Keyring) -> list[int]:
    """Puts on record what a keyring says and no act does: its writer was killed. Returns the epochs that differed.

    HuxinError H1604 when an epoch is not the one that was recorded: this keyring is of another registry.
    """
    recorded = key_acts.recorded_epochs(database, ring.zone)
    for each in ring.epochs:
        check = ring.check_value(each.number)
        if recorded.get(each.number, ("", check))[1] != check:
            raise HuxinError("H1604", zone=ring.zone, epoch=each.number)
    return _record(database, settings, ring, "keys.found" if recorded else "keys.first", {})


def put_in_force(
    settings: Settings, coming: tuple[str, int] | None = None, going: tuple[str, int] | None = None
) -> None:
    """Has the registry serve nobody who does not bring along the tokens of every epoch that may be in use.

    `coming` is a pending one (zone, epoch) that is about to be, `going` one that is about to be no more.
    """
    rings = held_rings(settings)
    idle = {(r.zone, e.number) for r in rings for e in r.epochs if e.state == PENDING} - {coming}
    with connection(settings) as database:
        usable = schemes_of(settings, database)
        kept = [s for s in usable if not any(_is_of(s, *each) for each in idle | {going} if each)]
        schemes.put_in_force(database, kept)


def held_rings(settings: Settings) -> list[Keyring]:
    """The keyrings of this home that make tokens: both, or one where zones are split."""
    return [keyring.open(settings.keys_dir, zone) for zone in rings_of(settings) if zone in TOKENS]


def schemes_of(settings: Settings, database: Connection) -> list[Scheme]:
    """Every scheme of the usable epochs, those of mobiles and of name marks among them.

    Where the entry zone is elsewhere, its epochs are those that the registry has met.
    """
    rings = {ring.zone: ring for ring in held_rings(settings)}
    if "entry" in rings:
        ring = rings["entry"]
        entries = {(suite_of(ring, epoch).name, epoch) for epoch in ring.usable()}
    else:
        known = schemes.scheme_states(database).items()
        entries = {(s[0], s[2]) for s, state in known if state != schemes.State.GONE and s[0] in SUITES}
    epochs = rings["registry"].usable()
    return [(suite, type_, e, r) for suite, e in sorted(entries) for r in epochs for type_ in types_of()]


def require_state(ring: Keyring, epoch: int, state: str, wanted: str) -> None:
    """PrivacyError P0117 (no such epoch), P0119 (it is in another state)."""
    keyring.require(ring.epoch(epoch), (state,), wanted)


def await_readers(settings: Settings, ring: Keyring, patience_s: float, waiting: Waiting) -> None:
    """Returns when every live process has read this version of the keyring, or a later one. HuxinError H1603."""
    until, told = time.monotonic() + patience_s, None
    while behind := readers_behind(settings, ring):
        if behind != told:
            waiting(behind)
            told = behind
        if time.monotonic() >= until:
            raise HuxinError("H1603", zone=ring.zone, version=ring.version, count=len(behind))
        time.sleep(_LOOK_S)


def readers_behind(settings: Settings, ring: Keyring) -> list[KeyReader]:
    """The live processes that may still work by an earlier version of this keyring."""
    if not counted(settings):  # its process reads the keyring with each request
        return []
    with connection(settings) as database:
        return [each for each in key_readers(database) if each.lags(ring.zone, ring.version)]


def _record(database: Connection, settings: Settings, ring: Keyring, topic: str, facts: Facts) -> list[int]:
    now, recorded = settings.now(), key_acts.recorded_epochs(database, ring.zone)
    changed = [e for e in ring.epochs if recorded.get(e.number, ("", ""))[0] != e.state]
    for each in changed:
        check = ring.check_value(each.number)
        key_acts.record_epoch(database, ring.zone, each.number, each.state, check, now)
        if each.state == DESTROYED:
            _bury(database, ring.zone, each.number)
            key_acts.close_requests(database, ring.zone, each.number, now)
        told = {"zone": ring.zone, "epoch": each.number, "state": each.state, "check": check}
        told |= {"suite": each.suite} if ring.zone == "entry" else {}
        note_operator_act(database, topic, {**told, "version": ring.version, **facts}, now)
    return [each.number for each in changed]


def _bury(database: Connection, zone: str, epoch: int) -> None:
    if zone in TOKENS:
        schemes.bury(database, list(schemes.of_epoch(database, zone, epoch).values()))


def _is_of(scheme: Scheme, zone: str, epoch: int) -> bool:
    return scheme[2 + TOKENS.index(zone)] == epoch
