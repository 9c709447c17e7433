"""The benches' generator: right identifiers, true manifests, faults where it says so."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from benchdata.faults import code_of, rejecting_faults, warning_faults
from benchdata.people import PEOPLE, identities
from generate import COLUMNS, make, many_small, second_night, write_big, write_csv, write_manifest

from huxin.contract import load_contract

AS_OF = date(2026, 5, 31)
Night = tuple[pl.DataFrame, pl.DataFrame]


@pytest.fixture(scope="module")
def night() -> Night:
    return make(20_000, 7, "M0001", AS_OF)


def good(night: Night) -> pl.DataFrame:
    frame, planted = night
    return frame.with_row_index("record", 1).join(planted, on="record", how="anti")


def check_digit(body: str) -> str:
    """GB 11643, written out once more."""
    return "10X98765432"[sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(body)) % 11]


def uscc_check(body: str) -> str:
    """GB 32100, written out once more."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(char) * pow(3, place, 31) for place, char in enumerate(body))
    return alphabet[(31 - total % 31) % 31]


def test_columns_are_the_contracts() -> None:
    assert [field.name for field in load_contract().fields] == list(COLUMNS)


def test_same_seed_same_frame_other_seed_another() -> None:
    first, again, other = (make(500, seed, "M0001", AS_OF)[0] for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_resident_numbers_carry_their_check_digit_and_a_real_birthday(night: Night) -> None:
    numbers = good(night).filter(pl.col("id_type") == "resident_id")["id_no"].to_list()
    assert all(check_digit(number[:17]) == number[17] for number in numbers)
    assert all(date.fromisoformat(f"{n[6:10]}-{n[10:12]}-{n[12:14]}") < date(2000, 1, 1) for n in numbers)
    assert any(number.endswith("X") for number in numbers)


def test_firms_carry_a_code_with_its_check_character(night: Night) -> None:
    firms = good(night).filter(pl.col("id_type") == "uscc")
    assert 0.03 < len(firms) / 20_000 < 0.05
    assert set(firms["borrower_kind"]) == {"company"}
    assert all(uscc_check(code[:17]) == code[17] for code in firms["id_no"])


def test_known_check_characters() -> None:
    assert check_digit("11010519491231002") == "X"
    assert uscc_check("91350100M000100Y4") == "3"


def test_no_two_people_share_an_identifier() -> None:
    people = np.concatenate([np.arange(50_000), np.arange(PEOPLE - 50_000, PEOPLE)])
    known = identities(people)
    assert known.select("id_type", "id_no").n_unique() == len(people)
    assert identities(people[:10]).equals(known[:10])


def test_a_subject_has_about_one_point_seven_rows(night: Night) -> None:
    subjects = good(night).select("id_type", "id_no").n_unique()
    assert 1.55 < 20_000 / subjects < 1.85


def test_second_parties_stand_below_their_loan_and_agree_with_it(night: Night) -> None:
    frame = good(night)
    party = [field.name for field in load_contract().fields if field.party]
    second = frame.filter(pl.col("role") != "primary")
    assert 0.05 < len(second) / 20_000 < 0.07
    pairs = frame.join(second.select("loan_no"), on="loan_no")
    assert set(pairs.group_by("loan_no").len()["len"]) <= {2}
    assert pairs.drop("record", *party).unique().height == pairs["loan_no"].n_unique()
    assert pairs.select("loan_no", "id_no").n_unique() == len(pairs)
    assert set(pairs["guarantee"]) == {"guaranteed"}


def test_shares_of_states(night: Night) -> None:
    states = dict(night[0]["status"].value_counts(normalize=True).iter_rows())
    assert 0.08 < states["settled"] < 0.12
    assert 0.01 < states["overdue"] < 0.03
    assert states["active"] > 0.8


def test_days_past_due_agree_with_dates_amounts_and_states(night: Night) -> None:
    assert_delinquency_agrees(good(night), AS_OF)


def assert_delinquency_agrees(frame: pl.DataFrame, as_of: date) -> None:
    late = pl.col("dpd").cast(pl.Int64) > 0
    since = pl.col("overdue_since").str.to_date()
    days = (pl.lit(as_of) - since).dt.total_days()
    assert frame.filter(late).select((days == pl.col("dpd").cast(pl.Int64)).all()).item()
    assert frame.filter(late)["adverse_notice_on"].null_count() == 0
    for wrong in (
        late != (pl.col("overdue_amount").cast(pl.Float64) > 0),
        late != since.is_not_null(),
        late & ~pl.col("status").is_in(["overdue", "extended", "restructured", "written_off", "transferred"]),
        ~late & (pl.col("status") == "overdue"),
        pl.col("max_dpd").cast(pl.Int64) < pl.col("dpd").cast(pl.Int64),
    ):
        assert frame.filter(wrong).is_empty()


def test_amounts_terms_and_dates_are_in_order(night: Night) -> None:
    frame = good(night)
    today = AS_OF.isoformat()
    closing = pl.col("status").is_in(["settled", "revoked", "transferred", "written_off"])
    wrongs = (
        pl.col("balance").cast(pl.Decimal(18, 2)) > pl.col("principal").cast(pl.Decimal(18, 2)),
        pl.col("terms_left").cast(pl.Int64) > pl.col("terms").cast(pl.Int64),
        (pl.col("disbursed_on") > today) | (pl.col("due_on") < pl.col("disbursed_on")),
        closing != pl.col("closed_on").is_not_null(),
        (pl.col("closed_on") > today) | (pl.col("closed_on") < pl.col("disbursed_on")),
        (pl.col("status") == "settled") & (pl.col("balance") != "0.00"),
        pl.col("consent_no").is_null() | (pl.col("consent_until") <= today),
    )
    assert [frame.filter(wrong).height for wrong in wrongs] == [0] * len(wrongs)


def test_faults_have_the_share_asked_for_and_many_codes(night: Night) -> None:
    frame, planted = night
    rejected = planted.filter(pl.col("code").str.starts_with("E"))
    assert rejected["record"].n_unique() == len(rejected) == 0.01 * len(frame)
    assert rejected["code"].n_unique() >= 20
    assert len(planted) - len(rejected) == 0.001 * len(frame)


def test_every_planted_code_is_a_check_of_the_contract(night: Night) -> None:
    active = {check.code for check in load_contract().checks}
    assert {code_of(fault) for fault in (*rejecting_faults(), *warning_faults())} <= active
    assert set(night[1]["code"]) <= active


def test_a_fault_changes_its_row_and_no_other() -> None:
    clean, nothing = make(2_000, 3, "M0001", AS_OF, faulty=0, warned=0)
    spoilt, planted = make(2_000, 3, "M0001", AS_OF)
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_clean")) for name in COLUMNS)
    both = pl.concat([spoilt, clean.rename(lambda name: f"{name}_clean")], how="horizontal")
    changed = both.with_row_index("record", 1).filter(differs)["record"]
    assert nothing.is_empty()
    assert set(changed) <= set(planted["record"])
    first_of_pairs = planted.filter(pl.col("code") == "E2002").height // 2
    assert len(changed) == planted["record"].n_unique() - first_of_pairs


def test_too_many_faults_are_refused() -> None:
    with pytest.raises(ValueError, match="too few plain loans"):
        make(100, 1, "M0001", AS_OF, faulty=0.9)


def test_manifest_counts_every_number_of_the_file(tmp_path: Path, night: Night) -> None:
    path = tmp_path / "M0001" / "loans.csv"
    manifest = write_manifest(path, write_csv(night[0], path), "M0001", AS_OF, sequence=2)
    content = json.loads(manifest.read_text(encoding="utf-8"))
    number = re.compile(r"\d+\.\d\d")
    for name in ("principal", "balance"):
        cells = [Decimal(cell) for cell in night[0][name] if number.fullmatch(cell)]
        assert Decimal(content[f"sum_{name}"]) == sum(cells)
        assert len(cells) < len(night[0])
    assert content["record_count"] == 20_000
    assert content["sequence"] == 2
    assert content["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert pl.read_csv(path, infer_schema=False).equals(night[0])


def test_second_night_moves_days_and_changes_the_share_asked_for(night: Night) -> None:
    frame, planted = night
    after, changes = second_night(frame, planted, 8, AS_OF)
    asked = changes.filter(~pl.col("change").is_in(["max_dpd", "class5"]))
    assert asked.height == 0.03 * len(frame)
    assert set(asked["change"]) == {"paid", "settled", "fell_overdue", "new"}
    assert len(after) == len(frame) + asked.filter(pl.col("change") == "new").height
    still_good = after.with_row_index("record", 1).join(planted, on="record", how="anti")
    assert_delinquency_agrees(still_good, AS_OF + timedelta(days=1))


def test_second_night_leaves_every_other_row_alone(night: Night) -> None:
    frame, planted = night
    after, changes = second_night(frame, planted, 8, AS_OF)
    kept = after[: len(frame)].drop("dpd")
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in kept.columns)
    before = frame.drop("dpd").rename(lambda name: f"{name}_before")
    both = pl.concat([kept, before], how="horizontal").with_row_index("record", 1)
    changed = set(both.filter(differs)["record"])
    assert changed == set(changes.filter(pl.col("change") != "new")["record"])
    assert not set(frame["loan_no"]) & set(after[len(frame) :]["loan_no"])


def test_second_night_keeps_faults_where_they_are(night: Night) -> None:
    frame, planted = night
    after, _ = second_night(frame, planted, 8, AS_OF)
    rows = planted["record"].cast(pl.Int64) - 1
    same = [name for name in COLUMNS if name not in ("dpd", "max_dpd")]
    assert after[rows].select(same).equals(frame[rows].select(same))


def test_a_big_file_is_written_in_parts_without_repeating_a_loan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "big.csv"
    monkeypatch.setattr("generate.PART", 2_000)
    whole = write_big(path, 5_000, 1, "M0001", AS_OF)
    frame = pl.read_csv(path, infer_schema=False)
    primary = frame.filter(pl.col("role") == "primary")
    assert whole.rows == len(frame) == 5_000
    assert primary["loan_no"].n_unique() > 0.98 * len(primary)
    assert frame.filter(pl.col("id_type") == "resident_id")["id_no"].n_unique() > 2_500


def test_many_small_submissions_share_their_subjects(tmp_path: Path) -> None:
    members = many_small(tmp_path, submissions=4, rows=250)
    assert members == ["S0001", "S0002", "S0003", "S0004"]
    frames = [pl.read_csv(next((tmp_path / m).glob("*.csv")), infer_schema=False) for m in members]
    everybody = pl.concat(frames)
    assert {len(frame) for frame in frames} == {250}
    assert everybody["id_no"].n_unique() < sum(frame["id_no"].n_unique() for frame in frames)
    assert len(list(tmp_path.glob("*/*.manifest.json"))) == 4
