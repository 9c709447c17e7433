"""The inbox over HTTP: sent, listed, confirmed, withdrawn, and never another member's."""

from __future__ import annotations

import gzip
import io
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from http_world import ME, OTHER, SUSPENDED, World, code_of, smaller
from night_tools import book, sent, spool_folders

from huxin.api.shell import NAME
from huxin.api.taking_turns import Turns
from huxin.contract import State, load_states
from huxin.registry.alone import alone
from huxin.registry.session import connection
from huxin.registry.submissions import every
from support.rows import resident_id


def states(world: World) -> list[State]:
    with connection(world.settings) as database:
        return [item.state for item in every(database)]


def test_a_file_goes_its_way(world: World) -> None:
    response = world.post(world.written(book(ME, wrong=[3])))
    assert response.status_code == 201
    said = response.json
    assert response.headers["Location"] == f"/v1/submissions/{said['id']}"
    assert (said["state"], said["rows"], said["file"], said["sequence"]) == (
        "received",
        None,
        "loans_1.csv",
        1,
    )
    assert world.work() == 1
    after = world.get(f"/v1/submissions/{said['id']}").json
    assert (after["state"], after["rows"], after["accepted"], after["rejected"]) == ("published", 40, 39, 1)
    assert after["codes"] == {"E2601": 1}
    assert after["refusal"] is None


def test_sent_again_it_is_the_same(world: World) -> None:
    data = world.written()
    first, again = world.post(data), world.post(data, name="other name.csv")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == first.json
    world.work()
    third = world.post(data)
    assert (third.status_code, third.json["id"], third.json["state"]) == (200, first.json["id"], "published")
    assert len(states(world)) == 1


def test_sent_at_the_same_time_it_is_one(world: World) -> None:
    data = world.written()
    shell = world.app.extensions[NAME]
    world.app.extensions[NAME] = replace(shell, uploads=Turns(5, 5))
    with ThreadPoolExecutor(5) as pool:
        responses = [each.result() for each in [pool.submit(world.post, data) for _ in range(5)]]
    assert sorted(each.status_code for each in responses) == [200, 200, 200, 200, 201]
    assert len({each.json["id"] for each in responses}) == 1
    assert len(spool_folders(world.settings)) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sha256": "0" * 64}, "F0001"),
        ({"member": OTHER}, "F0007"),
        ({"mode": "??"}, "F0010"),
        ({"sequence": 2**40}, "F0010"),
    ],
)
def test_a_wrong_manifest_is_told_at_once(world: World, changes: dict[str, object], code: str) -> None:
    said = world.post(world.written(manifest_changes=changes)).json
    assert (said["state"], said["refusal"]["code"], said["codes"]) == ("refused", code, {code: 1})
    assert said["refusal"]["text"]
    assert world.get("/v1/submissions", OTHER).json["items"] == []


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({}, "H1403"),
        ({"file": (io.BytesIO(b"x"), "a.csv")}, "H1403"),
        ({"manifest": "{}"}, "H1403"),
        ({"file": "x", "manifest": "{}", "more": "x"}, "H1403"),
        ({"file": [(io.BytesIO(b"x"), "a"), (io.BytesIO(b"x"), "b")], "manifest": "{}"}, "H1403"),
    ],
)
def test_a_form_of_other_parts_leaves_nothing(world: World, parts: dict[str, Any], code: str) -> None:
    response = world.form(parts)
    assert (response.status_code, code_of(response)) == (400, code)
    assert states(world) == []
    assert spool_folders(world.settings) == set()


def test_no_form_at_all_is_refused(world: World) -> None:
    response = world.call("POST", "/v1/submissions", data=b"{}", content_type="application/json")
    assert (response.status_code, code_of(response)) == (415, "H1119")


@pytest.mark.parametrize("path", ["", "/check"])
@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "gzip, identity", "x"])
def test_a_body_that_is_compressed_as_a_whole_is_told_so(world: World, path: str, coding: str) -> None:
    """ "Send it again", which a form that broke off is told, would be of no use."""
    sent_so = {"headers": {"Content-Encoding": coding}, "content_type": "multipart/form-data; boundary=XyZ"}
    packed = gzip.compress(b"--XyZ--")
    response = world.call("POST", f"/v1/submissions{path}", data=packed, **sent_so)
    assert (response.status_code, code_of(response)) == (415, "H1119")
    assert response.json["facts"] == {"wanted": "multipart/form-data"}
    assert spool_folders(world.settings) == set()


