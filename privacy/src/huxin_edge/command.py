"""What every command is given, and the exit codes that all share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from huxin_edge import clock
from huxin_edge.say import Voice
from huxin_edge.session import Retry, Session
from huxin_edge.settings import EdgeSettings
from huxin_edge.transport import Transport
from huxin_privacy.errors import PrivacyError

DONE, FAILED, MISUSED, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130
CODES: Final = (
    "退出码 exit codes: 0 完成 done; 1 本机或平台故障，可重跑 a fault of the machine or the platform, run it again; "
    "2 用法错误或验证不通过 wrong use, or a proof that fails; 3 有拒收或待办 rejected, refused or not yet decided; "
    "130 中断 interrupted"
)

_NOTICED_S: Final = 1.0
_COMMON: Final = {
    "config": "设置文件，默认 huxin-edge.toml · settings file",
    "url": "平台地址 · the platform's address",
    "entry-url": "分区部署时入口区地址 · the entry zone's",
    "intake-url": "分区部署时接收区地址 · the intake zone's",
    "member": "会员代码 · the member's code",
    "key": "私钥文件 · private key",
    "key-id": "密钥编号 · the key's number",
    "ca-file": "信任的证书 · certificates to trust",
}


@dataclass(frozen=True)
class Context:
    """The settings of a command, where they are stored, and how it speaks."""

    settings: EdgeSettings
    file: Path
    voice: Voice

    def session(self, patience_s: float = 30.0) -> Session:
        """Calls as the member. PrivacyError P0180, P0183, P0184."""
        return self._session(self.settings.transport(), Retry(patience_s))

    def intake(self, patience_s: float, busy_s: float = 0.0) -> Session:
        """Calls for files: to the intake zone where the platform is split. `busy_s` as Retry has it."""
        retry = Retry(patience_s, busy_s=busy_s)
        zone = self._zone("intake_url", "submissions", retry)
        return zone or self._session(self.settings.transport(), retry)

    def entry(self, patience_s: float) -> Session | None:
        """Calls for tickets, where the platform is split."""
        return self._zone("entry_url", "tickets", Retry(patience_s))

    def elements(self, patience_s: float) -> Session | None:
        """Calls for elements of a file, where the platform is split: whoever may report may get them."""
        return self._zone("entry_url", "elements", Retry(patience_s))

    def pinned(self, fingerprint: str) -> None:
        """Tells that keys of blind mode were pinned."""
        self.voice.note(
            f"已固定盲查公钥，请与协会和其他机构核对：{fingerprint}",
            f"Keys of blind mode pinned; compare with the association and other members: {fingerprint}",
        )

    def _zone(self, name: str, scope: str, retry: Retry) -> Session | None:
        if getattr(self.settings, name) is None:
            return None
        issuer = self.settings.transport()
        return self._session(self.settings.transport(name), retry, issuer=issuer, scope=scope)

    def _session(self, transport: Transport, retry: Retry, **zone: Any) -> Session:
        identity, told = self.settings.identity(), self.voice.language
        return Session(
            transport,
            identity,
            retry,
            told,
            now=lambda: clock.now().timestamp(),
            waiting=self._waiting,
            **zone,
        )

    def _waiting(self, seconds: float, why: str) -> None:
        """Tells people of waits that they notice."""
        if seconds >= _NOTICED_S:
            self.voice.note(
                f"平台暂时不能受理（{why}），{seconds:.0f} 秒后自动重试",
                f"The platform cannot take it now ({why}); trying again in {seconds:.0f} s",
            )


Run = Callable[[argparse.Namespace, Context], int]
Commands = Any  # argparse's own type for a set of subcommands has no public name


def add(commands: Commands, name: str, run: Run, about: str) -> argparse.ArgumentParser:
    """A subcommand; `about` is its help in both languages."""
    made: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about, epilog=CODES)
    add_common(made, argparse.SUPPRESS)
    made.set_defaults(run=run)
    return made


def add_common(parser: argparse.ArgumentParser, default: Any = None) -> None:
    """The options of every command, to be given before its name or behind it."""
    common = parser.add_argument_group("通用 common")
    common.add_argument(
        "--json", action="store_true", default=default or False, help="以 JSON 输出 · JSON output"
    )
    common.add_argument(
        "--lang", dest="language", choices=("zh", "en"), default=default, help="语言 · language"
    )
    for name, about in _COMMON.items():
        common.add_argument(f"--{name}", default=default, help=about)


def require_extra(fault: ModuleNotFoundError) -> PrivacyError:
    """P0189 for a package of the extra `edge` that is not installed; anything else is passed on."""
    if fault.name is None or fault.name.partition(".")[0] not in (
        "polars",
        "yaml",
        "python_calamine",
        "rbcl",
    ):
        raise fault
    return PrivacyError("P0189", module=fault.name.partition(".")[0])
