"""The edge gives each class of malformed identifier the very code that the centre gives: by the table of both."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from huxin_checks.whole_file import Asked, check_file
from support.identifiers import CLASSES
from support.rows import loan, write_submission

ME = "B0001"
EVERY = 15  # one bad row in so many, that the file is not refused for their share


def test_in_a_members_file_before_it_is_sent(tmp_path: Path) -> None:
    book = [loan(ME, n) for n in range(1, EVERY * len(CLASSES) + 1)]
    for place, bad in enumerate(CLASSES):
        changed = {"id_type": bad.id_type, "id_no": bad.id_no, "id_country": bad.id_country}
        firm = {"borrower_kind": "company", "purpose": "working_capital"} if bad.id_type == "uscc" else {}
        book[EVERY * place] = {**book[EVERY * place], **changed, **firm}
    file = write_submission(tmp_path, ME, book)
    manifest = file.with_name(file.name + ".manifest.json").read_bytes()
    with file.open("rb") as source:
        checked = check_file(source, file.name, Asked(date(2026, 5, 31), ME, manifest))
    assert not checked.refusal
    found: dict[int, set[tuple[str, str]]] = {}
    for each in checked.findings:
        if each.code.startswith(("E10", "E11", "E13")):
            found.setdefault(each.record, set()).add((each.field, each.code))
    assert found == {1 + EVERY * place: bad.finding for place, bad in enumerate(CLASSES)}
