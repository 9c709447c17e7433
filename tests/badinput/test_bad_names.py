"""Names that would be commands, paths or colours, and things that are no files: told safely, never followed."""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bad_world import (
    GOOD,
    ROWS,
    all_submissions,
    assert_refused,
    cli,
    known,
    night,
    of,
    ready,
    rows,
    write_good,
)

from huxin.contract import State
from huxin.nightly.inbox import shown
from huxin.nightly.returning import return_rejected
from huxin.settings import Settings
from support.rows import write_submission

NAMES = (
    "x..csv",
    "-rf.csv",
    "--help.csv",
    "a\nb\r.csv",
    "\x1b[31mred\x1b[0m.csv",
    "\x1b]0;title\x07.csv",
    "\u202excod.csv",
    "\u2066x\u2069\u200b.csv",
    "a;rm -rf ~.csv",
    "$(touch pwned)`touch pwned`.csv",
    "'\"\\.csv",
    "[red]x.csv",
    "[link=x]y.csv",
    "[bold.csv",
    "\u2028\u2029\x85.csv",
    ":skull:.csv",
    "%s%n{0}{item}.csv",
    "x..%2f..%2fetc%2fpasswd.csv",
    "x\\..\\..\\x.csv",
    "=cmd.csv",
    " .csv",
    "a\u0301\u0301\u0301.csv",
    "😀.csv",
    "\udcff\udcfe.csv",  # bytes that are no UTF-8
    "贷" * 79 + ".csv",  # 241 bytes: the longest whose manifest has a name too
    "x" * 237 + ".csv",
)
FOLDERS = (
    "a\nb",
    "\x1b[2Jb",
    "\u202eb",
    "-x",
    "[red]",
    "b..",
    "机" * 85,
    "x" * 255,
    "\udcff",
    "$(touch pwned)",
    GOOD + " ",
    GOOD.lower(),
)


def with_a_bad_row(member: str, first: int) -> list[dict[str, str]]:
    book = rows(member, first)
    return [{**book[0], "balance": "many"}, *book[1:]]


@contextmanager
def opened() -> Iterator[list[str]]:
    """The paths that this process opens."""
    paths: list[str] = []
    watching = True

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open" and isinstance(arguments[0], str | bytes):
            paths.append(os.fsdecode(arguments[0]))

    sys.addaudithook(hook)
    yield paths
    watching = False


def clean(output: str) -> bool:
    """Nothing in it moves a cursor, colours a line or turns its direction."""
    return not [
        c for c in output if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    ]


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_any_file_name_is_taken_and_shown_without_harm(settings: Settings, inbox: Path) -> None:
    members = {name: f"N{number:04d}" for number, name in enumerate(NAMES)}
    ready(settings, members.values())
    for number, (name, member) in enumerate(members.items()):
        write_submission(inbox, member, with_a_bad_row(member, 1 + ROWS * number), file_name=name)
    before = listing(inbox.parent) - listing_of_home(settings)
    told = cli(settings, "night", str(inbox), "--return")
    assert told.exit_code == 0, told.output
    assert clean(told.output)
    items = {item.sender: item for item in all_submissions(settings).values()}
    for name, member in members.items():
        assert items[member].state == State.PUBLISHED
        assert (items[member].accepted, items[member].rejected) == (ROWS - 1, 1)
        assert items[member].file == shown(name)
        (back,) = (inbox / member / "returned").iterdir()
        assert str(items[member].id) in back.name
    added = listing(inbox.parent) - listing_of_home(settings) - before
    assert all(path.split("/")[2:3] == ["returned"] for path in added)
    for arguments in (["submissions"], ["submissions", "--json"]):
        for language in ("zh", "en"):
            printed = cli(settings, *arguments, language=language)
            assert printed.exit_code == 0
            assert clean(printed.output)
    assert "[red]x.csv" in cli(settings, "submissions").output
    assert ":skull:.csv" in cli(settings, "submissions").output
    again = cli(settings, "night", str(inbox), "--return", "--json")
    assert len(again.stdout.splitlines()) == len(NAMES)
    assert len(all_submissions(settings)) == len(NAMES)


def listing_of_home(settings: Settings) -> set[str]:
    return {str(path.relative_to(settings.home.parent)) for path in settings.home.rglob("*")}


def test_any_folder_name_is_an_unknown_member(settings: Settings, inbox: Path) -> None:
    ready(settings, [GOOD])
    for number, name in enumerate(FOLDERS):
        path = write_submission(inbox, f"X{number}", rows(GOOD, 1000 + ROWS * number))
        path.parent.rename(inbox / name)
    write_good(inbox)
    report = night(settings, inbox)
    assert of(report, GOOD)[0].state == State.PUBLISHED
    others = [item for item in report.submissions if item.sender != GOOD]
    assert {item.sender for item in others} == {shown(name) for name in FOLDERS}
    for item in others:
        assert_refused(settings, item, "F0007", "unknown")
    printed = cli(settings, "submissions")
    assert printed.exit_code == 0
    assert clean(printed.output)


