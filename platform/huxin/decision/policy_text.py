"""A policy as somebody writes it: one entry, or a list of which the newest counts; faults name their line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import yaml

from huxin.decision.policy import Policy
from huxin.decision.policy_file import policy_entry
from huxin.decision.yaml_file import parse_yaml
from huxin.errors import HuxinError

LONGEST: Final = 200_000  # characters; the shipped file has 6,000
_PART = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")
_STEPS: Final = "others_in_steps"
_PLACED: Final = frozenset(("H1502", "H1503", "H1505", "H1506", "H1508"))


@dataclass(frozen=True)
class Draft:
    """A policy that was read of a text: the value, the entry as it stands there, and the text's SHA-256."""

    policy: Policy
    entry: dict[str, Any]
    sha256: str


def read_policy(
    text: str,
    name: str,
    effective_on: date | None = None,
    root: Path | None = None,
    *,
    proposed: bool = False,
) -> Draft:
    """The policy of a text that errors call `name`; `effective_on` stands for the day that is written there.

    What is `proposed` has to say by itself whether others' amounts are told to the cent; earlier policies do not.

    HuxinError H1501 to H1508, with `name:line` for the place where one is known.
    """
    if len(text) > LONGEST:
        raise HuxinError("H1503", place=name, wanted=f"<= {LONGEST} characters")
    loaded = parse_yaml(text, name)
    entries = loaded if isinstance(loaded, list) else [loaded]
    if not entries:
        raise HuxinError("H1503", place=name, wanted="list with a policy")
    place = _newest(entries)
    entry = entries[place]
    if isinstance(entry, dict) and effective_on is not None:
        entry = entry | {"effective_on": effective_on}
    try:
        if proposed and isinstance(entry, dict) and _STEPS not in entry:
            raise HuxinError("H1502", place=name, missing=_STEPS, unknown="-")
        policy = policy_entry(entry, name, root)
    except HuxinError as error:
        inner = str(error.facts.get("place", ""))
        if error.code not in _PLACED or not inner.startswith(name):
            raise
        path = inner.removeprefix(name)
        within = f"[{place}]{path}" if isinstance(loaded, list) else path
        said = f"{name}:{line_of(text, within)} {path.lstrip('.')}".rstrip()
        raise HuxinError(error.code, **{**error.facts, "place": said}) from None
    return Draft(policy, entry, sha256(text.encode()).hexdigest())


def line_of(text: str, path: str) -> int:
    """The line (from 1) of a place such as `caps.max_lenders` or `[0].bands`, or of the nearest one around it."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = 0 if node is None else node.start_mark.line
    for index, key in _PART.findall(path):
        found = _below(node, index, key)
        if found is None:
            break
        line, node = found
    return line + 1


def _below(node: yaml.Node | None, index: str, key: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and index and int(index) < len(node.value):
        each = node.value[int(index)]
        return each.start_mark.line, each
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                return name.start_mark.line, value
    return None


def _newest(entries: list[Any]) -> int:
    """The place of the entry with the latest day; where days are no days, the last."""
    days = [entry.get("effective_on") if isinstance(entry, dict) else None for entry in entries]
    known = [(day, place) for place, day in enumerate(days) if type(day) is date]
    return max(known)[1] if len(known) == len(days) else len(entries) - 1
