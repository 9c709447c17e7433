"""Key-encryption keys out of HashiCorp Vault's key-value store (version 2), through its client hvac.

`HUXIN_KEK_VAULT` is MOUNT/PATH; the key of a zone is the field `kek` of the secret PATH/<zone>, so each zone can have a
policy of its own. Address and access are Vault's own variables, the token's also a file of its owner's.
"""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import read_private

VARIABLE: Final = "HUXIN_KEK_VAULT"
TOKEN_FILE: Final = "HUXIN_VAULT_TOKEN_FILE"  # noqa: S105  the name of a variable
FIELD: Final = "kek"
_TIMEOUT_S: Final = 10


def is_set() -> bool:
    """Whether key-encryption keys are to come from Vault."""
    return bool(os.environ.get(VARIABLE))


def from_vault(zone: str) -> bytes:
    """The zone's key as it is written there: base64.

    PrivacyError P0124 (hvac is missing), P0125 (not reached, or refused), P0126 (no such secret or field), P0127 (the
    variables), P0111 (the token's file is open to others).
    """
    mount, path = _place()
    address = _address()
    found = _read(address, zone, mount, f"{path}/{zone}")
    if not isinstance(found, str) or not found:
        raise PrivacyError("P0126", zone=zone, place=f"{mount}/{path}/{zone}")
    return found.encode()


def _read(address: str, zone: str, mount: str, path: str) -> Any:
    try:
        import hvac
    except ImportError:
        raise PrivacyError("P0124") from None
    client = hvac.Client(
        url=address,
        token=_token(),
        namespace=os.environ.get("VAULT_NAMESPACE") or None,
        verify=os.environ.get("VAULT_CACERT") or True,
        timeout=_TIMEOUT_S,
    )
    try:
        answer = client.secrets.kv.v2.read_secret_version(
            path=path, mount_point=mount, raise_on_deleted_version=True
        )
        return answer["data"]["data"].get(FIELD)
    except hvac.exceptions.InvalidPath:
        return None
    # The client's own errors quote the answer and the request; those of its connection are OSErrors.
    except (hvac.exceptions.VaultError, OSError, ValueError) as error:
        reason = type(error).__name__
    except (KeyError, TypeError, AttributeError):
        reason = "not Vault's answer"
    finally:
        client.adapter.close()
    raise PrivacyError("P0125", zone=zone, address=address, reason=reason)


def _place() -> tuple[str, str]:
    mount, _, path = os.environ.get(VARIABLE, "").strip("/").partition("/")
    if not mount or not path:
        raise PrivacyError("P0127", variable=VARIABLE, form="MOUNT/PATH")
    return mount, path


def _address() -> str:
    """VAULT_ADDR; over a network the key must not travel in clear."""
    text = os.environ.get("VAULT_ADDR", "")
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" or (parts.scheme == "http" and _here(parts.hostname or ""))
        good = good and not parts.username and not parts.password
    except ValueError:
        good = False
    if not good:
        raise PrivacyError("P0127", variable="VAULT_ADDR", form="https://HOST:PORT")
    return text.rstrip("/")


def _here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token() -> str:
    file = os.environ.get(TOKEN_FILE)
    token = (
        read_private(Path(file)).decode(errors="replace").strip()
        if file
        else os.environ.get("VAULT_TOKEN", "")
    )
    if not token or not token.isascii() or not token.isprintable():
        raise PrivacyError("P0127", variable=TOKEN_FILE if file else "VAULT_TOKEN", form="a token")
    return token
