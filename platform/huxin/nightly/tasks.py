"""The steps as a scheduler's tasks call them: ids and counts go in and out, and no error carries its text out.

The surroundings come from the environment: HUXIN_HOME and the other settings, HUXIN_INBOX (default
HUXIN_HOME/inbox). A scheduler keeps what a task returns and the errors it raises: neither holds an identifier,
a file's name or a path.
"""

from __future__ import annotations

import json
import logging
import os
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from huxin.contract import State
from huxin.errors import HuxinError
from huxin.nightly.after_validation import load_step, pseudonymize_step
from huxin.nightly.groups import LARGEST, balanced
from huxin.nightly.inbox import arrivals, waiting
from huxin.nightly.leftovers import clear_leftovers
from huxin.nightly.members_copy import follow_members
from huxin.nightly.receive import Received, receive
from huxin.oversight.closing import close_quietly
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, find_all, member_codes, unfinished
from huxin.settings import Settings
from huxin_privacy.errors import PrivacyError

log = logging.getLogger(__name__)

UNFINISHED = (State.RECEIVED, State.VALIDATED, State.PSEUDONYMIZED)
# A descriptor that whoever waits for this run reads progress from, a JSON object a line.
PROGRESS = "HUXIN_PROGRESS_FD"
_BUNCH = 200

Work = Callable[[Settings, list[UUID]], None]


def receive_groups(count: int) -> list[list[str]]:
    """Receives what lies in the inbox; returns the ids of all that is unfinished, in about `count` groups.

    More groups are made where one would grow beyond what a task should hold. Raises HuxinError H1002.
    """
    settings = Settings.from_env()
    tell("receive", "started")
    kept: list[list[list[str]]] = []
    fault = _attempt("receive", lambda: kept.append(_receive_groups(settings, count)))
    if fault:
        tell("receive", "failed")
        raise HuxinError("H1002", step="receive", count=1, kinds=fault)
    tell("receive", "finished", count=sum(map(len, kept[0])))
    return kept[0]


def work(step: str, ids: Sequence[str], group: int, last_try: bool) -> list[str]:
    """Takes a group through "validate", "pseudonymize", "load" or "report"; returns the ids to go on with.

    A group that fails raises HuxinError H1002, to be tried again. On the last try its submissions are worked one
    by one: those that fail are left behind as they are, and only when all fail it raises.
    """
    settings = Settings.from_env()
    tell(step, "started", group, len(ids))
    failed = _failed(step, settings, [UUID(each) for each in ids], last_try)
    if len(failed) == len(ids):
        tell(step, "failed" if last_try else "again", group, len(failed))
        raise HuxinError("H1002", step=step, count=len(failed), kinds=_kinds(failed.values()))
    tell(step, "finished", group, len(ids) - len(failed))
    return [each for each in ids if UUID(each) not in failed]


def summarise(groups: Sequence[Sequence[str]] | None) -> dict[str, int]:
    """How many submissions of a run are in each state. HuxinError H1001 when one of them is unfinished.

    `groups` is what receive_groups returned, None when it failed.
    """
    if groups is None:
        raise HuxinError("H1003")
    ids = [UUID(each) for group in groups for each in group]
    with connection(Settings.from_env()) as database:
        found = find_all(database, ids)
    states = Counter(item.state.name.lower() for item in found)
    left = sum(item.state in UNFINISHED for item in found)
    if not ids:
        log.info("没有待处理的报送批次 · the inbox holds nothing new, and nothing was left unfinished")
    log.info("本次运行 · this run: %s", dict(sorted(states.items())) or "-")
    close_quietly(Settings.from_env())
    tell("summary", "failed" if left else "finished", count=len(ids))
    if left:
        raise HuxinError("H1001", count=left, total=len(ids))
    return dict(states)


def tell(step: str, event: str, group: int | None = None, count: int = 0) -> None:
    """Tells whoever waits for this run that a step (or "airflow" itself) began or ended; ids never go this way."""
    descriptor = os.environ.get(PROGRESS)
    if descriptor:
        line = json.dumps({"step": step, "event": event, "group": group, "count": count})
        with suppress(OSError):  # nobody listens any more: the work goes on
            os.write(int(descriptor), line.encode() + b"\n")


