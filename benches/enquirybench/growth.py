"""How an enquiry's time grows with the registry: one client asks the smaller and the ten times larger in turns."""

from __future__ import annotations

import psycopg

from enquirybench import statements
from enquirybench.figures import percentile, ratio
from enquirybench.home import Filled
from enquirybench.people import SAMPLE, sample, write_keys
from enquirybench.speed import Stand, drained, stand

TIMES = 10
_WARM_S = 3.0
_READ = """
    SELECT count(*) FROM pg_class c CROSS JOIN LATERAL (SELECT pg_relation_size(c.oid) AS bytes) s
    CROSS JOIN LATERAL generate_series(0, (s.bytes - 1) / %(block)s) AS block
    WHERE c.relkind IN ('r', 'i') AND c.relnamespace = 'public'::regnamespace AND s.bytes > 0
      AND length(pg_read_binary_file(pg_relation_filepath(c.oid)
        || CASE WHEN block >= %(file)s / %(block)s THEN '.' || block / (%(file)s / %(block)s) ELSE '' END,
        block %% (%(file)s / %(block)s) * %(block)s, %(block)s)) > 0
"""


def growth(small: Stand, large: Filled, seconds: float, rounds: int) -> dict[str, float]:
    """p50 of one client at the large registry over that at the small one: the middle round's ratio."""
    chosen = sample(large, min(SAMPLE, large.book.subjects))
    write_keys(large, chosen)
    statements.prepare(large)
    found: dict[str, list[float]] = {"small": [], "large": []}
    for each in (small.source, large):
        _read_through(each)
    print(f"\ngrowth, one client, {small.source.book.loans:,} and {large.book.loans:,} loans")
    with stand(large, chosen) as big:
        for number in range(rounds + 1):
            for name, at in (("small", small), ("large", big)):
                run = at.ask(1, seconds if number else _WARM_S, start=10_007 * (number + 1))
                drained(at.source)
                if number:  # the first turn brings pages into memory on both sides
                    found[name].append(run.p50)
                    print(run.line(f"{at.source.book.loans:,} loans"), flush=True)
    return {
        "growth_p50": ratio(found["large"], found["small"]),
        "p50_ms_large": percentile(found["large"], 50) * 1e3,
    }


def _read_through(source: Filled) -> None:
    """Brings a database into the machine's memory: it is the registry's growth that is asked for, not the disk's."""
    with psycopg.connect(source.uri) as connection:
        connection.execute(_READ, {"block": 1 << 23, "file": 1 << 30})
