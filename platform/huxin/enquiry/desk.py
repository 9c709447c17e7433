"""What answers enquiries in one process: keys, rules, signer and connections, shared by its threads."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from huxin.audit.notes import Signer
from huxin.decision import Asked, Policy
from huxin.enquiry.answering import Used, replayed
from huxin.enquiry.covering import Covering
from huxin.enquiry.drafting import Drafting, begin, go_through
from huxin.enquiry.keys_in_use import KeysInUse, Read
from huxin.enquiry.limiting import Limiting
from huxin.enquiry.lots import Outcome, answer_lot, reserve_lot
from huxin.enquiry.meeting import bring_together, keys_of
from huxin.enquiry.meeting import opened as opened_for
from huxin.enquiry.own_words import require_nobody
from huxin.enquiry.questions import Draft, Known, Put, Question, Told
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.sealing import ANSWER, FACTS, opened
from huxin.enquiry.subject_keys import Keys, RegistryKeys, SubjectKeys
from huxin.enquiry.together import NoTurnError, Together
from huxin.errors import HuxinError
from huxin.registry import enquiries, gathering, reservations
from huxin.registry.audit_log import inclusion, not_in_the_log
from huxin.registry.gathering import Gathered, Quota
from huxin.registry.live import Live
from huxin.registry.policies import policy_on, policy_version
from huxin.registry.reservations import Granted, Reserving
from huxin.settings import Settings

# What comes while a lot of questions is under way makes the next. A round trip costs the registry about as much as what
# is asked on it, so what goes together comes cheaper, and with more lots at once fewer go together.
LOTS, MOST = 1, 16
COMPANY_S = 0.006
# How long a question waits for its turn before it is told to come again: those before it wait for the registry.
PATIENCE_S, _RETRY_S = 20.0, 5
# What refuses at one time what it let pass at another (a consent, a ticket): what was answered may be asked again.
_OF_THE_TIME = ("H1201", "H1231")
# What an exchange of keys makes of a question, to a process that has not read the new ones yet.
_OUT_OF_DATE = ("H1601", "H1802")
# What it makes of an element: blind mode was turned on, or a key to seal to was published. A member may make these up,
# so the keyrings are read anew only where they were written.
_UNHEARD_OF = ("H1801", "H1806")

_Errand = TypeVar("_Errand")
_Done = TypeVar("_Done")


class Desk:
    """Made once a process and used by its threads."""

    def __init__(self, settings: Settings) -> None:
        self._together: Together[Put, Outcome] = Together(
            lambda puts: answer_lot(self, puts), lots=LOTS, most=MOST, company_s=COMPANY_S
        )
        self._reserving: Together[Reserving, Granted | None] = Together(
            lambda wanted: reserve_lot(self.live, wanted), lots=LOTS, most=MOST
        )
        self.settings = settings
        self.live = Live(settings)
        self._in_use = KeysInUse(settings, "api")
        self._covering = Covering(settings, self.live)
        self._limiting = Limiting(self.live)

    @property
    def keys(self) -> RegistryKeys:
        """The keys of this moment; whoever works with them more than once takes them once."""
        return self._in_use.now.keys

    @property
    def signer(self) -> Signer:
        """What promises are signed with."""
        return self._in_use.now.signer

    def enquire(self, asker: Asker, request: EnquiryRequest, key: str) -> Told:
        """Answers, and records the answer before it is told: two round trips to the registry.

        Where blind mode is on there are two more, once in a person's time: see enquiry.meeting. HuxinError H0801 and
        H0803 (identifier), H1113 (suspended), H1123 (quota), H1201 (consent), H1202 (the key stands for another body),
        H1203 (still under way), H1207 (a person in the member's own words), H1209 (a purpose that is not open to the
        member), H1801, H1802, H1805, H1806 (element), H1101 (no turn came).
        """
        try:
            return self._enquired(asker, request, key)
        except HuxinError as error:
            refusal = error
        before = self._given_before(asker, request, key) if refusal.code in _OF_THE_TIME else None
        if before is None:
            raise refusal
        return before

    def _enquired(self, asker: Asker, request: EnquiryRequest, key: str) -> Told:
        """As `enquire`, by the rules of this day."""
        put = Put(asker, request, key)
        if request.person is not None and request.person.sealed is not None:
            put.question = self.question(
                asker, request, key
            )  # opening an element takes longer than all the rest
        found = self._in_turn(self._together, put)
        if isinstance(found, Told):
            return found
        return self.answered(self.put(put)) if found is None else self.told(found)

    def put(self, put: Put) -> Question:
        """The question of what was put. HuxinErrors as `enquire`."""
        if put.question is None:
            put.question = self.question(put.asker, put.request, put.key)
        return put.question

    def question(self, asker: Asker, request: EnquiryRequest, key: str) -> Question:
        """All of a question that needs no registry. HuxinErrors as `enquire`."""
        today = self.settings.today()
        request.require_consent(today)
        require_nobody(request.own_words(), request.person, key)
        request = self._with_element(asker, request)
        policy = policy_on(self.settings, today)
        try:
            return self._put(asker, request, key, policy, self._in_use.now)
        except HuxinError as error:
            return self._put(asker, request, key, policy, self._newer(error))

    def answered(self, question: Question) -> Told:
        """The answer to one question by itself. HuxinErrors as `enquire`."""
        begun = self._begun(question, self._known(question))
        if isinstance(begun, Told):
            return begun
        go_through([begun])
        return self.told(begun.done())

    def begun(self, question: Question, gathered: Gathered) -> Drafting | Told:
        """The answer that is to be given of what was gathered for it; or the one given before."""
        return self._begun(question, self._known_of(question, gathered))

    def _begun(self, question: Question, known: Known) -> Drafting | Told:
        request, policy = question.request, question.policy
        if known.quota.exceeded:
            return self._repeated(question, known)
        asked = Asked(request.product, request.amount, request.purpose)
        used = Used(known.gathered.facts, self._covering.now(policy), policy, asked, known.tier)
        return begin(question, known, used)

    def told(self, draft: Draft) -> Told:
        """Records the answer by itself, or finds the one recorded before."""
        request, row = draft.question.request, draft.row
        recorded = draft.known.read.keys.by_digest(
            request.bodies(), lambda digest: self._recorded(request, row._replace(body_digest=digest))
        )
        content = draft.made.content if recorded.fresh else self._opened(recorded)
        return Told(content, draft.known.quota, recorded.fresh)

    def reserved(self, wanted: Reserving) -> Granted:
        """Grants a promise, together with those that come at once. HuxinErrors as registry.reservations.reserve;
        H1101 (no turn came)."""
        return self._in_turn(self._reserving, wanted) or reservations.reserve(self.live, wanted)

    def reread(self, member_id: int, enquiry_id: UUID) -> bytes:
        """The answer as it was told. HuxinError H1205 when the member has no such enquiry."""
        return opened(self.keys.seal_keys, ANSWER, enquiry_id, self._stored(member_id, enquiry_id).answer)

    def replay(self, member_id: int, enquiry_id: UUID) -> dict[str, Any]:
        """The answer told, the one worked out anew of what was kept, and whether they are equal. H1205."""
        stored = self._stored(member_id, enquiry_id)
        told = opened(self.keys.seal_keys, ANSWER, enquiry_id, stored.answer)
        facts = opened(self.keys.seal_keys, FACTS, enquiry_id, stored.facts)
        return replayed(told, Used.restored(facts, lambda version: policy_version(self.settings, version)))

    def receipt(self, member_id: int, record_id: UUID) -> dict[str, Any]:
        """The receipt of an own enquiry or reservation (its last act).

        HuxinError H1302: not in the log; with `retry_s` where it is the member's own and only not numbered yet.
        """
        found = inclusion(self.live, record_id, member_id=member_id)
        if found is None:
            raise not_in_the_log(own=self._has(member_id, record_id))
        return found

    def close(self) -> None:
        """Closes its connections."""
        self._in_use.close()
        self.live.close()

    def _has(self, member_id: int, record_id: UUID) -> bool:
        """Whether the member has made it; another's is as unknown as one that was never made."""
        if enquiries.fetch(self.live, member_id, record_id) is not None:
            return True
        return reservations.fetch(self.live, member_id, record_id, self.settings.now()) is not None

    @staticmethod
    def _in_turn(together: Together[_Errand, _Done], errand: _Errand) -> _Done:
        try:
            return together.do(errand, PATIENCE_S)
        except NoTurnError:
            raise HuxinError("H1101", retry_s=_RETRY_S) from None

    def _with_element(self, asker: Asker, request: EnquiryRequest) -> EnquiryRequest:
        """The request with its element opened, if it has one, also where keys were published a moment ago."""
        if request.person is None or request.person.sealed is None:
            return request
        try:
            return opened_for(request, asker, self._in_use.now.elements)
        except HuxinError as error:
            if error.code not in _UNHEARD_OF:
                raise
        return opened_for(request, asker, self._in_use.latest().elements)

    def _put(self, asker: Asker, request: EnquiryRequest, key: str, policy: Policy, read: Read) -> Question:
        keys = self._whom(read, request)
        asking = gathering.Asking(
            member_id=asker.member_id,
            purpose=request.purpose,
            keys=keys.keys,
            name_marks=keys.name_marks,
            mobile_keys=keys.mobile_keys,
            now=self.settings.now(),
            today=self.settings.today(),
            stacking_days=policy.stacking_days,
            per_minute=self._limiting.minute(asker.member_id, request.purpose),
            blind=read.elements is not None,
        )
        return Question(asker, request, key, policy, read, keys, asking)

    def _known(self, question: Question) -> Known:
        """What is known by the keys in force, also where these were exchanged a moment ago."""
        try:
            return self._known_by(question)
        except HuxinError as error:
            read = self._newer(error)
        return self._known_by(
            self._put(question.asker, question.request, question.key, question.policy, read)
        )

    def _newer(self, error: HuxinError) -> Read:
        """The keys of this moment, where `error` says that those at hand may be older; else it is raised."""
        if error.code not in _OUT_OF_DATE:
            raise error
        return self._in_use.renew() if error.code == "H1601" else self._in_use.latest()

    def _known_by(self, question: Question) -> Known:
        asking = question.asking
        found = gathering.gather(self.live, asking)
        if found.member_status == "active" and not found.met:
            self._meet(question.read, question.request, question.keys, asking.now)
            found = gathering.gather(self.live, replace(asking, blind=False))
        return self._known_of(question, found)

    def _known_of(self, question: Question, found: Gathered) -> Known:
        if found.member_status != "active" or found.tier is None or found.subject_id is None:
            raise HuxinError("H1113")
        asking, policy = question.asking, question.policy
        tier = policy.tier_shown(found.tier, found.reported_on, asking.today)
        allowed = self._limiting.quota(policy, tier, asking.member_id, asking.purpose, asking.today)
        quota = gathering.quota_left(asking.now, (found.minute_used, found.day_used), allowed)
        return Known(question.read, found, quota, found.subject_id, tier, asking.now)

    def _meet(self, read: Read, request: EnquiryRequest, keys: SubjectKeys, now: datetime) -> None:
        """Brings both ways together of a person that has not met yet."""
        assert request.person is not None, "a ticket's holder meets at the zone's desk"
        bring_together(self.settings, self.live, read.elements, request.person, keys, now)

    def _whom(self, read: Read, request: EnquiryRequest) -> SubjectKeys:
        """The keys of whom a request is about. HuxinError H1236: a ticket, where there is no entry zone."""
        if request.person is None or not isinstance(read.keys, Keys):
            raise HuxinError("H1236")
        return keys_of(read.keys, read.elements, request.person, self.settings.today())

    def _repeated(self, question: Question, known: Known) -> Told:
        """An answer given before is told again even where nothing is left of the quota.

        It is counted like any question: whether it is a repeated one is known only after the quota was. What is refused
        is counted beside it, for the guard.
        """
        quota, purpose, member = known.quota, question.request.purpose, question.asker.member_id
        before = self.keys.by_digest(
            question.request.bodies(),
            lambda digest: enquiries.recorded(self.live, member, question.key, digest),
        )
        if before is not None:
            return Told(self._opened(before), quota, fresh=False)
        gathering.note_refused(self.live, question.asking, quota)
        if quota.limit == 0:
            # There is nothing to wait for, so this is no matter of having asked too often.
            raise HuxinError("H1209", purpose=purpose, tier=known.tier)
        retry_s = max(1, quota.reset_s or 1)
        raise HuxinError(
            "H1123", purpose=purpose, limit=quota.limit, window_s=quota.window_s, retry_s=retry_s
        )

    def _given_before(self, asker: Asker, request: EnquiryRequest, key: str) -> Told | None:
        """The answer on record for this key and body, which holds for good; None where nothing was asked under it.

        Nothing is counted, so nothing is told of the quota. HuxinError H1202, and those of an element.
        """
        bodies = self._with_element(asker, request).bodies()
        if not bodies:  # a ticket where there is no entry zone: under it nothing was ever asked
            return None
        # Another process may know newer keys, and no gathering has told this one so.
        before = self._in_use.latest().keys.by_digest(
            bodies, lambda digest: enquiries.recorded(self.live, asker.member_id, key, digest)
        )
        return None if before is None else Told(self._opened(before), Quota(), fresh=False)

    def _recorded(self, request: EnquiryRequest, row: enquiries.NewEnquiry) -> enquiries.Recorded:
        """Recorded now, or before."""
        return enquiries.record(self.live, row)

    def _opened(self, recorded: enquiries.Recorded) -> bytes:
        return opened(self.keys.seal_keys, ANSWER, recorded.id, recorded.answer)

    def _stored(self, member_id: int, enquiry_id: UUID) -> enquiries.Enquiry:
        found = enquiries.fetch(self.live, member_id, enquiry_id)
        if found is None:
            raise HuxinError("H1205")
        return found
