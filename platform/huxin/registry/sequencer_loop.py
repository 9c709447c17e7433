"""The sequencer as a service: goes on until told to stop, and comes back when the server was away."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from time import monotonic

from huxin.audit.notes import ZONE
from huxin.errors import HuxinError
from huxin.paths import schema_root
from huxin.registry.audit_acts import note_change
from huxin.registry.sequencing import BATCH, IDLE_S, LOST_S, Sequencer, sequencer
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.stopping import Stop
from huxin_privacy import keyring

# Policy files and keyrings are looked at this often.
LOOK_S = 60.0
_AWAY = ("H0313", "H0502")


def run(settings: Settings, stop: Stop, told: Callable[[HuxinError], None]) -> int:
    """Sequences until `stop` is set, and returns how many leaves that made.

    While the server is away, `told` gets the fault once and the loop tries again. HuxinError H1301 when another
    holds the turn at the start, H1312 when the stored log is not whole.
    """
    total, first = 0, True
    while not stop.is_set():
        try:
            keys = keyring.file_mark(settings.keys_dir, ZONE)
            with sequencer(settings) as made:
                first = False
                total += _turns(settings, made, stop, keys)
        except HuxinError as error:
            if error.code not in _AWAY and (first or error.code != "H1301"):
                raise
            told(error)
            stop.wait(LOST_S)
    return total


def note_state(settings: Settings) -> None:
    """Has the policies and the state of the keys become leaves where they changed since they last did."""
    with connection(settings) as database:
        for topic, state in (("policy.changed", _policies()), ("keys.changed", _keys(settings))):
            digest = sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
            note_change(database, topic, {"state": state}, digest, settings.now())


def _turns(settings: Settings, made: Sequencer, stop: Stop, keys: object) -> int:
    """Steps until told to stop, or until the log's keys were exchanged: the next turn is taken with the new ones."""
    total, looked = 0, -LOOK_S
    while not stop.is_set() and keyring.file_mark(settings.keys_dir, ZONE) == keys:
        if monotonic() - looked >= LOOK_S:
            note_state(settings)
            looked = monotonic()
        count = made.step()
        total += count
        if count < BATCH:
            stop.wait(IDLE_S)
    return total


def _policies() -> dict[str, str]:
    """SHA-256 of each policy file by its name."""
    folder = schema_root() / "policy"
    files: list[Path] = sorted(folder.rglob("*.yaml")) if folder.is_dir() else []
    return {file.relative_to(folder).as_posix(): sha256(file.read_bytes()).hexdigest() for file in files}


def _keys(settings: Settings) -> dict[str, dict[str, object]]:
    """How often each keyring was changed, and the digest of its sealed file: no key is opened for it."""
    paths = {zone: keyring.keyring_path(settings.keys_dir, zone) for zone in keyring.ZONES}
    files = {zone: path.read_bytes() for zone, path in paths.items() if path.exists()}
    return {
        zone: {"version": json.loads(file)["version"], "sha256": sha256(file).hexdigest()}
        for zone, file in files.items()
    }
