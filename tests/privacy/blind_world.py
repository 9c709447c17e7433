"""Both sides of blind mode for tests: an entry zone that evaluates, a registry zone that opens, and their keys."""

from __future__ import annotations

from dataclasses import dataclass, field

from huxin_privacy import blind
from huxin_privacy.blind import sodium
from huxin_privacy.envelope import Receiver
from huxin_privacy.hpke import KeyPair, new_key_pair


def new_key(epoch: int = 1) -> blind.OprfKey:
    secret = sodium.random_scalar()
    return blind.OprfKey(epoch, sodium.multiply_base(secret), secret)


@dataclass
class Platform:
    """The real protocol without the network between; `asked` counts the evaluations it made."""

    key: blind.OprfKey = field(default_factory=new_key)
    pair: KeyPair = field(default_factory=new_key_pair)
    asked: int = 0
    calls: int = 0

    def published(self) -> blind.Published:
        oprf = blind.PublicKey(self.key.epoch, self.key.public)
        return blind.Published((oprf,), (Receiver(3, self.pair.public),))

    def pinned(self) -> blind.Pinned:
        told = self.published()
        return blind.Pinned(told.oprf[0], told.registry[0])

    @property
    def secrets(self) -> dict[int, bytes]:
        return {3: self.pair.private}

    def evaluate(self, epoch: int, blinded: list[bytes]) -> blind.Evaluation:
        assert epoch == self.key.epoch
        self.asked += len(blinded)
        self.calls += 1
        return blind.evaluate(self.key.secret, self.key.public, blinded)
