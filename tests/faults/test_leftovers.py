"""What a night clears from the spool, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import psycopg
import pytest
from fault_stage import Stage, Trial

from huxin.contract import State
from huxin.nightly import spool
from huxin.nightly.leftovers import clear_leftovers
from huxin.nightly.spool import Spool
from huxin.registry.alone import alone
from huxin.registry.session import forget_engine
from huxin.settings import Settings

Begin = Callable[[str], Trial]


@pytest.fixture
def after(stage: Stage, begin: Begin) -> tuple[Trial, Settings, Spool]:
    """The state after the second night, with what it holds in its spool."""
    trial = begin("confirm")
    settings = Settings(home=trial.home, database_url=stage.server.url(trial.database))
    return trial, settings, Spool(settings)


def held(vault: Spool, submission_id: UUID) -> set[str]:
    return vault.folders().get(submission_id, set())


def one(trial: Trial, state: State) -> UUID:
    query = "SELECT id FROM submission WHERE state = %s AND rejected > 0 ORDER BY id LIMIT 1"
    with psycopg.connect(trial.stage.server.uri(trial.database)) as database:
        row = database.execute(query, [int(state)]).fetchone()
    assert row
    return UUID(str(row[0]))


def sealed(vault: Spool, submission_id: UUID, *stages: str) -> None:
    for name in stages:
        with vault.writer(submission_id, name) as target:
            target.write(b"content")


def test_nothing_is_cleared_from_a_spool_in_order(after: tuple[Trial, Settings, Spool]) -> None:
    _, settings, vault = after
    before = vault.folders()
    clear_leftovers(settings)
    assert vault.folders() == before
    forget_engine(settings)


def test_what_nobody_recorded_is_cleared(after: tuple[Trial, Settings, Spool]) -> None:
    _, settings, vault = after
    orphan, unfinished = uuid4(), uuid4()
    for each in (orphan, unfinished):
        vault.create(each)
    sealed(vault, orphan, spool.SOURCE)
    (vault.folder(unfinished) / ".source.sealed.0123.tmp").write_bytes(b"part")
    clear_leftovers(settings)
    assert not {orphan, unfinished} & set(vault.folders())
    forget_engine(settings)


def test_what_is_being_received_is_left_alone(after: tuple[Trial, Settings, Spool]) -> None:
    _, settings, vault = after
    coming = uuid4()
    with Spool(settings).receiving():
        vault.create(coming)
        clear_leftovers(settings)
        assert held(vault, coming) == {"key"}
    clear_leftovers(settings)
    assert held(vault, coming) == set()
    forget_engine(settings)


def test_what_another_database_knows_is_left_alone(after: tuple[Trial, Settings, Spool]) -> None:
    """A wrong HUXIN_DATABASE_URL must not cost a member its rejected rows."""
    _, settings, vault = after
    foreign = uuid4()
    vault.create(foreign)
    sealed(vault, foreign, spool.QUARANTINE)
    clear_leftovers(settings)
    assert held(vault, foreign) == {"key", "quarantine.sealed"}
    forget_engine(settings)


@pytest.mark.parametrize(
    ("state", "stays"),
    [(State.PUBLISHED, set()), (State.REFUSED, {"source"}), (State.AWAITING_CONFIRMATION, {"keys", "loans"})],
)
def test_what_the_state_needs_no_more_is_cleared(
    state: State, stays: set[str], after: tuple[Trial, Settings, Spool]
) -> None:
    trial, settings, vault = after
    submission_id = one(trial, state)
    before = held(vault, submission_id)
    fresh = {spool.SOURCE, spool.ROWS, spool.KEYS, spool.LOANS} - {name.split(".")[0] for name in before}
    sealed(vault, submission_id, *fresh)
    with alone(settings, [submission_id]):  # a worker has it in hand
        clear_leftovers(settings)
    assert held(vault, submission_id) == before | {f"{name}.sealed" for name in fresh}
    clear_leftovers(settings)
    assert held(vault, submission_id) == before
    assert stays <= {name.split(".")[0] for name in before}
    forget_engine(settings)
