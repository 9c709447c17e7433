"""The installer hands the user's index settings on; .venv is made with a Python that fits."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

TREE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("huxin_install", TREE / "requirements" / "install.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_environment_outweighs_the_file(install: ModuleType) -> None:
    listing = """:env:.index-url='http://env/simple'
global.index-url='http://global/simple'
install.index-url='http://install/simple'
global.extra-index-url='\\nhttp://one/simple\\nhttp://two/simple'
:env:.default-timeout='180'
wheel.no-deps='true'
"""
    assert install.pip_settings(listing) == {
        "index-url": "http://env/simple",
        "extra-index-url": "\nhttp://one/simple\nhttp://two/simple",
        "timeout": "180",
    }


def test_pip_without_settings_leaves_uv_alone(install: ModuleType) -> None:
    assert install.uv_settings(install.pip_settings("")) == {}


def test_local_indexes_that_do_not_exist_are_left_out(install: ModuleType, tmp_path: Path) -> None:
    there, gone = tmp_path / "there", tmp_path / "gone"
    there.mkdir()
    given = {
        "index-url": "http://mirror/simple",
        "extra-index-url": f"file://{there} file://{gone}",
        "find-links": f"{gone}\n{there}\nhttp://files/",
        "cert": str(gone),
        "proxy": "http://proxy:8080",
    }
    assert install.uv_settings(given) == {
        "UV_DEFAULT_INDEX": "http://mirror/simple",
        "UV_INDEX": f"file://{there}",
        "UV_FIND_LINKS": f"{there},http://files/",
        "ALL_PROXY": "http://proxy:8080",
    }


def choose(path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    script = TREE / "requirements" / "python.sh"
    return subprocess.run(
        ["/bin/sh", str(script)], env={"PATH": str(path), **env}, capture_output=True, text=True, check=False
    )


def fake(folder: Path, name: str, fits: bool) -> Path:
    """A program named like a Python that says whether it fits."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\nexit {0 if fits else 1}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def tools(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "cat").symlink_to("/bin/cat")
    return folder


def test_the_first_python_that_fits_is_taken(tmp_path: Path) -> None:
    bin_folder = tmp_path / "程序 bin"
    fake(bin_folder, "python3", fits=False)
    fake(bin_folder, "python3.13", fits=False)
    wanted = fake(bin_folder, "python3.12", fits=True)
    fake(bin_folder, "python3.11", fits=True)
    done = choose(bin_folder)
    assert (done.returncode, done.stdout.strip()) == (0, str(wanted))


def test_the_named_python_is_taken_or_nothing(tmp_path: Path) -> None:
    bin_folder = tools(tmp_path / "bin")
    fake(bin_folder, "python3", fits=True)
    named = fake(tmp_path / "另 一处", "py", fits=True)
    assert choose(bin_folder, HUXIN_PYTHON=str(named)).stdout.strip() == str(named)
    fake(tmp_path / "另 一处", "py", fits=False)
    refused = choose(bin_folder, HUXIN_PYTHON=str(named))
    assert (refused.returncode, refused.stdout) == (1, "")


def test_without_a_python_the_message_says_so_in_both_languages(tmp_path: Path) -> None:
    done = choose(tools(tmp_path / "bin"))
    assert done.returncode == 1
    assert "3.11、3.12 或 3.13" in done.stderr
    assert "3.11, 3.12 or 3.13" in done.stderr


def test_this_python_fits() -> None:
    done = choose(Path(os.environ["PATH"].split(os.pathsep)[0]), HUXIN_PYTHON=sys.executable)
    assert done.stdout.strip() == sys.executable


def test_own_paths_become_relative(install: ModuleType, tmp_path: Path) -> None:
    """site cannot read a Chinese path from a .pth file under LC_ALL=C."""
    packages = tmp_path / "信" / ".venv" / "lib" / "site-packages"
    packages.mkdir(parents=True)
    pth = packages / "_editable_impl_huxin.pth"
    pth.write_text(str(tmp_path / "信" / "platform"), encoding="utf-8")
    install.relate_own_paths(packages)
    assert pth.read_bytes() == b"../../../platform\n"
