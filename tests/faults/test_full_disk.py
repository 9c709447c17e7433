"""A full disk under the spool: told as such, nothing half done, and with room made the same command goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from fault_stage import Stage, Trial

from huxin.contract import State

Begin = Callable[[str], Trial]
PAGE = 4096


@contextmanager
def small_disk(place: Path, pages: int) -> Iterator[bool]:
    """A disk of so many pages at `place`, where this user may mount one; whether there is."""
    options = ["-t", "tmpfs", "-o", f"size={pages * PAGE}", "tmpfs", str(place)]
    mounted = subprocess.run(["mount", *options], check=False, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def attempts(trial: Trial, mounted: bool) -> Iterator[Callable[[], int]]:
    """Runs of the step with more room each time; without a mount, by the size of the greatest file."""
    spool = trial.home / "spool"
    for pages in range(4, 200, 8):
        if not mounted:
            yield lambda pages=pages: trial.run(limit=pages * PAGE // 4)  # type: ignore[misc]
            continue
        grown = ["mount", "-o", f"remount,size={pages * PAGE}", str(spool)]
        subprocess.run(grown, check=True, capture_output=True)
        yield trial.run


def published(trial: Trial) -> tuple[int, int]:
    """Submissions published, and those among them whose rows in the registry are not as many as accepted."""
    query = """SELECT s.accepted, (SELECT count(*) FROM loan l WHERE l.submission_id = s.id)
        FROM submission s WHERE s.state = %s"""
    with psycopg.connect(trial.stage.server.uri(trial.database)) as database:
        rows = database.execute(query, [int(State.PUBLISHED)]).fetchall()
    return len(rows), sum(accepted != held for accepted, held in rows)


def temporary_files(trial: Trial) -> list[Path]:
    return list((trial.home / "spool").glob("*/.*.tmp"))


def test_a_disk_that_grows_little_by_little(stage: Stage, begin: Begin) -> None:
    trial = begin("first")
    short = 0
    with small_disk(trial.home / "spool", 4) as mounted:
        for attempt in attempts(trial, mounted):
            code = attempt()
            assert published(trial)[1] == 0
            assert temporary_files(trial) == []
            if code != 1:
                break
            assert "H0612" in trial.log, trial.log
            assert "Traceback" not in trial.log
            short += 1
        assert short > (2 if mounted else 0)
        assert code == stage.outcomes["first"].code
        trial.finish()


def test_a_file_too_large_for_the_disk_lets_those_before_it_in(stage: Stage, begin: Begin) -> None:
    """By a limit on files, which needs no mount: the member's own quota, say."""
    trial = begin("first")
    sizes = sorted(file.stat().st_size for file in trial.inbox.glob("M0*/*.csv"))
    assert trial.run(limit=sizes[-1] - 100) == 1
    assert "H0612" in trial.log
    assert "Traceback" not in trial.log
    assert temporary_files(trial) == []
    trial.finish()


@pytest.mark.parametrize("room", [12, 16, 20, 24, 28])
def test_the_second_night_on_a_full_disk(room: int, stage: Stage, begin: Begin) -> None:
    """With what the first night keeps there already; whatever room is left, nothing is lost."""
    trial = begin("second")
    limit = room * 256
    assert trial.run(limit=limit) in (1, stage.outcomes["second"].code)
    assert "Traceback" not in trial.log
    assert temporary_files(trial) == []
    trial.finish()
