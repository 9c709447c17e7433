"""Writes the golden vectors anew from huxin_privacy; `--check` tells which differ and writes none."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from cases import DERIVED, ENTRY_ROOT, EPOCHS, IDENTIFIERS, IDS, MOBILES, NAMES, REGISTRY_ROOT

from huxin_privacy.derivation import derive, prefixed
from huxin_privacy.generations import Generation
from huxin_privacy.identifiers import canonical_id, canonical_mobile, canonical_name
from huxin_privacy.keyring import ACTIVE, READ_ONLY, Epoch, Keyring
from huxin_privacy.suites import SUITES, get_suite
from huxin_privacy.tokens import half, name_half, tokens

FOLDER = Path(__file__).parent
NOTE = "Published examples and invented names. Roots are test values. What each field means: README.md."


def main(arguments: list[str]) -> int:
    """Writes the files, or with --check tells those that differ; 1 if there is any."""
    made = {f"{suite.lower()}.json": suite_vectors(suite) for suite in SUITES}
    made |= {"derivation.json": derivation_vectors(), "canonical.json": canonical_vectors()}
    differ = [name for name, content in made.items() if _stored(FOLDER / name) != _text(content)]
    if "--check" in arguments:
        sys.stderr.writelines(f"privacy/vectors/{name} differs: run make generate\n" for name in differ)
        return int(bool(differ))
    for name in differ:
        (FOLDER / name).write_text(_text(made[name]), encoding="utf-8")
    return 0


def suite_vectors(name: str) -> dict[str, Any]:
    """Halves, tokens and name marks of a suite, from two roots."""
    rings = {zone: _ring(zone, root) for zone, root in (("entry", ENTRY_ROOT), ("registry", REGISTRY_ROOT))}
    vectors = [
        _vector(rings, Generation(get_suite(name), epoch, epoch), *identifier)
        for epoch in EPOCHS
        for identifier in IDENTIFIERS
    ]
    return {
        "suite": name,
        "note": NOTE,
        "entry_root": ENTRY_ROOT.hex(),
        "registry_root": REGISTRY_ROOT.hex(),
        "vectors": vectors,
    }


def derivation_vectors() -> dict[str, Any]:
    """HKDF-SHA256 of a root: the info's bytes and the key."""
    return {"note": NOTE, "root": ENTRY_ROOT.hex(), "vectors": [_derived(*each) for each in DERIVED]}


def canonical_vectors() -> dict[str, Any]:
    """Canonical forms of spellings, or the codes of what is wrong with them."""
    return {
        "note": NOTE,
        "ids": [_judged(case) for case in IDS],
        "mobiles": [{"mobile": text, "canonical": canonical_mobile(text)} for text in MOBILES],
        "names": [{"name": text, "canonical": canonical_name(text)} for text in NAMES],
    }


def _vector(
    rings: dict[str, Keyring], made: Generation, id_type: str, canonical: str, name: str | None
) -> dict[str, Any]:
    entry_key, registry_key = (
        made.half_key(rings["entry"], id_type),
        made.token_key(rings["registry"], id_type),
    )
    half_ = half(entry_key, id_type, canonical, suite=made.suite)
    vector: dict[str, Any] = {
        "type": id_type,
        "canonical": canonical,
        "epoch": made.entry_epoch,
        "entry_key": entry_key.hex(),
        "registry_key": registry_key.hex(),
        "half": half_.hex(),
        "token": _token(made, registry_key, half_).hex(),
    }
    if name is not None:
        named = name_half(made.half_key(rings["entry"], "name"), half_, name, suite=made.suite)
        mark = _token(made, made.token_key(rings["registry"], "name"), named)
        vector |= {"name": name, "name_half": named.hex(), "name_mark": mark.hex()}
    return vector


def _token(made: Generation, key: bytes, half_: bytes) -> bytes:
    return tokens(key, np.frombuffer(half_, np.uint8).reshape(1, 16), suite=made.suite).tobytes()


def _ring(zone: str, root: bytes) -> Keyring:
    return Keyring(zone, 1, (Epoch(1, READ_ONLY, root), Epoch(2, ACTIVE, root)), Path("nowhere"), b"")


def _derived(zone: str, suite: str, type_: str, epoch: int, use: str, length: int) -> dict[str, Any]:
    key = derive(ENTRY_ROOT, zone=zone, suite=suite, type_=type_, epoch=epoch, use=use, length=length)
    info = prefixed(zone.encode(), suite.encode(), type_.encode(), epoch.to_bytes(4, "big"), use.encode())
    parts = {"zone": zone, "suite": suite, "type": type_, "epoch": epoch, "use": use, "length": length}
    return parts | {"info": info.hex(), "key": key.hex()}


def _judged(case: dict[str, Any]) -> dict[str, Any]:
    last = case["not_after"] and date.fromisoformat(case["not_after"])
    found = canonical_id(case["id_type"], case["id_no"], case["id_country"], not_after=last)
    return case | {"canonical": found.text, "faults": list(found.faults), "upgraded": found.upgraded}


def _stored(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
