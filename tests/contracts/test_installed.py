"""What the installer writes besides the packages: the tree's own paths, which have to serve under any locale."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]


def test_paths_into_a_chinese_folder_are_relative_and_each_written_once(tmp_path: Path) -> None:
    tree = tmp_path / "互 信"
    packages = tree / ".venv" / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    own = packages / "_editable_impl_huxin_privacy.pth"
    own.write_text(f"{tree}/privacy/src\n{tree}/privacy/src\n{tree}/other\n", encoding="utf-8")
    spec = spec_from_file_location("huxin_install", TREE / "requirements" / "install.py")
    assert spec
    assert spec.loader
    install = module_from_spec(spec)
    spec.loader.exec_module(install)
    install.relate_own_paths(packages)
    assert own.read_text(encoding="ascii") == "../../../../privacy/src\n../../../../other\n"


def test_what_is_installed_here_holds_no_absolute_path_of_the_tree() -> None:
    found = sorted(Path(sysconfig.get_path("purelib")).glob("_editable_impl_huxin*.pth"))
    assert len(found) == 2
    lines = [line for each in found for line in each.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if Path(line).is_absolute()] == []


def test_all_rooms_are_found_without_a_locale(tmp_path: Path) -> None:
    env = {"LC_ALL": "C", "PATH": os.environ["PATH"], "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    rooms = "import huxin, huxin_privacy, huxin_checks, huxin_edge"
    subprocess.run([sys.executable, "-c", rooms], env=env, cwd=tmp_path, check=True, timeout=180)
