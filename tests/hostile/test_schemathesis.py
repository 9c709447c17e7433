"""Schemathesis over the whole description: whatever it makes up, the API keeps to what it says of itself.

Every phase and every check of it, with a member's token: coverage of each rule's edges, made-up requests right and
wrong, chains of requests. HUXIN_SOAK_EXAMPLES makes more of it (`make soak`).
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from hostile_world import BODY, ME, NUMBER, World, ask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER

from huxin.registry.sequencing import drain

EXAMPLES = int(os.environ.get("HUXIN_SOAK_EXAMPLES", "80"))
LEAST = 2_000
_REFUSED = (400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429)
_PART = re.compile("`(format|type)` at /properties/(file|manifest)")
# Refusals of what the description cannot rule out: a check digit, a day that has passed, whose cursor it is, the log's
# present size, an upload's file, a key that another body was sent with. Everything else that is as described has to be
# taken.
BEYOND_A_SCHEMA = {
    "H0801": "an identifier's check digit",
    "H1105": "what is no signed assertion",
    "H1106": "an assertion of nobody's key",
    "H1111": "an assertion that is empty",
    "H1124": "a cursor of our own making",
    "H1201": "a consent that has ended",
    "H1202": "another body under a used key",
    "H1207": "a person in the member's own words",
    "H1216": "longer than the policy's hours",
    "H1310": "sizes that the log has not reached",
}


@dataclass
class Found:
    """What came of a run: how many requests by phase, their statuses, and what failed how often with an example."""

    cases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[tuple[str, str, str], str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, event: Any) -> None:
        recorder = event.recorder
        self.cases[event.phase.value] += len(recorder.interactions)
        answers = {case: each.response for case, each in recorder.interactions.items()}
        self.statuses.update(each.status_code for each in answers.values() if each is not None)
        for case, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is not None:
                    told = check.failure_info.failure
                    sent = recorder.cases[case].value
                    example = f"{sent.method} {sent.formatted_path} {sent.query} {sent.body!r:.300}"
                    answer = answers.get(case)
                    said = b"" if answer is None else answer.content[:300]
                    key = (recorder.label, check.name, told.message[:200])
                    self.failures.setdefault(key, f"{example} -> {said!r}")


@pytest.fixture
def _narrowed() -> Iterator[None]:
    """Takes back complaints about refusals in BEYOND_A_SCHEMA."""

    def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
        kind = type(failure).__name__
        form = isinstance(case.body, dict) and case.path.startswith("/v1/submissions")
        # Whatever a form's part holds is bytes when it is sent: a file cannot be of a wrong type.
        if kind == "AcceptedNegativeData" and form and _PART.search(failure.message):
            return False
        if kind != "RejectedPositiveData":
            return True
        # The tool's HTTP client leaves empty files out of a form: then a required part is indeed missing.
        if form and any(getattr(each, "data", None) == b"" for each in case.body.values()):
            return False
        return json.loads(response.content).get("code") not in BEYOND_A_SCHEMA

    GLOBAL_HOOK_DISPATCHER.register_hook_with_name(filter_failure, "filter_failure")
    yield
    GLOBAL_HOOK_DISPATCHER.unregister(filter_failure)


def config(token: str, held: dict[str, str]) -> SchemathesisConfig:
    """Deterministic; ids that lead somewhere are mixed in, so that not all end at the first lookup."""
    ids = {name: {"values": [value, "01890000-0000-7000-8000-000000000000"]} for name, value in held.items()}
    dictionaries = {**ids, "number": {"values": [NUMBER]}, "resident": {"values": ["resident_id"]}}
    ours = {
        "body.subject.id_no": {"dictionary": "number", "probability": 0.7},
        "body.subject.id_type": {"dictionary": "resident", "probability": 0.7},
        "body.enquiry_id": {"dictionary": "enquiry", "probability": 0.8},
    }

    def one(path: str, name: str) -> dict[str, Any]:
        return {
            "include-path-regex": path,
            "parameters": {"path.id_": {"dictionary": name, "probability": 0.8}},
        }

    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "continue-on-failure": True,
            "headers": {"Authorization": f"Bearer {token}"},
            "dictionaries": dictionaries,
            "parameters": ours,
            "operations": [one("/enquiries/", "enquiry"), one("/reservations/", "reservation")],
            # 413 refuses as well as any of the tool's own list.
            "checks": {"negative_data_rejection": {"expected-statuses": list(map(str, _REFUSED))}},
            "generation": {"deterministic": True, "max-examples": EXAMPLES, "database": "none"},
        }
    )


def run(world: World) -> Found:
    token = world.token(ME)
    enquiry = ask(world, token).json["enquiry_id"]
    headers = {"Idempotency-Key": "reserved-1"}
    body = {"enquiry_id": enquiry, "amount": BODY["amount"], "product": BODY["product"]}
    reserved = world.call("POST", "/v1/reservations", token, headers, json=body).json["reservation_id"]
    drain(world.settings)
    told = config(token, {"enquiry": enquiry, "reservation": reserved})
    schema = schemathesis.openapi.from_wsgi("/openapi.json", world.app, config=told)
    found = Found()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            found.add(event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            found.faults.append(str(getattr(event, "info", None) or getattr(event, "exception", "")))
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("_narrowed")
def test_the_api_keeps_to_its_description(world: World) -> None:
    found = run(world)
    print(dict(found.cases), dict(sorted(found.statuses.items())))
    assert found.faults == []
    assert found.failures == {}, "\n".join(f"{key}: {said}" for key, said in found.failures.items())
    assert {each for each in found.statuses if each >= 500} == set()
    assert sum(found.cases.values()) >= LEAST
    # It came further than the gate.
    assert {200, 201, 404, 405, 409, 422} <= set(found.statuses)
