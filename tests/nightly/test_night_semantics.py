"""The prose of the contract (loan/v1, before its table), a test a sentence: through the real steps and the model."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from model import CO_BORROWER, GUARANTOR, Counted, Row
from night_world import FILLERS, World, counted, day, fillers, ready, split_world
from sqlalchemy import text

from huxin.nightly import actions
from huxin.nightly.pipeline import run_night
from huxin.nightly.submitting import submit
from huxin.registry.session import connection
from huxin.registry.submissions import Submission
from support.rows import loan, write_submission

ME, OTHER = "M0001", "M0002"
SINCE = date(2026, 5, 1)


@pytest.fixture
def world(way: str, request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A registry of one process, or of three zones (see conftest.py): the prose holds for both."""
    if way == "zones":
        return split_world(request.getfixturevalue("split"), tmp_path / "sent")
    return World(ready(request.getfixturevalue("settings")), tmp_path / "sent")


def one(world: World, person: int) -> Counted:
    """The answer about one person, on which the model agrees."""
    world.people.add(person)
    world.check()
    return counted(world.registry, [person])[0]


def standing(world: World, loan_no: str, person: int) -> tuple[str, bool, date | None]:
    """ended_by, void and stale_as_of of a party's loan, on which registry and model agree."""
    world.check()
    current = world.model.books[ME].keys[loan_no, person].current
    assert current is not None
    return current.ended_by, current.void_by is not None, current.stale_as_of


def sent_file(world: World, **columns: str | None) -> Submission:
    """A file of 20 good rows with columns added or (None) left out, sent by ME."""
    rows = [loan(ME, number) for number in range(1, 21)]
    for name, value in columns.items():
        for row in rows:
            row.pop(name, None) if value is None else row.update({name: value})
    return submit(world.settings, write_submission(world.folder, ME, rows), ME)[0]


def outcome(item: Submission) -> tuple[str, list[str]]:
    return item.state.name.lower(), sorted(code for code in item.codes if code[0] in "FE")


# A submission = one data file + its manifest ------------------------------------------------------------


@pytest.mark.both_ways
def test_the_manifests_presence_says_complete(world: World, tmp_path: Path) -> None:
    file = write_submission(tmp_path / "inbox", ME, [loan(ME, 1)])
    manifest = file.with_name(file.name + ".manifest.json")
    kept = manifest.read_bytes()
    manifest.unlink()
    early = run_night(world.settings, tmp_path / "inbox")
    assert (early.submissions, early.without_manifest) == ([], [(ME, file.name)])
    manifest.write_bytes(kept)
    assert [item.state.name for item in run_night(world.settings, tmp_path / "inbox").submissions] == [
        "PUBLISHED"
    ]


@pytest.mark.both_ways
def test_format_encoding_delimiter_and_language_change_nothing(world: World) -> None:
    dresses = [
        {"file_name": "a.csv", "encoding": "gb18030", "headers": "zh"},
        {"file_name": "b.txt", "delimiter": "|"},
        {"file_name": "c.csv.gz", "encoding": "utf-8-sig"},
        {"file_name": "d.xlsx", "headers": "zh"},
        {"file_name": "e.parquet"},
    ]
    rows = [loan(ME, number) for number in range(1, 21)]
    for sequence, dress in enumerate(dresses, 1):
        file = write_submission(world.folder, ME, rows, sequence=sequence, **dress)  # type: ignore[arg-type]
        assert outcome(submit(world.settings, file, ME)[0]) == ("published", [])
    with connection(world.registry) as database:
        assert database.execute(text("SELECT count(*), max(version) FROM loan")).one() == (20, 1)
        assert database.execute(text("SELECT count(*) FROM loan_history")).scalar() == 0


def test_an_unknown_column_refuses_the_file(world: World) -> None:
    assert outcome(sent_file(world, wechat="x")) == ("refused", ["F0003"])


def test_a_missing_required_column_refuses_the_file(world: World) -> None:
    assert outcome(sent_file(world, class5=None)) == ("refused", ["F0003"])


