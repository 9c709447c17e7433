"""The sandbox's desk: the real one, and the acts of a few test subjects around it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any

from huxin.decision import Coverage, Policy
from huxin.enquiry.covering import Covering
from huxin.enquiry.desk import Desk
from huxin.enquiry.questions import Known, Question, Told
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.registry.gathering import Gathered
from huxin.registry.reservations import Granted, Reserving
from huxin.sandbox.acts import ACTS, Asked, disputed, partial
from huxin.sandbox.subjects import identity, load_sandbox
from huxin.settings import Settings


class SandboxDesk(Desk):
    """Answers like the real one unless the subject is one that acts."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._acting = {identity(each.person): each.act for each in load_sandbox().subjects if each.act}

    def _enquired(self, asker: Asker, request: EnquiryRequest, key: str) -> Told:
        """As the real desk; what refuses in place of an answer does so after the consent was seen to."""
        name, how = self._act(request)
        if name == "coverage":
            answers = self._half_covered(how)
            return answers.answered(answers.question(asker, request, key))
        if name not in ACTS:
            return super()._enquired(asker, request, key)
        request.require_consent(self.settings.today())
        return ACTS[name](
            Asked(self, asker, request, key, lambda: Desk._enquired(self, asker, request, key)), **how
        )

    def reserved(self, wanted: Reserving) -> Granted:
        """As the real desk, as often as an engineer likes: whoever tries out reservations has most of them in vain."""
        return super().reserved(replace(wanted, in_vain=None))

    def _act(self, request: EnquiryRequest) -> tuple[str, Mapping[str, Any]]:
        act = (self._acting.get(identity(request.person)) if request.person else None) or {}
        return str(act.get("name", "")), {key: value for key, value in act.items() if key != "name"}

    def _known_of(self, question: Question, found: Gathered) -> Known:
        """Until disputes are facts of the registry, one that is under way is written into them here."""
        known = super()._known_of(question, found)
        name, how = self._act(question.request)
        if name != "dispute":
            return known
        facts = disputed(known.gathered.facts, **how)
        return replace(known, gathered=replace(known.gathered, facts=facts))

    def _half_covered(self, how: Mapping[str, Any]) -> SandboxDesk:
        other = copy(self)  # whose lots are still those of `self`: it is asked by itself only
        other._covering = _Partial(self._covering, how)
        return other


class _Partial(Covering):
    """A coverage that says so much, whatever has been reported."""

    def __init__(self, real: Covering, how: Mapping[str, Any]) -> None:
        self._real, self._how = real, how

    def now(self, policy: Policy) -> Coverage:
        return partial(self._real.now(policy), **self._how)
