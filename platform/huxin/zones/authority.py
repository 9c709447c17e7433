"""The small certificate authority of the zones: one issuer a zone, so that a certificate says which zone its holder is.

A port that lets only the intake zone in trusts only the intake zone's issuer, and nothing has to be read out of a
certificate to know who calls. Keys are P-256; certificates are good for TLS servers and clients, and for a year.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from huxin.errors import HuxinError
from huxin.zones.roles import ROLES
from huxin_privacy.files import write_atomic

_CLOCKS: Final = timedelta(hours=1)  # two machines' clocks may differ by that much
_ISSUER_LASTS: Final = timedelta(days=3650)
_LASTS: Final = timedelta(days=397)


def create_authority(folder: Path) -> None:
    """Makes each zone's issuer in `folder`: `<zone>.key` (0600) and `<zone>.pem`. HuxinError H1701: there is one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any((folder / f"{zone}.key").exists() for zone in ROLES):
        raise HuxinError("H1701", folder=folder)
    for zone in ROLES:
        secret = generate_private_key(SECP256R1())
        made = _issuer(zone, secret)
        write_atomic(folder / f"{zone}.pem", made.public_bytes(Encoding.PEM))
        write_atomic(folder / f"{zone}.key", private_pem(secret), replace=False)


def issue(folder: Path, zone: str, public: EllipticCurvePublicKey, hosts: Sequence[str]) -> bytes:
    """A certificate (PEM) for a zone's key, good for these host names and addresses.

    HuxinError H1702 (no such authority), H1703 (neither a name nor an address).
    """
    secret, issuer = _read(folder, zone)
    now = datetime.now(UTC)
    builder = (
        _named(f"huxin {zone}", issuer.subject, public, now, _LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False
        )
        .add_extension(x509.SubjectAlternativeName([_host(each) for each in hosts]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(secret.public_key()), False)
    )
    return builder.sign(secret, SHA256()).public_bytes(Encoding.PEM)


def issuer_of(folder: Path, zone: str) -> bytes:
    """The certificate (PEM) of a zone's issuer, which the others trust. HuxinError H1702."""
    return _read(folder, zone)[1].public_bytes(Encoding.PEM)


def sign_request(folder: Path, zone: str, request: bytes) -> bytes:
    """A certificate for a request (PKCS #10, PEM) with its names, once its signature is found good. H1702, H1704."""
    try:
        asked = x509.load_pem_x509_csr(request)
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        raise HuxinError("H1704") from None
    public = asked.public_key()
    if not asked.is_signature_valid or not isinstance(public, EllipticCurvePublicKey):
        raise HuxinError("H1704")
    addresses = [str(each) for each in names.get_values_for_type(x509.IPAddress)]
    return issue(folder, zone, public, [*names.get_values_for_type(x509.DNSName), *addresses])


def request_of(secret: EllipticCurvePrivateKey, zone: str, hosts: Sequence[str]) -> bytes:
    """A request for a certificate, for an authority that is elsewhere. HuxinError H1703."""
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(_name(f"huxin {zone}"))
        .add_extension(x509.SubjectAlternativeName([_host(each) for each in hosts]), critical=False)
    )
    return builder.sign(secret, SHA256()).public_bytes(Encoding.PEM)


def private_pem(secret: EllipticCurvePrivateKey) -> bytes:
    """A private key as PEM, to be written to a file of mode 0600."""
    return secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _issuer(zone: str, secret: EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name(f"huxin {zone} issuer")
    builder = (
        _named(f"huxin {zone} issuer", name, secret.public_key(), datetime.now(UTC), _ISSUER_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return builder.sign(secret, SHA256())


def _named(
    subject: str, issuer: x509.Name, public: EllipticCurvePublicKey, now: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS)
        .not_valid_after(now + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        pass
    try:
        return x509.DNSName(text.encode("idna").decode())
    except (ValueError, UnicodeError):
        raise HuxinError("H1703", host=text[:64]) from None


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _read(folder: Path, zone: str) -> tuple[EllipticCurvePrivateKey, x509.Certificate]:
    try:
        secret = load_pem_private_key((folder / f"{zone}.key").read_bytes(), None)
        issuer = x509.load_pem_x509_certificate((folder / f"{zone}.pem").read_bytes())
    except (OSError, ValueError, TypeError):
        raise HuxinError("H1702", folder=folder, zone=zone) from None
    if not isinstance(secret, EllipticCurvePrivateKey):
        raise HuxinError("H1702", folder=folder, zone=zone)
    return secret, issuer
