"""The blind way (RFC 9497, VOPRF): a member gets k·H(identifier), whose holder of k learns no identifier.

    member                                       entry zone (holds k, publishes k·G)
    blinded = r·H(x)            ── blinded ──▶   evaluated = k·blinded, with a proof for the batch
    checks the proof            ◀── evaluated ─
    element = (1/r)·evaluated = k·H(x)

What leaves this way is the element. RFC 9497's `Finalize` hashes the input in besides, and what it gives could not be
re-keyed by whoever has it without the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from huxin_privacy.blind import sodium
from huxin_privacy.blind.dleq import LARGEST, prove, proven
from huxin_privacy.blind.group import hash_to_group
from huxin_privacy.errors import PrivacyError


@dataclass(frozen=True)
class Blinding:
    """A batch on its way: `blinded` is sent, `scalars` stay. Its repr shows neither."""

    blinded: list[bytes] = field(repr=False)
    scalars: list[bytes] = field(repr=False)


@dataclass(frozen=True)
class Evaluation:
    """A batch's answer: the evaluated elements in their order, and one proof of 64 bytes for all."""

    evaluated: list[bytes] = field(repr=False)
    proof: bytes = field(repr=False)


def blind(messages: Sequence[bytes], scalars: Sequence[bytes] | None = None) -> Blinding:
    """Hides each message (see group.message) behind a fresh scalar; given `scalars` are for known answers only."""
    drawn = [sodium.random_scalar() for _ in messages] if scalars is None else list(scalars)
    return Blinding(sodium.multiply_each(drawn, [hash_to_group(each) for each in messages]), drawn)


def evaluate(
    secret: bytes, public: bytes, blinded: Sequence[bytes], nonce: bytes | None = None
) -> Evaluation:
    """The entry zone's part. `nonce` as in dleq.prove.

    PrivacyError P0161 names the first that is no element (1 upwards), P0162 an empty batch or one that is too large.
    """
    if not 1 <= len(blinded) <= LARGEST:
        raise PrivacyError("P0162", count=len(blinded), most=LARGEST)
    evaluated = sodium.multiply_all(secret, blinded)
    return Evaluation(evaluated, prove(secret, public, blinded, evaluated, nonce))


def unblind(public: bytes, blinding: Blinding, evaluation: Evaluation) -> list[bytes]:
    """The elements of the messages, once the proof has shown that the key behind the pinned `public` made them.

    PrivacyError P0163: another key was used for at least one of them, or something is malformed. Nothing is used then.
    """
    if len(evaluation.evaluated) != len(blinding.blinded) or not proven(
        public, blinding.blinded, evaluation.evaluated, evaluation.proof
    ):
        raise PrivacyError("P0163")
    return sodium.multiply_each(sodium.inverses(blinding.scalars), evaluation.evaluated)


def element(secret: bytes, message: bytes) -> bytes:
    """k·H(message) at once, where the identifier is seen anyway: what `unblind` gives for it."""
    return sodium.multiply(secret, hash_to_group(message))