def test_optional_columns_may_be_absent(world: World) -> None:
    absent = dict.fromkeys(["contract_no", "id_country", "mobile", "region", "purpose", "hardship", "action"])
    assert outcome(sent_file(world, **absent)) == ("published", [])


def test_sums_are_over_every_row_whose_cell_parses_wrong_rows_included(world: World) -> None:
    rows = [loan(ME, number) for number in range(1, 31)]
    rows[0] |= {"consent_no": ""}
    rows[1] |= {"balance": "many"}
    item = submit(world.settings, write_submission(world.folder, ME, rows), ME)[0]
    assert (item.state.name, item.accepted, item.rejected) == ("PUBLISHED", 28, 2)


def test_totals_without_the_wrong_rows_refuse_the_file(world: World) -> None:
    rows = [loan(ME, number) for number in range(1, 31)]
    rows[0] |= {"consent_no": ""}
    lie = {"sum_balance": f"{29 * 15000}.00"}
    item = submit(world.settings, write_submission(world.folder, ME, rows, manifest_changes=lie), ME)[0]
    assert outcome(item) == ("refused", ["E2601", "F0002"])
    assert (item.accepted, item.rejected) == (0, 30)


# One row per party --------------------------------------------------------------------------------------


@pytest.mark.both_ways
def test_a_loan_with_a_guarantor_has_two_rows(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1), Row("L1", 2, GUARANTOR))
    assert one(world, 1).open_loans == 1
    assert one(world, 2) == Counted(known=True, guaranteed_loans=1, guaranteed_balance=1_500_000)


@pytest.mark.both_ways
def test_rows_of_one_loan_that_disagree_are_all_rejected(world: World) -> None:
    sent = world.sent(ME, day(0), "full", [Row("L1", 1), Row("L1", 2, GUARANTOR, balance=7)])
    item, _ = submit(world.settings, world.write(sent), ME)
    assert (item.accepted, item.rejected, item.codes) == (FILLERS, 2, {"E2002": 2})


def test_a_party_absent_from_its_loans_rows_ends_as_not_reported(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1), Row("L1", 2, GUARANTOR))
    world.incremental(ME, day(1), Row("L1", 1))
    assert standing(world, "L1", 2) == ("not_reported", False, None)
    assert one(world, 2) == Counted(known=True)


def test_unless_a_row_of_that_loan_was_rejected(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1), Row("L1", 2, GUARANTOR))
    world.full(ME, day(1), Row("L1", 1), Row("L1", 2, GUARANTOR, broken="id_no"))
    assert standing(world, "L1", 2) == ("", False, day(0))
    assert standing(world, "L1", 1) == ("", False, None)
    assert one(world, 2).guaranteed_loans == 1


def test_another_primary_identifier_is_a_correction_and_the_old_never_counts_again(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1, status="overdue", since=SINCE))
    world.full(ME, day(1), Row("L1", 1, status="overdue", since=SINCE, balance=900_000))
    world.full(ME, day(2), Row("L1", 2, status="overdue", since=SINCE))
    assert standing(world, "L1", 1) == ("corrected", True, None)
    assert all(version.void_by for version in world.model.books[ME].keys["L1", 1].history)
    assert one(world, 1) == Counted()
    assert one(world, 2).max_dpd == 29


def test_the_old_primary_returns_when_it_is_reported_again(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1))
    world.full(ME, day(1), Row("L1", 2))
    world.full(ME, day(2), Row("L1", 1))
    assert (one(world, 1).open_loans, one(world, 2).known) == (1, False)


def test_a_primary_who_becomes_guarantor_is_no_correction(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1))
    world.full(ME, day(1), Row("L1", 2), Row("L1", 1, GUARANTOR))
    assert standing(world, "L1", 1) == ("", False, None)
    assert (one(world, 1).guaranteed_loans, one(world, 2).open_loans) == (1, 1)


def test_a_delete_row_needs_only_loan_no_id_type_id_no_and_action(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1), Row("L1", 2, GUARANTOR))
    world.incremental(ME, day(1), Row("L1", 2, delete=True))
    assert standing(world, "L1", 2) == ("deleted", False, None)
    assert standing(world, "L1", 1) == ("", False, None)


