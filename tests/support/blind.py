"""A member that comes the blind way, as its own tool would have it: files without people, and sealed elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from huxin.cli.setup import prepare, turn_on_blind
from huxin.enquiry.evaluating import registry_keys
from huxin.registry.members import add_members
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import blind, keyring
from support.rows import AS_OF, write_manifest, write_submission


def blind_home(settings: Settings, members: Sequence[str] = ("M0001", "M0002", "M0003")) -> Path:
    """Keys, tables and members, blind mode on; the inbox."""
    prepare(settings)
    with connection(settings) as database:
        add_members(database, [(code, f"{code} 小贷") for code in members], settings.now())
    assert turn_on_blind(settings)
    inbox = settings.home / "inbox"
    inbox.mkdir()
    return inbox


def blinder(settings: Settings, epoch: int | None = None, cache: blind.Cache | None = None) -> blind.Blinder:
    """Evaluations by the entry zone's key at once; what lies between is tested over HTTP (tests/api)."""
    key = blind.oprf_key(keyring.open(settings.keys_dir, "entry"), epoch)
    pinned = blind.Pinned(blind.PublicKey(key.epoch, key.public), registry_keys(settings)[0])
    return blind.Blinder(pinned, lambda _, blinded: blind.evaluate(key.secret, key.public, blinded), cache)


def write_blind(
    settings: Settings,
    inbox: Path,
    member: str,
    rows: Sequence[Mapping[str, str]],
    as_of: date = AS_OF,
    sequence: int = 1,
    mode: str = "full",
    *,
    by: blind.Blinder | None = None,
    named: str | None = None,
    manifest_changes: Mapping[str, object] | None = None,
) -> Path:
    """The same as `write_submission` by loan-tokens/v1; `named` seals the element key for another member."""
    plain = write_submission(
        inbox, member, rows, as_of, sequence, mode, file_name=f"blind_{as_of}_{sequence}.csv"
    )
    manifest = plain.with_name(plain.name + ".manifest.json")
    import json

    said = json.loads(manifest.read_text(encoding="utf-8"))
    with plain.open("wb") as target:
        done = blind.tokenize_file(rows, target, by or blinder(settings), named or member, not_after=as_of)
    said |= {"contract": blind.CONTRACT, "sha256": done.sha256, "element_key": done.element_key}
    write_manifest(plain, said | dict(manifest_changes or {}))
    return plain
