"""Whether blind mode is on, as the entry zone keeps it: the epoch of its keyring that elements are made under.

    zone/blind.json     {"epoch": 1}

What is at work the registry zone decides; without this file the entry zone sends halves alone, as where it is off.
"""

from __future__ import annotations

import json
from typing import Final

from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin_privacy.files import write_atomic

FILE: Final = "blind.json"


def present(settings: Settings) -> int | None:
    """The epoch that elements are made under; None where blind mode is off. HuxinError H1707."""
    try:
        epoch = json.loads((settings.home / "zone" / FILE).read_bytes())["epoch"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise HuxinError("H1707", file=FILE) from None
    if type(epoch) is not int or epoch < 1:
        raise HuxinError("H1707", file=FILE)
    return epoch


def make_present(settings: Settings, epoch: int) -> None:
    """Has elements made under this epoch from now on."""
    write_atomic(settings.home / "zone" / FILE, json.dumps({"epoch": epoch}).encode())
