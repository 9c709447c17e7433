"""The stored suites are what the contract says, in Great Expectations' own JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from great_expectations import ExpectationSuite
from great_expectations.core.expectation_suite import expectationSuiteSchema
from great_expectations.expectations.metadata_types import FailureSeverity

from huxin.contract import BLIND, LOANS, load_contract
from huxin.errors import HuxinError
from huxin.nightly.gx import suites
from huxin.nightly.gx.expectations import ExpectRowsToPassRule
from huxin.nightly.gx.run import build_suite, load_suite


def codes(suite: ExpectationSuite) -> list[str]:
    return [e.rule for e in suite.expectations]


@pytest.mark.parametrize("contract", [LOANS, BLIND])
def test_the_stored_suites_are_the_contracts(contract: str) -> None:
    assert suites.drifted(load_contract(contract)) == []


def test_every_check_of_a_file_alone_stands_in_exactly_one_suite() -> None:
    everywhere = [code for name in suites.SUITES for code in codes(load_suite(name))]
    assert len(everywhere) == len(set(everywhere))
    rules = {c.code for c in load_contract().checks if c.phase in ("cell", "row", "set")}
    assert set(everywhere) == rules | {"F0002", "F0008", "W4003"}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("set", ["E2001", "E2002", "E2003"]), ("files", ["F0002", "F0008"]), ("registry", ["W4003"])],
)
def test_the_small_suites(name: str, wanted: list[str]) -> None:
    assert codes(load_suite(name)) == wanted


@pytest.mark.parametrize("name", suites.SUITES)
def test_round_trip_through_great_expectations_json(name: str) -> None:
    built = build_suite(load_contract(), name)
    text = json.dumps(expectationSuiteSchema.dump(built))
    again = ExpectationSuite(**expectationSuiteSchema.load(json.loads(text)))
    assert again == built
    assert again.expectations == load_suite(name).expectations
    assert all(isinstance(e, ExpectRowsToPassRule) for e in again.expectations)


@pytest.mark.parametrize("name", suites.SUITES)
def test_severity_and_texts_are_the_contracts(name: str) -> None:
    contract = load_contract()
    for expectation in load_suite(name).expectations:
        check = contract.check(expectation.rule)
        warns = check.severity == "warn"
        assert expectation.severity == (FailureSeverity.WARNING if warns else FailureSeverity.CRITICAL)
        assert expectation.meta["fields"] == list(check.fields)
        assert expectation.meta["text"] == {"zh": check.zh, "en": check.en}
        assert (expectation.meta["code"], expectation.meta["severity"]) == (check.code, check.severity)


def test_a_check_that_is_not_carried_out_is_not_expected() -> None:
    contract = load_contract()
    idle = replace(
        contract, checks=tuple(replace(c, active=c.active and c.code != "E2101") for c in contract.checks)
    )
    assert set(codes(build_suite(contract, "rows"))) - set(codes(build_suite(idle, "rows"))) == {"E2101"}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Suites stored in a folder of this test's own."""

    def path(name: str, contract: str = LOANS) -> Path:
        return tmp_path / contract / f"{name}.json"

    monkeypatch.setattr(suites, "suite_path", path)
    return tmp_path / LOANS


def test_drift_is_seen_and_mended_by_the_command(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert suites.main(["--check"]) == 1
    assert suites.main([]) == 0
    assert suites.main(["--check"]) == 0
    capsys.readouterr()
    stored = elsewhere / "set.json"
    stored.write_text(stored.read_text("utf-8").replace("critical", "warning", 1), "utf-8")
    assert suites.main(["--check"]) == 1
    assert "suite loan/v1/set differs" in capsys.readouterr().err
    assert suites.main([]) == 0
    assert suites.drifted(load_contract()) == []


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"name": "x", "expectations": [{"type": "expect_nothing", "kwargs": {}}]}',
        '{"name": "x", "expectations": [{"type": "expect_rows_to_pass_rule", "kwargs": {}}]}',
        '{"name": "x", "expectations": [{"type": "expect_rows_to_pass_rule", "kwargs": {"rul": "E1"}}]}',
    ],
)
def test_a_suite_that_cannot_be_read_is_an_error(elsewhere: Path, text: str) -> None:
    elsewhere.mkdir(parents=True)
    (elsewhere / "rows.json").write_text(text, "utf-8")
    with pytest.raises(HuxinError) as caught:
        load_suite("rows")
    assert caught.value.code == "H0404"


@pytest.mark.parametrize("name", ["nothing", "../rows", ""])
def test_an_unknown_suite_is_an_error(name: str) -> None:
    with pytest.raises(HuxinError) as caught:
        load_suite(name)
    assert caught.value.code == "H0404"


def test_a_stored_suite_is_read_once() -> None:
    assert load_suite("rows") is load_suite("rows")
