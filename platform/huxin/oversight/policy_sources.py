"""A policy as somebody names it: a file, a version, or the number of a change."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

import yaml

from huxin.decision.policy_text import Draft, read_policy
from huxin.decision.yaml_file import read_yaml
from huxin.errors import HuxinError
from huxin.oversight.policy_changes import look_through
from huxin.paths import schema_root
from huxin.registry.policy_changes import WITHDRAWN
from huxin.settings import Settings


def draft_of(settings: Settings, what: str) -> Draft:
    """The policy of that name. HuxinError H1523, and H1501 to H1508 for a faulty file."""
    text, name, day = written(settings, what)
    return read_policy(text, name, day)


def written(settings: Settings, what: str) -> tuple[str, str, date | None]:
    """Its text, what errors call it, and its day of effect where that is not the text's. HuxinError H1523, H1501."""
    path = Path(what)
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8"), path.name, None
        except (OSError, UnicodeDecodeError):
            raise HuxinError("H1501", place=path.name) from None
    for entry in read_yaml(schema_root() / "policy", "enquiry.yaml"):
        if entry["version"] == what:
            return yaml.safe_dump(entry, allow_unicode=True, sort_keys=False), what, None
    return _changed(settings, what)


def _changed(settings: Settings, what: str) -> tuple[str, str, date | None]:
    found = [each for each in look_through(settings) if what in (each.version, str(each.id))]
    # What was withdrawn is shown by its number, or where nothing else has the version.
    found.sort(key=lambda each: (str(each.id) == what, each.state != WITHDRAWN, each.proposed_at))
    if not found:
        raise HuxinError("H1523", what=_shown(what))
    return found[-1].document, found[-1].version, found[-1].effective_on


def _shown(what: str) -> str:
    try:
        return str(UUID(what))
    except ValueError:
        return what[:64]
