"""What somebody learns who holds more than one thing that leaks: what docs/threat-model.md says, shown both ways."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
import search
from dumped_home import DumpedHome, lenders

from huxin.nightly.spool import Spool
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.macs import Mac
from support.rows import resident_id

MEMBER = 1  # M0001's number


def loans_by_subject(home: DumpedHome) -> dict[str, list[tuple[str, str]]]:
    """(member, loan number) of each subject, as the dump has them in clear."""
    found: dict[str, list[tuple[str, str]]] = {}
    for subject, member, loan_no in home.dump.table("loan").of("subject_id", "member_id", "loan_no"):
        found.setdefault(subject, []).append((member, loan_no))
    return found


def handles(home: DumpedHome, member: int) -> dict[str, str]:
    """With the registry's key: every handle of one member, and the subject it is of."""
    key = Mac(home.reply_key(member), "sha256")
    subjects = {row[0] for row in home.dump.table("alias").of("subject_id")}
    return {key.digest(UUID(subject).bytes)[:16].hex(): subject for subject in subjects}


def test_a_member_with_the_registrys_key_sees_its_own_people_at_every_lender(dumped: DumpedHome) -> None:
    """It knows whom it asked about, and under which handle: of these and of nobody else it learns every loan."""
    owned, found = loans_by_subject(dumped), handles(dumped, MEMBER)
    seen = {
        person: {loan_no for _, loan_no in owned.get(found[answer["handle"]], [])}
        for person, answer in dumped.answers.items()
    }
    assert seen == {
        person: {
            f"{member}-L{person:06d}" for member, held in lenders(dumped.people).items() if person in held
        }
        - ({"M0001-L000009"} if person == 9 else set())
        for person in dumped.answers
    }
    unasked = set(found) - {answer["handle"] for answer in dumped.answers.values()}
    assert len(unasked) > dumped.people // 2  # subjects with loans and no name


def test_without_that_key_a_handle_leads_to_nothing_in_the_dump(dumped: DumpedHome) -> None:
    """Nor do two members' handles of one person meet: each is under a key of its own."""
    told = [answer["handle"] for answer in dumped.answers.values()]
    raw = dumped.dump.raw
    assert not any(handle.encode() in raw or str(UUID(handle)).encode() in raw for handle in told)
    assert not set(told) & set(handles(dumped, 2))


def test_a_member_with_the_dump_finds_its_own_people_by_its_loan_numbers(dumped: DumpedHome) -> None:
    """No key is needed for that: its own book says who has the loan, the dump which other loans lie beside it."""
    owned = loans_by_subject(dumped)
    own_book = {f"M0001-L{n:06d}": n for n in lenders(dumped.people)["M0001"]}
    others = [
        (own_book[mine], loan_no)
        for held in owned.values()
        for _, mine in held
        for _, loan_no in held
        if mine in own_book and loan_no.startswith("M0002")
    ]
    both = set(lenders(dumped.people)["M0001"]) & set(lenders(dumped.people)["M0002"])
    assert len(others) >= len(both) - 2
    assert all(int(loan_no[-6:]) == person for person, loan_no in others)


def test_a_name_mark_says_nothing_between_people(dumped: DumpedHome) -> None:
    """Two lenders' rows of one person bear the same mark; no two people's do."""
    of: dict[str, set[str]] = {}
    for subject, mark in dumped.dump.table("loan").of("subject_id", "name_mark"):
        of.setdefault(subject, set()).add(mark)
    assert {len(marks) for marks in of.values()} == {1}
    assert len(set.union(*of.values())) == len(of)


@pytest.fixture
def taken(dumped: DumpedHome, tmp_path: Path) -> Settings:
    """Spool and keys as somebody carried them off, to try what opens."""
    home = tmp_path / "taken"
    for folder in ("spool", "keys"):
        shutil.copytree(dumped.settings.home / folder, home / folder)
    return replace(dumped.settings, home=home)


def kept(settings: Settings) -> list[Path]:
    """The folders of the submissions of which something is kept."""
    return [folder for folder in settings.spool_dir.iterdir() if (folder / "key").is_file()]


def quarantined(settings: Settings) -> list[str]:
    """ID numbers in the rejected rows that the spool holds."""
    found = []
    for folder in kept(settings):
        frame = Spool(settings).read_frame(UUID(folder.name), "quarantine")
        if frame is not None:
            found += frame["id_no"].to_list()
    return found


def test_the_spool_opens_with_the_intake_key(taken: Settings) -> None:
    """Whoever has both reads what is still kept: the rejected rows, whole."""
    assert resident_id(9)[:-1] + "?" in quarantined(taken)


@pytest.mark.parametrize("zone", ["entry", "registry", "audit"])
def test_the_spool_opens_with_no_other_key(taken: Settings, dumped: DumpedHome, zone: str) -> None:
    """Another zone's root in the place of the intake's, under the very metadata that were sealed."""
    ring = keyring.open(taken.keys_dir, "intake")
    other = tuple(replace(epoch, root=dumped.roots[zone]) for epoch in ring.epochs)
    keyring._write(replace(ring, epochs=other), over=True)
    with pytest.raises(PrivacyError) as refused:
        quarantined(taken)
    assert refused.value.code == "P0135"


def test_a_dropped_key_forgets_the_file_whoever_holds_the_others(taken: Settings) -> None:
    folders = kept(taken)
    for folder in folders:
        (folder / "key").unlink()
    for folder in folders:
        with pytest.raises(PrivacyError) as refused:
            Spool(taken).read_frame(UUID(folder.name), "quarantine")
        assert refused.value.code == "P0134"


def test_the_spool_by_itself_shows_nobody(dumped: DumpedHome) -> None:
    with (dumped.settings.home.parent / "inbox" / "M0001" / "loans_20260531_1.csv").open(
        encoding="utf-8"
    ) as source:
        people = [row["id_no"] for row in csv.DictReader(source)]
    needles = search.Needles()
    for number in people[:500]:
        needles.add(number.encode(), "id")
    files = [path for path in dumped.settings.spool_dir.rglob("*") if path.is_file()]
    assert files
    assert search.Searcher(needles).search(files) == []
