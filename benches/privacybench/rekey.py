"""An exchange of the registry's key over a million aliases, by the operator's own acts; name marks beside it."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from enquirybench.filler import Book, fill
from enquirybench.roster import add_members

from huxin.cli.setup import prepare
from huxin.oversight import key_epochs, key_retiring
from huxin.registry import embedded
from huxin.registry.blocks import Blocks, blocks
from huxin.registry.bulk import bulk
from huxin.registry.connect import libpq_uri
from huxin.registry.rekeying import token_order
from huxin.registry.schemes import scheme_ids
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from huxin_privacy.generations import Rings
from huxin_privacy.tokens import tokens

ALIASES = 1_000_000
LOANS = 100_000
_MEMBERS = 10
_MILLION = 1_000_000


def measure(aliases: int = ALIASES, loans: int = LOANS) -> dict[str, float]:
    """Seconds a million of one exchange of the registry's key, with everything an operator would wait for.

    `rekey_s_per_million`: aliases and mobiles' aliases, from `huxin keys retire` to the last of them.
    `rekey_copy_s_per_million`: a bare COPY of as many sorted rows into a table with the same key, in the same run.
    `remark_s_per_million`: loans' name marks, from there to the end, the count of what is left included.
    """
    with _home() as settings:
        book = Book(loans, _MEMBERS, datetime.now(UTC).date())
        fill(settings, book, add_members(libpq_uri(settings), book))
        copied = _filled(settings, aliases)
        stages, moved = _exchanged(settings)
    return {
        "rekey_s_per_million": round((stages["marks"] - stages["begun"]) * _MILLION / moved, 3),
        "rekey_copy_s_per_million": round(copied * _MILLION / aliases, 3),
        "remark_s_per_million": round((stages["ended"] - stages["marks"]) * _MILLION / loans, 3),
    }


@contextmanager
def _home() -> Iterator[Settings]:
    """A home with a running embedded server, both gone at the end."""
    with tempfile.TemporaryDirectory(prefix="huxin-rekey-", dir=os.environ.get("HUXIN_BENCH_DIR")) as folder:
        settings = Settings(home=Path(folder) / "home")
        try:
            prepare(settings)
            yield settings
        finally:
            forget_engine(settings)
            # A second Ctrl-C must not leave the server behind.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            embedded.stop(settings)
            signal.signal(signal.SIGINT, before)


def _filled(settings: Settings, count: int) -> float:
    """Aliases under the active keys, as nights would have left them; how long a bare COPY of them takes."""
    generation = Rings.open(settings.keys_dir).standing[0]
    scheme = generation.scheme("resident_id")
    key = generation.token_key(Rings.open(settings.keys_dir).registry, "resident_id")
    with connection(settings) as database:
        number = scheme_ids(database, [scheme])[scheme]
    made = tokens(key, _random(count), suite=generation.suite)
    moment = pa.repeat(pa.scalar(datetime.now(UTC), pa.timestamp("us", tz="UTC")), count)
    rows = pa.table(
        {
            "token": blocks(made[token_order(made)]),
            "scheme": pa.array(np.full(count, number, np.int16)),
            "subject_id": blocks(_random(count)),
            "claimed_at": moment,
        }
    )
    with bulk(settings) as session:
        session.run("CREATE TABLE bench_copy (LIKE alias INCLUDING ALL)")
        begun = time.perf_counter()
        session.copy("bench_copy", rows)
        session.commit()
        spent = time.perf_counter() - begun
        session.run("DROP TABLE bench_copy")
        session.copy("alias", rows)
        session.commit()
        session.run("ANALYZE alias")
        session.commit()
    return spent


def _exchanged(settings: Settings) -> tuple[dict[str, float], int]:
    """When each stage of emptying the old epoch began, and how many aliases went."""
    key_epochs.new_epoch(settings, "registry")
    key_epochs.activate(settings, "registry", 2, 60, _nobody)
    stages = {"begun": time.perf_counter()}

    def tell(stage: str, done: int, total: int) -> None:
        stages.setdefault(stage, time.perf_counter())
        if total and done == total:
            print(f"  {stage}: {done:,}", flush=True)

    done = key_retiring.retire(settings, "registry", 1, 60, _nobody, tell)
    stages["ended"] = time.perf_counter()
    if done.left.total:
        raise SystemExit(f"{done.left} still hang on the old key")
    return stages, done.aliases + done.mobiles


def _random(count: int) -> Blocks:
    return np.frombuffer(os.urandom(16 * count), np.uint8).reshape(-1, 16)


def _nobody(_behind: object) -> None:
    """Nobody else holds these keys."""
