"""Fills .venv from the hashed locks: `python requirements/install.py runtime|dev|fuzz`, run by make.

Standard library only. uv does the work, for speed; pip installs it first, from a lock of its own,
and does the rest where uv fails. Nothing outside the tree is written: caches too lie below .venv,
unless UV_CACHE_DIR or PIP_CACHE_DIR name others.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
VENV = TREE / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / ".uv" / "bin" / "uv"
CACHE = VENV / ".cache"
# The rest is compiled ahead on every core: a night imports 3,700 modules in each process, which takes 24 s
# uncompiled and 8 s compiled; compiling takes 12 s. These no night imports.
UNCOMPILED = r"site-packages/(.*/)?(tests|pip|setuptools|pkg_resources|lexers|libcst)/"


def main(kind: str) -> None:
    """Makes .venv hold exactly the lock of `kind` and this tree's two distributions, and marks it so."""
    started = time.monotonic()
    if not is_usable():
        say("新建虚拟环境 · making .venv")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    if kind == "fuzz":
        if not beside("fuzz", environment()):
            raise SystemExit("此系统没有 atheris 的安装包 · there is no atheris for this system and Python")
        return
    # The dev set contains the runtime set: a refresh of the smaller may not remove the larger.
    kind = "dev" if kind == "dev" or (VENV / ".dev").exists() else "runtime"
    lock = TREE / "requirements" / f"{kind}-py{venv_version()}.lock"
    say(f"安装依赖 · installing {count(lock)} packages ({lock.name})")
    env = environment()
    if not (install_uv(env) and install_with_uv(lock, env)):
        say("uv 未能完成，改用 pip · uv failed, going on with pip")
        install_with_pip(lock, env)
    packages = next((VENV / "lib").glob("python3*/site-packages"))
    relate_own_paths(packages)
    say("预编译 · compiling bytecode")
    compile_packages(packages)
    shutil.rmtree(CACHE, ignore_errors=True)
    (VENV / ".place").write_text(f"{TREE}\n", encoding="utf-8")
    for mark in {"runtime", kind}:
        (VENV / f".{mark}").touch()
    say(f"环境就绪 · ready after {time.monotonic() - started:.0f} s")


def say(text: str) -> None:
    print(f"· {text}", flush=True)


def count(lock: Path) -> int:
    return sum("==" in line for line in lock.read_text(encoding="utf-8").splitlines())


