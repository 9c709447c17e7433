"""What people prove themselves with: passwords (argon2id, RFC 9106) and time-based codes (TOTP, RFC 6238)."""

from __future__ import annotations

import hmac
import re
import threading
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import pyotp
import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from markupsafe import Markup

from huxin.errors import HuxinError
from huxin_privacy.sealing import seal, unseal

SHORTEST, LONGEST = 12, 256
STEP_S = 30
_LOGIN = re.compile(r"[a-z][a-z0-9._-]{2,39}")
# A hash takes 64 MiB and a core's tenth of a second: two at a time, whoever asks.
_AT_ONCE = threading.BoundedSemaphore(2)
_COMMON = ("123456", "password", "qwerty", "abcdef", "111111", "huxin")


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher().hash("nobody has this password")


def check_login(login: str) -> str:
    """The name as it is kept. HuxinError H2001."""
    if not _LOGIN.fullmatch(login):
        raise HuxinError("H2001")
    return login


def is_weak(password: str, login: str) -> bool:
    """Whether a password is too short, too long, all one thing, or built around a name or a common word."""
    lowered = password.lower()
    if not SHORTEST <= len(password) <= LONGEST or len(set(password)) < 5:
        return True
    rest = lowered
    for word in (login.lower(), *_COMMON):
        rest = rest.replace(word, "")
    return len(rest) < SHORTEST // 2


def hash_password(password: str) -> str:
    """argon2id in its usual text form."""
    with _AT_ONCE:
        return _hasher().hash(password)


def is_password(kept: str | None, password: str) -> bool:
    """Whether it is the password; takes as long where there is none."""
    with _AT_ONCE:
        try:
            found = _hasher().verify(kept or _nobody(), password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return found and kept is not None


def new_totp() -> str:
    """160 random bits in base32."""
    return pyotp.random_base32()


def seal_totp(key: bytes, person_id: UUID, secret: str) -> bytes:
    """The secret as it is kept, bound to its person."""
    return seal(key, secret.encode(), person_id.bytes)


def open_totp(key: bytes, person_id: UUID, sealed: bytes) -> str:
    """The secret again. HuxinError H2010 when it was sealed under another key, or for somebody else."""
    try:
        return unseal(key, sealed, person_id.bytes).decode()
    except InvalidTag:
        raise HuxinError("H2010", reason="InvalidTag") from None


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step that a code is of: the present one or one beside it; None where it is of none of them."""
    digits = "".join(code.split())
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    present = int(now.timestamp()) // STEP_S
    made = pyotp.TOTP(secret)
    for step in (present, present - 1, present + 1):
        if hmac.compare_digest(made.generate_otp(step), digits):
            return step
    return None


def qr(secret: str, login: str, issuer: str) -> Markup:
    """The secret for an authenticator app as an SVG that can stand in a page: no script, no style."""
    address = pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)
    drawn = segno.make(address, error="m").svg_inline(
        scale=5, border=2, omitsize=False, svgclass=None, lineclass=None
    )
    return Markup(drawn)  # noqa: S704 - drawn by segno of modules alone; no text of the address is in it
