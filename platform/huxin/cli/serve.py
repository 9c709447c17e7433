"""`huxin serve`: the API for members' programs."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from huxin.cli.sandbox import entered, serve_sandbox
from huxin.cli.show import note, ready_settings


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)


def serve(
    host: Annotated[str, typer.Option(help="address to listen on · 监听地址")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="8000, or 8443 with TLS · 端口")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes · 进程数")] = 2,
    threads: Annotated[int, typer.Option(min=1, help="threads of a process · 每进程线程数")] = 8,
    tls_cert: Annotated[Path | None, typer.Option(help="certificate chain, PEM · 证书")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="its private key, PEM · 证书私钥")] = None,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="one line a request: method, route, status, time · 访问日志")
    ] = False,
    sequencer: Annotated[bool, typer.Option(help="run the audit sequencer too · 同时运行存证定序")] = True,
    work: Annotated[bool, typer.Option(help="run huxin work too · 同时处理经接口报送的批次")] = True,
    console: Annotated[bool, typer.Option("--console", help="huxin console too · 同时启动控制台")] = False,
    console_port: Annotated[int, typer.Option(help="its port · 控制台端口")] = 8001,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="invented people only, nothing real is touched · 沙箱")
    ] = False,
) -> None:
    """Serves the API, with sequencer and `huxin work` beside it, until Ctrl-C. · 启动接口服务（Ctrl-C 停止）。"""
    # Imported here: the other commands need not wait for a web server.
    from huxin.api.serving import Serving, with_issuer
    from huxin.api.serving import serve as run
    from huxin.api.shell import Config

    settings = entered() if sandbox else ready_settings()
    chosen = port or (8443 if tls_cert else 8000)
    serving = Serving(host, chosen, workers, threads, tls_cert, tls_key, sequencer, work)
    if console:
        told = ("console", "--port", str(console_port), *_told(host, tls_cert, tls_key))
        serving = replace(serving, also=(told,))
    config = with_issuer(Config.from_env(), serving, bool(os.environ.get("HUXIN_PUBLIC_URL")))
    config = replace(config, access_log=config.access_log or access_log)
    zh = settings.language == "zh"

    if sandbox:
        serve_sandbox(settings, config, serving)
        return

    def tell(address: str) -> None:
        note(
            f"接口 {address} · 文档 {address}/docs" if zh else f"API {address}, documentation {address}/docs"
        )

    run(settings, config, serving, tell)
    note("已停止" if zh else "stopped")


def _told(host: str, tls_cert: Path | None, tls_key: Path | None) -> tuple[str, ...]:
    """What `huxin console` is told of where to listen: the same host and certificate."""
    tls = ("--tls-cert", str(tls_cert), "--tls-key", str(tls_key)) if tls_cert and tls_key else ()
    return ("--host", host, *tls)
