"""What came from npm is what its list says, whole, licensed, without an address to fetch from."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from huxin.console.shape import STATIC

TREE = Path(__file__).parents[2]
FOLDERS = (STATIC / "vendor", Path(__file__).parent / "vendor")
LINE = re.compile(r"([0-9a-f]{64})  (\S+)  (\S+) (\d+\.\d+\.\d+)")
OURS = {"VERSIONS", "tabler.LICENSE"}


@pytest.fixture(scope="module")
def vendor() -> ModuleType:
    spec = importlib.util.spec_from_file_location("huxin_vendor", TREE / "requirements" / "vendor.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def listed(folder: Path) -> dict[str, tuple[str, str, str]]:
    found = {}
    for line in (folder / "VERSIONS").read_text(encoding="utf-8").splitlines():
        parts = LINE.fullmatch(line)
        assert parts, line
        found[parts[2]] = (parts[1], parts[3], parts[4])
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=("console", "tests"))
def test_each_file_is_the_one_that_was_brought(folder: Path) -> None:
    wanted = listed(folder)
    there = {file.name for file in folder.iterdir()} - OURS
    assert there == set(wanted)
    for name, (digest, _, _) in wanted.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


def test_the_versions_are_those_that_make_vendor_asks_for(vendor: ModuleType) -> None:
    pinned = {package: version for package, version, _, _ in vendor.WANTED} | dict([vendor.ICONS])
    told = {package: version for folder in FOLDERS for _, package, version in listed(folder).values()}
    assert told == pinned


def test_the_sprite_holds_the_icons_that_pages_name_and_no_other(vendor: ModuleType) -> None:
    symbols = re.findall(r'<symbol id="([^"]+)"', (FOLDERS[0] / "icons.svg").read_text(encoding="utf-8"))
    assert symbols == vendor.used(), "run make vendor"


def test_style_sheets_and_sprites_fetch_nothing_from_elsewhere() -> None:
    for name in ("vendor/tabler.min.css", "console.css", "vendor/icons.svg"):
        text = (STATIC / name).read_text(encoding="utf-8")
        assert re.findall(r"@import|url\(\s*[\"']?(?:https?:)?//|<image|<script", text) == [], name


def test_what_is_vendored_stays_moderate() -> None:
    assert sum(file.stat().st_size for file in FOLDERS[0].iterdir()) < 2_500_000
