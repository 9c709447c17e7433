"""Elements as the platform works with them: made of identifiers or taken from members, and their aliases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from huxin.errors import HuxinError
from huxin.registry.blind import Generation
from huxin.registry.meeting import Key
from huxin.registry.schemes import Scheme
from huxin_privacy.blind import OprfKey, element, message, oprf_key
from huxin_privacy.blind.aliases import Aliasing
from huxin_privacy.blind.keys import SUITE, TYPE, step
from huxin_privacy.blind.sodium import multiply
from huxin_privacy.generations import Rings
from huxin_privacy.keyring import DESTROYED, Keyring


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

    def __init__(self, rings: Rings, at_work: Sequence[Generation], schemes: Mapping[Scheme, int]) -> None:
        """`at_work` begins with the present generation. PrivacyError P0160 (no libsodium), HuxinError H1802."""
        keys = [oprf_key(rings.entry, each.epoch) for each in _usable(rings, at_work)]
        if not keys:
            raise HuxinError("H1802", epoch=at_work[0].epoch)
        self.receiving = receiving(rings.registry)
        self._present, self._keys = keys[0], {key.epoch: key for key in keys}
        self._forms = [
            _Form(
                None if key is self._present else step(self._present, key),
                Aliasing(rings.registry, epoch),
                schemes[SUITE, TYPE, key.epoch, epoch],
            )
            for key in keys
            for epoch in rings.registry.usable()
        ]

    @classmethod
    def read(
        cls,
        rings: Rings,
        at_work: Sequence[Generation],
        numbers: Callable[[list[Scheme]], Mapping[Scheme, int]],
    ) -> Elements | None:
        """Those of these keyrings; None where blind mode is off."""
        return cls(rings, at_work, numbers(schemes_of(rings, at_work))) if at_work else None

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
