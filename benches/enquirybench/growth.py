"""How an enquiry's time grows with the registry: one client asks the smaller and the ten times larger in turns."""

from __future__ import annotations

from enquirybench import statements
from enquirybench.figures import percentile, ratio
from enquirybench.home import Filled
from enquirybench.people import SAMPLE, sample, write_keys
from enquirybench.speed import Stand, drained, stand

TIMES = 10
_WARM_S = 3.0


def growth(small: Stand, large: Filled, seconds: float, rounds: int) -> dict[str, float]:
    """p50 of one client at the large registry over that at the small one: the middle round's ratio."""
    chosen = sample(large, min(SAMPLE, large.book.subjects))
    write_keys(large, chosen)
    statements.prepare(large)
    found: dict[str, list[float]] = {"small": [], "large": []}
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
