"""Another OPRF key: elements on record are taken to it by δ = k'/k, without an identifier and with nothing stopped.

The new key is published first, and every process that makes elements has read it before the old schemes close; from
then on lookups try both forms. What members pinned before is still evaluated under, and their elements are brought to
the new key as they come, until the old epoch of the entry zone is destroyed. Another key of the registry zone is the
same errand, with δ = 1.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from huxin.enquiry.elements import relative_keys, sealed_step
from huxin.errors import HuxinError
from huxin.oversight.key_epochs import Waiting, await_readers
from huxin.oversight.oprf_handing_over import hand_over_step
from huxin.registry import element_turning, meeting, schemes
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.blind import Generation, generations
from huxin.registry.element_turning import Turn
from huxin.registry.schemes import Scheme, State
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.zones.layout import zone_of
from huxin.zones.roles import ENTRY, REGISTRY
from huxin_privacy import keyring
from huxin_privacy.blind import OprfKey, oprf_key
from huxin_privacy.blind.aliases import Aliasing
from huxin_privacy.blind.keys import SUITE, TYPE, step
from huxin_privacy.blind.sodium import multiply
from huxin_privacy.generations import Rings
from huxin_privacy.keyring import Keyring

_LOOK_S: Final = 0.05


def rotate(
    settings: Settings, patience_s: float, waiting: Waiting, tell: Callable[[int], None] = lambda _: None
) -> int:
    """Brings the OPRF key to the entry zone's active epoch, and every alias under it; how many aliases went.

    Killed, it goes on when it is run again; 0 where nothing is left to do, or blind mode is off. HuxinError H1603 (a
    process has not read the keyring), H1807, H1808. On a split platform the entry zone hands the new key over, and the
    registry zone brings the aliases to it.
    """
    zone = zone_of(settings)
    if zone == ENTRY:
        hand_over_step(settings)
        return 0
    with connection(settings) as database:
        at_work = generations(database)
    if not at_work:
        return 0
    if zone == REGISTRY:
        ring = keyring.open(settings.keys_dir, REGISTRY)
        if len(at_work) > 1:  # what was handed over, every process has read with this version
            ring = keyring.touch(ring)
        await_readers(settings, ring, patience_s, waiting)
        return move(settings, patience_s, tell)
    entry = keyring.open(settings.keys_dir, "entry")
    if at_work[0].epoch != entry.active:
        _publish(settings, at_work[0].epoch, entry.active)
        entry = keyring.touch(entry)
    for ring in (entry, keyring.open(settings.keys_dir, "registry")):
        await_readers(settings, ring, patience_s, waiting)
    return move(settings, patience_s, tell)


def move(settings: Settings, patience_s: float, tell: Callable[[int], None] = lambda _: None) -> int:
    """Takes every alias of an element under the present OPRF key and the registry's active epoch.

    To be called when every process has read both keyrings. HuxinError H1807, H1808.
    """
    with connection(settings) as database:
        at_work = generations(database)
        numbers = {s: n for s, n in schemes.all_numbers(database).items() if s[0] == SUITE}
    if not at_work:
        return 0
    held = _held_keys(settings, at_work)
    target: Scheme = (SUITE, TYPE, at_work[0].epoch, held.registry.active)
    if target not in numbers:
        with connection(settings) as database:
            numbers |= schemes.scheme_ids(database, [target])
    old = [scheme for scheme in numbers if scheme != target and _is_over(scheme, target, held)]
    _close(settings, [numbers[scheme] for scheme in old], patience_s)
    turns = [Turn(numbers[s], numbers[target], _turned(held, s, target)) for s in old if held.has(s)]
    moved, split = element_turning.turn(settings, turns, tell)
    if split:
        meeting.rekey(settings)
    facts = {"aliases": moved, "epoch": target[2], "registry_epoch": target[3]}
    with connection(settings) as database:
        schemes.put_in_force(database, [target])  # nobody need bring along what leads nowhere
        if moved:
            note_operator_act(database, "blind.rotated", facts, settings.now())
    return moved


def publish_for(settings: Settings, before: int, new: Generation, delta: bytes) -> None:
    """The registry zone's part of a new key: from now on it is the present one. Told again is no fault.

    HuxinError H1801 (blind mode is off), H1718 (the present key is another than the entry zone thinks).
    """
    ring = keyring.open(settings.keys_dir, REGISTRY)
    with connection(settings) as database:
        at_work = generations(database)
        if not at_work:
            raise HuxinError("H1801")
        if at_work[0].epoch == new.epoch and at_work[0].public == new.public:
            return
        if at_work[0].epoch != before:
            raise HuxinError("H1718")
        both = [(SUITE, TYPE, epoch, registry) for epoch in (new.epoch, before) for registry in ring.usable()]
        schemes.put_in_force(database, both)
        made = replace(new, step=sealed_step(ring, new.epoch, before, delta))
        element_turning.replace_present(database, made, settings)
        facts = {"epoch": new.epoch, "public": new.public.hex(), "before": before}
        note_operator_act(database, "blind.key", facts, settings.now())


@dataclass(frozen=True)
class _Held:
    """The registry's keyring, and the OPRF keys that are there (relative ones in the registry zone), by epoch."""

    registry: Keyring
    keys: Mapping[int, OprfKey] = field(repr=False)

    def has(self, scheme: Scheme) -> bool:
        """Whether the keys of a scheme are still there; what stands under one that is gone is never found again."""
        gone = {each.number for each in self.registry.epochs if each.root is None}
        return scheme[2] in self.keys and scheme[3] not in gone