def test_deleting_the_primary_deletes_the_loan(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1), Row("L1", 2, GUARANTOR), Row("L2", 1))
    world.incremental(ME, day(1), Row("L1", 1, delete=True))
    assert standing(world, "L1", 1)[0] == standing(world, "L1", 2)[0] == "deleted"
    assert one(world, 1).open_loans == 1


def test_deleting_primary_and_guarantor_by_name_ends_each_once(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1), Row("L1", 2, GUARANTOR))
    world.incremental(ME, day(1), Row("L1", 1, delete=True), Row("L1", 2, delete=True))
    assert len(world.model.books[ME].keys["L1", 2].history) == 1
    world.check()


def test_deleting_the_primary_while_naming_another_ends_the_guarantor_once(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1), Row("L1", 2, GUARANTOR))
    world.incremental(ME, day(1), Row("L1", 1, delete=True), Row("L1", 3))
    assert standing(world, "L1", 1)[0] == standing(world, "L1", 2)[0] == "deleted"
    assert one(world, 3).open_loans == 1


def test_a_delete_in_a_full_file_is_rejected(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1))
    world.full(ME, day(1), Row("L1", 1, delete=True))
    assert world.found(2).codes == {"E2701": 1}
    assert standing(world, "L1", 1) == ("", False, day(0))


def test_a_delete_of_an_older_day_does_not_undo_a_newer_word(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1))
    world.full(ME, day(1), Row("L1", 1))
    world.correction(ME, day(0), Row("L1", 1, delete=True))
    assert standing(world, "L1", 1) == ("", False, None)


def test_a_delete_of_somebody_unknown_does_nothing(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1))
    world.incremental(ME, day(1), Row("L1", 9, delete=True))
    assert (one(world, 9), one(world, 1).open_loans) == (Counted(), 1)


# Counting -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["active", "extended", "restructured", "written_off"])
def test_open_while_there_is_something_to_pay(world: World, status: str) -> None:
    world.full(ME, day(0), Row("L1", 1, status=status))
    assert one(world, 1) == Counted(True, 1, 1, 1_500_000)


@pytest.mark.parametrize("status", ["settled", "revoked", "transferred"])
def test_settled_revoked_and_transferred_are_not_open(world: World, status: str) -> None:
    world.full(ME, day(0), Row("L1", 1, status=status, balance=0))
    assert one(world, 1) == Counted(known=True)


def test_written_off_without_balance_is_not_open(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1, status="written_off", balance=0))
    assert one(world, 1) == Counted(known=True)


def test_counts_are_over_primary_and_co_borrower_the_asking_members_own_included(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1), Row("L2", 2), Row("L2", 1, CO_BORROWER))
    world.full(OTHER, day(0), Row("L1", 1, balance=900_000))
    assert one(world, 1) == Counted(True, 2, 3, 3_900_000)
    assert counted(world.registry, [1], ME) == counted(world.registry, [1], "M0003")


def test_what_a_subject_guarantees_stands_apart(world: World) -> None:
    world.full(
        ME,
        day(0),
        Row("L1", 1, status="overdue", since=SINCE),
        Row("L1", 2, GUARANTOR, status="overdue", since=SINCE),
    )
    assert one(world, 2) == Counted(known=True, guaranteed_loans=1, guaranteed_balance=1_500_000)


def test_max_dpd_is_the_greatest_current_dpd_of_open_loans(world: World) -> None:
    world.full(
        ME, day(3), Row("L1", 1, status="overdue", since=SINCE), Row("L2", 1, status="overdue", since=day(1))
    )
    assert one(world, 1).max_dpd == 30
    world.incremental(ME, day(3), Row("L1", 1, status="settled", balance=0))
    assert one(world, 1).max_dpd == 2


def test_current_is_the_greatest_as_of_date_and_sequence(world: World) -> None:
    world.full(ME, day(1), Row("L1", 1, balance=1))
    world.correction(ME, day(1), Row("L1", 1, balance=2))
    assert one(world, 1).outstanding == 2


