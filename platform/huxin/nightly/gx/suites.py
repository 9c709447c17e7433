"""The suites in schemas/loan/v1/suites, in Great Expectations' own JSON, made from the contract.

`python -m huxin.nightly.gx.suites` writes them anew; with `--check` it only tells which ones differ.
"""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from huxin.contract import BLIND, Check, Contract, load_contract
from huxin.errors import HuxinError
from huxin.nightly.gx.expectations import ExpectRowsToPassRule
from huxin.nightly.gx.library import ExpectationSuite, expectationSuiteSchema
from huxin.paths import schema_root

# Suite -> phases of the checks in it.
SUITES = {"rows": ("cell", "row"), "set": ("set",), "files": ("file",), "registry": ("registry",)}
# The checks of phase file that are rules over facts of a submission; receive and read decide the others.
_FILE_RULES = ("F0002", "F0008")
_VERSION = "great_expectations_version"


def build_suite(contract: Contract, name: str) -> ExpectationSuite:
    """The suite `name` of SUITES: one expectation for each of its checks, in the contract's order."""
    checks = [check for check in contract.checks if _belongs(check, name)]
    return ExpectationSuite(
        name=f"{contract.name}/{name}",
        expectations=[_expectation(check) for check in checks],
        meta={"contract": contract.name, "ruleset": contract.ruleset},
    )


def load_suite(name: str, contract: str = "loan/v1") -> ExpectationSuite:
    """The stored suite `name`. Shared within the process: do not change it. H0404 if it cannot be read."""
    if name not in SUITES:
        raise HuxinError("H0404", suite=name, what="unknown name")
    return _load(suite_path(name, contract))


def suite_path(name: str, contract: str = "loan/v1") -> Path:
    """Where the suite `name` of a contract is stored."""
    return schema_root() / contract / "suites" / f"{name}.json"


def suite_json(suite: ExpectationSuite) -> dict[str, Any]:
    """Great Expectations' own JSON of a suite, less its own version: an upgrade alone is no drift."""
    stored: dict[str, Any] = expectationSuiteSchema.dump(suite)
    stored["meta"] = {key: value for key, value in stored["meta"].items() if key != _VERSION}
    return stored


def drifted(contract: Contract) -> list[str]:
    """The names of the stored suites that are not what the contract says."""
    return [name for name in SUITES if _stored(name, contract) != _text(build_suite(contract, name))]


def main(arguments: list[str] | None = None) -> int:
    """Write the suites of both contracts, or with --check report drift; 1 if there is any."""
    contracts = [load_contract(), load_contract(BLIND)]
    found = [(contract, name) for contract in contracts for name in drifted(contract)]
    if "--check" in (sys.argv[1:] if arguments is None else arguments):
        sys.stderr.writelines(f"suite {each.name}/{name} differs from the contract\n" for each, name in found)
        return 1 if found else 0
    for contract, name in found:
        path = suite_path(name, contract.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_text(build_suite(contract, name)), encoding="utf-8")
    return 0


def _belongs(check: Check, name: str) -> bool:
    if not check.active or check.phase not in SUITES[name]:
        return False
    return check.phase != "file" or check.code in _FILE_RULES


def _expectation(check: Check) -> ExpectRowsToPassRule:
    return ExpectRowsToPassRule(
        rule=check.code,
        severity="warning" if check.severity == "warn" else "critical",
        meta={
            "code": check.code,
            "severity": check.severity,
            "fields": list(check.fields),
            "text": {"zh": check.zh, "en": check.en},
            "hint": {"zh": check.hint_zh, "en": check.hint_en},
        },
    )


def _text(suite: ExpectationSuite) -> str:
    return json.dumps(suite_json(suite), ensure_ascii=False, indent=2) + "\n"


def _stored(name: str, contract: Contract) -> str:
    path = suite_path(name, contract.name)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@lru_cache(maxsize=2 * len(SUITES))
def _load(path: Path) -> ExpectationSuite:
    try:
        stored = expectationSuiteSchema.load(json.loads(path.read_text(encoding="utf-8")))
        suite = ExpectationSuite(**stored)
    except Exception as fault:
        raise HuxinError("H0404", suite=path.stem, what=type(fault).__name__) from fault
    if len(suite.expectations) != len(stored["expectations"]):
        # Great Expectations logs an expectation that it cannot build and leaves it out.
        raise HuxinError("H0404", suite=path.stem, what="an expectation that cannot be built")
    return suite


if __name__ == "__main__":
    sys.exit(main())
