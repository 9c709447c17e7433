"""`huxin sandbox`, and `huxin serve --sandbox`: a registry of invented people to build an integration against."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from shlex import quote
from time import monotonic
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from huxin.cli.setup import prepare
from huxin.cli.show import note, print_table
from huxin.paths import schema_root
from huxin.settings import Settings
from huxin.stopping import stopped_by_signals

if TYPE_CHECKING:
    from huxin.api.serving import Serving
    from huxin.api.shell import Config

app = typer.Typer(
    help="A registry of invented people, to build against · 沙箱：虚构主体，供接入调试", no_args_is_help=True
)
EXAMPLE = schema_root().parent / "examples" / "sandbox" / "ask.py"


@app.command()
def reset() -> None:
    """Makes the sandbox anew, as of now; whoever is served goes on. · 重建沙箱数据。"""
    settings = entered()
    # Imported here and below: the other commands need not wait for Great Expectations and a web server.
    from huxin.sandbox.build import rebuild
    from huxin.sandbox.serving import server_left_as_found

    begun = monotonic()
    with server_left_as_found(settings):
        rebuild(settings, prepare)
    note(_in(settings, "沙箱已重建", "The sandbox is made anew") + f" ({monotonic() - begun:.0f} s)")


@app.command()
def subjects() -> None:
    """Lists the test subjects and what each has to answer. · 列出测试主体。"""
    from huxin.sandbox.page import expectation
    from huxin.sandbox.subjects import load_sandbox

    settings = Settings.from_env()
    zh = settings.language == "zh"
    table = Table(
        *(("主体", "号码", "结果", "说明") if zh else ("key", "number", "answer", "what it is")), box=None
    )
    for each in load_sandbox().subjects:
        table.add_row(each.key, each.person.id_no, expectation(each), each.zh if zh else each.en)
    print_table(table)


@app.command(hidden=True)
def build() -> None:
    """Makes a sandbox that is about to be served; run by its server. · 启动前建库（由沙箱自动运行）。"""
    from huxin.sandbox.build import rebuild

    # Its server is told to stop, and tells us: what was begun is put away.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    # Its environment is the sandbox's already.
    rebuild(Settings.from_env(), prepare)


@app.command(hidden=True)
def keep() -> None:
    """Runs beside a serving sandbox and makes it anew after every midnight. · 每日零点后重建（由沙箱自动运行）。"""
    from huxin.sandbox.keeping import keep as go_on

    # As above.
    go_on(Settings.from_env(), prepare, stopped_by_signals().wait)


def entered() -> Settings:
    """The sandbox's settings, for this process and what it starts."""
    from huxin.sandbox.home import enter

    return enter()


def serve_sandbox(settings: Settings, config: Config, serving: Serving) -> None:
    """Makes it anew and serves it, and tells a newcomer what to do next. HuxinError H1141 where it is served."""
    from huxin.api.serving import held_address
    from huxin.sandbox.home import served_alone
    from huxin.sandbox.serving import serve_anew

    begun = monotonic()

    def tell(address: str) -> None:
        note(_told(settings, address, monotonic() - begun))

    with served_alone(settings, serving.address):
        with held_address(serving):
            pass  # where another program has it, nothing is made anew for nothing
        note(_in(settings, "正在准备沙箱 …", "Preparing the sandbox …"))
        serve_anew(settings, config, serving, tell)
    note(_in(settings, "已停止", "stopped"))


def _told(settings: Settings, address: str, seconds: float) -> str:
    from huxin.sandbox.keys import keys_folder

    key = keys_folder(settings) / "T9001.json"
    command = _next(address, key)
    return _in(
        settings,
        f"沙箱就绪（{seconds:.0f} 秒）：{address}，文档 {address}/docs，测试主体见 docs/sandbox.md。\n"
        f"测试机构 T9001 的密钥：{key.with_suffix('.pem')}（编号等见同名 .json）\n"
        f"试一试：\n  {command}",
        f"The sandbox is ready ({seconds:.0f} s): {address}, documentation {address}/docs, "
        "subjects in docs/sandbox.md.\n"
        f"Key of the test member T9001: {key.with_suffix('.pem')} (its number in the .json beside it)\n"
        f"Try:\n  {command}",
    )


def _next(address: str, key: Path) -> str:
    """A line for the shell: the example where the source tree is at hand, else the list of subjects."""
    if not EXAMPLE.is_file():
        return f"curl {address}/sandbox/subjects"
    words = [sys.executable, str(EXAMPLE), "--url", address, "--key", str(key)]
    return " ".join(map(quote, words))


def _in(settings: Settings, zh: str, en: str) -> str:
    return zh if settings.language == "zh" else en
