"""Elements as the platform works with them: made of identifiers or taken from members, and their aliases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag

from huxin.enquiry.subject_keys import seal_keys
from huxin.errors import HuxinError
from huxin.registry.blind import Generation, generations
from huxin.registry.meeting import Key
from huxin.registry.schemes import Scheme, scheme_ids
from huxin_privacy.blind import OprfKey, element, message, oprf_key
from huxin_privacy.blind.aliases import Aliasing
from huxin_privacy.blind.keys import SUITE, TYPE, step
from huxin_privacy.blind.sodium import inverse, multiply, scalar_product
from huxin_privacy.generations import Rings
from huxin_privacy.keyring import DESTROYED, Keyring
from huxin_privacy.sealing import seal, unseal

if TYPE_CHECKING:
    from sqlalchemy import Connection

ONE: Final = (1).to_bytes(32, "little")  # as a scalar
_STEP: Final = b"huxin/v1/oprf-step"


@dataclass(frozen=True)
class Known:
    """What a person is known by the blind way: aliases, the active one first, and the element sealed for each."""

    keys: list[Key]
    sealed: list[bytes] = field(repr=False)


@dataclass(frozen=True)
class _Form:
    """Aliases under a generation of the OPRF key and an epoch of the registry; `turn` leads there from the present."""

    turn: bytes | None = field(repr=False)
    aliasing: Aliasing = field(repr=False)
    scheme: int


class Elements:
    """The keys of blind mode as they were when the keyrings were read. Its repr shows none."""

    def __init__(self, registry: Keyring, keys: Sequence[OprfKey], schemes: Mapping[Scheme, int]) -> None:
        """`keys` begins with that of the present generation. PrivacyError P0160 (no libsodium)."""
        self.receiving = receiving(registry)
        self._present, self._keys = keys[0], {key.epoch: key for key in keys}
        self._forms = [
            _Form(
                None if key is self._present else step(self._present, key),
                Aliasing(registry, epoch),
                schemes[SUITE, TYPE, key.epoch, epoch],
            )
            for key in keys
            for epoch in registry.usable()
        ]

    @classmethod
    def read(
        cls,
        rings: Rings,
        at_work: Sequence[Generation],
        numbers: Callable[[list[Scheme]], Mapping[Scheme, int]],
    ) -> Elements | None:
        """Those of these keyrings; None where blind mode is off. PrivacyError P0160, HuxinError H1802."""
        if not at_work:
            return None
        keys = [oprf_key(rings.entry, each.epoch) for each in _usable(rings, at_work)]
        if not keys:
            raise HuxinError("H1802", epoch=at_work[0].epoch)
        return cls(rings.registry, keys, numbers(schemes_of(rings, at_work)))

    @classmethod
    def of_registry(cls, ring: Keyring, database: Connection) -> Elements | None:
        """Those of the registry zone alone, which makes no element; None where blind mode is off.

        It holds no key of the entry zone, but how each generation's elements are brought to another's is enough.
        """
        at_work = generations(database)
        if not at_work:
            return None
        keys = relative_keys(ring, at_work)
        wanted = [(SUITE, TYPE, key.epoch, epoch) for key in keys for epoch in ring.usable()]
        return cls(ring, keys, scheme_ids(database, wanted))

    @property
    def epoch(self) -> int:
        """Of the present key."""
        return self._present.epoch

    def of(self, id_type: str, canonical: str) -> bytes:
        """The element of an identifier, as its member would get it."""
        return element(self._present.secret, message(id_type, canonical))

    def present(self, epoch: int, made: bytes) -> bytes:
        """An element that a member got under `epoch`, as the present key makes it. HuxinError H1802."""
        key: OprfKey | None = self._keys.get(epoch)
        if key is None:
            raise HuxinError("H1802", epoch=epoch)
        return made if key is self._present else multiply(step(key, self._present), made)

    def alias(self, made: bytes) -> Key:
        """The active one of the keys that an element (of the present key) is known by."""
        return self._forms[0].aliasing.alias(made), self._forms[0].scheme

    def known(self, made: bytes) -> Known:
        """What an element (of the present key) is known by."""
        found = Known([], [])
        for form in self._forms:
            turned = made if form.turn is None else multiply(form.turn, made)
            found.keys.append((form.aliasing.alias(turned), form.scheme))
            found.sealed.append(form.aliasing.sealed(turned))
        return found


def relative_keys(ring: Keyring, at_work: Sequence[Generation]) -> list[OprfKey]:
    """Keys by which δ between generations comes out right, the present one first: by what all are multiplied, is not
    known here."""
    found, held = {at_work[0].epoch: ONE}, {each.epoch: each for each in at_work}
    now: Generation | None = at_work[0]
    while now is not None and now.step is not None:
        before, delta = _opened_step(ring, now.epoch, now.step)
        found[before] = scalar_product(found[now.epoch], inverse(delta))
        now = held.get(before)
    return [OprfKey(each.epoch, each.public, found[each.epoch]) for each in at_work if each.epoch in found]


def sealed_step(ring: Keyring, epoch: int, before: int, delta: bytes) -> bytes:
    """δ from one generation to `epoch`, as it is kept: it is as secret as the keys."""
    cipher = seal_keys(ring)[0]
    return seal(cipher, before.to_bytes(4, "big") + delta, _STEP + epoch.to_bytes(4, "big"))


def _opened_step(ring: Keyring, epoch: int, sealed: bytes) -> tuple[int, bytes]:
    for cipher in seal_keys(ring):
        try:
            plain = unseal(cipher, sealed, _STEP + epoch.to_bytes(4, "big"))
        except InvalidTag:
            continue
        return int.from_bytes(plain[:4], "big"), plain[4:]
    raise HuxinError("H1802", epoch=epoch)


def receiving(registry: Keyring) -> dict[int, bytes]:
    """The registry zone's private keys (X25519) that elements are sealed to, by epoch, the active one first."""
    return {epoch: registry.key("hpke", "zone", epoch) for epoch in registry.usable()}


def schemes_of(rings: Rings, at_work: Sequence[Generation]) -> list[Scheme]:
    """The schemes of aliases of elements, the active one first."""
    epochs = [each.epoch for each in _usable(rings, at_work)]
    return [(SUITE, TYPE, epoch, registry) for epoch in epochs for registry in rings.registry.usable()]


def _usable(rings: Rings, at_work: Sequence[Generation]) -> list[Generation]:
    """A generation whose entry epoch was destroyed since is at work no longer."""
    gone = {each.number for each in rings.entry.epochs if each.state == DESTROYED}
    return [each for each in at_work if each.epoch not in gone]
