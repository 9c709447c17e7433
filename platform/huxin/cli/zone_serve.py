"""`huxin zone intake|entry|registry|port`: the services of a split platform."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from huxin.cli.show import note
from huxin.errors import HuxinError, for_operators
from huxin.settings import Settings
from huxin.stopping import stopped_by_signals
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, INTAKE, PORTS, REGISTRY
from huxin_privacy.errors import PrivacyError

if TYPE_CHECKING:
    from huxin.api.serving import Make, Serving
    from huxin.api.shell import Config

Host = Annotated[str, typer.Option(help="address for members' programs · 会员接口地址")]
Port = Annotated[int, typer.Option(help="port for members' programs · 会员接口端口")]
ZoneHost = Annotated[str, typer.Option(help="address for the other zones · 区间地址")]
ZonePort = Annotated[int, typer.Option(help="port for the other zones, mutual TLS · 区间端口")]
Workers = Annotated[int, typer.Option(min=1, help="processes · 进程数")]
Threads = Annotated[int, typer.Option(min=1, help="threads of a process · 每进程线程数")]
Certificate = Annotated[Path | None, typer.Option(help="members' certificate chain, PEM · 会员接口证书")]
Key = Annotated[Path | None, typer.Option(help="its private key, PEM · 证书私钥")]
EntryPort = Annotated[int, typer.Option(help="port for the entry zone, mutual TLS · 入口区专用端口")]
AccessLog = Annotated[bool, typer.Option("--access-log", help="one line a request · 访问日志")]
Work = Annotated[bool, typer.Option(help="run huxin work too · 同时处理经接口报送的批次")]
_CARRY = ("zone", "carry")
_CARRY_S, _AGAIN_S = 30.0, 3.0


def register(app: typer.Typer) -> None:
    """Adds the five commands."""
    for command in (intake, entry, registry, port, carry):
        app.command()(command)


def intake(
    host: Host = "127.0.0.1",
    port: Port = 8446,
    workers: Workers = 2,
    threads: Threads = 8,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    access_log: AccessLog = False,
    work: Work = True,
) -> None:
    """Serves the intake zone: members send files, which are checked and handed over. · 启动收报区。"""
    from huxin.api.serving import Serving  # the other commands need not wait for a web server
    from huxin.api.zone_members import create_intake_app

    serving = Serving(host, port, workers, threads, tls_cert, tls_key, sequencer=False, work=work)
    _serve(INTAKE, replace(serving, also=(_CARRY,)), access_log, create_intake_app)


def entry(
    host: Host = "127.0.0.1",
    port: Port = 8444,
    zone_host: ZoneHost = "127.0.0.1",
    zone_port: ZonePort = 9444,
    workers: Workers = 2,
    threads: Threads = 8,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    access_log: AccessLog = False,
) -> None:
    """Serves the entry zone: tickets for members, halves for the night; it stores nothing. · 启动入口区。"""
    from huxin.api.serving import Serving  # as above
    from huxin.api.zone_members import create_entry_app

    serving = Serving(host, port, workers, threads, tls_cert, tls_key, sequencer=False, work=False)
    beside = (_port_words(zone_host, zone_port, INTAKE), _CARRY)
    _serve(ENTRY, replace(serving, also=beside, database=False), access_log, create_entry_app)


def registry(
    host: Host = "127.0.0.1",
    port: Port = 8443,
    zone_host: ZoneHost = "127.0.0.1",
    zone_port: ZonePort = 9443,
    entry_port: EntryPort = 9445,
    workers: Workers = 2,
    threads: Threads = 8,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    access_log: AccessLog = False,
) -> None:
    """Serves the registry zone: the API, which takes tickets in place of people, and the night's end. · 启动登记区。"""
    from huxin.api.serving import Serving  # as above

    serving = Serving(host, port, workers, threads, tls_cert, tls_key)
    ports = ((zone_port, INTAKE), (entry_port, ENTRY))
    beside = tuple(_port_words(zone_host, number, caller) for number, caller in ports)
    _serve(REGISTRY, replace(serving, also=beside), access_log, None)


def port(
    host: ZoneHost = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="registry 9443, entry 9444 · 端口")] = None,
    caller: Annotated[
        Literal["intake", "entry"], typer.Option(help="the zone that is let in; entry: 9445 · 调用方")
    ] = "intake",
    threads: Threads = 4,
) -> None:
    """Serves one other zone over mutual TLS, without what members call. · 仅启动区间端口。"""
    from huxin.api.serving import Serving  # as above
    from huxin.api.shell import Config
    from huxin.api.zone_serving import serve_port

    settings = Settings.from_env()
    zone = required(settings, *(each for each, calling in PORTS if calling == caller)).zone
    serving = Serving(host, port or PORTS[zone, caller], workers=1, threads=threads)
    serve_port(settings, Config.from_env(), serving, lambda at: note(f"{zone} {at}"), caller)


def carry(
    once: Annotated[bool, typer.Option("--once", help="what waits now, then end · 送完即结束")] = False,
) -> None:
    """Tells the registry zone's log what was done with this zone's keys, until stopped. · 将密钥操作送交存证日志。

    Done by `huxin zone entry` and `intake`; an act is told at once where the registry zone can be reached.
    """
    from huxin.oversight.acts_elsewhere import catch_up  # as above

    settings = Settings.from_env()
    zone = required(settings, ENTRY, INTAKE).zone
    if once:
        catch_up(settings, zone)
        return
    stop, told = stopped_by_signals(), ""
    while not stop.is_set():
        try:
            catch_up(settings, zone)
            told = ""
        except (HuxinError, PrivacyError) as error:
            if error.code != told:
                note(f"{error.code}: {for_operators(error, settings.language)}")
            told = error.code
        stop.wait(_AGAIN_S if told else _CARRY_S)


def _serve(zone: str, serving: Serving, access_log: bool, make: Make | None) -> None:
    from huxin.api.serving import serve, with_issuer  # as above
    from huxin.api.shell import Config

    settings = Settings.from_env()
    required(settings, zone)
    config: Config = with_issuer(Config.from_env(), serving, bool(os.environ.get("HUXIN_PUBLIC_URL")))
    config = replace(config, access_log=config.access_log or access_log)
    serve(settings, config, serving, lambda at: note(f"{zone} {at}"), make)
    note(f"{zone} 已停止 · stopped")


def _port_words(host: str, port: int, caller: str) -> tuple[str, ...]:
    return ("zone", "port", "--host", host, "--port", str(port), "--caller", caller)
