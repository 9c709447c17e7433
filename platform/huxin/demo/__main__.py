"""Runs the demo; ends with exit code 1 and one line when something fails, and stops what it started."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console

from huxin.cli.setup import prepare
from huxin.demo.asking import ask_over_http
from huxin.demo.night import NAMES, print_account, print_questions, run_night
from huxin.demo.served import Served, print_lines, served
from huxin.demo.stage import Stage
from huxin.errors import HuxinError, for_operators
from huxin.registry import embedded
from huxin.registry.members import add_members
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings

EVENING = "2026-05-31T22:00:00+08:00"


def main(stay: bool) -> None:
    """The whole account; with `stay` the API goes on until SIGTERM or Ctrl-C, which is its orderly end.

    A demo that was cut short by them ends with 128 and the signal's number.
    """
    os.environ.setdefault("HUXIN_NOW", EVENING)
    # What was started is to be stopped, however the demo is ended.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, _frame: sys.exit(128 + number))
    settings = Settings.from_env()
    console = Console() if sys.stdout.isatty() else Console(width=130, force_terminal=False)
    stage = Stage(console, settings.language == "zh", monotonic())
    try:
        with _server(settings, stage):
            run_night(settings, stage)
            print_account(settings, stage)
            print_questions(settings, stage)
            with served(settings, stage, console=stay) as api:
                ask_over_http(settings, stage, api)
                if stay:
                    _stay(settings, stage, api)
                else:
                    stage.say(
                        "控制台：make serve 会同时启动它，并给出登录链接",
                        "The console: make serve starts it too, and gives links to join by",
                    )
        stage.say(f"完成。数据在 {settings.home}", f"Done. Its state is in {settings.home}")
    except SystemExit:
        if not stay:
            raise
        stage.say(f"已停止。数据在 {settings.home}", f"Stopped. Its state is in {settings.home}")
    except HuxinError as error:
        sys.stderr.write(f"{error.code} {for_operators(error, settings.language)}\n")
        sys.exit(error.exit_code or 1)


def _stay(settings: Settings, stage: Stage, api: Served) -> None:
    print_lines(settings, stage, api)
    try:
        api.process.wait()
    except SystemExit:
        stage.say("正在停止 …", "stopping …")
        raise


@contextmanager
def _server(settings: Settings, stage: Stage) -> Iterator[None]:
    stage.say("启动数据库、建表、生成密钥 …", "starting PostgreSQL, migrating, making keys …")
    try:
        prepare(settings)
        with connection(settings) as database:
            add_members(database, NAMES.items(), settings.now())
        yield
    finally:
        if settings.database_url is None:
            forget_engine(settings)
            embedded.stop(settings)


if __name__ == "__main__":
    main("--stay" in sys.argv[1:])