def test_an_older_correction_enters_history_only(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1, balance=1))
    world.full(ME, day(1), Row("L1", 1, balance=2))
    world.correction(ME, day(0), Row("L1", 1, balance=3))
    assert one(world, 1).outstanding == 2
    assert [version.row.balance for version in world.model.books[ME].keys["L1", 1].history] == [1, 3]


def test_an_older_correction_with_another_primary_takes_nothing_from_the_newer(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1))
    world.full(ME, day(1), Row("L1", 1))
    world.correction(ME, day(0), Row("L1", 2))
    assert (one(world, 1).open_loans, one(world, 2).open_loans) == (1, 0)
    world.full(ME, day(2), Row("L1", 2))
    assert (one(world, 1).open_loans, one(world, 2).open_loans) == (0, 1)


def test_an_older_correction_without_a_party_does_not_end_it(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1), Row("L1", 2, GUARANTOR))
    world.full(ME, day(1), Row("L1", 1), Row("L1", 2, GUARANTOR))
    world.correction(ME, day(0), Row("L1", 1))
    assert one(world, 2).guaranteed_loans == 1


def test_dpd_moves_every_night_and_an_unchanged_loan_is_an_unchanged_row(world: World) -> None:
    rows = Row("L1", 1, status="overdue", since=SINCE), Row("L2", 2)
    for number in range(4):
        world.full(ME, day(number), *rows)
        assert one(world, 1).max_dpd == (day(number) - SINCE).days
    with connection(world.registry) as database:
        assert database.execute(text("SELECT count(*) FROM loan_history")).scalar() == 0
        assert database.execute(text("SELECT DISTINCT as_of_date FROM loan")).scalars().all() == [day(0)]


# A submission is (member, data digest, manifest digest) -------------------------------------------------


@pytest.mark.both_ways
def test_the_same_pair_shows_its_outcome(world: World) -> None:
    sent = world.sent(ME, day(0), "full", [Row("L1", 1)])
    file = world.write(sent)
    first, fresh = submit(world.settings, file, ME)
    second, again = submit(world.settings, file, ME)
    assert (first.id, fresh, again) == (second.id, True, False)
    assert first == second


def test_the_same_file_of_another_member_is_another_submission(world: World) -> None:
    for member in (ME, OTHER):
        file = write_submission(world.folder, member, [loan("X", number) for number in range(1, 21)])
        assert submit(world.settings, file, member)[0].state.name == "PUBLISHED"
    assert counted(world.registry, [1])[0].lenders == 2


@pytest.mark.both_ways
def test_a_refused_submission_can_be_tried_again(world: World) -> None:
    world.full(ME, day(2), Row("L1", 1, balance=1))
    assert world.full(ME, day(1), Row("L1", 1, balance=2)) == "refused"
    assert actions.again(world.settings, world.ids[2]).state.name == "REFUSED"
    world.withdraw(1)
    item = actions.again(world.settings, world.ids[2])
    assert (item.state.name, item.attempt, item.accepted, item.codes) == ("PUBLISHED", 3, FILLERS + 1, {})
    assert world.model.send(world.model.sent[2]) == "published"
    assert one(world, 1).outstanding == 2


def test_refused_and_withdrawn_submissions_consume_neither_content_nor_sequence(world: World) -> None:
    rows = Row("L1", 1), Row("L2", 2)
    broken = [Row(f"B{number}", number, broken="id_no") for number in range(9)]
    assert world.send(ME, day(1), "full", [*rows, *broken], sequence=1) == "refused"
    assert world.send(ME, day(1), "full", rows, sequence=1) == "published"
    world.withdraw(2)
    assert world.send(ME, day(1), "full", [*rows, Row("L3", 3)], sequence=1) == "published"
    world.withdraw(3)
    assert world.send(ME, day(1), "full", rows, sequence=2) == "published"
    world.check()


# Modes --------------------------------------------------------------------------------------------------


def test_full_an_absent_open_loan_ends_as_not_reported_and_is_counted(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1), Row("L2", 2, status="settled", balance=0))
    world.full(ME, day(1))
    assert standing(world, "L1", 1) == ("not_reported", False, None)
    assert standing(world, "L2", 2) == ("", False, None)
    assert (world.found(2).vanished, world.found(2).codes) == (1, {"W4003": 1})