def inbox_folder(settings: Settings) -> Path:
    """The folder with one folder a member."""
    return Path(os.environ.get("HUXIN_INBOX") or settings.home / "inbox").absolute()


def _receive_groups(settings: Settings, count: int) -> list[list[str]]:
    follow_members(settings)
    clear_leftovers(settings)
    received = _receive(settings, inbox_folder(settings))
    with connection(settings) as database:
        todo = unfinished(database)
    _log([item.submission for item in received if item.fresh and item.submission.state not in UNFINISHED])
    size = sum(int(item.facts.get("size", 0)) for item in todo)
    groups = balanced(todo, max(count, -(-size // LARGEST)))
    fresh = sum(item.fresh for item in received)
    log.info("新批次 %d，待处理 %d，分 %d 组 · new, to do, groups", fresh, len(todo), len(groups))
    return [[str(each) for each in group] for group in groups]


def _receive(settings: Settings, inbox: Path) -> list[Received]:
    if not inbox.is_dir():
        raise HuxinError("H1004")
    found = arrivals(inbox)
    bunches = [found[start : start + _BUNCH] for start in range(0, len(found), _BUNCH)]
    received = [item for bunch in bunches for item in receive(settings, bunch)]
    if alone := len(waiting(inbox)):
        log.info("%d 个文件尚无清单，未处理 · files have no manifest yet and were left alone", alone)
    return received


def _validate(settings: Settings, ids: list[UUID]) -> None:
    from huxin.nightly.validate.step import validate_group  # Great Expectations: seconds, for this step only

    validate_group(settings, ids)


def _pseudonymize(settings: Settings, ids: list[UUID]) -> None:
    pseudonymize_step(settings)(settings, ids, None)


def _load(settings: Settings, ids: list[UUID]) -> None:
    load_step(settings)(settings, ids, None)


def _report(settings: Settings, ids: list[UUID]) -> None:
    from huxin.nightly.returning import return_rejected  # as above

    with connection(settings) as database:
        items = find_all(database, ids)
    return_rejected(settings, inbox_folder(settings), items)
    _log(items)


_STEPS: dict[str, Work] = {
    "validate": _validate,
    "pseudonymize": _pseudonymize,
    "load": _load,
    "report": _report,
}


def _failed(step: str, settings: Settings, ids: list[UUID], one_by_one: bool) -> dict[UUID, str]:
    """What failed of a group, by name of the fault: all of it, or of those `one_by_one`, who fail on their own."""
    fault = _attempt(step, lambda: _STEPS[step](settings, ids))
    if fault is None:
        return {}
    if not one_by_one or len(ids) == 1:
        return dict.fromkeys(ids, fault)
    return {k: v for each in ids for k, v in _failed(step, settings, [each], one_by_one).items()}


def _attempt(step: str, action: Callable[[], None]) -> str | None:
    """Runs an action; the name of its fault, or None. The fault itself ends here: its text may quote a cell."""
    try:
        action()
    except BaseException as error:
        # A panic of Polars is no Exception. A scheduler's time limit and its order to stop are none either: they pass.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        named = error.code if isinstance(error, HuxinError | PrivacyError) else type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)[-4:]
        places = " > ".join(f"{Path(frame.filename).stem}.{frame.name}:{frame.lineno}" for frame in frames)
        log.error("%s: %s (%s)", step, named, places)
        return named
    return None


def _kinds(faults: Iterable[str]) -> str:
    return ", ".join(sorted(set(faults)))


def _log(items: Sequence[Submission]) -> None:
    """One line a submission: who, which state, how many; no file name, as members may put a person's into it."""
    with connection(Settings.from_env()) as database:
        codes = member_codes(database)
    for item in items:
        counts = " ".join(f"{code}x{count}" for code, count in sorted(item.codes.items()))
        log.info(
            "%s %s %s: rows %s, accepted %s, rejected %s, warned %s; %s",
            codes.get(item.member_id, "?"),
            item.id,
            item.state.name.lower(),
            *(item.rows, item.accepted, item.rejected, item.warned),
            counts or "-",
        )
