"""Requests that are wrong: each is told what is wrong in its language, and never what it sent."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from api_world import PLANTED, World, code_of

from huxin.api.language import preferred

ENQUIRY = "/v1/enquiries"


@pytest.fixture
def token(world: World) -> str:
    return world.token("member")


def post(world: World, token: str, data: bytes | str, **headers: str) -> Any:
    named = {"Content-Type": "application/json", **headers}
    return world.call("POST", ENQUIRY, token, named, data=data)


def test_oversized(world: World, token: str) -> None:
    limit = world.app.extensions["huxin"].config.body_limit
    padded = b'{"a":"' + b"x" * limit + b'"}'
    response = post(world, token, padded)
    assert code_of(response) == "H1118"
    assert response.json["facts"] == {"limit": limit}
    # Without a length, as a chunked body comes.
    chunked = {"wsgi.input_terminated": True}
    response = world.call(
        "POST",
        ENQUIRY,
        token,
        {"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
        input_stream=io.BytesIO(padded),
        environ_overrides=chunked,
    )
    assert code_of(response) == "H1118"
    assert code_of(world.exchange("x" * 20_000)) == "H1118"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "H1120"),
        (b"{", "H1120"),
        (b"null", "H1120"),
        (b"[]", "H1120"),
        (b'"text"', "H1120"),
        (b"\xff\xfe{}", "H1120"),
        (b'{"a":"\xd6\xd0"}', "H1120"),
        (b"[" * 10_000, "H1120"),
        (b'{"a":' * 5_000, "H1120"),
        (b"{}", "H1121"),
    ],
    ids=lambda value: str(value[:12]),
)
def test_malformed(world: World, token: str, body: bytes, code: str) -> None:
    assert code_of(post(world, token, body)) == code


def test_a_body_that_ends_before_its_length(world: World, token: str) -> None:
    overrides = {"CONTENT_LENGTH": "100"}
    response = world.call(
        "POST", ENQUIRY, token, {"Content-Type": "application/json"}, data=b"{}", environ_overrides=overrides
    )
    assert code_of(response) == "H1126"
    for length in ("-1", "1e3", "２", "x"):
        response = world.call(
            "POST",
            ENQUIRY,
            token,
            {"Content-Type": "application/json"},
            data=b"{}",
            environ_overrides={"CONTENT_LENGTH": length},
        )
        assert code_of(response) == "H1126"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=gb18030"},
        {"Content-Type": "application/jsonx"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "br"},
    ],
    ids=str,
)
def test_wrong_content_types(world: World, token: str, headers: dict[str, str]) -> None:
    assert code_of(post(world, token, b"{}", **headers)) == "H1119"


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"]
)
def test_right_content_types(world: World, token: str, kind: str) -> None:
    assert code_of(post(world, token, b"{}", **{"Content-Type": kind})) == "H1121"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v2/enquiries",
        "//v1/whoami",
        "/v1//whoami",
        "/v1/whoami/x",
        "/docs/../openapi.json",
        "/docs/%2e%2e/app.py",
        "/docs/docs.html",
        "/static/docs.js",
        "/%00",
        "/%ff%fe",
        "/" + "a" * 3000,
        f"/v1/{PLANTED}",
    ],
)
def test_unknown_paths(world: World, path: str) -> None:
    response = world.call("GET", path)
    assert code_of(response) == "H1116"
    assert "Location" not in response.headers


def test_unknown_methods(world: World, token: str) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "X"):
        response = world.call(method, "/v1/whoami", token)
        assert code_of(response) == "H1117"
        assert {each.strip() for each in response.headers["Allow"].split(",")} == {"GET", "HEAD"}
    assert world.call("HEAD", "/v1/whoami", token).data == b""


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.9, zh-TW;q=0.3", "en"),
        ("EN;q=0.5,zh;q=0", "en"),
        ("fr", "zh"),
        ("*", "zh"),
        ("en;q=0", "zh"),
        ("en;q=nan", "zh"),
        ("en;q=7", "zh"),
        ("en;level=1", "zh"),
        ("en;q=0.5,zh;q=0.5", "zh"),
        ("en," * 1000, "zh"),
        (";;;,,,==", "zh"),
    ],
)
def test_the_language_is_the_callers(world: World, header: str | None, language: str) -> None:
    assert preferred(header, "zh") == language
    response = world.call("GET", "/v1/whoami", headers={} if header is None else {"Accept-Language": header})
    assert response.headers["Content-Language"] == language
    assert response.headers["Vary"] == "Accept-Language"
    assert ("访问令牌" in response.json["detail"]) == (language == "zh")


def test_both_languages_say_the_same_code(world: World) -> None:
    zh = world.call("GET", "/nowhere", headers={"Accept-Language": "zh"}).json
    en = world.call("GET", "/nowhere", headers={"Accept-Language": "en"}).json
    same = ("type", "status", "code")
    assert [zh[name] for name in same] == [en[name] for name in same]
    assert (zh["title"], en["title"]) == ("未找到", "Not Found")


def planted(world: World, token: str) -> list[Any]:
    """An ID number in every place of a request that can hold one."""
    member = world.holders["member"]
    json_type = {"Content-Type": "application/json"}
    return [
        world.call("GET", f"/v1/enquiries/{PLANTED}", token),
        world.call("GET", f"/{PLANTED}?id_no={PLANTED}"),
        world.call("GET", f"/v1/whoami?{PLANTED}={PLANTED}", token),
        world.call(PLANTED, "/v1/whoami", token),
        world.call("GET", "/v1/whoami", PLANTED),
        world.call("GET", "/v1/whoami", headers={"Authorization": f"Basic {PLANTED}"}),
        world.call(
            "GET", "/v1/whoami", token, {"Accept-Language": PLANTED, "Host": PLANTED, "Cookie": PLANTED}
        ),
        world.call("GET", "/v1/whoami", token, {"X-Forwarded-For": PLANTED, "User-Agent": PLANTED}),
        world.call("GET", f"/v1/submissions?cursor={PLANTED}&limit={PLANTED}&{PLANTED}=1", token),
        post(world, token, json.dumps({PLANTED: PLANTED})),
        post(
            world, token, json.dumps({"subject": {PLANTED: PLANTED}, "purpose": PLANTED, "amount": PLANTED})
        ),
        post(world, token, json.dumps({"subject": PLANTED, "consent": [PLANTED], "id_no": PLANTED})),
        post(world, token, json.dumps(PLANTED)),
        post(world, token, PLANTED),
        post(world, token, "{}", **{"Content-Type": PLANTED}),
        post(world, token, "{}", **{"Idempotency-Key": PLANTED * 10}),
        world.call("POST", f"/v1/reservations/{PLANTED}/convert", token, json_type, data=b"{}"),
        world.exchange(PLANTED),
        world.exchange(world.assertion(member), scope=PLANTED),
        world.exchange(world.assertion(member), client_id=PLANTED),
        world.exchange(world.assertion(member, kid=PLANTED)),
        world.exchange(world.assertion(member, iss=PLANTED, sub=PLANTED)),
        world.exchange(world.assertion(member, aud=PLANTED)),
        world.exchange(world.assertion(member, jti=PLANTED)),
        world.exchange(world.assertion(member, jti=PLANTED)),
        world.exchange(world.assertion(member), **{PLANTED: PLANTED}),
    ]


def test_nothing_that_was_sent_comes_back(
    world: World, token: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        responses = planted(world, token)
    metrics = world.call("GET", "/metrics").text
    said = [f"{each.status} {each.headers} {each.text}" for each in responses]
    assert [text for text in said if PLANTED in text] == []
    assert sum(each.status_code >= 400 for each in responses) > 18, "most of them are refused"
    assert PLANTED not in caplog.text
    assert PLANTED not in metrics
    assert PLANTED not in "".join(capsys.readouterr())
    assert "/v1/enquiries" in metrics


def test_an_unknown_name_is_told_by_a_star(world: World, token: str) -> None:
    response = post(world, token, json.dumps({PLANTED: 1}))
    pointers = {each["pointer"]: each["fault"] for each in response.json["errors"]}
    assert pointers["/*"] == "extra_forbidden"


def test_headers_hold_nothing_of_the_callers(world: World, token: str) -> None:
    """Names of ours, fixed words and figures: a line break would have to get past Werkzeug as well."""
    for injected in ("x\r\nSet-Cookie: a=b", "x%0d%0aSet-Cookie:%20a=b", "x\nX-Planted: 1"):
        responses = [
            world.call("GET", f"/{injected}".replace("\r", "%0d").replace("\n", "%0a")),
            world.call(
                "GET", f"/v1/submissions?cursor={injected}".replace("\r", "%0d").replace("\n", "%0a"), token
            ),
            world.exchange(world.assertion(world.holders["member"]), scope=injected),
        ]
        for each in responses:
            assert not {"Set-Cookie", "X-Planted"} & set(each.headers.keys())


def test_no_session_and_no_cookie(world: World, token: str) -> None:
    for response in (world.call("GET", "/v1/whoami", token), world.call("GET", "/docs")):
        assert "Set-Cookie" not in response.headers
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_addresses_are_not_made_from_the_host_header(world: World) -> None:
    for path in ("/.well-known/oauth-authorization-server", "/openapi.json", "/docs"):
        assert "evil.example" not in world.call("GET", path, headers={"Host": "evil.example"}).text
