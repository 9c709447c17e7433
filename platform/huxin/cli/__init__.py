"""The command line. Exit codes: 0 done, 1 a fault of ours or of the machine, 2 wrong use, 3 refused or waiting."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

import typer

from huxin.cli import (
    alarms,
    ask,
    audit,
    console,
    db,
    enquiries,
    findings,
    guard,
    honeytokens,
    keyrings,
    members,
    night,
    policy,
    receipt,
    sandbox,
    serve,
    setup,
    submissions,
    work,
    zone,
)
from huxin.errors import HuxinError, for_operators, places
from huxin.settings import Settings
from huxin_privacy.errors import PrivacyError

INTERRUPTED = 130
EPILOG = (
    "Exit codes · 退出码: 0 done 完成; 1 failed 失败; 2 wrong use 用法错误; "
    "3 refused or awaiting confirmation 有拒收或待确认; "
    "130 interrupted 中断 (the same command goes on 重跑即继续)."
)

app = typer.Typer(
    name="huxin",
    help="Huxin 互信: a lenders' association's shared credit registry · 会员机构共享授信登记平台",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
setup.register(app)
night.register(app)
findings.register(app)
ask.register(app)
serve.register(app)
work.register(app)
app.add_typer(members.app, name="members")
app.add_typer(submissions.app, name="submissions")
app.add_typer(enquiries.app, name="enquiries")
app.add_typer(guard.app, name="guard")
app.add_typer(alarms.app, name="alarms")
app.add_typer(honeytokens.app, name="honeytokens")
app.add_typer(policy.app, name="policy")
app.add_typer(db.app, name="db")
app.add_typer(keyrings.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(console.app, name="console")
app.add_typer(receipt.app, name="receipt")
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(zone.app, name="zone")


def main() -> None:
    """Runs a command; a foreseen fault is told in one line with what to do, in the user's language."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except (HuxinError, PrivacyError) as error:
        unread = error.code in {"H0101", "H0103"}  # the settings themselves cannot be read
        language = Settings.from_env({} if unread else os.environ).language
        sys.stderr.write(f"{error.code} {for_operators(error, language)}\n")
        sys.exit(getattr(error, "exit_code", 2))
    except KeyboardInterrupt:
        _interrupted()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:  # which typer makes of a Ctrl-C
            _interrupted()
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":  # polars' is none
            raise
        unforeseen = HuxinError("H0102", kind=type(error).__name__, places=places(error))
        sys.stderr.write(f"{unforeseen.code} {unforeseen.text(Settings.from_env().language)}\n")
        sys.exit(unforeseen.exit_code)


def _interrupted() -> NoReturn:
    sys.stderr.write("已中断，重新运行同一命令即可继续。Interrupted; the same command goes on from here.\n")
    sys.exit(INTERRUPTED)
