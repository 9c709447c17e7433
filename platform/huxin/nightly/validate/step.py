"""The validate step over a group of submissions: read, check, seal the good rows, quarantine the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

import polars as pl

from huxin import faults
from huxin.contract import LOANS, Contract, State, load_contract
from huxin.nightly import spool
from huxin.nightly.batching import sizes
from huxin.nightly.gx.run import stored_of
from huxin.nightly.memory import give_back
from huxin.nightly.spool import Spool
from huxin.nightly.timings import Timings
from huxin.nightly.validate.held_back import seal_held_back
from huxin.nightly.validate.reading import Group, batches
from huxin.nightly.validate.set_keys import set_keys
from huxin.nightly.validate.sink import Sinks
from huxin.registry.alone import alone
from huxin.registry.findings import note_quarantine, replace_findings
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, change, find_all
from huxin.settings import Settings
from huxin_checks.finding import Finding
from huxin_checks.rows import RowChecks, judge
from huxin_checks.rules import keys
from huxin_checks.sets import Said, judge_files, judge_sets, note_companions
from huxin_checks.tally import Tally

Progress = Callable[[int], None]  # called with the count of rows that were just read


def validate_group(
    settings: Settings, ids: Sequence[UUID], timings: Timings | None = None, progress: Progress | None = None
) -> None:
    """Validates the received submissions among `ids`; those in a later state are left alone.

    Afterwards each is `validated` (good rows sealed in the spool) or `refused`; its findings are on record.
    """
    with alone(settings, ids):
        _validate(settings, ids, timings or Timings(), progress or (lambda rows: None))


def _validate(settings: Settings, ids: Sequence[UUID], timer: Timings, progress: Progress) -> None:
    with connection(settings) as database:
        todo = [item for item in find_all(database, ids) if item.state == State.RECEIVED]
    for name in dict.fromkeys(item.contract for item in todo):
        part = [item for item in todo if item.contract == name]
        _validate_by(settings, part, load_contract(name or LOANS), timer, progress)


def _validate_by(
    settings: Settings, todo: list[Submission], contract: Contract, timer: Timings, progress: Progress
) -> None:
    """Validates submissions of one contract together."""
    numbered = dict(enumerate(todo))
    tallies = {sub: Tally() for sub in numbered}
    vault = Spool(settings)
    group = Group(vault, numbered, tallies, contract)
    with vault.trying((item.id for item in todo), keep=(spool.SOURCE,)):
        _first_pass(group, timer, progress)
        with timer.stage("files"):
            judge_files(
                {sub: _said(item) for sub, item in numbered.items()}, tallies, stored_of(contract.name)
            )
        with timer.stage("quarantine"):
            seal_held_back(group)
        faults.reach("validate.quarantined")
    with timer.stage("record"):
        _record(settings, contract, numbered, tallies)
    faults.reach("validate.recorded")
    for sub, item in numbered.items():
        vault.forget(item.id, keep=(spool.SOURCE,) if tallies[sub].refusal else spool.AFTER_VALIDATION)


def examine(settings: Settings, vault: Spool, item: Submission) -> tuple[Submission, list[Finding]]:
    """A received submission as validation would leave it, with its findings; nothing is recorded.

    Totals that the manifest did not tell (`record_count` None) are taken from the rows.
    """
    contract = load_contract(item.contract or LOANS)
    tally = Tally()
    _first_pass(Group(vault, {0: item}, {0: tally}, contract), Timings(), lambda rows: None)
    if item.record_count is None:
        sums = {"sum_principal": str(tally.sum_principal), "sum_balance": str(tally.sum_balance)}
        item = replace(item, record_count=tally.rows, facts=item.facts | sums)
    judge_files({0: _said(item)}, {0: tally}, stored_of(contract.name))
    return _outcome(item, tally, contract, settings), tally.findings


def _said(item: Submission) -> Said:
    assert item.as_of_date is not None
    sums = (int(item.facts[name]) for name in ("sum_principal", "sum_balance"))
    return Said(item.as_of_date, item.record_count or 0, *sums)


def _first_pass(group: Group, timer: Timings, progress: Progress) -> None:
    """Streams every row once: row checks, good rows to the spool, keys of all rows kept for the set checks."""
    contract, numbered, tallies = group.contract, group.numbered, group.tallies
    checks = RowChecks.load(contract, stored_of(contract.name))
    size = sizes(numbered.values())
    known = set_keys(group.vault, numbered)
    with known, Sinks(group.vault, numbered) as sinks:
        for batch in timer.each("read", batches(group, size)):
            judged = judge(_dressed(batch, numbered), checks, tallies, timer.stage)
            with timer.stage("keys"):
                known.add(keys(judged.parsed).with_columns(judged.parsed["_line"]))
            with timer.stage("spool"):
                sinks.follow(judged)
            progress(judged.raw.height)
            del batch, judged  # or they would be held while the next ones are made
        with timer.stage("spool"):
            sinks.wait()
    faults.reach("validate.spooled")
    give_back()
    with timer.stage("sets"):
        for part in known.parts():
            judge_sets(part, tallies, stored_of(contract.name))
            note_companions(part, tallies)


def _dressed(raw: pl.DataFrame, numbered: dict[int, Submission]) -> pl.DataFrame:
    """RAW rows with their submission's day and mode: the whole batch at once, not file by file."""
    items = numbered.values()
    days = pl.Series("_as_of", [item.as_of_date for item in items], dtype=pl.Date)
    modes = pl.Series("_mode", [item.mode for item in items], dtype=pl.UInt8)
    return raw.with_columns(days.gather(raw["_sub"]), modes.gather(raw["_sub"]))


def _record(
    settings: Settings, contract: Contract, numbered: dict[int, Submission], tallies: dict[int, Tally]
) -> None:
    """Writes outcomes, findings and where the quarantine lies, in one transaction."""
    now = settings.now()
    outcomes = [_outcome(item, tallies[sub], contract, settings) for sub, item in numbered.items()]
    with connection(settings) as database:
        change(database, outcomes)
        replace_findings(
            database, ((item.member_id, item.id, tallies[sub].findings) for sub, item in numbered.items())
        )
        held = [
            (item.member_id, item.id, item.rejected, str(item.id))
            for item in outcomes
            if item.state == State.VALIDATED and item.rejected
        ]
        note_quarantine(database, held, now)


def _outcome(item: Submission, tally: Tally, contract: Contract, settings: Settings) -> Submission:
    """The submission with its counts; a refused one has accepted nothing."""
    rejected = tally.rows if tally.refusal else int(tally.rejected_records().size)
    facts = dict(item.facts)
    codes = dict(tally.codes)
    if tally.refusal:
        facts |= {"code": tally.refusal.code, "reason": tally.refusal.reason, **tally.refusal_facts}
        codes[tally.refusal.code] = codes.get(tally.refusal.code, 0) + 1
    if tally.unmatched:
        facts["unmatched"] = True
    if tally.findings_cut:
        facts["findings_cut"] = tally.findings_cut
    return replace(
        item,
        state=State.REFUSED if tally.refusal else State.VALIDATED,
        ruleset=f"{contract.ruleset}+{contract.digest[:12]}",
        rows=tally.rows,
        accepted=tally.rows - rejected,
        rejected=rejected,
        warned=tally.warned_count(),
        codes=codes,
        facts=facts,
        changed_at=settings.now(),
    )
