"""Two operators with keys of their own, who destroy a key together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from huxin.ids import new_id
from huxin.oversight.key_approval import Operator, ask_or_approve, operator_of
from huxin.registry.credentials import Credential, add_credential
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy.keyring import Keyring


@dataclass
class Operators:
    """Anna and Bo, registered as `huxin members key new NAME --role operator` does; files and key numbers by name."""

    settings: Settings
    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    numbers: dict[str, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.register("anna", Ed25519PrivateKey.generate(), "EdDSA")
        self.register("bo", generate_private_key(SECP256R1()), "ES256")

    def register(self, name: str, secret: Any, alg: str, file: str = "") -> Path:
        """A further key for this name, kept under `file` where that is not the name."""
        path = self.folder / f"{file or name}.pem"
        path.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        der = secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        made = Credential(new_id(), "operator", 0, name, alg, der, ("audit",), self.settings.now())
        with connection(self.settings) as database:
            add_credential(database, made)
        self.files[file or name], self.numbers[file or name] = path, made.id
        return path

    def named(self, name: str) -> Operator:
        return operator_of(self.settings, name, self.files[name])

    def destroy(self, zone: str, epoch: int) -> Keyring:
        """Asked for by one, approved by the other."""
        _, made = ask_or_approve(self.settings, zone, epoch, self.named("anna"))
        assert made is None
        _, made = ask_or_approve(self.settings, zone, epoch, self.named("bo"))
        assert made is not None
        return made
