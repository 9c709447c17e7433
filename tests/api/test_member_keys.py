"""`huxin members key`: a pair is made, its private half is in one file, and what is registered opens the API."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import jwt
import pytest
from api_world import World, code_of
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from typer.testing import CliRunner

from huxin.cli import app
from huxin.errors import HuxinError


class Keys:
    """The command on the home of a world."""

    def __init__(self, world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert world.settings.database_url
        monkeypatch.setenv("HUXIN_HOME", str(world.settings.home))
        monkeypatch.setenv("HUXIN_DATABASE_URL", world.settings.database_url)
        monkeypatch.setenv("HUXIN_NOW", world.settings.now().isoformat())
        monkeypatch.setenv("HUXIN_LANG", "zh")
        monkeypatch.chdir(folder)

    def run(self, *words: str) -> Any:
        done = CliRunner().invoke(app, ["members", "key", *words])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    def made(self, *words: str) -> dict[str, Any]:
        done = self.run(*words)
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def keys(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    return Keys(world, tmp_path, monkeypatch)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_a_new_key_opens_the_api(world: World, keys: Keys, tmp_path: Path, alg: str) -> None:
    made = keys.made("new", "M0001", "--alg", alg, "--scope", "enquiries", "--scope", "audit")
    file = tmp_path / made["file"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret: Any = load_pem_private_key(file.read_bytes(), None)
    claims = world.claims(world.holders["member"])
    assertion = jwt.encode(claims, secret, algorithm=alg, headers={"kid": made["key"]})
    response = world.exchange(assertion)
    assert response.json["scope"] == "audit enquiries"
    assert world.call("GET", "/v1/whoami", response.json["access_token"]).status_code == 200


def test_the_private_half_is_in_its_file_only(world: World, keys: Keys, tmp_path: Path) -> None:
    done = keys.run("new", "M0001")
    file = tmp_path / json.loads(done.stdout)["file"]
    middle = file.read_text(encoding="ascii").splitlines()[1]
    assert middle not in done.output
    others = [path for path in world.settings.home.rglob("*") if path.is_file()]
    assert [path for path in others if middle.encode() in path.read_bytes()] == []


def test_a_key_of_the_members_own_making(world: World, keys: Keys, tmp_path: Path) -> None:
    secret = Ed25519PrivateKey.generate()
    pem = secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "own.pem").write_bytes(pem)
    made = keys.made("add", "M0001", "--public-key", "own.pem")
    assert (made["alg"], made["file"]) == ("EdDSA", None)
    claims = world.claims(world.holders["member"])
    assertion = jwt.encode(claims, secret, algorithm="EdDSA", headers={"kid": made["key"]})
    assert world.exchange(assertion).status_code == 200


def test_two_live_keys_overlap_and_the_old_one_is_revoked(world: World, keys: Keys) -> None:
    old = world.holders["member"]
    keys.made("new", "M0001")
    with pytest.raises(HuxinError, match="H1130"):
        keys.run("new", "M0001")
    assert world.exchange(world.assertion(old)).status_code == 200
    keys.run("revoke", str(old.key_id))
    assert code_of(world.exchange(world.assertion(old))) == "H1110"
    listed = [json.loads(line) for line in keys.run("list", "M0001", "--json").stdout.splitlines()]
    assert [each["revoked_at"] is None for each in listed] == [False, True]
    assert listed[0]["last_used_at"] is not None
    with pytest.raises(HuxinError, match="H1131"):
        keys.run("revoke", str(old.key_id))
    assert "已吊销" in keys.run("list", "M0001").stdout


def test_what_is_refused(world: World, keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "there.pem").write_text("mine", encoding="ascii")
    p384 = generate_private_key(SECP384R1()).public_key()
    (tmp_path / "p384.pem").write_bytes(p384.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    wrong = {
        ("new", "M9999"): "H0701",
        ("list", "M9999"): "H0701",
        ("new", "M0001", "--scope", "everything"): "H1134",
        ("new", "M0001", "--out", "there.pem"): "H1132",
        ("add", "M0001", "--public-key", "there.pem"): "H1133",
        ("add", "M0001", "--public-key", "p384.pem"): "H1133",
        ("add", "M0001", "--public-key", "nowhere.pem"): "H1133",
        ("revoke", "01890000-0000-7000-8000-000000000000"): "H1131",
    }
    for words, code in wrong.items():
        with pytest.raises(HuxinError, match=code):
            keys.run(*words)
    assert (tmp_path / "there.pem").read_text(encoding="ascii") == "mine"


def test_a_key_whose_file_cannot_be_written_is_not_registered(keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        keys.run("new", "M0002", "--out", str(tmp_path / "nowhere" / "key.pem"))
    assert len(keys.run("list", "M0002", "--json").stdout.splitlines()) == 1


def test_why_no_token_was_got_is_told_as_what_it_is(keys: Keys, tmp_path: Path) -> None:
    made = keys.made("new", "M0001")
    (tmp_path / "unnumbered.pem").write_bytes((tmp_path / made["file"]).read_bytes())
    (tmp_path / "unnumbered.json").write_text("{}", encoding="ascii")
    (tmp_path / "text.pem").write_text("mine", encoding="ascii")
    locked = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")
    )
    (tmp_path / "locked.pem").write_bytes(locked)
    nobody = ("--url", "http://127.0.0.1:9")
    wrong = {
        ("nowhere.pem", *nobody): ("H1139", "No such file"),
        ("text.pem", *nobody): ("H1144", "text.pem"),
        ("locked.pem", *nobody): ("H1144", "locked.pem"),
        ("unnumbered.pem", *nobody): ("H1142", "--number"),
        (made["file"], *nobody): ("H1143", "Connection refused"),
        ("unnumbered.pem", "--number", made["key"], *nobody): ("H1143", "Connection refused"),
        (made["file"], "--url", "127.0.0.1"): ("H1143", "ValueError"),
    }
    for (file, *more), (code, said) in wrong.items():
        with pytest.raises(HuxinError, match=code) as caught:
            keys.run("token", "M0001", "--key", file, *more)
        assert said in caught.value.text("en")