@pytest.mark.parametrize("coding", ["identity", "Identity"])
def test_a_body_that_is_said_to_be_as_it_is_is_taken(world: World, coding: str) -> None:
    data = world.written()
    parts = {"file": (io.BytesIO(data.read_bytes()), data.name), "manifest": (io.BytesIO(sent(data)), "m")}
    named = {"headers": {"Content-Encoding": coding}, "content_type": "multipart/form-data"}
    assert world.call("POST", "/v1/submissions", data=parts, **named).status_code == 201


def test_a_file_beyond_the_limit_is_refused_and_leaves_nothing(world: World) -> None:
    smaller(world, upload_limit=2000)
    response = world.post(world.written())
    assert (response.status_code, code_of(response)) == (413, "H1118")
    assert response.json["facts"] == {"limit": 2000}
    assert spool_folders(world.settings) == set()


def test_hostile_names_are_only_names(world: World) -> None:
    for number, (name, kept) in enumerate(
        [
            ("../../../etc/cron.d/x", "x"),
            ("a\\\\..\\\\b.csv", "b.csv"),
            ("..", "file"),
            ("<b>&.csv", "<b>&.csv"),
        ]
    ):
        said = world.post(world.written(sequence=number + 1), name=name).json
        assert said["file"] == kept
    assert {entry.name for entry in world.settings.spool_dir.iterdir()} - spool_folders(world.settings) <= {
        ".lock"
    }


def test_lists_are_ones_own_newest_first_and_in_pages(world: World) -> None:
    ids = [world.post(world.written(sequence=number)).json["id"] for number in range(1, 6)]
    world.post(world.written(member=OTHER), OTHER)
    seen: list[str] = []
    path = "/v1/submissions?limit=2"
    while path:
        page = world.get(path).json
        seen += [item["id"] for item in page["items"]]
        assert len(page["items"]) <= 2
        path = f"/v1/submissions?limit=2&cursor={page['next']}" if page["next"] else ""
    assert seen == ids[::-1]
    assert [item["id"] for item in world.get("/v1/submissions?state=published").json["items"]] == []
    assert len(world.get("/v1/submissions?as_of_date=2026-05-31&state=received").json["items"]) == 5
    assert len(world.get("/v1/submissions", OTHER).json["items"]) == 1


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "state=lost", "as_of_date=today", "colour=red"])
def test_wrong_questions_are_told(world: World, query: str) -> None:
    response = world.get(f"/v1/submissions?{query}")
    assert (response.status_code, code_of(response)) == (422, "H1121")
    assert query.split("=")[1] not in response.json["errors"][0]["pointer"]


def test_anothers_cursor_is_no_cursor(world: World) -> None:
    for number in (1, 2):
        world.post(world.written(sequence=number))
    mine = world.get("/v1/submissions?limit=1").json["next"]
    response = world.get(f"/v1/submissions?limit=1&cursor={mine}", OTHER)
    assert (response.status_code, code_of(response)) == (400, "H1124")


def test_anothers_submission_is_unknown_whatever_is_asked(world: World) -> None:
    theirs = world.filed(member=OTHER)["id"]
    unknown = "01a00000-0000-7000-8000-000000000000"
    for method, path in (
        ("GET", ""),
        ("GET", "/findings"),
        ("GET", "/findings?format=csv"),
        ("POST", "/confirm"),
        ("POST", "/withdraw"),
    ):
        answers = [world.call(method, f"/v1/submissions/{each}{path}") for each in (theirs, unknown)]
        assert [(each.status_code, code_of(each)) for each in answers] == [(404, "H1116")] * 2
        assert answers[0].json == answers[1].json
    assert world.get(f"/v1/submissions/{theirs}", OTHER).json["state"] == "published"


def test_who_may_not_send(world: World) -> None:
    data = world.written()
    told = [
        (each.status_code, code_of(each)) for each in (world.post(data, who) for who in (SUSPENDED, "eyes"))
    ]
    assert told == [(403, "H1113"), (403, "H1115")]
    assert code_of(world.get("/v1/submissions", None)) == "H1102"
    assert spool_folders(world.settings) == set()


