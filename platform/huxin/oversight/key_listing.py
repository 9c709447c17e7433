"""How the keys stand: epochs and what hangs on them, who has read them, and what is not as it should be."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from huxin.audit.records import moment_text
from huxin.errors import HuxinError
from huxin.oversight import acts_elsewhere, destroying_elsewhere
from huxin.oversight.key_epochs import TOKENS, counted, recorded
from huxin.oversight.key_retiring import depending
from huxin.registry import key_acts, schemes
from huxin.registry.key_acts import Depending
from huxin.registry.key_readers import KeyReader, key_readers
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.zones.layout import rings_of
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.keyring import DESTROYED, Keyring

_PRIVATE = 0o600


@dataclass(frozen=True)
class Fault:
    """Something that is not as it should be: a zone, a word for programs, and a text in both languages."""

    zone: str
    code: str
    zh: str
    en: str


def listing(settings: Settings) -> list[dict[str, Any]]:
    """Every epoch of every zone as JSON has it, the zones in their order."""
    rings = [keyring.open(settings.keys_dir, zone) for zone in rings_of(settings)]
    return [_epoch(settings, ring, each.number) for ring in rings for each in ring.epochs]


def readers(settings: Settings) -> list[dict[str, Any]]:
    """The processes that hold keys now, with the zones of which they have not read the present keyring."""
    if not counted(settings):
        return []
    rings = [keyring.open(settings.keys_dir, zone) for zone in rings_of(settings)]
    with connection(settings) as database:
        found = key_readers(database)
    return [reader_object(each) | {"behind": _behind(each, rings)} for each in found]


def reader_object(reader: KeyReader) -> dict[str, Any]:
    """A reader as JSON."""
    return {
        "kind": reader.kind,
        "host": reader.host,
        "pid": reader.pid,
        "since": moment_text(reader.started_at),
        "read_at": moment_text(reader.read_at),
        "versions": dict(reader.versions),
    }


def faults_of(settings: Settings) -> list[Fault]:
    """What an operator should mend, zone by zone; empty when all is well."""
    return [fault for zone in rings_of(settings) for fault in _zone_faults(settings, zone)]


def _epoch(settings: Settings, ring: Keyring, number: int) -> dict[str, Any]:
    found = ring.epoch(number)
    left = _left(settings, ring.zone, number)
    made = {"zone": ring.zone, "epoch": number, "state": found.state, "check": ring.check_value(number)}
    made |= {"suite": found.suite} if ring.zone == "entry" else {}
    counts = None if left is None else {k: v for k, v in vars(left).items() if v}
    return made | {"version": ring.version, "depending": counts}


def _left(settings: Settings, zone: str, epoch: int) -> Depending | None:
    """What hangs on an epoch, which the entry zone asks the registry zone; None where that one is away."""
    if counted(settings):
        return depending(settings, zone, epoch)
    try:
        return destroying_elsewhere.depending_there(settings, epoch)
    except HuxinError:
        return None


def _behind(reader: KeyReader, rings: list[Keyring]) -> list[str]:
    return [ring.zone for ring in rings if reader.lags(ring.zone, ring.version)]


def _zone_faults(settings: Settings, zone: str) -> Iterator[Fault]:
    try:
        ring = keyring.open(settings.keys_dir, zone)
    except PrivacyError as error:
        yield Fault(zone, error.code, error.text("zh"), error.text("en"))
        return
    mode = stat.S_IMODE(ring.path.stat().st_mode)
    if mode & ~_PRIVATE:
        yield Fault(
            zone,
            "mode",
            f"密钥环文件的权限是 {mode:04o}，应为 0600",
            f"the keyring file has mode {mode:04o}, it should be 0600",
        )
    yield from _recorded_faults(settings, ring)


def _recorded_faults(settings: Settings, ring: Keyring) -> Iterator[Fault]:
    known, used = _on_record(settings, ring.zone)
    unrecorded = [each.number for each in ring.epochs if known and each.number not in known]
    for each in ring.epochs:
        state, check = known.pop(each.number, (each.state, ring.check_value(each.number)))
        if check != ring.check_value(each.number):
            yield _fault(
                ring, each.number, "other_key", "与登记库记录的不是同一把密钥", "is not the key on record"
            )
        elif state != each.state:
            zh, en = f"记录的状态是 {state}", f"is {state} on record"
            yield _fault(
                ring, each.number, "other_state", f"状态是 {each.state}，{zh}", f"is {each.state}, but {en}"
            )
        if each.state == DESTROYED and each.number in used:
            yield _fault(
                ring,
                each.number,
                "lost",
                "已销毁，但仍有数据依赖它",
                "is destroyed, and entries depend on it",
            )
    for number in unrecorded:
        yield _fault(ring, number, "unrecorded", "没有记录", "is not on record")
    for number in known:
        yield _fault(
            ring, number, "missing", "有记录，密钥环中却没有", "is on record, but not in the keyring"
        )


def _on_record(settings: Settings, zone: str) -> tuple[dict[int, tuple[str, str]], set[int]]:
    """How the last act left each epoch, and the epochs of which something may stand in the registry."""
    if not recorded(settings):
        return acts_elsewhere.known(settings, zone), set()
    with connection(settings) as database:
        used = _used(database, zone) if zone in TOKENS else set()
        return key_acts.recorded_epochs(database, zone), used


def _used(database: Any, zone: str) -> set[int]:
    """The epochs of which something may stand in the registry: whose schemes were not buried."""
    numbers = schemes.all_numbers(database)
    found = schemes.states(database, list(numbers.values()))
    place = 2 + TOKENS.index(zone)
    return {int(scheme[place]) for scheme, n in numbers.items() if found[n] != schemes.State.GONE}


def _fault(ring: Keyring, epoch: int, code: str, zh: str, en: str) -> Fault:
    return Fault(ring.zone, code, f"第 {epoch} 期密钥{zh}", f"epoch {epoch} {en}")
