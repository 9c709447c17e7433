"""What members' pages of one thing ask of the registry: few statements, none that reads a growing table whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from console_world import Console
from members_world import as_csv, book, clerk, filed, lending, published, uploaded
from test_console_queries import MOST_SECONDS, MOST_STATEMENTS, at_best, scans, statements, took
from test_my_asking import question

from huxin.registry.sequencing import drain
from huxin.settings import Settings
from support.rows import overdue


@pytest.fixture
def console(settings: Settings, tmp_path: Path) -> Console:
    made = lending(settings)
    rows = book("M0002")
    published(made, "M0002", [overdue(rows[0], 40), *rows[1:]], tmp_path)
    return made


def test_pages_of_one_thing_ask_little_and_by_index(console: Console) -> None:
    """A submission with findings, the same while it changes, a file on its way, an answer with its months, a proof."""
    who = clerk(console)
    file = filed(console, who, "a.csv", as_csv(book("M0001", wrong=(2,))))
    answer = who.post("/my/ask", question(who, 1)).headers["Location"]
    drain(console.settings)
    proofs = [f"/my/proofs/{place.rsplit('/', 1)[1]}" for place in (file, answer)]
    many, slow, scanned = [], [], []
    for path in (file, f"{file}/now", uploaded(who, "b.csv", as_csv(book("M0001"))), answer, *proofs):
        assert who.get(path).status_code == 200, path
        with statements() as heard:
            seconds = took(who, path)
        seconds = at_best(who, path, seconds)
        many += [(path, len(heard))] if len(heard) > MOST_STATEMENTS else []
        slow += [(path, seconds)] if seconds > MOST_SECONDS else []
        scanned += [(path, found) for found in scans(console, heard)]
    assert (many, slow, scanned) == ([], [], [])
