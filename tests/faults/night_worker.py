"""Runs commands in children of one process that has imported everything: one is born in milliseconds and may be killed.

Reads one JSON job a line (args, env, log) and answers each with one line: {"code": n}, negative for a signal.
A job's `counts` is a file that takes the name of each stage passed, its `limit` the greatest file it may write.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import traceback
from pathlib import Path
from typing import Any

import huxin.nightly.actions
import huxin.nightly.pipeline
import huxin.nightly.returning
import huxin.nightly.submitting  # noqa: F401  (imported for the children)
from huxin import cli, faults
from huxin.contract import load_contract


def serve() -> None:
    """One job after another, until the input ends."""
    load_contract()
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if not child:
            _run(job)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), flush=True)


def _run(job: dict[str, Any]) -> None:
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(job["env"])
    if job.get("counts"):
        _count(job["counts"])
    if job.get("limit"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit"], job["limit"]))
    code: object = 70
    try:
        sys.argv = ["huxin", *job["args"]]
        cli.main()
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 71)


def _count(file: str) -> None:
    """Writes down each passage before it is made."""
    reach = faults.reach

    def counted(stage: str) -> None:
        with Path(file).open("a", encoding="ascii") as target:
            target.write(f"{stage}\n")
        reach(stage)

    faults.reach = counted


if __name__ == "__main__":
    serve()
