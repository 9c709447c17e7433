"""Another OPRF key: elements on record are taken to it by δ = k'/k, without an identifier and with nothing stopped.

The new key is published first, and every process that makes elements has read it before the old schemes close; from
then on lookups try both forms. What members pinned before is still evaluated under, and their elements are brought to
the new key as they come, until the old epoch of the entry zone is destroyed. Another key of the registry zone is the
same errand, with δ = 1.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from huxin.errors import HuxinError
from huxin.oversight.key_epochs import Waiting, await_readers
from huxin.registry import element_turning, meeting, schemes
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.blind import Generation, generations
from huxin.registry.element_turning import Turn
from huxin.registry.schemes import Scheme, State
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.blind import oprf_key
from huxin_privacy.blind.aliases import Aliasing
from huxin_privacy.blind.keys import SUITE, TYPE, step
from huxin_privacy.blind.sodium import multiply
from huxin_privacy.generations import Rings

_LOOK_S: Final = 0.05


def rotate(
    settings: Settings, patience_s: float, waiting: Waiting, tell: Callable[[int], None] = lambda _: None
) -> int:
    """Brings the OPRF key to the entry zone's active epoch, and every alias under it; how many aliases went.

    Killed, it goes on when it is run again; 0 where nothing is left to do, or blind mode is off. HuxinError H1603 (a
    process has not read the keyring), H1807, H1808.
    """
    with connection(settings) as database:
        at_work = generations(database)
    if not at_work:
        return 0
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
    rings = Rings.open(settings.keys_dir)
    with connection(settings) as database:
        at_work = generations(database)
        numbers = {s: n for s, n in schemes.all_numbers(database).items() if s[0] == SUITE}
    if not at_work:
        return 0
    target: Scheme = (SUITE, TYPE, at_work[0].epoch, rings.registry.active)
    if target not in numbers:
        with connection(settings) as database:
            numbers |= schemes.scheme_ids(database, [target])
    old = [scheme for scheme in numbers if scheme != target and _is_over(scheme, target, rings)]
    _close(settings, [numbers[scheme] for scheme in old], patience_s)
    turns = [Turn(numbers[s], numbers[target], _turned(rings, s, target)) for s in old if _held(rings, s)]
    moved, split = element_turning.turn(settings, turns, tell)
    if split:
        meeting.rekey(settings)
    facts = {"aliases": moved, "epoch": target[2], "registry_epoch": target[3]}
    with connection(settings) as database:
        schemes.put_in_force(database, [target])  # nobody need bring along what leads nowhere
        if moved:
            note_operator_act(database, "blind.rotated", facts, settings.now())
    return moved


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


def _is_over(scheme: Scheme, target: Scheme, rings: Rings) -> bool:
    """Whether nothing new is made under a scheme: of another OPRF key, or of a registry epoch before the active one."""
    earlier = {each.number for each in rings.registry.epochs if each.state != keyring.PENDING} - {target[3]}
    return scheme[2] != target[2] or scheme[3] in earlier


def _held(rings: Rings, scheme: Scheme) -> bool:
    """Whether the keys of a scheme are still there; what stands under one that is gone can never be found again."""
    gone = {(r.zone, e.number) for r in (rings.entry, rings.registry) for e in r.epochs if e.root is None}
    return not {("entry", scheme[2]), ("registry", scheme[3])} & gone


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


def _turned(rings: Rings, scheme: Scheme, target: Scheme) -> Callable[[bytes, bytes], tuple[bytes, bytes]]:
    before, after = (Aliasing(rings.registry, each[3]) for each in (scheme, target))
    old, new = (oprf_key(rings.entry, each[2]) for each in (scheme, target))
    delta = None if scheme[2] == target[2] else step(old, new)
    return partial(_turn_one, before, after, delta)


def _turn_one(
    before: Aliasing, after: Aliasing, delta: bytes | None, alias: bytes, sealed: bytes
) -> tuple[bytes, bytes]:
    element = before.opened(alias, sealed)
    made = element if delta is None else multiply(delta, element)
    return after.alias(made), after.sealed(made)
