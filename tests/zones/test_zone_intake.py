"""The intake zone's API: members send files there, and nowhere else; what becomes of them is told there too."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from huxin.nightly.worker import Patience, work_round
from huxin.registry.session import connection
from huxin.registry.submissions import find
from support.rows import loan, write_submission
from support.zone_members import Zoned, call, code_of, zoned
from support.zones import Split

ME = "M0001"
SEQUENCES = count(1)


@pytest.fixture(scope="module")
def land(shared_split: Split) -> Iterator[Zoned]:
    with zoned(shared_split) as made:
        made.join(ME)
        yield made


def sent(land: Zoned, folder: Path, app: str = "intake", rows: int = 30, **changed: str) -> TestResponse:
    """A file and its manifest, as a member posts them."""
    sequence = next(SEQUENCES)
    made = [loan(ME, number, loan_no=f"{sequence}-{number}", **changed) for number in range(1, rows + 1)]
    file = write_submission(folder, ME, made, sequence=sequence, mode="incremental")
    manifest = file.with_name(file.name + ".manifest.json")
    parts = {
        "file": (io.BytesIO(file.read_bytes()), file.name),
        "manifest": (io.BytesIO(manifest.read_bytes()), manifest.name),
    }
    token = land.token(ME, "submissions") if app == "intake" else land.token(ME)
    return call(getattr(land, app), "POST", "/v1/submissions", token, data=parts)


def test_a_file_goes_in_and_its_outcome_is_told(land: Zoned, tmp_path: Path) -> None:
    """By a member who has joined since the intake zone last copied the members."""
    answer = sent(land, tmp_path)
    assert answer.status_code == 201, answer.text
    assert work_round(land.split.intake, Patience()) == 1
    path, token = f"/v1/submissions/{answer.json['id']}", land.token(ME, "submissions")
    told = call(land.intake, "GET", path, token).json
    assert (told["state"], told["accepted"]) == ("published", 30)
    assert call(land.registry, "GET", path, land.token(ME)).json["state"] == "published"
    assert code_of(call(land.intake, "GET", f"{path}/receipt", token)) == "H1709", "the log is elsewhere"
    assert code_of(call(land.registry, "GET", f"{path}/receipt", land.token(ME))) == "H1302"
    back = call(land.intake, "POST", f"{path}/withdraw", token)
    assert (back.status_code, back.json["state"]) == (200, "withdrawn")
    assert call(land.registry, "GET", path, land.token(ME)).json["state"] == "withdrawn"


def test_a_file_without_a_good_row_is_refused_there(land: Zoned, tmp_path: Path) -> None:
    answer = sent(land, tmp_path, consent_no="")
    assert work_round(land.split.intake, Patience()) == 1
    path = f"/v1/submissions/{answer.json['id']}"
    assert call(land.intake, "GET", path, land.token(ME, "submissions")).json["state"] == "refused"
    assert code_of(call(land.registry, "GET", path, land.token(ME))) == "H1116", (
        "it never left the intake zone"
    )


def test_an_empty_file_ends_as_in_one_process(land: Zoned, tmp_path: Path) -> None:
    answer = sent(land, tmp_path, rows=0)
    assert answer.status_code == 201, answer.text
    work_round(land.split.intake, Patience())
    path = f"/v1/submissions/{answer.json['id']}"
    told = call(land.intake, "GET", path, land.token(ME, "submissions")).json
    assert (told["state"], told["accepted"]) == ("published", 0)
    assert call(land.registry, "GET", path, land.token(ME)).json["state"] == "published"


def test_the_registry_zone_takes_no_file(land: Zoned, tmp_path: Path) -> None:
    assert code_of(sent(land, tmp_path, "registry")) == "H1709"
    parts = {"file": (io.BytesIO(b"loan_no\n"), "a.csv")}
    assert (
        code_of(call(land.registry, "POST", "/v1/submissions/check", land.token(ME), data=parts)) == "H1709"
    )
    nobody = "/v1/submissions/01a21c3b-cd7c-7ac9-981d-5c7c7f11beb5"
    for act in ("confirm", "withdraw"):
        assert code_of(call(land.registry, "POST", f"{nobody}/{act}", land.token(ME))) == "H1709"


def test_the_registry_zones_rows_hold_no_file_name(land: Zoned, tmp_path: Path) -> None:
    id_ = sent(land, tmp_path).json["id"]
    work_round(land.split.intake, Patience())
    with connection(land.split.registry) as database:
        found = find(database, id_)
    assert found is not None
    assert (found.file, found.sender) == ("-", ME)