def answer(*arguments: str) -> str:
    """What .venv's Python prints, run with `arguments`."""
    return subprocess.run(
        [str(PYTHON), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


def venv_version() -> str:
    """The Python version of .venv, like "3.12"; empty when it has none that runs."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return answer("-c", ask)
    except (OSError, subprocess.CalledProcessError):
        return ""


def is_usable() -> bool:
    """Whether .venv runs, has the Python that was asked for, and lies where it was made (it holds paths)."""
    version = venv_version()
    if os.environ.get("HUXIN_PYTHON") and version != f"{sys.version_info[0]}.{sys.version_info[1]}":
        return False
    place = VENV / ".place"
    moved = place.exists() and place.read_text(encoding="utf-8").strip() != str(TREE)
    return version in {"3.11", "3.12", "3.13"} and not moved


def install_uv(env: Mapping[str, str]) -> bool:
    bootstrap = TREE / "requirements" / "bootstrap.lock"
    if UV.exists() and UV.stat().st_mtime >= bootstrap.stat().st_mtime:
        return True
    done = beside("bootstrap", env, ".uv")
    if done:
        UV.touch()
    return done


def beside(lock: str, env: Mapping[str, str], folder: str = "") -> bool:
    """Puts a lock's tools beside the environment, not into it: that holds what its own lock names and no more."""
    target = VENV / (folder or f".{lock}")
    shutil.rmtree(target, ignore_errors=True)
    return pip(env, "--target", str(target), "-r", str(TREE / "requirements" / f"{lock}.lock"))


def install_with_uv(lock: Path, env: Mapping[str, str]) -> bool:
    synced = uv(env, "sync", "--require-hashes", "--only-binary", ":all:", str(lock))
    return synced and uv(env, "install", "--offline", "--no-deps", "--no-build-isolation", *local())


def uv(env: Mapping[str, str], verb: str, *arguments: str) -> bool:
    """Runs uv and shows what it downloads, but not the list of everything it installed."""
    command = [str(UV), "pip", verb, "--python", str(PYTHON), *arguments]
    with subprocess.Popen(command, env=dict(env), cwd=TREE, stderr=subprocess.PIPE, text=True) as run:
        for line in run.stderr or ():
            if not line.startswith((" + ", " - ", " ~ ", " Downloaded")):
                print(f"  {line.rstrip()}", flush=True)
    return run.returncode == 0


def install_with_pip(lock: Path, env: Mapping[str, str]) -> None:
    if not pip(env, "-r", str(lock)):
        raise SystemExit("安装失败，原因见上 · the installation failed, see above")
    offline = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([str(PYTHON), "-m", "pip", "install", *offline, *local()], env=dict(env), check=True)


def local() -> list[str]:
    """The two distributions of this tree, installed in place."""
    return ["-e", str(TREE), "-e", str(TREE / "privacy")]


def pip(env: Mapping[str, str], *arguments: str) -> bool:
    """Installs wheels whose hashes a lock names."""
    base = [str(PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    return subprocess.run([*base, *arguments], env=dict(env), check=False).returncode == 0


def relate_own_paths(packages: Path) -> None:
    """Makes the paths to this tree relative: site reads .pth files in the locale's encoding, and dies of a
    Chinese character under LC_ALL=C before Python 3.13."""
    for pth in packages.glob("_editable_impl_huxin*.pth"):
        # A line for each package of a distribution, most of them the same.
        sources = dict.fromkeys(pth.read_text(encoding="utf-8").split("\n"))
        ours = [os.path.relpath(source, packages) for source in sources if source]
        pth.write_text("".join(f"{line}\n" for line in ours), encoding="ascii")


def compile_packages(packages: Path) -> None:
    quietly = ["-m", "compileall", "-q", "-j", "0", "-x", UNCOMPILED]
    subprocess.run([str(PYTHON), *quietly, str(packages)], check=False)


def environment() -> dict[str, str]:
    """The environment of both installers: pip's index settings handed on to uv, which does not read them."""
    # These would lead past the virtual environment.
    astray = {"PIP_USER", "PIP_TARGET", "PIP_PREFIX"}
    kept = {name: value for name, value in os.environ.items() if name not in astray}
    ours = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_CACHE_DIR": str(CACHE / "pip"),
        "UV_CACHE_DIR": str(CACHE / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
        # As pip does it: every index is asked. The hashes of the lock say which file is right.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    return {**ours, **uv_settings(pip_settings(answer("-m", "pip", "config", "list"))), **kept}


def pip_settings(listing: str) -> dict[str, str]:
    """`pip config list` by option; the environment outweighs [install], and that [global]."""
    found: dict[str, dict[str, str]] = {":env:": {}, "install": {}, "global": {}}
    for line in listing.splitlines():
        name, _, literal = line.partition("=")
        section, _, option = name.partition(".")
        if section in found and literal:
            found[section][option.removeprefix("default-")] = str(ast.literal_eval(literal))
    return {**found["global"], **found["install"], **found[":env:"]}


def uv_settings(pip_says: Mapping[str, str]) -> dict[str, str]:
    """uv's environment variables for pip's settings. Local addresses that do not exist are left out."""
    renamed = {
        "index-url": ("UV_DEFAULT_INDEX", " "),
        "extra-index-url": ("UV_INDEX", " "),
        "find-links": ("UV_FIND_LINKS", ","),
        "trusted-host": ("UV_INSECURE_HOST", " "),
        "cert": ("SSL_CERT_FILE", " "),
        "proxy": ("ALL_PROXY", " "),
        "timeout": ("UV_HTTP_TIMEOUT", " "),
    }
    chosen = {}
    for option, (variable, separator) in renamed.items():
        values = separator.join(existing(pip_says.get(option, "")))
        if values:
            chosen[variable] = values
    return chosen


def existing(values: str) -> Iterator[str]:
    for value in values.split():
        path = value.removeprefix("file://")
        if not path.startswith("/") or Path(path).exists():
            yield value


if __name__ == "__main__":
    main(sys.argv[1])
