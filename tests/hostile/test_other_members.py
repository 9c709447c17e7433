"""Whatever one member has is to another as if it had never been: the same status and body as for an id of nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hostile_world import ME, OTHER, World, ask, reserve, worlds
from werkzeug.test import TestResponse

from huxin.api import paging
from huxin.api.caller import Caller
from huxin.api.shell import NAME
from huxin.ids import new_id
from huxin.nightly.worker import Patience, work_round
from huxin.registry.sequencing import drain
from huxin.settings import Settings
from support.rows import loan, write_submission


@dataclass
class Property:
    """What ME has: a world, both tokens, and the ids of its objects by kind."""

    world: World
    mine: str
    theirs: str
    ids: dict[str, str]


@pytest.fixture
def owned(settings: Settings, tmp_path: Path) -> Iterator[Property]:
    with worlds(settings) as world:
        mine, theirs = world.token(ME), world.token(OTHER)
        enquiry = ask(world, mine).json["enquiry_id"]
        held = reserve(world, mine, enquiry).json["reservation_id"]
        file = write_submission(tmp_path / "files", ME, [loan(ME, 1), loan(ME, 2)])
        parts = {"file": file.open("rb"), "manifest": file.with_name(file.name + ".manifest.json").open("rb")}
        sent = world.call("POST", "/v1/submissions", mine, data=parts)
        assert sent.status_code == 201, sent.text
        work_round(settings, Patience())
        drain(settings)
        ids = {"enquiries": enquiry, "reservations": held, "submissions": sent.json["id"]}
        yield Property(world, mine, theirs, ids)


READING = [
    ("GET", "enquiries", ""),
    ("GET", "enquiries", "?replay=true"),
    ("GET", "enquiries", "/receipt"),
    ("GET", "reservations", ""),
    ("GET", "reservations", "/receipt"),
    ("GET", "submissions", ""),
    ("GET", "submissions", "/receipt"),
    ("GET", "submissions", "/findings"),
    ("GET", "submissions", "/findings?format=csv"),
    ("GET", "submissions", "/findings?format=xlsx"),
    ("POST", "submissions", "/confirm"),
    ("POST", "reservations", "/release"),
    ("POST", "reservations", "/convert"),
    ("POST", "submissions", "/withdraw"),
]


def call(owned: Property, token: str, method: str, path: str) -> TestResponse:
    more: dict[str, Any] = {"json": {"loan_no": "JJ1"}} if path.endswith("/convert") else {}
    return owned.world.call(method, path, token, **more)


def seen(response: TestResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    return response.status_code, response.data, list(response.headers)


def test_anothers_object_is_as_unknown_as_nobodys(owned: Property) -> None:
    for method, kind, rest in READING:
        of_mine = call(owned, owned.theirs, method, f"/v1/{kind}/{owned.ids[kind]}{rest}")
        of_nobody = call(owned, owned.theirs, method, f"/v1/{kind}/{new_id()}{rest}")
        assert of_mine.status_code == 404, (method, kind, rest)
        assert seen(of_mine) == seen(of_nobody), (method, kind, rest)
    # And what the other did had no effect: each is there, and can still be given back by its owner.
    for method, kind, rest in READING:
        answered = call(owned, owned.mine, method, f"/v1/{kind}/{owned.ids[kind]}{rest}")
        assert answered.status_code in (200, 409), (method, kind, rest, answered.text)
        assert (answered.status_code == 200) != (rest in ("/confirm", "/convert")), (method, kind, rest)


def test_nothing_is_reserved_on_anothers_enquiry(owned: Property) -> None:
    on_mine = reserve(owned.world, owned.theirs, owned.ids["enquiries"])
    on_nobodys = reserve(owned.world, owned.theirs, str(new_id()))
    assert seen(on_mine) == seen(on_nobodys)
    assert on_mine.status_code == 409


def test_a_key_is_the_members_own(owned: Property) -> None:
    """The same Idempotency-Key and body of two members are two enquiries: neither learns of the other's."""
    first = ask(owned.world, owned.mine, "shared-key-1")
    second = ask(owned.world, owned.theirs, "shared-key-1")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json["enquiry_id"] != second.json["enquiry_id"]
    assert first.json["handle"] != second.json["handle"]
    # A body of one's own under a key that another used for a different one is no conflict.
    assert ask(owned.world, owned.theirs, "shared-key-2", amount="1.00").status_code == 200
    assert ask(owned.world, owned.mine, "shared-key-2", amount="2.00").status_code == 200


def test_a_list_holds_ones_own_and_its_cursor_serves_nobody_else(owned: Property) -> None:
    assert owned.world.call("GET", "/v1/submissions", owned.theirs).json == {"items": [], "next": None}
    shell = owned.world.app.extensions[NAME]
    holder = owned.world.holders[ME]
    mine = Caller(holder.member_id, ME, "member", frozenset(), holder.key_id)
    cursor = paging.cursor(shell, mine, "submissions", owned.ids["submissions"])
    path = f"/v1/submissions?cursor={cursor}"
    assert owned.world.call("GET", path, owned.mine).status_code == 200
    stolen = owned.world.call("GET", path, owned.theirs)
    invented = owned.world.call("GET", f"/v1/submissions?cursor={'A' * len(cursor)}", owned.theirs)
    assert seen(stolen) == seen(invented)
    assert stolen.status_code == 400


def test_a_leafs_proof_says_nothing_of_whose_it_is(owned: Property) -> None:
    """Any member may see that the log has a leaf; what it records is in its owner's receipt alone."""
    receipt = owned.world.call("GET", f"/v1/enquiries/{owned.ids['enquiries']}/receipt", owned.mine).json
    proof = owned.world.call("GET", f"/v1/audit/proof/{receipt['number']}", owned.theirs)
    assert proof.status_code == 200
    assert set(proof.json) == {"number", "leaf_hash", "path", "checkpoint"}
    for secret in (receipt["salt"], owned.ids["enquiries"], ME):
        assert secret not in proof.text
    beyond = owned.world.call("GET", f"/v1/audit/proof/{10**6}", owned.theirs)
    assert beyond.status_code == 404
