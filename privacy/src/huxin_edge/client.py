"""`Huxin`: a client for underwriting systems. It asks, tries again, and knows what to say while the platform is away.

huxin = Huxin("https://huxin.example", Identity.read("M0001", KEY_ID, Path("M0001.pem")),
              journal=Path("journal"), when_down="closed")
answer = huxin.ask(Question("resident_id", number, purpose="application", ...))
if answer.provisional: ...       # not the platform's word
for settled in huxin.reconcile(): ...   # say once an hour
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from huxin_edge.elements import Blinding, blinder
from huxin_edge.journal import Entry, Journal
from huxin_edge.session import Retry, Session
from huxin_edge.transport import Transport
from huxin_privacy.client import Identity, ticket_wish, with_ticket
from huxin_privacy.errors import PrivacyError

WhenDown = Literal["open", "closed", "raise"]
_OUTCOMES: Final[Mapping[str, str]] = {"open": "eligible", "closed": "refer"}
_AWAY: Final = "P0181"
_BLIND: Final = "blind"


@dataclass(frozen=True)
class Question:
    """A question as POST /v1/enquiries takes it; `amount` in yuan, days as ISO 8601. Its repr shows no identifier.

    One that is `blind` goes out with a sealed element in its subject's place, and without name and mobile.
    """

    id_type: str
    id_no: str = field(repr=False)
    purpose: str
    consent_no: str
    consent_until: str
    staff: str
    reference: str
    id_country: str | None = None
    name: str | None = field(default=None, repr=False)
    mobile: str | None = field(default=None, repr=False)
    amount: Decimal | str | None = None
    product: str | None = None
    blind: bool = False

    def body(self) -> dict[str, Any]:
        """As JSON; what was not given is left out. `blind` stays here: it says how the rest is sent, also later."""
        subject = {name: getattr(self, name) for name in ("id_type", "id_no", "id_country", "name", "mobile")}
        own = ("purpose", "product", "consent_no", "consent_until", "staff", "reference")
        said = {name: getattr(self, name) for name in own}
        said["amount"] = None if self.amount is None else f"{Decimal(self.amount):.2f}"
        said[_BLIND] = True if self.blind else None
        return {"subject": _given(subject), **_given(said)}


@dataclass(frozen=True)
class Answer:
    """`outcome` is eligible, refer or ineligible; `content` is the platform's whole answer (docs/answer.md).

    A `provisional` answer is this client's own while the platform is away: it knows nothing of the subject, its
    `content` is empty, and its question waits in the journal under `key`.
    """

    outcome: str
    key: str
    provisional: bool = False
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Reconciled:
    """What became of a question that had a provisional answer: the platform's `answer`, or why it `refused` it.

    `refused` is code and text: of this question, such as a consent that has ended meanwhile (H1201).
    `reference` is the case's own number, as it was given with the question.
    """

    key: str
    reference: str
    at: str
    provisional: str
    answer: Answer | None = None
    refused: tuple[str, str] | None = None

    @property
    def changed(self) -> bool:
        """Whether the case has to be looked at again."""
        return self.answer is None or self.answer.outcome != self.provisional


class Huxin:
    """One member's client; to be made once and used by all threads.

    `entry_url` is the entry zone's address, where the platform is split: the person is told to that zone alone, and
    `url`, the registry zone's, gets a ticket that it cannot read.

    `elements` is the folder, of one process at a time, in which blind mode's public keys are pinned and the elements
    of people asked about are kept sealed; `on_pinned` gets the keys' fingerprint when that is done for the first time.

    `when_down` says what `ask` does when the platform cannot answer within the patience of `retry`: "open" answers
    eligible, "closed" answers refer (a person decides), both provisionally and only once the question is safe in
    `journal`; "raise" raises P0181 and keeps nothing.
    """

    def __init__(
        self,
        url: str,
        identity: Identity,
        *,
        when_down: WhenDown = "raise",
        journal: Path | None = None,
        retry: Retry | None = None,
        language: str = "zh",
        ca_file: Path | None = None,
        timeout_s: float = 10.0,
        entry_url: str | None = None,
        session: Session | None = None,
        entry: Session | None = None,
        elements: Path | None = None,
        on_pinned: Callable[[str], None] = lambda _: None,
    ) -> None:
        if when_down != "raise" and journal is None:
            raise ValueError("a provisional answer needs a journal to be reconciled from")
        platform = Transport(url, ca_file, timeout_s)
        self.session = session or Session(platform, identity, retry, language)
        self._entry = entry
        if entry_url and entry is None:
            there = Transport(entry_url, ca_file, timeout_s)
            self._entry = Session(there, identity, retry, language, issuer=platform, scope="tickets")
        self._blinding: Blinding | None = None
        if elements is not None:
            make = partial(blinder, self.session, elements, on_pinned, self._entry)
            self._blinding = Blinding(identity.code, make)
        self._when_down: WhenDown = when_down
        self._journal = Journal(journal, identity) if journal else None

    def ask(self, question: Question, key: str | None = None) -> Answer:
        """The platform's answer, or a provisional one.

        `key` is the Idempotency-Key: give the same one to ask the same question once more (one is made where none is
        given). PrivacyError P0182 when the platform refuses the question: that is final and never provisional.
        """
        chosen = key or str(uuid.uuid4())
        try:
            return self._put(question.body(), chosen)
        except PrivacyError as fault:
            if fault.code != _AWAY or self._when_down == "raise":
                raise
        return self._provisional(question, chosen)

    def reconcile(self) -> Iterator[Reconciled]:
        """Puts every waiting question once more, under its own key, and tells what came of each.

        A question is forgotten when the next one is asked for, or the loop has ended: so whoever dies while handling
        one is told of it again. PrivacyError P0181 when the platform is still away, P0182 when it refuses the member
        and not the question (a quota, a key that was revoked): what waits goes on waiting then.
        """
        if self._journal is None:
            return
        for entry in self._journal.entries():
            yield self._settled(entry)
            self._journal.drop(entry.key)

    @property
    def waiting(self) -> int:
        """How many questions wait to be reconciled."""
        return len(self._journal) if self._journal is not None else 0

    def _put(self, body: Mapping[str, Any], key: str) -> Answer:
        asked = self._shown(body)
        content = self.session.call("POST", "/v1/enquiries", asked, key=key).json()
        return Answer(content["outcome"], key, False, content)

    def _shown(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The question as the platform may see it. ValueError: it is blind, and `elements` was not given."""
        said = {name: value for name, value in body.items() if name != _BLIND}
        if body.get(_BLIND):
            if self._blinding is None:
                raise ValueError("a blind question needs a folder for elements")
            return self._blinding.body(said)
        return said if self._entry is None else _with_ticket(said, self._entry)

    def _provisional(self, question: Question, key: str) -> Answer:
        assert self._journal is not None, "looked at when the client was made"
        outcome = _OUTCOMES[self._when_down]
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._journal.add(Entry(key, now, outcome, question.body()))
        return Answer(outcome, key, provisional=True)

    def _settled(self, entry: Entry) -> Reconciled:
        told = Reconciled(entry.key, str(entry.body.get("reference", "")), entry.at, entry.outcome)
        try:
            answer = self._put(entry.body, entry.key)
        except PrivacyError as fault:
            if not _of_the_question(fault):
                raise
            refusal = (str(fault.facts["refusal"]), str(fault.facts["said"]))
            return Reconciled(told.key, told.reference, told.at, told.provisional, refused=refusal)
        return Reconciled(told.key, told.reference, told.at, told.provisional, answer=answer)


def _with_ticket(body: Mapping[str, Any], entry: Session) -> dict[str, Any]:
    """The question with a ticket in its subject's place; another ticket each time, for each serves once."""
    wish = ticket_wish(body)
    return with_ticket(body, entry.call("POST", "/v1/tickets", wish).json()["ticket"] if wish else None)


def _of_the_question(fault: PrivacyError) -> bool:
    """Whether it is this question that is refused, for good; a refusal of the member may end."""
    consent_ended = fault.facts.get("refusal") == "H1201"
    return fault.code == "P0182" and (fault.facts["status"] in (400, 422) or consent_ended)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
