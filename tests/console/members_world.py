"""A console whose registry has keys, two lenders with books, and a clerk of the first before his browser."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
from console_world import MORNING, Clock, Console, Somebody
from python_calamine import CalamineWorkbook
from werkzeug.test import TestResponse

from huxin.cli.setup import prepare
from huxin.console.app import create_console
from huxin.console.config import Config
from huxin.nightly.parts import PART
from huxin.nightly.pipeline import run_group
from huxin.nightly.submitting import submit
from huxin.nightly.timings import Timings
from huxin.registry.members import add_members, find_member
from huxin.registry.session import connection
from huxin.settings import Settings
from support.rows import AS_OF, loan, write_submission

MEMBERS = ("M0001", "M0002")


def lending(settings: Settings) -> Console:
    """Keys, tables, members; nobody has joined."""
    prepare(settings)
    members = {}
    with connection(settings) as database:
        add_members(database, [(code, f"{code} 小贷") for code in MEMBERS], settings.now())
        for code in MEMBERS:
            found = find_member(database, code)
            assert found
            members[code] = found.id
    clock = Clock()
    return Console(create_console(settings, Config(clock=clock)), settings, clock, members)


def clerk(console: Console, member: str = "M0001", role: str = "clerk") -> Somebody:
    return console.joined(f"{role[:5]}.{member.lower()}", role, member)


def auditor(console: Console) -> Somebody:
    return console.joined("shen", "auditor", valid_until=MORNING + timedelta(days=9))


def book(member: str, wrong: Iterable[int] = (), count: int = 30) -> list[dict[str, str]]:
    """Loans 1 to `count`; of those in `wrong` the last figure of the ID number is another (E1101)."""
    rows = [loan(member, number) for number in range(1, count + 1)]
    for number in wrong:
        last = rows[number - 1]["id_no"][-1]
        rows[number - 1]["id_no"] = rows[number - 1]["id_no"][:-1] + ("1" if last != "1" else "2")
    return rows


def as_csv(rows: list[Mapping[str, str]] | list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def published(
    console: Console, member: str, rows: list[dict[str, str]], folder: Path, day: date = AS_OF
) -> None:
    """Sent and worked through, beside the console."""
    file = write_submission(folder, member, rows, day, 1, "full", file_name=f"{member}.csv")
    submit(console.settings, file, member)


def first_sheet(source: io.BytesIO) -> pl.DataFrame:
    """The first sheet of a workbook, every cell text."""
    head, *rows = CalamineWorkbook.from_filelike(source).get_sheet_by_index(0).to_python()
    return pl.DataFrame(
        [[str(cell) for cell in row] for row in rows], [str(name) for name in head], orient="row"
    )


def begun(who: Somebody, name: str, size: int) -> Any:
    answer = who.post("/my/uploads", {"name": name, "size": str(size)})
    assert answer.status_code == 200, answer.text
    return answer.json


def put(who: Somebody, id_: str, number: int, content: bytes) -> TestResponse:
    headers = {"X-CSRF-Token": who.csrf("/"), "Content-Type": "application/octet-stream"}
    return who.client.post(f"/my/uploads/{id_}/parts/{number}", data=content, headers=headers)


def uploaded(who: Somebody, name: str, content: bytes) -> str:
    """Sent in parts and its totals worked out, as upload.js does; the address of the page that follows."""
    state = begun(who, name, len(content))
    for number in range(state["parts"]):
        answer = put(who, state["id"], number, content[number * PART : (number + 1) * PART])
        assert answer.status_code == 200, answer.text
    answer = who.post(f"/my/uploads/{state['id']}/finish")
    assert answer.status_code == 200, answer.text
    found: str = answer.json["next"]
    return found


def filed(console: Console, who: Somebody, name: str, content: bytes, **form: str) -> str:
    """Uploaded, filed with what the page fills in, and worked through by the night; its page's address."""
    address = uploaded(who, name, content)
    answer = who.post(f"{address}/file", form or {"as_of_date": AS_OF.isoformat()})
    assert answer.status_code == 303, answer.text
    place: str = answer.headers["Location"]
    run_group(console.settings, [UUID(place.rsplit("/", 1)[1])], Timings())
    return place
