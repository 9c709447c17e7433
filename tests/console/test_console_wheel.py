"""The wheel brings what pages are made of: templates, styles, scripts and their licences, texts, access."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from huxin.console.shape import STATIC
from huxin.console.texts.collecting import ROOM

TREE = Path(__file__).parents[2]


def test_an_installed_wheel_holds_every_part(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=TREE, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        held = set(archive.namelist())
    wanted = [*STATIC.rglob("*.*"), *ROOM.rglob("*.html"), *ROOM.rglob("*.po")]
    names = {f"huxin/console/{file.relative_to(ROOM)}" for file in wanted if file.is_file()}
    assert len(names) > 30
    assert names - held == set()
    assert "huxin/_schemas/console/access.yaml" in held
