"""Known numbers tried against a registry that members filled the blind way: one key matches nobody, both match all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from huxin.nightly.pipeline import run_night
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from huxin_privacy import blind, keyring
from huxin_privacy.blind import sodium
from huxin_privacy.blind.aliases import Aliasing
from huxin_privacy.blind.group import hash_to_group
from huxin_privacy.errors import PrivacyError
from support.blind import blind_home, write_blind
from support.rows import loan, resident_id

KNOWN = [resident_id(n) for n in range(1, 201)]  # twenty of them are on record
MESSAGES = [blind.message("resident_id", number) for number in KNOWN]


@pytest.fixture
def home(settings: Settings) -> Iterator[Settings]:
    inbox = blind_home(settings)
    write_blind(settings, inbox, "M0002", [loan("M0002", n) for n in range(1, 21)])
    assert not run_night(settings, inbox).failed
    yield settings
    forget_engine(settings)


def stored(home: Settings) -> list[Any]:
    with connection(home) as database:
        return list(
            database.execute(text("SELECT token, sealed FROM alias JOIN alias_element USING (token, scheme)"))
        )


def other_ring(home: Settings, zone: str) -> keyring.Keyring:
    """A keyring with other roots: an attacker who has one key has this in place of the other."""
    folder = home.home / f"guessed-{zone}"
    folder.mkdir()
    return keyring.create(folder, zone)


def matched(entry: keyring.Keyring, registry: keyring.Keyring, rows: list[Any]) -> int:
    """How many of the known numbers lead to an alias, by these keys."""
    key, aliasing = blind.oprf_key(entry), Aliasing(registry, registry.active)
    tried = {aliasing.alias(blind.element(key.secret, each)) for each in MESSAGES}
    return len(tried & {row.token.bytes for row in rows})


def test_one_key_matches_nobody_and_both_match_everybody(home: Settings) -> None:
    entry, registry = (keyring.open(home.keys_dir, zone) for zone in ("entry", "registry"))
    rows = stored(home)
    assert matched(entry, other_ring(home, "registry"), rows) == 0
    assert matched(other_ring(home, "entry"), registry, rows) == 0
    assert matched(entry, registry, rows) == 20


def test_the_registrys_key_opens_elements_which_match_nobody(home: Settings) -> None:
    registry = keyring.open(home.keys_dir, "registry")
    aliasing, rows = Aliasing(registry, 1), stored(home)
    elements = {aliasing.opened(row.token.bytes, bytes(row.sealed)) for row in rows}
    assert len(elements) == 20
    # Without k there is nothing to compare: neither the points of the numbers, nor those by any other key.
    points = [hash_to_group(each) for each in MESSAGES]
    other = sodium.random_scalar()
    assert not elements & {*points, *sodium.multiply_all(other, points)}


def test_the_entry_zones_key_opens_no_element(home: Settings) -> None:
    rows = stored(home)
    with pytest.raises(PrivacyError, match="P0200"):
        Aliasing(other_ring(home, "registry"), 1).opened(rows[0].token.bytes, bytes(rows[0].sealed))
