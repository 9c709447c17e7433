"""Brings the console's scripts and styles from npm at the versions named here: `make vendor`; they are committed.

`npm pack` checks each package against the registry's own digest; VERSIONS then says what the files are, and a test
that they still are. Nothing is built: what a browser gets is what was published, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
CONSOLE = TREE / "platform" / "huxin" / "console"
TARGET = CONSOLE / "static" / "vendor"
TESTS = TREE / "tests" / "console" / "vendor"

# Package, version, {file within it: name here}. Tabler's brings no text of its licence (MIT): that file is ours.
WANTED = (
    (
        "@tabler/core",
        "1.6.1",
        TARGET,
        {"dist/css/tabler.min.css": "tabler.min.css", "dist/js/tabler.min.js": "tabler.min.js"},
    ),
    ("htmx.org", "2.0.11", TARGET, {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "htmx.LICENSE"}),
    (
        "echarts",
        "6.1.0",
        TARGET,
        {"dist/echarts.min.js": "echarts.min.js", "LICENSE": "echarts.LICENSE", "NOTICE": "echarts.NOTICE"},
    ),
    ("axe-core", "4.14.1", TESTS, {"axe.min.js": "axe.min.js", "LICENSE": "axe.LICENSE"}),
)
ICONS = ("@tabler/icons", "3.52.0")
USED = re.compile(r"""icon\(\s*["']([a-z0-9-]+)["']|icon=["']([a-z0-9-]+)["']""")


def main() -> None:
    """Writes the files, the sprite of the icons that pages use, and both lists of digests."""
    with tempfile.TemporaryDirectory() as scratch:
        lines: dict[Path, list[str]] = {TARGET: [], TESTS: []}
        for package, version, target, files in WANTED:
            opened = unpacked(package, version, Path(scratch))
            for source, name in files.items():
                target.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(opened / source, target / name)
                lines[target].append(line(package, version, target / name))
        opened = unpacked(*ICONS, Path(scratch))
        (TARGET / "icons.svg").write_text(sprite(opened / "icons" / "outline", used()), encoding="utf-8")
        shutil.copyfile(opened / "LICENSE", TARGET / "tabler-icons.LICENSE")
        lines[TARGET] += [line(*ICONS, TARGET / name) for name in ("icons.svg", "tabler-icons.LICENSE")]
    for target, told in lines.items():
        (target / "VERSIONS").write_text("".join(f"{each}\n" for each in told), encoding="utf-8")


def unpacked(package: str, version: str, scratch: Path) -> Path:
    """The folder of a package as it was published."""
    command = ["npm", "pack", "--json", f"{package}@{version}"]
    told = json.loads(subprocess.run(command, cwd=scratch, capture_output=True, check=True).stdout)
    target = scratch / re.sub(r"\W", "-", package)
    named = told[0] if isinstance(told, list) else next(iter(told.values()))
    file = scratch / str(named["filename"]).replace("@", "").replace("/", "-")
    with tarfile.open(file) as archive:
        archive.extractall(target, filter="data")
    return target / "package"


def line(package: str, version: str, file: Path) -> str:
    return f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}  {package} {version}"


def used() -> list[str]:
    """The icons that templates and pages name."""
    sources = [*CONSOLE.rglob("*.html"), *CONSOLE.rglob("*.py")]
    found = {
        name
        for source in sources
        for pair in USED.findall(source.read_text(encoding="utf-8"))
        for name in pair
        if name
    }
    return sorted(found)


def sprite(folder: Path, names: list[str]) -> str:
    """One file of symbols. Each is drawn in the colour of its text."""
    symbols = []
    for name in names:
        text = (folder / f"{name}.svg").read_text(encoding="utf-8")
        inner = re.search(r"<svg[^>]*>(.*)</svg>", text, re.DOTALL)
        if inner is None:
            raise SystemExit(f"{name} is no icon")
        drawn = " ".join(inner[1].split())
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{drawn}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


if __name__ == "__main__":
    main()
