"""Manifests that cannot be read or that lie: each with its code, and one of them never stops the others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from bad_world import GOOD, ROWS, assert_refused, finished, known, night, of, ready, rows, write_good
from sqlalchemy import text

from huxin.contract import State
from huxin.nightly.pipeline import NightReport, run_night
from huxin.registry.members import set_status
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_checks.manifest import LIMIT, ManifestFault, manifest_json, parse_manifest
from support.rows import resident_id, write_manifest, write_submission

# What stands in the file in place of a manifest, and the reason that must be given.
UNREADABLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "json"),
    "no JSON": (b"contract: loan/v1\n", "json"),
    "half of it": (b'{"contract": "loan/v1", "member": "M00', "json"),
    "a list": (b"[1, 2]", "json"),
    "a number": (b"1", "json"),
    "binary": (bytes(range(256)), "json"),
    "UTF-16": ('{"contract": "loan/v1"}'.encode("utf-16"), "json"),
    "1 MB": (b'{"contract": "' + b"a" * 1_000_000 + b'"}', "size"),
    "deep": (b"[" * 30_000 + b"]" * 30_000, "json"),
    "deep objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "json"),
    "an entry twice": (b'{"contract": "loan/v1", "contract": "loan/v1"}', "doubled"),
    "a number of 5,000 digits": (b'{"sequence": ' + b"9" * 5_000 + b"}", "json"),
}
# One entry changed, and the reason that must be given.
WRONG: dict[str, tuple[dict[str, object], str]] = {
    "a count that is text": ({"record_count": "20"}, "record_count"),
    "a count that is no whole number": ({"record_count": 20.0}, "record_count"),
    "NaN": ({"record_count": float("nan")}, "record_count"),
    "infinity": ({"sum_balance": float("inf")}, "sum_balance"),
    "NaN as text": ({"sum_balance": "NaN"}, "sum_balance"),
    "sNaN as text": ({"sum_balance": "sNaN"}, "sum_balance"),
    "a negative count": ({"record_count": -1}, "record_count"),
    "true": ({"sequence": True}, "sequence"),
    "sequence 0": ({"sequence": 0}, "sequence"),
    "sequence 2**31": ({"sequence": 2**31}, "sequence"),
    "null": ({"member": None}, "member"),
    "an empty member": ({"member": ""}, "member"),
    "a list as contract": ({"contract": ["loan/v1"]}, "contract"),
    "no date": ({"as_of_date": "yesterday"}, "as_of_date"),
    "31 February": ({"as_of_date": "2026-02-31"}, "as_of_date"),
    "year 0": ({"as_of_date": "0000-01-01"}, "as_of_date"),
    "a mode of their own": ({"mode": "all"}, "mode"),
    "a third of a cent": ({"sum_principal": "1.005"}, "sum_principal"),
    "a float": ({"sum_principal": 1.5}, "sum_principal"),
    "an exponent": ({"sum_principal": "1E+999999999"}, "sum_principal"),
    "forty digits": ({"sum_principal": "9" * 39}, "sum_principal"),
    "a sum of 30 digits": ({"sum_principal": 10**30}, "sum_principal"),
    "an entry of their own": ({"name": resident_id(4711)}, "surplus"),
    "a name that nearly fits": ({"Sequence": 1}, "surplus"),
}
# One entry changed, the code and the reason.
LIES: dict[str, tuple[dict[str, object], str, str]] = {
    "another member": ({"member": GOOD}, "F0007", "sender"),
    "a member like a path": ({"member": "../" + GOOD}, "F0007", "sender"),
    "a member with NUL": ({"member": "B\x00"}, "F0007", "sender"),
    "half a surrogate as member": ({"member": "\ud800"}, "F0007", "sender"),
    "another contract": ({"contract": "loan/v2"}, "F0009", "contract"),
    "another contract with entries of its own": ({"contract": "loan/v2", "rates": 1}, "F0009", "contract"),
    "a contract like a path": ({"contract": "../../etc/passwd"}, "F0009", "contract"),
    "a contract with NUL": ({"contract": "loan/v1\x00"}, "F0009", "contract"),
    "half a surrogate as contract": ({"contract": "\ud800"}, "F0009", "contract"),
    "a person as contract": ({"contract": resident_id(4711)}, "F0009", "contract"),
    "tomorrow": ({"as_of_date": "2026-06-01"}, "F0005", "future"),
    "year 9999": ({"as_of_date": "9999-12-31"}, "F0005", "future"),
    "year 1": ({"as_of_date": "0001-01-01"}, "F0005", "before_policy"),
    "a digest with NUL": ({"sha256": "\x00"}, "F0001", "digest"),
    "a digest that is a path": ({"sha256": "/etc/passwd"}, "F0001", "digest"),
}
ALL = [*UNREADABLE, *WRONG, *LIES, "suspended"]
MEMBERS = {name: f"B{number:04d}" for number, name in enumerate(ALL)}


@pytest.fixture(scope="module")
def done(shared: Settings, tmp_path_factory: pytest.TempPathFactory) -> NightReport:
    """A night with every case, an unknown folder and one good file."""
    inbox = tmp_path_factory.mktemp("bad") / "inbox"
    ready(shared, [GOOD, *MEMBERS.values()])
    for number, name in enumerate(ALL):
        changes = {**WRONG, **LIES}.get(name, ({},))[0]
        book = rows(MEMBERS[name], 1000 + 100 * number)
        path = write_submission(inbox, MEMBERS[name], book)
        manifest = path.with_name(path.name + ".manifest.json")
        if name in UNREADABLE:
            manifest.write_bytes(UNREADABLE[name][0])
        elif changes:  # as ASCII, so that half a surrogate can be written
            manifest.write_text(
                json.dumps({**json.loads(manifest.read_bytes()), **changes}), encoding="ascii"
            )
    write_submission(inbox, "X9999", rows("X9999", 90_000))
    write_good(inbox)
    with connection(shared) as database:
        set_status(database, MEMBERS["suspended"], "suspended")
    return night(shared, inbox)


@pytest.mark.parametrize("name", [*UNREADABLE, *WRONG])
def test_a_manifest_that_cannot_be_read(shared: Settings, done: NightReport, name: str) -> None:
    (item,) = of(done, MEMBERS[name])
    told = assert_refused(shared, item, "F0010", {**UNREADABLE, **WRONG}[name][1])
    assert "（" in told[0].text


@pytest.mark.parametrize("name", LIES)
def test_a_manifest_that_lies(shared: Settings, done: NightReport, name: str) -> None:
    (item,) = of(done, MEMBERS[name])
    told = assert_refused(shared, item, *LIES[name][1:])
    assert "（" in told[0].text


def test_an_unknown_folder_and_a_suspended_member(shared: Settings, done: NightReport) -> None:
    assert_refused(shared, of(done, "X9999")[0], "F0007", "unknown")
    assert_refused(shared, of(done, MEMBERS["suspended"])[0], "F0007", "suspended")


def test_nothing_of_them_is_loaded_and_the_good_file_is(shared: Settings, done: NightReport) -> None:
    (item,) = of(done, GOOD)
    assert (item.state, item.accepted) == (State.PUBLISHED, ROWS)
    assert all(known(shared, range(1, 1 + ROWS)))
    assert not any(known(shared, range(1000, 1000 + 100 * len(ALL), 50)))


def test_what_a_lying_manifest_says_is_stored_nowhere(shared: Settings, done: NightReport) -> None:
    with connection(shared) as database:
        told = database.execute(text("SELECT submission::text FROM submission")).scalars().all()
    assert len(told) == len(ALL) + 2
    assert not [line for line in told if resident_id(4711) in line or "etc/passwd" in line]


def test_a_manifest_at_the_limit_of_its_size_is_read(shared: Settings, inbox: Path) -> None:
    path = write_submission(inbox, GOOD, rows(GOOD, 1))
    raw = path.with_name(path.name + ".manifest.json").read_bytes()
    assert parse_manifest(raw.ljust(LIMIT)).member == GOOD
    with pytest.raises(ManifestFault):
        parse_manifest(raw.ljust(LIMIT + 1))


def test_a_good_manifest_that_says_an_entry_twice_is_refused(inbox: Path) -> None:
    """Whichever of both holds for whom: also where they are the same, and however they are spelt."""
    path = write_submission(inbox, GOOD, rows(GOOD, 1))
    raw = path.with_name(path.name + ".manifest.json").read_bytes()
    whole = parse_manifest(raw)
    for name in ("sequence", "sha256", r"s\u0065quence"):
        value = json.dumps(json.loads(raw)[json.loads(f'"{name}"')])
        twice = raw.rstrip().removesuffix(b"}") + f', "{name}": {value}}}'.encode()
        with pytest.raises(ManifestFault, match="doubled"):
            parse_manifest(twice)
    assert parse_manifest(manifest_json(whole)) == whole


def test_order_of_days_and_contents(settings: Settings, inbox: Path) -> None:
    """An older file after a newer one, the same content again, the same number with other content."""
    ready(settings, [GOOD, "B0001"])
    book = rows("B0001", 1)
    write_submission(inbox, "B0001", book, sequence=2, file_name="first.csv")
    assert [item.state for item in night(settings, inbox).submissions] == [State.PUBLISHED]
    changed = [{**row, "balance": "100.00"} for row in book]
    sent = {
        "older.csv": (rows("B0001", 500), {"as_of_date": "2026-05-30"}, "F0005", "older"),
        "earlier.csv": (rows("B0001", 600), {"sequence": 1}, "F0005", "older"),
        "same.csv": (book, {"sequence": 3}, "F0006", "content"),
        "number.csv": (changed, {"sequence": 2}, "F0006", "sequence"),
    }
    for name, (content, changes, _, _) in sent.items():
        write_submission(inbox, "B0001", content, file_name=name, sequence=2, manifest_changes=changes)
    write_good_shifted(inbox)
    report = finished(run_night(settings, inbox))
    items = {item.file: item for item in report.submissions}
    for name, (_, _, code, reason) in sent.items():
        assert_refused(settings, items[name], code, reason)
    assert items["good.csv"].state == State.PUBLISHED
    assert not any(known(settings, [500, 501, 600]))
    with connection(settings) as database:
        query = text("SELECT count(*) FROM loan WHERE balance = 10000")
        assert database.execute(query).scalar_one() == 0


def write_good_shifted(inbox: Path) -> None:
    write_submission(inbox, GOOD, rows(GOOD, 2000), file_name="good.csv")


def test_files_of_an_old_day_wait_for_nobody(settings: Settings, inbox: Path) -> None:
    """A clock that stands before the sender's: refused today, accepted on the day itself by asking again."""
    ready(settings, [GOOD])
    write_submission(inbox, GOOD, rows(GOOD, 1), manifest_changes={"as_of_date": "2026-06-02"})
    (item,) = night(settings, inbox).submissions
    assert_refused(settings, item, "F0005", "future")
    from huxin.nightly import actions

    later = replace(settings, fixed_now=settings.now().replace(month=6, day=2))
    assert actions.again(later, item.id).state == State.PUBLISHED


def test_a_manifest_without_its_file(settings: Settings, inbox: Path) -> None:
    ready(settings, [GOOD, "B0001"])
    write_good(inbox)
    (inbox / "B0001").mkdir()
    whole = json.loads((inbox / GOOD / "loans_20260531_1.csv.manifest.json").read_bytes())
    write_manifest(inbox / "B0001" / "gone.csv", {**whole, "member": "B0001"})
    report = night(settings, inbox)
    assert_refused(settings, of(report, "B0001")[0], "F0004", "not_plain")
    assert of(report, GOOD)[0].state == State.PUBLISHED
