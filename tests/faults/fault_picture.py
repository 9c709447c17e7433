"""What the registry and the spool hold, in words that do not change from run to run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

Picture = dict[str, Any]

TABLES = (
    *("alias", "finding", "loan", "loan_history", "loan_key", "member", "mobile_alias", "mobile_subject"),
    *("outbox", "quarantine", "submission", "token_scheme"),
)
_MOMENTS = {
    "recorded_at",
    "superseded_at",
    "changed_at",
    "received_at",
    "claimed_at",
    "sealed_at",
    "created_at",
    "met_at",
}
# History in its own order, by a number; its moments differ from run to run.
_HISTORY = """SELECT to_jsonb(h) || jsonb_build_object('place', row_number() OVER (
    PARTITION BY subject_id, member_id, loan_no ORDER BY superseded_at, version)) FROM loan_history h"""


def picture(uri: str, home: Path, inbox: Path) -> Picture:
    """Every row of every table but for moments, and the names of all files in the spool, by submission."""
    with psycopg.connect(uri) as database:
        names = _names(database)
        shown: Picture = {table: _rows(database, table, names) for table in TABLES}
    shown["spool"] = {
        names.get(folder.name, folder.name): sorted(_stem(file.name) for file in folder.iterdir())
        for folder in (home / "spool").iterdir()
        if folder.is_dir()
    }
    shown["returned"] = {
        _named(file.name, names): file.read_text(encoding="utf-8") for file in inbox.glob("*/returned/*")
    }
    return shown


def differences(found: Picture, expected: Picture) -> list[str]:
    """Where two pictures differ, a few lines of each part."""
    told = []
    for part in expected:
        if found[part] != expected[part]:
            lines = [set(_lines(shown[part])) for shown in (found, expected)]
            told += [f"{part} + {line[:300]}" for line in sorted(lines[0] - lines[1])[:4]]
            told += [f"{part} - {line[:300]}" for line in sorted(lines[1] - lines[0])[:4]]
            told += [f"{part}: {len(found[part])} instead of {len(expected[part])}"]
    return told


def _lines(part: object) -> list[str]:
    return [f"{name}: {value}" for name, value in part.items()] if isinstance(part, Mapping) else list(part)  # type: ignore[call-overload]


def _names(database: psycopg.Connection[Any]) -> dict[str, str]:
    """A lasting name for each random id: of a subject and a mobile its token, of a submission its files."""
    query = "SELECT subject_id, token FROM alias UNION ALL SELECT mobile_id, token FROM mobile_alias"
    names = {str(id_): f"<{token}>" for id_, token in database.execute(query)}
    query = "SELECT id, sender, file, encode(manifest_digest, 'hex') FROM submission"
    return names | {
        str(id_): f"<{sender} {file} {digest[:8]}>" for id_, sender, file, digest in database.execute(query)
    }


def _rows(database: psycopg.Connection[Any], table: str, names: dict[str, str]) -> list[str]:
    query = _HISTORY if table == "loan_history" else f"SELECT to_jsonb(t) FROM {table} t"
    hidden = _MOMENTS | ({"id"} if table == "outbox" else set())
    rows = []
    for (row,) in database.execute(query.encode()):
        shown = {name: value for name, value in row.items() if name not in hidden}
        rows.append(_named(json.dumps(shown, sort_keys=True), names))
    return sorted(rows)


def _named(text: str, names: dict[str, str]) -> str:
    for id_, name in names.items():
        if id_ in text:
            text = text.replace(id_, name)
    return text


def _stem(name: str) -> str:
    """A temporary file's name without its random part, so that two of them are told as such."""
    return f"temporary {name.split('.')[1]}" if name.endswith(".tmp") else name
