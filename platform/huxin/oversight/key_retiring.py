"""Emptying an epoch that is read-only: nothing more is made under it, and what hangs on it goes to the active one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from huxin.errors import HuxinError
from huxin.nightly.halves import NAME
from huxin.nightly.row_digest import with_last
from huxin.nightly.turner import Turner
from huxin.nightly.turning import first_half
from huxin.oversight import acts_elsewhere, oprf_rotation
from huxin.oversight.key_epochs import (
    TOKENS,
    Waiting,
    await_readers,
    recorded,
    require_count,
    require_state,
)
from huxin.registry import key_acts, rekeying, remarking, schemes
from huxin.registry.alone import unattended
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.blind import generations
from huxin.registry.blocks import Blocks
from huxin.registry.bulk import bulk
from huxin.registry.directories import MOBILES, SUBJECTS
from huxin.registry.key_acts import Depending
from huxin.registry.rekeying import Turn
from huxin.registry.remarking import Digests, MarkTurn
from huxin.registry.schemes import Scheme
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.zones.layout import rings_of, spool_ring, zone_of
from huxin.zones.roles import REGISTRY
from huxin_privacy import keyring, submission_key
from huxin_privacy.generations import Generation
from huxin_privacy.keyring import DESTROYED, PENDING, READ_ONLY, Keyring
from huxin_privacy.suites import SUITES

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LOOK_S: Final = 0.05

# Gets the stage ("aliases", "mobiles", "marks", "elements", "spool"), how many are done and how many there are.
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Retired:
    """What went from one epoch to another, and what still hangs on the old one."""

    aliases: int = 0
    mobiles: int = 0
    marks: int = 0
    spool: int = 0
    left: Depending = field(default_factory=Depending)


def retire(
    settings: Settings,
    zone: str,
    epoch: int,
    patience_s: float,
    waiting: Waiting,
    tell: Tell,
) -> Retired:
    """Closes a read-only epoch and moves what can be moved: of the registry's key all, of the entry's what comes again.

    Killed, it goes on when it is run again. HuxinError H1603 (a process has not read the keyring, as `activate`),
    H1605 (another process is at it), H1606 (submissions wait that only the old entry key can load), H1608;
    PrivacyError P0117, P0119.
    """
    require_count(settings)
    elsewhere = zone == "entry" and zone_of(settings) == REGISTRY  # whose key it is, is not for us to know
    ring = None if elsewhere else keyring.open(settings.keys_dir, zone)
    if ring is not None:
        require_state(ring, epoch, READ_ONLY, DESTROYED)
    with key_acts.alone_at(settings, zone) as mine:
        if not mine:
            raise HuxinError("H1605", zone=zone)
        if ring is not None:
            await_readers(settings, ring, patience_s, waiting)
            if zone == "entry":  # or what comes blind would be closed with the epoch that its key is of
                oprf_rotation.rotate(settings, patience_s, waiting, _Progress(tell, "elements", 0))
        if elsewhere:
            _require_other_oprf(settings, epoch)
            oprf_rotation.rotate(settings, patience_s, waiting, _Progress(tell, "elements", 0))
        done = _moved(settings, zone, ring, epoch, patience_s, tell)
    counts = {
        "aliases": done.aliases,
        "mobile_aliases": done.mobiles,
        "marks": done.marks,
        "spool": done.spool,
    }
    facts = {"zone": zone, "epoch": epoch, **counts, "left": done.left.total}
    if not recorded(settings):
        assert ring is not None, "each zone retires its own keys"
        acts_elsewhere.note(settings, ring, epoch, "keys.retired", {"spool": done.spool})
        return done
    with connection(settings) as database:
        note_operator_act(database, "keys.retired", facts, settings.now())
    return done


def _require_other_oprf(settings: Settings, epoch: int) -> None:
    """HuxinError H1809: blind mode's key is still of the entry epoch that is to be closed."""
    with connection(settings) as database:
        at_work = generations(database)
    if at_work and at_work[0].epoch == epoch:
        raise HuxinError("H1809", epoch=epoch)


def depending(settings: Settings, zone: str, epoch: int) -> Depending:
    """What hangs on an epoch. PrivacyError P0117."""
    state = _state(settings, zone, epoch)
    if state == DESTROYED:
        return Depending()
    wrapped = len(_wrapped_under(settings.spool_dir, epoch)) if zone == spool_ring(settings) else 0
    if zone in TOKENS:
        return _depending_tokens(settings, zone, epoch, wrapped)
    if zone == "audit" and state != PENDING:
        with connection(settings) as database:
            return Depending(checkpoints=key_acts.checkpoints(database))
    return Depending(submissions=wrapped)


def _state(settings: Settings, zone: str, epoch: int) -> str:
    """READ_ONLY of a key that another home holds."""
    if zone not in rings_of(settings):
        return READ_ONLY
    return keyring.open(settings.keys_dir, zone).epoch(epoch).state


def _depending_tokens(settings: Settings, zone: str, epoch: int, wrapped: int) -> Depending:
    with connection(settings) as database:
        numbers = schemes.all_numbers(database)
        own = list(schemes.of_epoch(database, zone, epoch).values())
        spooled = len(key_acts.spooled_under(database, zone, epoch))
    with bulk(settings) as session:
        found = key_acts.depending(session, zone, numbers, own)
    return Depending(found.aliases, found.mobiles, found.marks, max(spooled, wrapped))


