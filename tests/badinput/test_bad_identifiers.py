"""Every class of malformed identifier has its code: alone, by the column, in a member's file and in an enquiry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from bad_world import all_submissions, cli, ready, rows

from huxin.enquiry.check_words import Account, Check
from huxin.enquiry.checking import Checker
from huxin.enquiry.subject_keys import Keys, Person, all_schemes
from huxin.errors import HuxinError
from huxin.nightly.report import told_findings
from huxin.settings import Settings
from huxin_privacy.errors import PrivacyError
from huxin_privacy.identifiers import TYPES, canonical_id, canonical_ids, fault_codes
from huxin_privacy.resident import check_character
from support.rows import AS_OF, write_submission

GOOD = "11010519491231002X"


@dataclass(frozen=True)
class Bad:
    """What is wrong, how it is written, its codes; and in a file, where another cell is to blame, that cell's."""

    what: str
    id_type: str
    id_no: str
    codes: str
    id_country: str = ""
    in_file: tuple[str, str] | None = None

    @property
    def finding(self) -> set[tuple[str, str]]:
        return {self.in_file} if self.in_file else {("id_no", code) for code in self.codes.split()}


def checked(seventeen: str) -> str:
    return seventeen + check_character(seventeen)


CLASSES = [
    Bad("wrong check digit", "resident_id", "110105194912310021", "E1101"),
    Bad("X where a digit belongs", "resident_id", "44052418800101001X", "E1101"),
    Bad("no such province", "resident_id", checked("99010519491231002"), "E1103"),
    Bad("no such month", "resident_id", checked("11010519491331002"), "E1103"),
    Bad("no such day", "resident_id", checked("11010519490229002"), "E1103"),
    Bad("too long ago", "resident_id", checked("11010517991231002"), "E1103"),
    Bad("not yet born", "resident_id", checked("11010520260601002"), "E1103"),
    Bad("old form with no such day", "resident_id", "110105490229002", "E1103"),
    Bad("two faults", "resident_id", "110105194913310028", "E1101 E1103"),
    Bad("scientific", "resident_id", "1.10105194912310E+17", "E1102"),
    Bad("scientific, wide", "resident_id", "１.１Ｅ＋１７", "E1102"),
    Bad("with decimals", "resident_id", "110105194912310020.00", "E1102"),
    Bad("too short", "resident_id", GOOD[:17], "E1104"),
    Bad("too long", "resident_id", GOOD + "0", "E1104"),
    Bad("much too long", "resident_id", "9" * 70_000, "E1104"),
    Bad("another letter", "resident_id", GOOD[:17] + "Y", "E1104"),
    Bad("hyphens", "resident_id", "110105-19491231-002X", "E1104"),
    Bad("digits of another script", "resident_id", "١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", "E1104"),
    Bad("a Cyrillic X", "resident_id", GOOD[:17] + "Х", "E1104"),
    Bad("raised digits", "resident_id", "11010519491231002²", "E1101"),
    Bad("a word", "resident_id", "未提供号码", "E1104"),
    Bad("a word for nothing", "resident_id", "无", "E1104", "", ("id_no", "E1001")),
    Bad("wrong check character", "uscc", "91350100M000100Y44", "E1101"),
    Bad("a letter that is never used", "uscc", "91350100M000100I43", "E1104"),
    Bad("letters in the region", "uscc", "9135010AM000100Y43", "E1104"),
    Bad("an old registration number", "uscc", "350100100001234", "E1104"),
    Bad("scientific", "uscc", "9.135E+17", "E1102"),
    Bad("too short", "passport", "E123", "E1104", "CHN"),
    Bad("too long", "passport", "E" + "1" * 20, "E1104", "CHN"),
    Bad("punctuation", "passport", "E123-45678", "E1104", "CHN"),
    Bad("scientific", "passport", "1.2E+17", "E1102", "CHN"),
    Bad("a letter of another script", "passport", "Е12345678", "E1104", "CHN"),
    Bad("no country", "passport", "E12345678", "E1104", "", ("id_country", "E1001")),
    Bad("a country of two letters", "passport", "E12345678", "E1104", "CN", ("id_country", "E1302")),
]
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
    keys = Keys(settings, {scheme: number for number, scheme in enumerate(all_schemes(settings), 1)})
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
    keys = Keys(settings, {scheme: number for number, scheme in enumerate(all_schemes(settings), 1)})
    with pytest.raises(HuxinError, match="H0803"):
        keys.of(Person("library card", GOOD), date(2026, 5, 31))
