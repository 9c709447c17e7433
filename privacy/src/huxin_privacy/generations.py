"""Which suite and which epochs halves and tokens are made with now, and which ones a lookup also tries.

An entry epoch has its suite for life: it is chosen when the epoch is made (`huxin init`, `huxin keys new`) and is
sealed in the keyring, so it is lost only with the keys themselves. A change of suite is therefore a new entry
epoch, and goes the way of every rotation of the entry key. A registry root serves every suite, each by a key of
its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

from huxin_privacy import keyring
from huxin_privacy.keyring import PENDING, Keyring
from huxin_privacy.suites import Suite, get_suite


@dataclass(frozen=True)
class Generation:
    """A suite, an entry epoch and a registry epoch: what a token depends on beside its identifier's type."""

    suite: Suite
    entry_epoch: int
    registry_epoch: int

    def scheme(self, id_type: str) -> tuple[str, str, int, int]:
        """(suite, identifier type, entry epoch, registry epoch), as aliases name how they were made."""
        return self.suite.name, id_type, self.entry_epoch, self.registry_epoch

    def half_key(self, entry: Keyring, id_type: str) -> bytes:
        """The key of halves of that type, or "name". PrivacyError P0117, P0118."""
        return entry.key(
            "token", id_type, self.entry_epoch, suite=self.suite.name, length=self.suite.half_key_bytes
        )

    def token_key(self, registry: Keyring, id_type: str) -> bytes:
        """The key of tokens of that type, or "name". PrivacyError P0117, P0118."""
        return registry.key(
            "token", id_type, self.registry_epoch, suite=self.suite.name, length=self.suite.token_key_bytes
        )


def suite_of(entry: Keyring, epoch: int | None = None) -> Suite:
    """The suite of an epoch of the entry zone; without `epoch` the active one. PrivacyError P0117, P0101."""
    return get_suite(entry.epoch(entry.active if epoch is None else epoch).suite)


def generations(entry: Keyring, registry: Keyring) -> tuple[Generation, ...]:
    """What lookups try: the active generation first, under which everything new is made."""
    return tuple(Generation(suite_of(entry, e), e, r) for e, r in product(entry.usable(), registry.usable()))


def standing(ring: Keyring) -> tuple[int, ...]:
    """The epochs that something may have been made under: the active one first, none that is pending."""
    return tuple(number for number in ring.usable() if ring.epoch(number).state != PENDING)


@dataclass(frozen=True)
class Rings:
    """The keyrings that tokens are made with, as they were at one moment."""

    entry: Keyring
    registry: Keyring

    @classmethod
    def open(cls, directory: Path) -> Rings:
        """PrivacyError P0110-P0118 as `keyring.open`."""
        return cls(keyring.open(directory, "entry"), keyring.open(directory, "registry"))

    @property
    def usable(self) -> tuple[Generation, ...]:
        """`generations` of the two."""
        return generations(self.entry, self.registry)

    @property
    def standing(self) -> tuple[Generation, ...]:
        """Of these the ones that something may have been made under."""
        pairs = product(standing(self.entry), standing(self.registry))
        return tuple(Generation(suite_of(self.entry, e), e, r) for e, r in pairs)

    @property
    def versions(self) -> dict[str, int]:
        """The version of each keyring, by zone."""
        return {ring.zone: ring.version for ring in (self.entry, self.registry)}
