"""What the tests of submissions over HTTP share: a set-up registry, a book of loans, the files as they are sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from huxin.cli.setup import prepare
from huxin.registry.members import add_members
from huxin.registry.session import connection
from huxin.settings import Settings
from support.rows import loan

MEMBERS = ("M0001", "M0002", "M0003")


def ready(settings: Settings) -> Settings:
    """Keys, tables and members, as `huxin init` and `huxin members add` make them."""
    prepare(settings)
    with connection(settings) as database:
        add_members(database, [(code, f"{code} 小贷") for code in MEMBERS], settings.now())
    return settings


def book(member: str, wrong: Sequence[int] = (), count: int = 40) -> list[dict[str, str]]:
    """A member's loans; those numbered in `wrong` lack their consent (E2601)."""
    rows = [loan(member, number) for number in range(1, count + 1)]
    for number in wrong:
        rows[number - 1]["consent_no"] = ""
    return rows


def blocks(data: Path, size: int = 1000) -> Iterator[bytes]:
    with data.open("rb") as source:
        while block := source.read(size):
            yield block


def sent(data: Path) -> bytes:
    """The manifest beside a data file."""
    return data.with_name(data.name + ".manifest.json").read_bytes()


def spool_folders(settings: Settings) -> set[str]:
    place = settings.spool_dir
    return {entry.name for entry in place.iterdir() if entry.is_dir()} if place.is_dir() else set()
