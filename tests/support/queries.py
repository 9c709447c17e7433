"""The statements that a piece of code sends, and how the server would run each: what is walked through, row by row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import Engine, event

from huxin.registry.connect import libpq_uri
from huxin.settings import Settings

# Tables with a row a loan, an enquiry or a finding.
LARGE = (
    "loan",
    "loan_key",
    "loan_history",
    "loan_adverse",
    "enquiry",
    "enquiry_key",
    "enquiry_directory",
    "finding",
)
_BEGIN = "BEGIN"


@dataclass
class Queries:
    """What was sent, with its values, and where transactions began; what only sets a session's ways does not count."""

    sent: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.selects)

    @property
    def selects(self) -> list[tuple[str, Any]]:
        return [each for each in self.sent if each[0] != _BEGIN and "set_config" not in each[0]]

    def walks(self, settings: Settings, tables: tuple[str, ...] = LARGE) -> list[str]:
        """Scans of these tables that no index bounds, for want of one: the planner may not choose them freely here.

        With so few rows a walk through a table is the quickest way; so walks are made dear, and what is walked through
        nevertheless has no other way.
        """
        found = []
        with psycopg.connect(libpq_uri(settings)) as database:
            for statement, values in self.sent:
                if statement == _BEGIN:
                    database.rollback()
                    database.execute("SET LOCAL enable_seqscan = off")
                    continue
                if "set_config" in statement:  # as the session itself was set
                    database.execute(statement, values)
                    continue
                ((plan,),) = database.execute(f"EXPLAIN (FORMAT JSON) {statement}", values).fetchall()
                whole = plan if isinstance(plan, list) else json.loads(plan)
                found += [f"{each} in {statement}" for each in _walked(whole[0]["Plan"], tables)]
        return found


@contextmanager
def watched() -> Iterator[Queries]:
    """Every statement that any engine of this process sends meanwhile."""
    seen = Queries()

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        seen.sent.append((statement, values))

    def begun(_connection: Any) -> None:
        seen.sent.append((_BEGIN, None))

    event.listen(Engine, "before_cursor_execute", note)
    event.listen(Engine, "begin", begun)
    try:
        yield seen
    finally:
        event.remove(Engine, "begin", begun)
        event.remove(Engine, "before_cursor_execute", note)


def _walked(node: dict[str, Any], tables: tuple[str, ...]) -> Iterator[str]:
    name = node.get("Relation Name", "")
    large = any(name == each or name.startswith(f"{each}_") for each in tables)
    bound = "Index Cond" in node or node["Node Type"] == "Bitmap Heap Scan"
    if large and not bound:
        yield f"{node['Node Type']} of {name}"
    for below in node.get("Plans", ()):
        yield from _walked(below, tables)
