"""From what the registry gathered to the answer a member is told, and from what was kept to the same answer again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from huxin.audit.notes import Signer
from huxin.audit.promise import sign_promise
from huxin.audit.records import make_record, make_salt, moment_text
from huxin.decision import Asked, Coverage, Facts, Policy, canonical, decide
from huxin.enquiry.request import Asker


@dataclass(slots=True)
class Used:
    """Everything an answer is worked out of; `facts` is the registry's JSON."""

    facts: bytes
    coverage: Coverage
    policy: Policy
    asked: Asked
    tier: str

    def decided(self) -> dict[str, Any]:
        """The answer's body: the same for the same values at any time."""
        return decide(Facts.from_json(self.facts), self.coverage, self.policy, self.asked, self.tier)

    def stored(self) -> bytes:
        """As JSON, for replay."""
        oldest = self.coverage.oldest_as_of
        return orjson.dumps(
            {
                "facts": orjson.Fragment(self.facts),
                "coverage": {
                    "members": self.coverage.members,
                    "reported": self.coverage.reported,
                    "oldest_as_of": None if oldest is None else oldest.isoformat(),
                },
                "asked": {
                    "product": self.asked.product,
                    "amount": self.asked.amount,
                    "purpose": self.asked.purpose,
                },
                "policy": self.policy.version,
                "tier": self.tier,
            }
        )

    @classmethod
    def restored(cls, stored: bytes, version_of: Callable[[str], Policy]) -> Used:
        """What `stored` wrote. HuxinError H1513 when `version_of` finds the policy no more (registry.policies)."""
        kept = orjson.loads(stored)
        return cls(
            orjson.dumps(kept["facts"]),
            Coverage.from_json(kept["coverage"]),
            version_of(kept["policy"]),
            Asked(**kept["asked"]),
            kept["tier"],
        )


@dataclass(slots=True)
class Made:
    """The bytes that are told, and the leaf that is to stand in the log."""

    content: bytes
    leaf: Mapping[str, str]


def replayed(told: bytes, used: Used) -> dict[str, Any]:
    """The answer told, the one worked out anew, and whether the two are equal bit for bit."""
    again = used.decided()
    before = orjson.loads(told)
    decided = {name: value for name, value in before.items() if name in again}
    return {"told": before, "recomputed": again, "equal": canonical(decided) == canonical(again)}


@dataclass(slots=True)
class Unsigned:
    """An answer that lacks its promise, the record of the leaf that the promise is about, and the leaf's salt."""

    answer: dict[str, Any]
    record: str
    salt: bytes = field(repr=False)
    at: datetime

    def signed(self, signer: Signer) -> Made:
        """With its promise; once."""
        self.answer["promise"] = sign_promise(signer, self.record, self.salt, self.at)
        return Made(orjson.dumps(self.answer), {"salt": self.salt.hex(), "record": self.record})


def unsigned(asker: Asker, purpose: str, enquiry_id: str, handle: str, used: Used, at: datetime) -> Unsigned:
    """The answer before it is signed.

    The leaf's record holds the SHA-256 of the answer's canonical JSON without the promise, so that whoever keeps
    the answer can prove what it was; and nothing of the subject.
    """
    head = {"enquiry_id": enquiry_id, "asked_at": moment_text(at), "handle": handle}
    answer = head | used.decided()
    digest = hashlib.sha256(canonical(answer)).hexdigest()
    facts = {
        "enquiry": enquiry_id,
        "member": asker.code,
        "purpose": purpose,
        "policy": used.policy.version,
        "answer_sha256": digest,
    }
    return Unsigned(answer, make_record("enquiry.answered", at, facts), make_salt(), at)
