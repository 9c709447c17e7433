"""The wheel brings what pages are made of: templates, styles, scripts and their licences, texts, access."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from huxin.console.shape import STATIC
from huxin.console.texts.collecting import ROOM

ELSEWHERE = """
from pathlib import Path
import huxin
from huxin.console.app import create_console
from huxin.console.texts import english
from huxin.settings import Settings
Path("keys").mkdir()
print(Path(huxin.__file__).parents[1], english().gettext("登录"))
print(create_console(Settings(Path.cwd())).test_client().get("/static/console.css").status_code)
"""
TREE = Path(__file__).parents[2]


def test_an_installed_wheel_holds_every_part(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=TREE, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        held = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    wanted = [*STATIC.rglob("*.*"), *ROOM.rglob("*.html"), *ROOM.rglob("*.po")]
    names = {f"huxin/console/{file.relative_to(ROOM)}" for file in wanted if file.is_file()}
    assert len(names) > 30
    assert names - held == set()
    assert "huxin/_schemas/console/access.yaml" in held
    ran = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.split() == [str(tmp_path / "site"), "Sign", "in", "200"], ran.stderr