def test_above_five_percent_of_the_book_it_waits_until_confirmed(world: World) -> None:
    rows = [Row(f"L{number}", number) for number in range(1, 4)]
    world.full(ME, day(0), *rows)
    assert world.full(ME, day(1)) == "awaiting_confirmation"  # 3 of 43
    assert one(world, 1).open_loans == 1
    assert world.confirm(2) == "published"
    assert one(world, 1) == Counted(known=True)


def test_exactly_five_percent_does_not_wait(world: World) -> None:
    rows = [Row(f"L{number}", number) for number in range(1, 20 - FILLERS % 20 + 1 + 20)]
    share = (FILLERS + len(rows)) // 20
    assert (FILLERS + len(rows)) % 20 == 0
    world.full(ME, day(0), *rows)
    assert world.full(ME, day(1), *rows[share:]) == "published"
    assert world.full(ME, day(2), *rows[2 * share :]) == "awaiting_confirmation"


def test_or_withdraws_it(world: World) -> None:
    rows = [Row(f"L{number}", number) for number in range(1, 4)]
    world.full(ME, day(0), *rows)
    world.full(ME, day(1))
    assert world.withdraw(2) == "withdrawn"
    assert one(world, 1).open_loans == 1
    assert world.send(ME, day(1), "full", rows, sequence=1) == "published"
    world.check()


def test_what_is_newer_overtakes_what_waits(world: World) -> None:
    rows = [Row(f"L{number}", number) for number in range(1, 4)]
    world.full(ME, day(0), *rows)
    world.full(ME, day(1))
    world.full(ME, day(2), *rows)
    assert world.confirm(2) == "refused"
    assert world.found(2).codes["F0005"] == 1
    world.check()


def test_a_loan_whose_row_was_rejected_counts_as_present_and_is_stale(world: World) -> None:
    row = Row("L1", 1, status="overdue", since=SINCE)
    world.full(ME, day(0), row)
    for number in (1, 2):
        world.full(ME, day(number), Row("L1", 1, status="overdue", since=SINCE, broken="consent"))
        assert standing(world, "L1", 1) == ("", False, day(0))
        assert one(world, 1).max_dpd == (day(0) - SINCE).days
        assert world.found(number + 1).vanished is None
    world.full(ME, day(3), row)
    assert standing(world, "L1", 1) == ("", False, None)
    assert one(world, 1).max_dpd == (day(3) - SINCE).days


def test_while_a_row_cannot_be_matched_to_a_loan_nothing_ends(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1), Row("L2", 2), Row("L2", 3, GUARANTOR))
    world.full(ME, day(1), Row("L1", 1, broken="loan_no"), Row("L2", 2))
    assert standing(world, "L1", 1) == ("", False, day(0))
    assert standing(world, "L2", 3) == ("", False, day(0))
    world.full(ME, day(2), Row("L2", 2))
    assert standing(world, "L1", 1)[0] == standing(world, "L2", 3)[0] == "not_reported"


def test_incremental_only_the_loans_that_changed(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1), Row("L2", 2, status="overdue", since=SINCE))
    assert world.send(ME, day(1), "incremental", [Row("L1", 1, balance=3)], filled=False) == "published"
    assert (one(world, 1).outstanding, one(world, 2).open_loans) == (3, 1)
    assert one(world, 2).max_dpd == (day(1) - SINCE).days


def test_mended_rows_of_an_earlier_day_are_sent_as_a_correction(world: World) -> None:
    row = Row("L1", 1, status="overdue", since=SINCE, balance=7)
    world.full(ME, day(0), Row("L1", 1, broken="consent"))
    world.full(ME, day(1), Row("L1", 1, broken="consent"))
    world.send(ME, day(0), "correction", [row], filled=False)
    assert standing(world, "L1", 1) == ("", False, day(0))
    assert one(world, 1) == Counted(True, 1, 1, 7, (day(0) - SINCE).days)


