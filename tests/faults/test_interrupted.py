"""Ctrl-C: exit code 130, and the same command goes on; also while the database works."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pyarrow as pa
import pytest
from fault_stage import STEPS, Stage, Trial

from huxin.errors import HuxinError
from huxin.registry.bulk import bulk
from huxin.registry.wire import Bytes, Encoded, encode
from huxin.settings import Settings

Begin = Callable[[str], Trial]
STAGES = (
    *("receive.sealed", "receive.recorded", "validate.spooled", "validate.recorded", "pseudonymize.spooled"),
    *("load.copied", "load.published", "load.committed", "report.rendered"),
    *("confirm.recorded", "again.recorded", "withdraw.recorded"),
)


@pytest.mark.parametrize("name", STAGES)  # one in each transaction and between them
def test_interrupted(name: str, stage: Stage, begin: Begin) -> None:
    step = name.partition(".")[0]
    trial = begin(step if step in STEPS else "second")
    assert trial.run({"HUXIN_FAULT": name, "HUXIN_FAULT_SIGNAL": "SIGINT"}) == 130, trial.log
    assert "the same command goes on" in trial.log
    assert "Traceback" not in trial.log
    trial.finish()


def test_interrupted_while_the_database_works(settings: Settings) -> None:
    """The driver cancels the statement; that is Ctrl-C, and not a statement that failed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    found = threading.Event()

    def interrupt() -> None:
        busy = """SELECT count(*) FROM pg_stat_activity
            WHERE query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()"""
        uri = str(settings.database_url).replace("+psycopg", "")
        with psycopg.connect(uri, autocommit=True) as watcher:
            while watcher.execute(busy).fetchone() == (0,):
                time.sleep(0.01)
        found.set()
        os.kill(os.getpid(), signal.SIGINT)

    watching = threading.Thread(target=interrupt)
    with bulk(settings) as session:
        watching.start()
        with pytest.raises(KeyboardInterrupt):
            session.rows("SELECT pg_sleep(60)")
    watching.join()
    assert found.is_set()


def test_rows_that_end_badly_tell_why(settings: Settings) -> None:
    """The caller is told as it is; the server, whose log keeps the reason, learns no more than that they ended."""
    number = pa.table({"n": pa.array([1], pa.int32())})

    def rows() -> Iterator[Bytes]:
        yield from encode(number)
        raise HuxinError("H0607")

    with bulk(settings) as session:
        session.run("CREATE TEMPORARY TABLE kept (n integer)")
        with pytest.raises(HuxinError) as caught:
            session.copy("kept", Encoded(("n",), rows()))
    assert caught.value.code == "H0607"