def _moved(
    settings: Settings, zone: str, ring: Keyring | None, epoch: int, patience_s: float, tell: Tell
) -> Retired:
    spool, done = 0, Retired()
    if ring is not None and zone == spool_ring(settings):
        spool = _rewrapped(settings, ring, epoch, tell)
    if zone in TOKENS:
        _close(settings, zone, epoch, patience_s)
    if zone == "registry":
        done = _turned(settings, epoch, tell)
        oprf_rotation.move(settings, patience_s, _Progress(tell, "elements", 0))
    return Retired(done.aliases, done.mobiles, done.marks, spool, depending(settings, zone, epoch))


def _close(settings: Settings, zone: str, epoch: int, patience_s: float) -> None:
    """Lets nothing more be made under the epoch, as soon as nobody is at it."""
    until = time.monotonic() + patience_s
    while True:
        with connection(settings) as database:
            waiting = key_acts.spooled_under(database, zone, epoch) if zone == "entry" else []
            if waiting:
                names = ", ".join(sorted({member for member, _ in waiting})[:5])
                raise HuxinError("H1606", epoch=epoch, count=len(waiting), members=names)
            if schemes.close(database, list(schemes.of_epoch(database, zone, epoch).values())):
                return
        if time.monotonic() >= until:
            raise HuxinError("H1607", zone=zone, epoch=epoch)
        time.sleep(_LOOK_S)


def _turned(settings: Settings, epoch: int, tell: Tell) -> Retired:
    """Re-encrypts aliases, mobiles' aliases and name marks from a registry epoch to the active one."""
    ring = keyring.open(settings.keys_dir, "registry")
    with connection(settings) as database:
        own = schemes.of_epoch(database, "registry", epoch)
        # Of the suite OPRF the token is no cipher block: its aliases go their own way (oprf_rotation).
        moving = {number: scheme for scheme, number in own.items() if scheme[0] in SUITES}
        _number_targets(database, moving, ring.active)
        turner = Turner(ring, database)
        numbers = schemes.all_numbers(database)
    tokens = {n: _turn(turner, scheme) for n, scheme in moving.items() if scheme[1] != NAME}
    marks = {n: _mark_turn(turner, scheme) for n, scheme in moving.items() if scheme[1] == NAME}
    with bulk(settings) as session:
        wanted = key_acts.depending(session, "registry", numbers, list(moving))
    progress = partial(_Progress, tell)
    return Retired(
        rekeying.rekey(settings, SUBJECTS, tokens, progress("aliases", wanted.aliases)),
        rekeying.rekey(settings, MOBILES, tokens, progress("mobiles", wanted.mobiles)),
        remarking.remark(settings, numbers, marks, progress("marks", wanted.marks)),
    )


def _number_targets(database: Connection, moving: Mapping[int, Scheme], active: int) -> None:
    """Numbers for the schemes that tokens go to; marks of an entry key that is gone compare with nothing there too."""
    targets = {number: (*scheme[:3], active) for number, scheme in moving.items()}
    numbers = schemes.scheme_ids(database, list(targets.values()))
    states = schemes.states(database, list(moving))
    gone = [numbers[target] for number, target in targets.items() if states[number] == schemes.State.GONE]
    schemes.bury(database, gone)


def _turn(turner: Turner, scheme: Scheme) -> Turn:
    made, target = _from_to(turner, scheme)
    return Turn(
        turner.number(target, scheme[1]), lambda tokens: turner.turned(tokens, scheme[1], made, target)
    )


def _mark_turn(turner: Turner, scheme: Scheme) -> MarkTurn:
    made, target = _from_to(turner, scheme)

    def turned(marks: Blocks, digests: Digests) -> tuple[Blocks, Digests]:
        new = turner.turned(marks, NAME, made, target)
        return new, with_last(digests, first_half(marks), first_half(new))

    return MarkTurn(turner.number(target, NAME), turned)


def _from_to(turner: Turner, scheme: Scheme) -> tuple[Generation, Generation]:
    """A scheme's generation, and the same under the active registry epoch."""
    made = turner.generation(scheme[2], scheme[3])
    return made, turner.generation(scheme[2], turner.active)


class _Progress:
    """Adds up batches for `tell`."""

    def __init__(self, tell: Tell, stage: str, total: int) -> None:
        self._tell, self._stage, self._total, self._done = tell, stage, total, 0
        tell(stage, 0, total)

    def __call__(self, rows: int) -> None:
        self._done += rows
        self._tell(self._stage, self._done, max(self._total, self._done))


def _wrapped_under(spool: Path, epoch: int) -> list[Path]:
    """The spool's folders whose key is wrapped under an intake epoch."""
    folders = [each for each in spool.iterdir() if each.is_dir()] if spool.is_dir() else []
    return [each for each in folders if submission_key.epoch_of(each) == epoch]


def _rewrapped(settings: Settings, ring: Keyring, epoch: int, tell: Tell) -> int:
    """Wraps the keys of what lies in the spool under the active epoch; the sealed files stay as they are."""
    folders, count = _wrapped_under(settings.spool_dir, epoch), 0
    done = _Progress(tell, "spool", len(folders))
    while folders:
        # Whoever forgets a submission drops its key, and must not find it wrapped anew.
        with unattended(settings, [UUID(each.name) for each in folders]) as free:
            for each in (folder for folder in folders if UUID(folder.name) in free):
                if submission_key.exists(each):
                    submission_key.rewrap(each, ring, each.name)
                    done(1)
                    count += 1
        folders = _wrapped_under(settings.spool_dir, epoch)
        time.sleep(_LOOK_S if folders else 0)
    return count


__all__ = ["Retired", "Tell", "depending", "retire"]
