"""Every class of malformed identifier has its code: alone, by the column, in a member's file and in an enquiry."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from bad_world import all_submissions, cli, ready, rows

from huxin.enquiry.check_words import Account, Check
from huxin.enquiry.checking import Checker
from huxin.enquiry.subject_keys import Keys, Person
from huxin.errors import HuxinError
from huxin.nightly.report import told_findings
from huxin.settings import Settings
from huxin_privacy.errors import PrivacyError
from huxin_privacy.identifiers import TYPES, canonical_id, canonical_ids, fault_codes
from support.identifiers import CLASSES, GOOD, Bad
from support.rows import AS_OF, write_submission

named = pytest.mark.parametrize("bad", CLASSES, ids=lambda bad: f"{bad.id_type}: {bad.what}")


@named
def test_alone_and_by_the_column(bad: Bad) -> None:
    wanted = tuple(bad.codes.split())
    one = canonical_id(bad.id_type, bad.id_no, bad.id_country, not_after=AS_OF)
    assert (one.text, one.faults) == (None, wanted)
    types, countries = np.array([TYPES[bad.id_type]], np.uint8), pa.array([bad.id_country])
    many = canonical_ids(types, pa.array([bad.id_no]), countries, not_after=AS_OF)
    assert (many.text[0].as_py(), fault_codes(int(many.faults[0]))) == (None, wanted)


def test_every_code_of_an_identifier_has_a_class_of_each_type_that_can_have_it() -> None:
    found = {(bad.id_type, code) for bad in CLASSES for code in bad.codes.split()}
    shared = {(id_type, code) for id_type in TYPES for code in ("E1102", "E1104")}
    assert found == shared | {("resident_id", "E1101"), ("resident_id", "E1103"), ("uscc", "E1101")}


def test_in_a_members_file(settings: Settings, inbox: Path) -> None:
    ready(settings, ["B0001"])
    book = rows("B0001", 1, 15 * (len(CLASSES) + 2))
    for place, bad in enumerate(CLASSES):
        changed = {"id_type": bad.id_type, "id_no": bad.id_no, "id_country": bad.id_country}
        firm = {"borrower_kind": "company", "purpose": "working_capital"} if bad.id_type == "uscc" else {}
        book[15 * place] = {**book[15 * place], **changed, **firm}
    last = 15 * len(CLASSES)
    book[last] = {**book[last], "id_no": ""}
    book[last + 15] = {**book[last + 15], "id_type": "library card"}
    path = write_submission(inbox, "B0001", book)
    told = cli(settings, "submit", str(path), "--member", "B0001", "--computed-totals", "--json")
    assert told.exit_code == 0, told.output
    (item,) = all_submissions(settings).values()
    found: dict[int, set[tuple[str, str]]] = {}
    for each in told_findings(settings, item):
        if each.code.startswith(("E10", "E11", "E13")):
            found.setdefault(each.record, set()).add((each.field, each.code))
    wanted = {1 + 15 * place: bad.finding for place, bad in enumerate(CLASSES)}
    wanted |= {1 + last: {("id_no", "E1001")}, 16 + last: {("id_type", "E1301")}}
    assert found == wanted
    assert item.rejected == len(wanted)


def test_in_an_enquiry_and_an_operators_question(settings: Settings) -> None:
    ready(settings, ["B0001"])
    keys = Keys.read(settings, lambda wanted: {scheme: number for number, scheme in enumerate(wanted, 1)})
    checker = Checker(settings, "B0001", Account("tester", "routine"))
    people = [Person(bad.id_type, bad.id_no, bad.id_country or None) for bad in CLASSES]
    for bad, person in zip(CLASSES, people, strict=True):
        with pytest.raises(HuxinError) as caught:
            keys.of(person, settings.today())
        assert (caught.value.code, caught.value.facts["codes"]) == ("H0801", ", ".join(bad.codes.split()))
        assert bad.id_no not in str(caught.value)
    for bad, line in zip(CLASSES, checker.ask([Check(person) for person in people]), strict=True):
        listed = ", ".join(f'"{code}"' for code in bad.codes.split()).replace(" ", "")
        assert line == f'{{"codes":[{listed}],"error":"H0801"}}'.encode()


def test_a_type_that_is_none(settings: Settings) -> None:
    with pytest.raises(PrivacyError, match="P0102"):
        canonical_id("library card", GOOD)
    ready(settings, ["B0001"])
    keys = Keys.read(settings, lambda wanted: {scheme: number for number, scheme in enumerate(wanted, 1)})
    with pytest.raises(HuxinError, match="H0803"):
        keys.of(Person("library card", GOOD), date(2026, 5, 31))
