"""A member's side of blind mode: identifiers to elements, those it knows from its cache, the others evaluated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from huxin_privacy.blind.cache import Cache
from huxin_privacy.blind.dleq import PROOF_BYTES
from huxin_privacy.blind.pinned import Pinned, decoded, encoded
from huxin_privacy.blind.protocol import Evaluation, blind, unblind
from huxin_privacy.errors import PrivacyError

BATCH: Final = 1_024  # the largest that the platform takes: schemas/api/blind.yaml

# (epoch of the key, blinded elements) to what the platform answers.
Evaluate = Callable[[int, list[bytes]], Evaluation]


@dataclass
class Blinder:
    """Elements under the pinned key; `evaluated` counts what was sent. Its repr shows no element."""

    pinned: Pinned
    evaluate: Evaluate = field(repr=False)
    cache: Cache | None = field(default=None, repr=False)
    batch: int = BATCH
    evaluated: int = 0

    def elements(self, messages: Sequence[bytes]) -> list[bytes]:
        """The element of each message (see group.message). Each batch is kept before the next is sent.

        PrivacyError P0163: another key than the pinned one was used; nothing of that batch is kept or given.
        """
        known = self.cache.find(messages) if self.cache is not None else [None] * len(messages)
        found = {message: element for message, element in zip(messages, known, strict=True) if element}
        missing = list(dict.fromkeys(message for message in messages if message not in found))
        for start in range(0, len(missing), self.batch):
            part = missing[start : start + self.batch]
            found.update(zip(part, self._evaluated(part), strict=True))
        return [found[message] for message in messages]

    def _evaluated(self, messages: list[bytes]) -> list[bytes]:
        key, blinding = self.pinned.oprf, blind(messages)
        made = unblind(key.public, blinding, self.evaluate(key.epoch, blinding.blinded))
        self.evaluated += len(messages)
        if self.cache is not None:
            self.cache.add(messages, made)
        return made


def asked(epoch: int, blinded: Sequence[bytes]) -> dict[str, Any]:
    """The body of POST /v1/blind/evaluations."""
    return {"epoch": epoch, "elements": [encoded(each) for each in blinded]}


def answered(said: Any) -> Evaluation:
    """What the platform answered to it. PrivacyError P0163 when it is of another form."""
    try:
        return Evaluation([decoded(each) for each in said["elements"]], decoded(said["proof"], PROOF_BYTES))
    except (KeyError, TypeError, ValueError):
        raise PrivacyError("P0163") from None