def _held_keys(settings: Settings, at_work: Sequence[Generation]) -> _Held:
    if zone_of(settings) == REGISTRY:
        ring = keyring.open(settings.keys_dir, REGISTRY)
        return _Held(ring, {key.epoch: key for key in relative_keys(ring, at_work)})
    rings = Rings.open(settings.keys_dir)
    epochs = [each.number for each in rings.entry.epochs if each.root is not None]
    return _Held(rings.registry, {epoch: oprf_key(rings.entry, epoch) for epoch in epochs})


def _publish(settings: Settings, old: int, new: int) -> None:
    rings = Rings.open(settings.keys_dir)
    made = oprf_key(rings.entry, new)
    epochs = rings.registry.usable()
    with connection(settings) as database:
        both = [(SUITE, TYPE, epoch, registry) for epoch in (new, old) for registry in epochs]
        schemes.put_in_force(database, both)
        element_turning.replace_present(database, Generation(new, made.public), settings)
        facts = {"epoch": new, "public": made.public.hex(), "before": old}
        note_operator_act(database, "blind.key", facts, settings.now())


def _is_over(scheme: Scheme, target: Scheme, held: _Held) -> bool:
    """Whether nothing new is made under a scheme: of another OPRF key, or of a registry epoch before the active one."""
    earlier = {each.number for each in held.registry.epochs if each.state != keyring.PENDING} - {target[3]}
    return scheme[2] != target[2] or scheme[3] in earlier


def _close(settings: Settings, numbers: Sequence[int], patience_s: float) -> None:
    """Lets nothing more be made under these, as soon as nobody is at it. HuxinError H1808."""
    until = time.monotonic() + patience_s
    while True:
        with connection(settings) as database:
            states = schemes.states(database, numbers)
            still = [number for number in numbers if states.get(number) == State.OPEN]
            if schemes.close(database, still):
                return
        if time.monotonic() >= until:
            raise HuxinError("H1808")
        time.sleep(_LOOK_S)


def _turned(held: _Held, scheme: Scheme, target: Scheme) -> Callable[[bytes, bytes], tuple[bytes, bytes]]:
    before, after = (Aliasing(held.registry, each[3]) for each in (scheme, target))
    old, new = (held.keys[each[2]] for each in (scheme, target))
    delta = None if scheme[2] == target[2] else step(old, new)
    return partial(_turn_one, before, after, delta)


def _turn_one(
    before: Aliasing, after: Aliasing, delta: bytes | None, alias: bytes, sealed: bytes
) -> tuple[bytes, bytes]:
    element = before.opened(alias, sealed)
    made = element if delta is None else multiply(delta, element)
    return after.alias(made), after.sealed(made)