def test_an_older_correction_with_a_rejected_row_leaves_a_newer_word_fresh(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1))
    world.full(ME, day(1), Row("L1", 1))
    world.correction(ME, day(0), Row("L1", 1, broken="consent"))
    assert standing(world, "L1", 1) == ("", False, None)


# Withdrawal ---------------------------------------------------------------------------------------------


@pytest.mark.both_ways
def test_the_versions_before_a_withdrawn_submission_return(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1, balance=1), Row("L2", 2), Row("L3", 3), Row("L3", 4, GUARANTOR))
    people = [1, 2, 3, 4, 5]
    before = counted(world.registry, people)
    world.full(ME, day(1), Row("L1", 1, balance=2), Row("L3", 5), Row("L2", 2, broken="consent"))
    assert counted(world.registry, people) != before
    assert world.withdraw(2) == "withdrawn"
    world.check()
    assert counted(world.registry, people) == before


def test_one_after_another_back_to_nothing(world: World) -> None:
    for number in range(3):
        world.full(ME, day(number), Row("L1", 1, balance=number + 1), Row("L2", 2 + number))
    for number in (3, 2, 1):
        assert world.withdraw(number) == "withdrawn"
        world.check()
    assert one(world, 1) == Counted()


def test_only_the_last_published_can_be_withdrawn(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1))
    world.full(OTHER, day(0), Row("L1", 1))
    world.full(ME, day(1), Row("L1", 1, balance=2))
    assert world.withdraw(1) == "H0605"
    assert world.withdraw(2) == "withdrawn"
    world.check()


def test_a_late_correction_is_the_last_although_its_day_is_not(world: World) -> None:
    world.full(ME, day(0), Row("L1", 1, balance=1))
    world.full(ME, day(1), Row("L1", 1, balance=2))
    world.correction(ME, day(0), Row("L1", 1, balance=3))
    assert world.withdraw(2) == "H0605"
    assert world.withdraw(3) == "withdrawn"
    assert world.withdraw(2) == "withdrawn"
    assert one(world, 1).outstanding == 1


def test_a_full_file_withdrawn_gives_back_its_members_day(world: World) -> None:
    row = Row("L1", 1, status="overdue", since=SINCE)
    world.full(ME, day(0), row)
    world.full(ME, day(2), row)
    world.withdraw(2)
    assert one(world, 1).max_dpd == (day(0) - SINCE).days
    assert world.full(ME, day(1), row) == "published"


# F0005 and F0006 ----------------------------------------------------------------------------------------


def test_f0005_older_than_what_is_published_but_not_for_a_correction(world: World) -> None:
    world.full(ME, day(1), Row("L1", 1))
    for mode in ("full", "incremental"):
        assert world.send(ME, day(0), mode, [Row("L1", 1, balance=2)]) == "refused"
        assert world.found(len(world.ids)).codes == {"F0005": 1}
    assert world.correction(ME, day(0), Row("L1", 1, balance=3)) == "published"


def test_f0005_of_the_future_and_as_of_today_is_not(world: World) -> None:
    assert world.full(ME, date(2026, 6, 1), Row("L1", 1)) == "refused"
    assert world.full(ME, day(3), Row("L1", 1)) == "published"


def test_f0006_the_content_of_that_day_once_more(world: World) -> None:
    world.full(ME, day(1), Row("L1", 1))
    assert world.full(ME, day(1), Row("L1", 1)) == "refused"
    assert (world.found(2).codes, world.found(2).facts["reason"]) == ({"F0006": 1}, "content")
    assert world.full(ME, day(2), Row("L1", 1)) == "published"


def test_f0006_the_sequence_of_that_day_with_other_content(world: World) -> None:
    world.full(ME, day(1), Row("L1", 1))
    assert world.send(ME, day(1), "full", [Row("L1", 1, balance=2)], sequence=1) == "refused"
    assert (world.found(2).codes, world.found(2).facts["reason"]) == ({"F0006": 1}, "sequence")


def test_fillers_are_nobody_of_interest() -> None:
    assert len(fillers(ME)) == FILLERS
    assert not {row.person for row in fillers(ME)} & {row.person for row in fillers(OTHER)}