def test_what_is_no_plain_file_is_not_followed(settings: Settings, inbox: Path, tmp_path: Path) -> None:
    """Links, a FIFO, a folder and a device: refused at once, and what they point to is never opened."""
    ready(settings, [GOOD, "B0001", "B0002", "B0003", "B0004", "B0005", "B0006"])
    good = write_good(inbox)
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = write_submission(outside, "S", rows("B0001", 500))
    for number, target in enumerate([secret, Path("/etc/passwd"), good, Path("/dev/zero")], 1):
        member = f"B{number:04d}"
        path = write_submission(inbox, member, rows(member, 1000 * number), file_name="x.csv")
        path.unlink()
        path.symlink_to(target)
    fifo = write_submission(inbox, "B0005", rows("B0005", 5000), file_name="x.csv")
    fifo.unlink()
    os.mkfifo(fifo)
    folder = write_submission(inbox, "B0006", rows("B0006", 6000), file_name="x.csv")
    folder.unlink()
    folder.mkdir()
    with opened() as paths:
        report = night(settings, inbox)
    assert not [path for path in paths if path in (str(secret), "/etc/passwd", "/dev/zero")]
    for number in range(1, 7):
        (item,) = of(report, f"B{number:04d}")
        assert_refused(settings, item, "F0004", "not_plain")
        assert item.facts["size"] == 0
    assert of(report, GOOD)[0].state == State.PUBLISHED
    assert known(settings, [500, 1, 1000]) == [False, True, False]


def test_links_in_place_of_manifests_and_folders(settings: Settings, inbox: Path, tmp_path: Path) -> None:
    ready(settings, [GOOD, "B0001", "B0002"])
    good = write_good(inbox)
    outside = tmp_path / "outside"
    elsewhere = write_submission(outside, "B0001", rows("B0001", 500), file_name="x.csv")
    (inbox / "B0001").mkdir()
    shutil.copy(elsewhere, inbox / "B0001" / "x.csv")
    (inbox / "B0001" / "x.csv.manifest.json").symlink_to(elsewhere.with_name("x.csv.manifest.json"))
    (inbox / "B0002").symlink_to(outside / "B0001")  # a whole folder of another's
    (inbox / "loose.csv.manifest.json").write_bytes(good.read_bytes())  # in nobody's folder
    os.mkfifo(inbox / "pipe")
    report = night(settings, inbox)
    assert_refused(settings, of(report, "B0001")[0], "F0010", "json")
    assert of(report, "B0002") == []
    assert len(report.submissions) == 2
    assert not any(known(settings, [500]))


def test_a_hard_link_to_anothers_file_is_judged_as_its_bytes(settings: Settings, inbox: Path) -> None:
    """It is the sender's own claim then: the manifest of the other member does not speak for it."""
    ready(settings, [GOOD, "B0001"])
    good = write_good(inbox)
    (inbox / "B0001").mkdir()
    for name in (good.name, good.name + ".manifest.json"):
        os.link(good.with_name(name), inbox / "B0001" / name)
    report = night(settings, inbox)
    assert_refused(settings, of(report, "B0001")[0], "F0007", "sender")
    assert of(report, GOOD)[0].state == State.PUBLISHED


@pytest.mark.parametrize("kind", ["link", "file"])
def test_rejected_rows_go_back_to_no_place_that_a_member_chose(
    settings: Settings, inbox: Path, tmp_path: Path, kind: str
) -> None:
    """`returned` as a link would let a member have its file written anywhere."""
    ready(settings, [GOOD, "B0001"])
    write_submission(inbox, "B0001", with_a_bad_row("B0001", 500))
    write_submission(inbox, GOOD, with_a_bad_row(GOOD, 1))
    outside = tmp_path / "outside"
    outside.mkdir()
    place = inbox / "B0001" / "returned"
    if kind == "link":
        place.symlink_to(outside)
    else:
        place.write_text("mine")
    report = night(settings, inbox)
    written = return_rejected(settings, inbox, report.submissions)
    assert [path.parent.parent.name for path in written] == [GOOD]
    assert list(outside.iterdir()) == []


def test_a_part_file_that_is_a_link_is_not_written_through(
    settings: Settings, inbox: Path, tmp_path: Path
) -> None:
    ready(settings, [GOOD])
    write_submission(inbox, GOOD, with_a_bad_row(GOOD, 1))
    (item,) = night(settings, inbox).submissions
    target = tmp_path / "target"
    target.write_text("before")
    place = inbox / GOOD / "returned"
    place.mkdir()
    (place / f"{item.file}.{item.id}.csv.part").symlink_to(target)
    return_rejected(settings, inbox, [item])
    assert target.read_text() == "before"


def test_a_member_named_on_the_command_line_is_no_path(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(settings, [GOOD])
    path = write_submission(tmp_path / "away", GOOD, rows(GOOD, 1))
    member = "../../\x1b[31m/x"
    sent = cli(settings, "submit", str(path), "--member", member, "--json")
    assert sent.exit_code == 3, sent.output
    (item,) = all_submissions(settings).values()
    assert clean(item.sender)
    monkeypatch.chdir(tmp_path)
    shown_ = cli(settings, "findings", str(item.id), "--format", "xlsx")
    assert shown_.exit_code == 0, shown_.output
    assert clean(shown_.output)
    assert [path.name for path in tmp_path.glob("*.xlsx")]
    assert cli(settings, "submit", str(path), "--member", "[/]").exit_code == 3
    assert cli(settings, "submissions").exit_code == 0


def test_a_table_of_json_lines_is_one_object_a_line(settings: Settings, inbox: Path) -> None:
    ready(settings, [GOOD])
    write_submission(inbox, GOOD, rows(GOOD, 1), file_name='a\n{"state": "published"}\u2028.csv')
    lines = cli(settings, "night", str(inbox), "--json").stdout.splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["published"]
