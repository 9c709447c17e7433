"""Certificates of the zones: what each is good for, to whom, and what is refused before anything is written."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin.zones import authority
from huxin.zones.card import card_text, read_card
from huxin.zones.layout import layout_of, write_layout
from huxin.zones.making import make_zone, own_card, take_card, take_certificate
from huxin.zones.roles import ROLES
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    authority.create_authority(tmp_path / "ca")
    return tmp_path / "ca"


def home(folder: Path, zone: str, ca: Path) -> Settings:
    """A home whose keys are made as `huxin init` makes them."""
    settings = Settings(folder / zone)
    make_zone(settings, zone, ["127.0.0.1", "zone.example", "登记.example"], ca)
    settings.keys_dir.mkdir(exist_ok=True)
    for ring in {"intake": ("intake",), "entry": ("entry",), "registry": ("registry", "audit")}[zone]:
        keyring.create(settings.keys_dir, ring)
    return settings


def refused(code: str, act: Callable[[], object]) -> HuxinError:
    with pytest.raises(HuxinError) as caught:
        act()
    assert caught.value.code == code
    return caught.value


@pytest.mark.parametrize("zone", ROLES)
def test_a_certificate_is_good_by_its_own_zones_issuer_and_by_no_other(ca: Path, zone: str) -> None:
    leaf = x509.load_pem_x509_certificate(
        authority.issue(ca, zone, generate_private_key(SECP256R1()).public_key(), ["zone.example"])
    )
    for other in ROLES:
        store = Store([x509.load_pem_x509_certificate(authority.issuer_of(ca, other))])
        verifier = PolicyBuilder().store(store).build_server_verifier(x509.DNSName("zone.example"))
        if other == zone:
            assert verifier.verify(leaf, [])
            PolicyBuilder().store(store).build_client_verifier().verify(leaf, [])
        else:
            with pytest.raises(VerificationError):
                verifier.verify(leaf, [])


def test_keys_are_their_owners_alone(ca: Path, tmp_path: Path) -> None:
    settings = home(tmp_path, "entry", ca)
    secret = [*ca.glob("*.key"), settings.home / "zone" / "key.pem"]
    assert len(secret) == 4
    assert [oct(file.stat().st_mode & 0o777) for file in secret] == ["0o600"] * 4
    assert ca.stat().st_mode & 0o077 == 0


def test_an_authority_is_never_overwritten(ca: Path) -> None:
    before = {file: file.read_bytes() for file in ca.iterdir()}
    refused("H1701", lambda: authority.create_authority(ca))
    assert {file: file.read_bytes() for file in ca.iterdir()} == before


def test_without_an_authority_nothing_is_issued(tmp_path: Path, ca: Path) -> None:
    public = generate_private_key(SECP256R1()).public_key()
    refused("H1702", lambda: authority.issue(tmp_path / "none", "entry", public, ["a"]))
    (ca / "entry.key").write_text("no key")
    refused("H1702", lambda: authority.issue(ca, "entry", public, ["a"]))
    refused("H1703", lambda: authority.issue(ca, "intake", public, ["x" * 300]))


def test_a_request_is_signed_elsewhere_and_taken(ca: Path, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "far")
    made = make_zone(settings, "registry", ["10.0.0.7", "registry.example"], None)
    assert made.request is not None
    signed = authority.sign_request(ca, "registry", made.request.read_bytes())
    take_certificate(made.layout, signed, authority.issuer_of(ca, "registry"))
    names = x509.load_pem_x509_certificate(made.layout.certificate.read_bytes()).extensions
    said = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert said.get_values_for_type(x509.DNSName) == ["registry.example"]
    assert [str(each) for each in said.get_values_for_type(x509.IPAddress)] == ["10.0.0.7"]
    context = ssl.create_default_context(cafile=str(made.layout.issuer))
    context.load_cert_chain(made.layout.certificate, made.layout.key)


def test_a_certificate_of_another_key_or_issuer_is_not_taken(ca: Path, tmp_path: Path) -> None:
    layout = make_zone(Settings(tmp_path / "a"), "entry", ["a"], ca).layout
    before = layout.certificate.read_bytes()
    other = authority.issue(ca, "entry", generate_private_key(SECP256R1()).public_key(), ["a"])
    mine = authority.issuer_of(ca, "entry")
    refused("H1716", lambda: take_certificate(layout, other, mine))
    refused("H1716", lambda: take_certificate(layout, before, authority.issuer_of(ca, "intake")))
    refused("H1716", lambda: take_certificate(layout, b"", mine))
    assert layout.certificate.read_bytes() == before


def test_what_is_no_request(ca: Path) -> None:
    refused("H1704", lambda: authority.sign_request(ca, "entry", b"no request"))
    nameless = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    plain = nameless.sign(generate_private_key(SECP256R1()), SHA256()).public_bytes(Encoding.PEM)
    refused("H1704", lambda: authority.sign_request(ca, "entry", plain))
    names = x509.SubjectAlternativeName([x509.DNSName("a")])
    other = nameless.add_extension(names, False).sign(Ed25519PrivateKey.generate(), None)
    refused("H1704", lambda: authority.sign_request(ca, "entry", other.public_bytes(Encoding.PEM)))


def test_a_home_is_of_one_zone_for_good(ca: Path, tmp_path: Path) -> None:
    settings = home(tmp_path, "intake", ca)
    assert refused("H1709", lambda: make_zone(settings, "entry", ["a"], ca)).facts["zone"] == "intake"
    whole = Settings(tmp_path / "whole")
    whole.keys_dir.mkdir(parents=True)
    for ring in keyring.ZONES:
        keyring.create(whole.keys_dir, ring)
    assert refused("H1715", lambda: make_zone(whole, "entry", ["a"], ca)).facts["others"] == (
        "registry, intake, audit"
    )
    assert layout_of(whole) is None


@pytest.mark.parametrize("zone", ROLES)
def test_a_card_says_what_others_need_and_no_secret(ca: Path, tmp_path: Path, zone: str) -> None:
    settings = home(tmp_path, zone, ca)
    card = own_card(settings, "https://api.example")
    text = card_text(card)
    assert read_card(text) == card
    assert (card.address, bool(card.tokens)) == (
        ("https://api.example", True) if zone == "registry" else ("", False)
    )
    assert "PRIVATE" not in text
    first = keyring.open(settings.keys_dir, zone)
    for use in ("hpke", "sign"):
        assert first.key(use, "zone") not in {*card.seal.values(), *card.sign.values()}


def test_a_card_follows_the_keys(ca: Path, tmp_path: Path) -> None:
    settings = home(tmp_path, "entry", ca)
    before = own_card(settings)
    ring = keyring.add_epoch(keyring.open(settings.keys_dir, "entry"))
    pending = own_card(settings)
    assert pending.receiver == before.receiver
    assert set(pending.sign) == {1, 2}
    keyring.activate(ring, 2)
    assert own_card(settings).receiver.epoch == 2


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"format": "huxin-zone-card/2"}', "\0", '{"zone": 1, "issuer": 2}']
)
def test_what_is_no_card(text: str) -> None:
    refused("H1705", lambda: read_card(text))


def test_cards_are_taken_of_the_others_only(ca: Path, tmp_path: Path) -> None:
    entry, intake = home(tmp_path, "entry", ca), home(tmp_path, "intake", ca)
    card = card_text(own_card(entry))
    refused("H1709", lambda: take_card(entry, card, None))
    refused("H1717", lambda: take_card(intake, card, "http://entry.example"))
    layout = layout_of(intake)
    assert layout is not None
    assert layout.missing() == ["entry", "registry"]
    assert refused("H1706", lambda: layout.card("entry")).facts == {"zone": "entry", "own": "intake"}
    take_card(intake, card, "https://entry.example:9444/")
    after = layout_of(intake)
    assert after is not None
    assert (after.missing(), dict(after.peers)) == (["registry"], {"entry": "https://entry.example:9444"})
    refused("H1708", lambda: take_card(Settings(tmp_path / "nowhere"), card, None))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "zone: nowhere",
        "zone: entry\npeers: {registry: 'http://a'}",
        "- 1",
        "zone: entry\npeers: {entry: 'https://a'}",
    ],
)
def test_a_malformed_file_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "zones.yaml").write_text(text)
    refused("H1707", lambda: layout_of(Settings(tmp_path)))


def test_a_file_that_is_named_and_not_there_is_not_one_process(tmp_path: Path) -> None:
    assert layout_of(Settings(tmp_path)) is None
    refused("H1707", lambda: layout_of(Settings(tmp_path, zones=tmp_path / "zones.yaml")))
    write_layout(Settings(tmp_path), "entry", {})
    named = Settings.from_env(
        {"HUXIN_HOME": str(tmp_path / "x"), "HUXIN_ZONES": str(tmp_path / "zones.yaml")}
    )
    found = layout_of(named)
    assert found is not None
    assert (found.zone, found.folder) == ("entry", tmp_path / "x" / "zone")


def test_other_zones_keys_are_not_there(ca: Path, tmp_path: Path) -> None:
    settings = home(tmp_path, "entry", ca)
    for ring in ("registry", "intake", "audit"):
        with pytest.raises(PrivacyError, match="P0114"):
            keyring.open(settings.keys_dir, ring)
