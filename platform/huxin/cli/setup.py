"""`huxin init`: a home, its keys, its database."""

from __future__ import annotations

from typing import Annotated

import typer

from huxin.cli.show import note
from huxin.enquiry.turning_on import turn_on_blind
from huxin.errors import HuxinError
from huxin.registry.connect import database_url
from huxin.registry.migrate import upgrade
from huxin.registry.partitions import ensure_month
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.zones.layout import rings_of, zone_of
from huxin.zones.roles import ENTRY
from huxin_privacy import keyring
from huxin_privacy.generations import suite_of
from huxin_privacy.suites import S256, get_suite


def register(app: typer.Typer) -> None:
    app.command("init")(init)


def init(
    suite: Annotated[
        str | None,
        typer.Option(help="S256 (SHA-256, AES) | SM (SM3, SM4), once; default S256 · 算法套件，仅首次可选"),
    ] = None,
    blind: Annotated[
        bool,
        typer.Option("--blind", help="turn blind mode on, for good · 开启盲查方式，不可关闭"),
    ] = False,
) -> None:
    """Prepares HUXIN_HOME: keys, database, tables. Safe to run again. · 初始化：密钥、数据库、表；可重复运行。"""
    settings = Settings.from_env()
    made = prepare(settings, suite)
    zh = settings.language == "zh"
    note(f"已就绪：{settings.home}" if zh else f"Ready: {settings.home}")
    if blind and turn_on_blind(settings):
        note(
            "盲查方式已开启。请重启接口服务，并请会员固定公钥（GET /v1/blind/keys）。"
            if zh
            else "Blind mode is on. Restart the API, and have members pin the keys (GET /v1/blind/keys)."
        )
    if made:
        note(
            "新建了密钥，请立即备份 keys 目录（密钥环与加密它的密钥须分开存放）。"
            if zh
            else "Keys were made: back up the keys folder now (keyrings and what seals them in two places)."
        )


def prepare(settings: Settings, suite: str | None = None) -> bool:
    """Makes what is missing and migrates; returns whether keys were made. A split-off zone gets its own only.

    The suite stays what it is; a new home's is S256 unless another is named. PrivacyError P0101 (no such suite),
    HuxinError H0104 (the home has another).
    """
    _settle_suite(settings, suite)
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.keys_dir.mkdir(mode=0o700, exist_ok=True)
    rings = rings_of(settings)
    missing = [ring for ring in rings if not keyring.keyring_path(settings.keys_dir, ring).exists()]
    for ring in missing:
        keyring.create(settings.keys_dir, ring, suite or S256.name)
    if zone_of(settings) == ENTRY:  # which stores nothing
        return bool(missing)
    settings.spool_dir.mkdir(mode=0o700, exist_ok=True)
    database_url(settings)
    upgrade(settings)
    with connection(settings) as database:
        ensure_month(database, settings.now())
    return bool(missing)


def _settle_suite(settings: Settings, wanted: str | None) -> None:
    """Refuses, before anything is made, a suite that is none or that this home's keys are not of."""
    if wanted is None:
        return
    get_suite(wanted)
    if keyring.keyring_path(settings.keys_dir, "entry").exists():
        chosen = suite_of(keyring.open(settings.keys_dir, "entry")).name
        if chosen != wanted:
            raise HuxinError("H0104", suite=chosen, wanted=wanted)
