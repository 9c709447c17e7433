"""`huxin zone`: a platform split over three operators, each with its own home and keys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from huxin.cli import zone_serve
from huxin.cli.setup import prepare
from huxin.cli.show import note, write_line
from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin.zones import authority
from huxin.zones.calls import Peer
from huxin.zones.card import card_text
from huxin.zones.layout import required
from huxin.zones.making import make_zone, own_card, take_card, take_certificate
from huxin.zones.roles import ROLES

app = typer.Typer(help="A platform split into zones · 拆分为密钥区", no_args_is_help=True)
Zone = Annotated[
    Literal["intake", "entry", "registry"],
    typer.Argument(help="intake, entry, registry · 收报区、入口区、登记区"),
]
Folder = Annotated[Path, typer.Argument(help="the authority's folder · 签发目录")]


@app.command()
def ca(folder: Folder) -> None:
    """Makes the three issuers of the zones' certificates; keep the folder offline. · 建立各区证书的签发目录。"""
    authority.create_authority(folder)
    note(f"签发目录已建立，请离线保存 · made; keep it offline: {folder}")


@app.command()
def init(
    zone: Zone,
    host: Annotated[list[str], typer.Option(help="a name or address by which it is called · 主机名")],
    ca: Annotated[
        Path | None, typer.Option(help="the authority's folder, where it is at hand · 签发目录")
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="entry zone, once: S256 | SM · 算法套件，仅入口区首次")
    ] = None,
) -> None:
    """Makes HUXIN_HOME the home of one zone: its keys, certificate and database. · 初始化一个密钥区。

    Safe to run again, which renews the certificate. Without --ca a request is written, to be signed elsewhere.
    """
    settings = Settings.from_env()
    made = make_zone(settings, zone, host, ca)
    prepare(settings, suite)
    if made.request:
        note(f"请交签发方签发 · have it signed: {made.request}")
    note(f"已就绪 · ready: {zone} {settings.home}")


@app.command()
def sign(
    request: Annotated[Path, typer.Argument(help="the zone's request · 证书申请")],
    zone: Annotated[
        Literal["intake", "entry", "registry"], typer.Option(help="whose it is: see for yourself · 哪个区")
    ],
    ca: Annotated[Path, typer.Option(help="the authority's folder · 签发目录")],
) -> None:
    """Signs a request; certificate and issuer go to standard output. · 签发证书。"""
    if not request.is_file():
        raise HuxinError("H1704")
    signed = authority.sign_request(ca, zone, request.read_bytes())
    write_line((signed + authority.issuer_of(ca, zone)).decode().rstrip())


@app.command()
def certificate(
    file: Annotated[Path, typer.Argument(help="what `huxin zone sign` printed · 签发结果")],
) -> None:
    """Takes a certificate that was signed elsewhere. · 安装签发的证书。"""
    layout = required(Settings.from_env(), *ROLES)
    mark = b"-----END CERTIFICATE-----"
    first, _, second = (file.read_bytes() if file.is_file() else b"").partition(mark)
    take_certificate(layout, first + mark + b"\n", second.lstrip())
    note(f"证书已安装 · taken: {layout.certificate}")


@app.command()
def card(
    issuer: Annotated[
        str | None, typer.Option(help="registry zone: HUXIN_PUBLIC_URL of its API · 接口地址")
    ] = None,
) -> None:
    """Prints this zone's card, for the other two. · 输出本区公开资料。"""
    settings = Settings.from_env()
    address = issuer or os.environ.get("HUXIN_PUBLIC_URL") or ""
    write_line(card_text(own_card(settings, address.rstrip("/"))).rstrip())


@app.command()
def peer(
    file: Annotated[Path, typer.Argument(help="another zone's card · 对方公开资料")],
    url: Annotated[
        str | None, typer.Option(help="its port's address, where this zone calls it · 地址")
    ] = None,
) -> None:
    """Takes another zone's card, and its address. · 登记对方公开资料和地址。"""
    settings = Settings.from_env()
    if not file.is_file():
        raise HuxinError("H1705")
    taken = take_card(settings, file.read_bytes(), url)
    note(f"已登记 · taken: {taken.zone} {url or ''}".rstrip())


@app.command()
def check() -> None:
    """Sees that cards and certificate are there and that the zones which this one calls answer. · 检查。"""
    settings = Settings.from_env()
    layout = required(settings, *ROLES)
    own_card(settings)
    for zone in layout.missing():
        raise HuxinError("H1706", zone=zone, own=layout.zone)
    for zone in layout.peers:
        said = Peer(layout, zone).call("GET", "/zone/healthz").json()
        if said.get("zone") != zone:
            raise HuxinError("H1714", zone=zone, status=200)
        note(f"{zone}: 正常 · well")
    note(f"{layout.zone}: 正常 · well")


zone_serve.register(app)