def waiting(world: World) -> str:
    """A submission that awaits confirmation: three of forty loans are gone."""
    world.filed(book(ME))
    said = world.filed(book(ME)[3:], sequence=2)
    assert (said["state"], said["vanished"], said["codes"]) == ("awaiting_confirmation", 3, {"W4003": 3})
    return str(said["id"])


def test_what_waits_is_confirmed_once_and_for_all(world: World) -> None:
    path = f"/v1/submissions/{waiting(world)}"
    first, second = world.call("POST", f"{path}/confirm"), world.call("POST", f"{path}/confirm")
    assert [(each.status_code, each.json["state"]) for each in (first, second)] == [
        (202, "pseudonymized")
    ] * 2
    assert world.work() == 1
    assert world.get(path).json["state"] == "published"
    third = world.call("POST", f"{path}/confirm")
    assert (third.status_code, third.json["confirmed"]) == (200, True)


def test_what_waits_is_withdrawn_and_no_more_confirmed(world: World) -> None:
    path = f"/v1/submissions/{waiting(world)}"
    answers = [world.call("POST", f"{path}/withdraw") for _ in range(2)]
    assert [(each.status_code, each.json["state"]) for each in answers] == [(200, "withdrawn")] * 2
    refused = world.call("POST", f"{path}/confirm")
    assert (refused.status_code, code_of(refused), refused.json["facts"]) == (
        409,
        "H0603",
        {"state": "withdrawn"},
    )


def test_only_the_last_published_is_withdrawn(world: World) -> None:
    first, second = world.filed(), world.filed(sequence=2, rows=book(ME, count=41))
    refused = world.call("POST", f"/v1/submissions/{first['id']}/withdraw")
    assert (refused.status_code, code_of(refused)) == (409, "H0605")
    assert world.call("POST", f"/v1/submissions/{second['id']}/withdraw").json["state"] == "withdrawn"
    assert world.call("POST", f"/v1/submissions/{first['id']}/withdraw").json["state"] == "withdrawn"


def test_what_is_not_done_yet_is_not_withdrawn(world: World) -> None:
    said = world.post(world.written()).json
    refused = world.call("POST", f"/v1/submissions/{said['id']}/withdraw")
    assert (refused.status_code, code_of(refused)) == (409, "H0604")


def test_what_a_worker_holds_is_not_waited_for(world: World) -> None:
    number = waiting(world)
    with connection(world.settings) as database:
        (item,) = (each for each in every(database) if str(each.id) == number)
    with alone(world.settings, [item.id]):
        for act in ("confirm", "withdraw"):
            refused = world.call("POST", f"/v1/submissions/{number}/{act}")
            assert (refused.status_code, code_of(refused)) == (409, "H1407")
            assert refused.headers["Retry-After"] == "5"


def test_texts_are_in_the_callers_language(world: World) -> None:
    data = world.written(manifest_changes={"sha256": "0" * 64})
    number = world.post(data).json["id"]
    for language, word in (("en", "SHA-256 digest"), ("zh-CN", "摘要")):
        response = world.get(f"/v1/submissions/{number}", headers={"Accept-Language": language})
        assert word in response.json["refusal"]["text"]
        assert response.headers["Content-Language"] == language[:2]
        assert response.json["state_text"] in (load_states()[5].meaning_zh, load_states()[5].meaning_en)


def test_no_identifier_and_no_name_of_a_file_is_told_or_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "huxin")
    rows = book(ME, wrong=[1])
    rows[1]["id_no"] = rows[1]["id_no"][:-1] + "0"
    number = world.filed(rows, file_name="张三的借款.csv")["id"]
    answers = [world.get(f"/v1/submissions/{number}{path}").text for path in ("", "/findings")]
    told = "\n".join([*answers, caplog.text])
    for person in range(1, 41):
        assert resident_id(person)[:17] not in told
        assert rows[person - 1]["mobile"] not in told
    assert rows[1]["id_no"] not in told
    assert "张三" not in caplog.text


def test_states_have_the_names_of_the_contract() -> None:
    from typing import get_args

    from huxin.api.submission_answers import StateName

    assert get_args(StateName) == tuple(state.name.lower() for state in State)


def test_the_manifest_may_come_first(world: World) -> None:
    data = world.written()
    parts = {
        "manifest": (io.BytesIO(sent(data)), "m.json"),
        "file": (io.BytesIO(data.read_bytes()), data.name),
    }
    assert world.form(parts).status_code == 201
