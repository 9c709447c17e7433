"""The entry zone's part of blind mode: elements it cannot read are multiplied by a key it alone holds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import lru_cache

import yaml

from huxin.enquiry.elements import receiving
from huxin.errors import HuxinError
from huxin.paths import schema_root
from huxin.registry import blind as registry
from huxin.registry.blind import Limits
from huxin.registry.gathering import Quota
from huxin.registry.live import Live
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.blind import Evaluation, OprfKey, PublicKey, Published, evaluate, oprf_key
from huxin_privacy.envelope import Receiver
from huxin_privacy.hpke import key_pair

# A batch takes a tenth of a second of a core. One after another: enquiries are not to wait behind a first file.
AT_ONCE = 1
_PATIENCE_S = 0.2


@lru_cache(maxsize=1)
def limits() -> Limits:
    """schemas/api/blind.yaml."""
    said = yaml.safe_load((schema_root() / "api" / "blind.yaml").read_text(encoding="utf-8"))
    return Limits(**said)


def published(settings: Settings, live: Live) -> Published:
    """The keys that members pin, the present ones first. HuxinError H1801 where blind mode is off."""
    found = registry.live_generations(live)
    oprf = tuple(PublicKey(each.epoch, each.public) for each in found)
    return Published(oprf, registry_keys(settings))


def taken(settings: Settings, live: Live, member_id: int, epoch: int, count: int) -> Quota:
    """Counts elements of a member that are to be evaluated now. HuxinErrors as registry.blind.take."""
    return registry.take(live, member_id, epoch, count, settings.now(), settings.today(), limits())


class Evaluator:
    """Made once a process and used by its threads. Its repr shows no key.

    `take` (member, epoch, count) counts against the quota: it is the registry zone that does.
    """

    def __init__(self, settings: Settings, take: Callable[[int, int, int], Quota]) -> None:
        self._settings, self._take = settings, take
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._keys: dict[int, OprfKey] = {}

    def evaluate(self, member_id: int, epoch: int, blinded: Sequence[bytes]) -> tuple[Evaluation, Quota]:
        """A batch under the key of that epoch, with its proof, and what is left of the member's quota.

        HuxinError H1801, H1802, H1123 (registry.blind.take), H1803 (others' batches are at work: come again);
        PrivacyError P0161 names the first value that is no element.
        """
        if not self._turns.acquire(timeout=_PATIENCE_S):
            raise HuxinError("H1803", retry_s=1)
        try:
            quota = self._take(member_id, epoch, len(blinded))
            key = self._key(epoch)
            return evaluate(key.secret, key.public, blinded), quota
        finally:
            self._turns.release()

    def _key(self, epoch: int) -> OprfKey:
        found = self._keys.get(epoch)
        if found is None:
            found = oprf_key(keyring.open(self._settings.keys_dir, "entry"), epoch)
            self._keys[epoch] = found
        return found


def registry_keys(settings: Settings) -> tuple[Receiver, ...]:
    """The registry zone's public keys that elements are sealed to, the active epoch's first."""
    secrets = receiving(keyring.open(settings.keys_dir, "registry"))
    return tuple(Receiver(epoch, key_pair(secret).public) for epoch, secret in secrets.items())
