"""People planted wherever a caller can write, then sought in all that the platform says and keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_load import question
from planting import ANSWERED, PEOPLE, WORDS, Planter, known
from served_home import MEMBERS, ServedHome, served_home, until

from huxin.nightly.inbox import shown
from huxin.registry import embedded
from leak import search
from support.rows import loan, write_submission


@pytest.fixture
def home(tmp_path: Path) -> Iterator[ServedHome]:
    (tmp_path / "place").mkdir()
    with served_home(tmp_path / "place") as made:
        made.start("--workers", "1")
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHome]:
    """For those who find out what is refused, and leave nothing that others would stumble over."""
    with served_home(tmp_path_factory.mktemp("place")) as made:
        made.start("--workers", "1")
        yield made


@pytest.mark.slow
def test_nobody_who_was_planted_is_found(home: ServedHome, tmp_path: Path) -> None:
    planter = Planter(home)
    enquiry = planter.asked()
    file = write_submission(tmp_path / "files", MEMBERS[0], [loan(MEMBERS[0], 7)])
    manifest = file.with_name(file.name + ".manifest.json").read_bytes()
    for planted in (PEOPLE[1].id_no, PEOPLE[2].mobile, PEOPLE[3].name, PEOPLE[0].id_no):
        planter.addresses_and_headers(planted)
        planter.bodies(planted, enquiry)
        planter.tokens(planted)
        planter.files(planted, file.read_bytes(), manifest)
        planter.raw(planted)
    metrics = planter.send("GET", "/metrics")
    assert metrics.status_code == 200
    assert "/v1/enquiries" in metrics.text
    assert {200, 201, 400, 401, 404, 415, 422} <= set(planter.statuses)
    assert 500 not in planter.statuses, home.said()
    until(lambda: home.rows("SELECT count(*) FROM outbox") == [(0,)], "the sequencer does not come")
    settled = "SELECT count(*) FROM submission WHERE state IN (1, 2, 3)"
    until(lambda: home.rows(settled) == [(0,)], "the files are not worked")
    responses = tmp_path / "responses"
    responses.write_bytes(b"\n\n".join(planter.said))
    embedded.dump(home.settings, tmp_path / "dump.sql")
    home.kill()
    home.rows("SELECT 1")
    embedded.stop(home.settings)  # which writes what is still in memory
    files = [*search.searched(home.settings.home), home.folder / "said.txt", responses, tmp_path / "dump.sql"]
    assert any("pg_wal" in str(each) for each in files)
    searcher = search.Searcher(search.needles_of(known(), home.settings.home))
    hits = searcher.search(files)
    hits += search.names_searched(home.settings.home, searcher, tmp_path)
    found = sorted({f"{hit.path}: {hit.kind}" for hit in hits})
    assert not found, "\n".join(found)


def test_the_search_would_find_them(shared: ServedHome, tmp_path: Path) -> None:
    """Also what stands in a table: a row of PostgreSQL is no text."""
    shared.rows(f"SELECT '{PEOPLE[0].id_no}'")  # a statement is nowhere kept
    searcher = search.Searcher(search.needles_of(known(), shared.settings.home))
    embedded.dump(shared.settings, tmp_path / "dump.sql")
    assert searcher.search([tmp_path / "dump.sql"]) == []
    planted = tmp_path / "planted"
    planted.write_bytes(b"\0" * 100 + PEOPLE[0].name.encode("gb18030") + b"\0" + PEOPLE[1].mobile.encode())
    assert {hit.kind for hit in searcher.search([planted])} == {"name gb18030", "mobile utf-8"}


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("loans_20260531_1.csv", "loans_20260531_1.csv"),
        ("20260531143000.csv", "20260531143000.csv"),
        ("20260531143000123.csv", "20260531143000123.csv"),
        (f"{PEOPLE[0].id_no}.csv", "#####.csv"),
        (f"报送-{PEOPLE[0].id_no.lower()}-{PEOPLE[1].mobile}.xlsx", "报送-#####-#####.xlsx"),
        ("110105491231002.csv", "#####.csv"),
        # Days, times and numbers of files one after the other.
        ("报送数据20260531.csv", "报送数据20260531.csv"),
        ("loans_2026-05-31_220000.csv", "loans_2026-05-31_220000.csv"),
        ("20260531-20260601.csv", "20260531-20260601.csv"),
        ("２０２６年０５月３１日（１）.csv", "２０２６年０５月３１日（１）.csv"),
        ("110105-19491231-0021.csv", "110105-19491231-0021.csv"),  # its check character is wrong
        # As people write a number, with what stands around it left as it was.
        ("１１０１０５１９４９１２３１００２Ｘ.csv", "#####.csv"),
        ("（１３８１２３４５６７８）①.csv", "（#####）①.csv"),
        ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢X.csv", "#####.csv"),
        ("110105-19491231-002X.csv", "#####.csv"),
        ("110105194912310 02X.csv", "#####.csv"),
        ("1 1 0 1 0 5.1949.12.31_002－ｘ_2.csv", "#####_2.csv"),
        ("110105\u200b19491231\u200b002X.csv", "#####.csv"),
        ("20260531_1_110105 19491231 002X_3.csv", "20260531_1_#####_3.csv"),
        (f"{'a' * 190}-11010519491231002X.csv", f"{'a' * 190}-#####.csv"),
    ],
)
def test_a_files_name_is_kept_without_a_persons_number(name: str, kept: str) -> None:
    assert shown(name) == kept


@pytest.mark.parametrize("field", WORDS)
def test_a_person_in_the_members_own_words_is_refused(shared: ServedHome, field: str) -> None:
    """Written as people write: with blanks, in wide digits, within other words. Numbers of their own pass."""
    planter, one = Planter(shared), PEOPLE[0]
    wide = "".join(chr(ord(each) + 0xFEE0) for each in one.id_no)
    spaced = f"{one.id_no[:6]} {one.id_no[6:14]}-{one.id_no[14:]}"
    right = question(ANSWERED)
    right["subject"] |= {"mobile": one.mobile, "name": one.name}
    persons = [
        one.id_no,
        spaced,
        wide,
        f"case {one.id_no.lower()}/1",
        one.mobile,
        f"T{one.mobile}",
        PEOPLE[3].id_no,
    ]
    persons += [] if field == "staff" else [one.name, f"{one.name} 001"]
    (before,) = shared.rows("SELECT count(*) + 6 FROM enquiry")
    for said in persons:
        response = planter.send("POST", "/v1/enquiries", json=right | {field: said})
        assert (response.status_code, response.json()["code"]) == (422, "H1207"), len(said)
        assert response.json()["facts"] == {"field": field}
    for said in ("SQ2026030001", "20260531-000017", "110105194912310", "13900000000", "9" * 18, "王小二"):
        assert planter.send("POST", "/v1/enquiries", json=right | {field: said}).status_code == 200, said
    assert shared.rows("SELECT count(*) FROM enquiry") == [before]


def test_a_person_as_the_key_of_a_request_is_refused(shared: ServedHome) -> None:
    """A key is kept as it came, beside the enquiry: the ID number is at hand, and it looks like a fine key."""
    planter, one = Planter(shared), PEOPLE[0]
    asked = question(ANSWERED)
    asked["subject"] |= {"mobile": one.mobile}
    anybodys = (f"case-{PEOPLE[3].id_no}", f"{PEOPLE[3].id_no[:6]}-{PEOPLE[3].id_no[6:].lower()}")
    for key in (
        one.id_no,
        f"case-{one.id_no}",
        f"{one.id_no[:6]}-{one.id_no[6:]}",
        f"{one.mobile}:1",
        *anybodys,
    ):
        response = planter.send("POST", "/v1/enquiries", json=asked, headers={"Idempotency-Key": key})
        assert (response.status_code, response.json()["code"]) == (422, "H1207")
        assert response.json()["facts"] == {"field": "Idempotency-Key"}
    before = shared.rows("SELECT count(*) FROM enquiry_key")
    for key in ("110105194912310021", "20260531.000001", one.id_no[:10]):  # nobody's, or not whole
        response = planter.send("POST", "/v1/enquiries", json=asked, headers={"Idempotency-Key": key})
        assert response.status_code == 200
    assert shared.rows("SELECT count(*) - 3 FROM enquiry_key") == before


def test_a_person_as_the_key_of_a_reservation_is_refused(shared: ServedHome) -> None:
    """Whom it is about only its enquiry says: so anybody's number counts."""
    planter = Planter(shared)
    held = {"enquiry_id": planter.asked(), "amount": "100.00"}
    for number in (PEOPLE[0].id_no, PEOPLE[3].id_no, "119999190001010011", "11010519491231002X"):
        for key in (number, f"hold-{number}", f"{number[:6]}-{number[6:]}", f"{number.lower()}:1"):
            response = planter.send("POST", "/v1/reservations", json=held, headers={"Idempotency-Key": key})
            assert (response.status_code, response.json()["code"]) == (422, "H1207")
            assert response.json()["facts"] == {"field": "Idempotency-Key"}
    assert shared.rows("SELECT count(*) FROM reservation_key") == [(0,)]
    for key in ("110105194912310021", "20260531.000001"):  # nobody's
        response = planter.send("POST", "/v1/reservations", json=held, headers={"Idempotency-Key": key})
        assert response.status_code == 201
