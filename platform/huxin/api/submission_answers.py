"""What the API says of a submission: the answers' shapes, and how a record of the registry becomes one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from huxin.contract import State, load_contract, load_states
from huxin.registry.submissions import Submission
from huxin_checks.refusal_words import refusal_words

StateName = Literal[
    "received", "validated", "pseudonymized", "awaiting_confirmation", "published", "refused", "withdrawn"
]
ModeName = Literal["full", "incremental", "correction"]
_MODES: dict[int, ModeName] = {1: "full", 2: "incremental", 3: "correction"}


class Refused(BaseModel):
    """Why a whole file was not accepted."""

    code: str = Field(description="the check of the file contract, F0001 to F0011", examples=["F0002"])
    reason: str
    text: str
    hint: str


class SubmissionAnswer(BaseModel):
    """One file with its manifest. Counts are null until it is checked."""

    id: str
    state: StateName
    state_text: str = Field(description="what the state means, and what to do · 状态说明")
    file: str = Field(description="the file's name as it was sent, without folders")
    as_of_date: date | None
    sequence: int | None
    mode: ModeName | None
    received_at: datetime
    changed_at: datetime
    ruleset: str | None = Field(description="version of the checks that were applied")
    rows: int | None
    accepted: int | None
    rejected: int | None
    warned: int | None
    vanished: int | None = Field(description="open loans that a full file does not name any more")
    codes: dict[str, int] = Field(description="how often each check fired")
    refusal: Refused | None
    confirmed: bool
    attempt: int
    size: int = Field(description="bytes")
    sha256: str = Field(description="of the file as it was received")
    manifest_sha256: str


class SubmissionsPage(BaseModel):
    """Submissions, newest first; `next` is the cursor of the page after this one."""

    items: list[SubmissionAnswer]
    next: str | None


class FindingAnswer(BaseModel):
    """One hit of a check; what the cell holds is masked."""

    code: str
    severity: Literal["refuse", "reject", "warn"]
    record: int = Field(description="1 is the first data row; 0 stands for the whole file")
    line: int | None = Field(description="line in the file as it was sent")
    field: str
    masked: str | None
    text: str
    hint: str


class FindingsPage(BaseModel):
    """Findings by record, code and field; `next` is the cursor of the page after this one."""

    submission_id: str
    state: StateName
    items: list[FindingAnswer]
    next: str | None


class Receipt(BaseModel):
    """Checked offline with `huxin receipt verify`: the record, its salt, and the way to a signed checkpoint."""

    format: str
    record: str
    salt: str
    number: int
    path: list[str]
    checkpoint: str


def submission_answer(item: Submission, language: str) -> SubmissionAnswer:
    """What a member is told of its own submission."""
    return SubmissionAnswer(
        id=str(item.id),
        state=state_name(item.state),
        state_text=_state_text(item.state, language),
        file=item.file,
        as_of_date=item.as_of_date,
        sequence=item.sequence,
        mode=_MODES[item.mode] if item.mode else None,
        received_at=item.received_at,
        changed_at=item.changed_at,
        ruleset=item.ruleset,
        rows=item.rows,
        accepted=item.accepted,
        rejected=item.rejected,
        warned=item.warned,
        vanished=item.vanished,
        codes=dict(sorted(item.codes.items())),
        refusal=_refused(item, language),
        confirmed=item.confirmed,
        attempt=item.attempt,
        size=int(item.facts.get("size", 0)),
        sha256=item.data_digest.hex(),
        manifest_sha256=item.manifest_digest.hex(),
    )


def state_name(state: State) -> StateName:
    """The state as the API writes it."""
    name: StateName = state.name.lower()  # type: ignore[assignment]  # a test holds the two lists together
    return name


def _state_text(state: State, language: str) -> str:
    words = load_states()[state - 1]
    return words.meaning_zh if language == "zh" else words.meaning_en


def _refused(item: Submission, language: str) -> Refused | None:
    code = item.facts.get("code")
    if item.state != State.REFUSED or not code:
        return None
    check, zh = load_contract().check(str(code)), language == "zh"
    return Refused(
        code=check.code,
        reason=str(item.facts.get("reason", "")),
        text=(check.zh if zh else check.en) + refusal_words(item.facts, language),
        hint=check.hint_zh if zh else check.hint_en,
    )
