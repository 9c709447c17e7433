"""`huxin zone intake|entry|registry|port`: the services of a split platform."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huxin.cli.show import note
from huxin.settings import Settings
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, INTAKE, REGISTRY

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
AccessLog = Annotated[bool, typer.Option("--access-log", help="one line a request · 访问日志")]
Work = Annotated[bool, typer.Option(help="run huxin work too · 同时处理经接口报送的批次")]


def register(app: typer.Typer) -> None:
    """Adds the four commands."""
    for command in (intake, entry, registry, port):
        app.command()(command)


def intake(
    host: Host = "127.0.0.1",
    port: Port = 8446,
    workers: Workers = 2,
    threads: Threads = 4,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    access_log: AccessLog = False,
    work: Work = True,
) -> None:
    """Serves the intake zone: members send files, which are checked and handed over. · 启动收报区。"""
    from huxin.api.serving import Serving  # the other commands need not wait for a web server
    from huxin.api.zone_members import create_intake_app

    serving = Serving(host, port, workers, threads, tls_cert, tls_key, sequencer=False, work=work)
    _serve(INTAKE, serving, access_log, create_intake_app)


def entry(
    host: Host = "127.0.0.1",
    port: Port = 8444,
    zone_host: ZoneHost = "127.0.0.1",
    zone_port: ZonePort = 9444,
    workers: Workers = 2,
    threads: Threads = 4,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    access_log: AccessLog = False,
) -> None:
    """Serves the entry zone: tickets for members, halves for the night; it stores nothing. · 启动入口区。"""
    from huxin.api.serving import Serving  # as above
    from huxin.api.zone_members import create_entry_app

    serving = Serving(host, port, workers, threads, tls_cert, tls_key, sequencer=False, work=False)
    beside = (_port_words(zone_host, zone_port),)
    _serve(ENTRY, replace(serving, also=beside, database=False), access_log, create_entry_app)


def registry(
    host: Host = "127.0.0.1",
    port: Port = 8443,
    zone_host: ZoneHost = "127.0.0.1",
    zone_port: ZonePort = 9443,
    workers: Workers = 2,
    threads: Threads = 4,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    access_log: AccessLog = False,
) -> None:
    """Serves the registry zone: the API, which takes tickets in place of people, and the night's end. · 启动登记区。"""
    from huxin.api.serving import Serving  # as above

    serving = Serving(host, port, workers, threads, tls_cert, tls_key)
    _serve(REGISTRY, replace(serving, also=(_port_words(zone_host, zone_port),)), access_log, None)


def port(
    host: ZoneHost = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="registry 9443, entry 9444 · 端口")] = None,
    threads: Threads = 4,
) -> None:
    """Serves the other zones over mutual TLS, without what members call. · 仅启动区间端口。"""
    from huxin.api.serving import Serving  # as above
    from huxin.api.shell import Config
    from huxin.api.zone_serving import PORTS, serve_port

    settings = Settings.from_env()
    zone = required(settings, *PORTS).zone
    serving = Serving(host, port or PORTS[zone], workers=1, threads=threads)
    serve_port(settings, Config.from_env(), serving, lambda at: note(f"{zone} {at}"))


def _serve(zone: str, serving: Serving, access_log: bool, make: Make | None) -> None:
    from huxin.api.serving import serve, with_issuer  # as above
    from huxin.api.shell import Config

    settings = Settings.from_env()
    required(settings, zone)
    config: Config = with_issuer(Config.from_env(), serving, bool(os.environ.get("HUXIN_PUBLIC_URL")))
    config = replace(config, access_log=config.access_log or access_log)
    serve(settings, config, serving, lambda at: note(f"{zone} {at}"), make)
    note(f"{zone} 已停止 · stopped")


def _port_words(host: str, port: int) -> tuple[str, ...]:
    return ("zone", "port", "--host", host, "--port", str(port))
