"""Sealed files lost with the power: told, never taken for an empty file, and mended from the member's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from night_world import ready

from huxin.contract import State
from huxin.errors import HuxinError
from huxin.nightly import spool
from huxin.nightly.inbox import arrivals
from huxin.nightly.load import load_group
from huxin.nightly.pipeline import run_night
from huxin.nightly.pseudonymize import pseudonymize_group
from huxin.nightly.receive import receive
from huxin.nightly.spool import Spool
from huxin.nightly.validate.step import validate_group
from huxin.registry.session import connection
from huxin.registry.submissions import find
from huxin.settings import Settings
from support.rows import loan, write_submission

MEMBER = "M0001"
Step = Callable[[Settings, list[UUID]], None]
STEPS: list[tuple[int, str]] = [(0, spool.SOURCE), (1, spool.ROWS), (2, spool.KEYS), (2, spool.LOANS)]


def _begun(settings: Settings, inbox: Path, steps: int) -> UUID:
    write_submission(inbox, MEMBER, [loan(MEMBER, number) for number in range(1, 30)])
    ready(settings)
    submission_id = receive(settings, arrivals(inbox))[0].submission.id
    chain: list[Step] = [validate_group, pseudonymize_group]
    for step in chain[:steps]:
        step(settings, [submission_id])
    return submission_id


def _damage(settings: Settings, submission_id: UUID, stage: str, how: str) -> None:
    path = Spool(settings).folder(submission_id) / f"{stage}.sealed"
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 0 if how == "empty" else -20])


def _state(settings: Settings, submission_id: UUID) -> tuple[State, int | None, int]:
    with connection(settings) as database:
        item = find(database, submission_id)
    assert item
    return item.state, item.accepted, item.attempt


@pytest.mark.parametrize("how", ["gone", "empty", "cut"])
@pytest.mark.parametrize(("steps", "stage"), STEPS)
def test_the_next_night_begins_it_anew(
    settings: Settings, tmp_path: Path, steps: int, stage: str, how: str
) -> None:
    submission_id = _begun(settings, tmp_path, steps)
    _damage(settings, submission_id, stage, how)
    report = run_night(settings, tmp_path)
    assert (report.failed, report.fresh) == ({}, 0)
    assert _state(settings, submission_id) == (State.PUBLISHED, 29, 2)


def test_what_is_sound_goes_on_where_it_was(settings: Settings, tmp_path: Path) -> None:
    submission_id = _begun(settings, tmp_path, 2)
    run_night(settings, tmp_path)
    assert _state(settings, submission_id) == (State.PUBLISHED, 29, 1)


@pytest.mark.parametrize("stage", [spool.KEYS, spool.LOANS])
def test_a_lost_file_is_never_an_empty_one(settings: Settings, tmp_path: Path, stage: str) -> None:
    submission_id = _begun(settings, tmp_path, 2)
    _damage(settings, submission_id, stage, "gone")
    with pytest.raises(HuxinError, match="H0613"):
        load_group(settings, [submission_id])
    assert _state(settings, submission_id)[0] == State.PSEUDONYMIZED


def test_lost_rows_make_no_tokens(settings: Settings, tmp_path: Path) -> None:
    submission_id = _begun(settings, tmp_path, 1)
    _damage(settings, submission_id, spool.ROWS, "gone")
    with pytest.raises(HuxinError, match="H0613"):
        pseudonymize_group(settings, [submission_id])
    assert _state(settings, submission_id)[0] == State.VALIDATED
