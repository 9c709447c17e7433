"""Signing in: both proofs or nothing, waits that grow, codes that count once, sessions that end."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from console_world import MORNING, PASSWORD, Console, Somebody
from sqlalchemy import text

from huxin.console.app import create_console
from huxin.console.config import Config
from huxin.registry import people
from huxin.registry.session import connection

IN, OUT = 303, 401


@pytest.fixture
def li(console: Console) -> Somebody:
    return console.joined("li.na", "administrator")


def inside(who: Somebody) -> bool:
    return who.get("/").status_code == 200


def test_both_proofs_let_in_and_each_alone_does_not(console: Console, li: Somebody) -> None:
    other = Somebody(console.app.test_client(), li.login, totp=li.totp)
    said = set()
    for wrong in ({"password": "wrong horse staple"}, {"code": "000000"}, {"login": "nobody"}, {"code": ""}):
        answer = console.sign_in(other, **wrong)
        assert answer.status_code == OUT
        said.add(re.search(r'role="alert">([^<]*)', answer.text)[1])  # type: ignore[index]
        assert not inside(other)
    assert len(said) == 1, "which of them was wrong is told"
    assert console.sign_in(other).status_code == IN
    assert inside(other)


def test_a_code_counts_once(console: Console, li: Somebody) -> None:
    code = console.code(li)
    console.clock.pass_(seconds=1)
    again = Somebody(console.app.test_client(), li.login)
    form = {"csrf": again.csrf(), "login": li.login, "password": PASSWORD, "code": code}
    assert again.client.post("/sign-in", data=form).status_code == OUT
    assert console.sign_in(li).status_code == IN


def test_waits_grow_for_somebody_as_for_nobody(console: Console, li: Somebody) -> None:
    """The fifth failure under a name costs a minute, each further one twice as much; the right password waits too."""
    for login in (li.login, "no.such.person"):
        who = Somebody(console.app.test_client(), login, totp=li.totp)
        for _ in range(4):
            assert console.sign_in(who, password="wrong horse staple").status_code == OUT
        assert console.sign_in(who, password="wrong horse staple").status_code == OUT
        waited = console.sign_in(who)
        assert waited.status_code == 429, login
        assert "1 分钟" in waited.text
        console.clock.pass_(seconds=31)
        assert console.sign_in(who, password="wrong horse staple").status_code == OUT
        console.clock.pass_(seconds=31)
        assert console.sign_in(who).status_code == 429
        console.clock.pass_(minutes=2)
    who = Somebody(console.app.test_client(), li.login, totp=li.totp)
    assert console.sign_in(who).status_code == IN


def test_the_cookie_is_new_after_signing_in_and_after_signing_out(console: Console, li: Somebody) -> None:
    def cookie() -> str:
        found = li.client.get_cookie("huxin")
        assert found
        return found.value

    inside_ = cookie()
    assert li.post("/sign-out").status_code == 303
    assert not inside(li)
    before = cookie()
    assert before != inside_
    assert console.sign_in(li).status_code == IN
    assert cookie() not in (before, inside_)
    li.client.set_cookie("huxin", inside_)
    assert not inside(li), "the old session is still worth something"


def test_a_session_ends_by_idling_and_at_last_in_any_case(console: Console, li: Somebody) -> None:
    console.clock.pass_(minutes=29)
    assert inside(li)
    console.clock.pass_(minutes=31)
    assert not inside(li)
    console.sign_in(li)
    for _ in range(25):
        console.clock.pass_(minutes=29)
        if not inside(li):
            break
    else:
        raise AssertionError("it goes on for ever")
    with connection(console.settings) as database:
        assert database.scalar(text("SELECT max(seen_at - begun_at) FROM console_session")) <= timedelta(
            hours=12
        )


def test_an_auditor_is_out_when_his_time_is_over(console: Console) -> None:
    who = console.joined("shen.ji", "auditor", valid_until=MORNING + timedelta(minutes=20))
    assert inside(who)
    console.clock.pass_(minutes=20)
    assert not inside(who)
    assert console.sign_in(who).status_code == OUT


def test_what_is_stored_is_no_use_to_who_reads_it(console: Console, li: Somebody) -> None:
    """Neither password nor TOTP secret, link or cookie stands in a table."""
    link = console.invited("wang.wu", "steward")
    found = li.client.get_cookie("huxin")
    assert found
    with connection(console.settings) as database:
        kept = "".join(
            str(row)
            for table in ("person", "invitation", "console_session", "sign_in_wait", "outbox")
            for row in database.execute(text(f"SELECT t::text FROM {table} t"))
        )
        sealed = database.scalar(text("SELECT totp FROM person WHERE login = 'li.na'"))
    secrets = (PASSWORD, li.totp, link.rpartition("/")[2], found.value)
    assert [secret for secret in secrets if secret in kept or secret.encode().hex() in kept] == []
    assert li.totp.encode() not in bytes(sealed)
    assert "argon2id" in kept


def test_a_sealed_secret_is_its_persons_alone(console: Console, li: Somebody) -> None:
    """Swapping sealed secrets between rows lets nobody in."""
    other = console.joined("wang.wu", "steward")
    with connection(console.settings) as database:
        swap = "UPDATE person SET totp = (SELECT totp FROM person WHERE login = :from) WHERE login = :to"
        database.execute(text(swap), {"from": "li.na", "to": "wang.wu"})
    other.totp = li.totp
    answer = console.sign_in(other)
    assert answer.status_code == 500
    assert not inside(Somebody(console.app.test_client()))


def test_with_tls_the_cookie_is_for_tls_and_this_host_alone(console: Console) -> None:
    secure = create_console(console.settings, Config("https://console.example", clock=console.clock))
    answer = secure.test_client().get("/sign-in")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-huxin=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"]
    plain = console.stranger().get("/sign-in").headers["Set-Cookie"]
    assert "HttpOnly" in plain
    assert "Secure" not in plain


def test_every_response_has_its_headers_and_a_nonce_of_its_own(console: Console, li: Somebody) -> None:
    seen = set()
    for path in ("/", "/sign-in", "/nothing", "/static/console.css", "/people"):
        answer = li.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        nonce = re.search(r"'nonce-([\w-]+)'", policy)
        assert nonce
        seen.add(nonce[1])
        assert set(re.findall(r'nonce="([^"]*)"', answer.text)) <= {nonce[1]}
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        kept = answer.headers["Cache-Control"]
        assert kept == ("no-cache" if path.startswith("/static") else "no-store")
    assert len(seen) == 5


def test_a_closed_person_is_out_at_once(console: Console, li: Somebody) -> None:
    wang = console.joined("wang.wu", "steward")
    assert li.post(f"/people/{wang.id}/close").status_code == 303
    assert not inside(wang)
    assert console.sign_in(wang).status_code == OUT


def test_a_lost_key_is_said_and_lets_nobody_in(console: Console, li: Somebody) -> None:
    key = console.settings.keys_dir / "console.kek"
    key.write_bytes(b"not a key\n")
    fresh = create_console(console.settings, Config(clock=console.clock))
    assert fresh.test_client().get("/sign-in").status_code == 500
    with connection(console.settings) as database:
        assert people.find_login(database, li.login)


def test_another_password_takes_both_proofs_and_ends_the_other_sessions(
    console: Console, li: Somebody
) -> None:
    other = Somebody(console.app.test_client(), li.login, totp=li.totp)
    assert console.sign_in(other).status_code == IN
    console.clock.pass_(seconds=30)
    new = {"password": "another horse staple", "again": "another horse staple"}
    for wrong in (
        {**new, "old": PASSWORD, "code": "000000"},
        {**new, "old": "x", "code": console.code(li)},
        {**new, "again": "y", "old": PASSWORD, "code": console.code(li)},
    ):
        assert li.post("/account", wrong).status_code == 422
    assert inside(other)
    console.clock.pass_(seconds=30)
    assert li.post("/account", {**new, "old": PASSWORD, "code": console.code(li)}).status_code == 303
    assert inside(li)
    assert not inside(other)
    assert console.sign_in(other).status_code == OUT
    assert console.sign_in(other, password="another horse staple").status_code == IN
