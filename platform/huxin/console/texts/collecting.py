"""Finds what pages say, and adds what has no English yet: `python -m huxin.console.texts.collecting`.

A text of page NAME (pages/NAME.py, templates/NAME.html, templates/NAME_*.html) goes to en/NAME.po, any other to
en/shell.po. Each is then translated by hand; a test fails while one is empty, unused or unmarked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from huxin.console.texts import FOLDER

ROOM = FOLDER.parent
SHELL = "shell"
_HEAD = r"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

"""
_KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
}


@dataclass(frozen=True)
class Said:
    """A text and where it stands; `id` is a pair where it counts."""

    id: str | tuple[str, ...]
    file: Path
    line: int

    @property
    def singular(self) -> str:
        return self.id if isinstance(self.id, str) else self.id[0]


def all_said() -> Iterator[Said]:
    """Every marked text of modules and templates."""
    for method, files in (("python", ROOM.rglob("*.py")), ("jinja2", ROOM.rglob("*.html"))):
        for file in sorted(files):
            for line, id_, _, _ in extract(method, BytesIO(file.read_bytes()), keywords=_KEYWORDS):
                if id_:
                    yield Said(tuple(id_) if isinstance(id_, list | tuple) else id_, file, line)


def home_of(file: Path) -> str:
    """The catalogue that a file's texts belong to."""
    names = sorted((page.stem for page in (ROOM / "pages").glob("[a-z]*.py")), key=len, reverse=True)
    stem = file.stem
    if file.parent.name in ("pages", "templates"):
        return next((name for name in names if stem == name or stem.startswith(f"{name}_")), SHELL)
    return SHELL


def catalogue(name: str) -> Catalog:
    """One of en/*.po; empty where there is none."""
    file = FOLDER / "en" / f"{name}.po"
    if not file.exists():
        return Catalog(locale="en")
    with file.open("rb") as source:
        return read_po(source, locale="en")


def main() -> int:
    """Adds what is missing and takes away what nobody says; returns how many texts wait for their English."""
    wanted: dict[str, dict[str, Said]] = {}
    placed: set[str] = set()
    for said in all_said():
        if said.singular not in placed:
            placed.add(said.singular)
            wanted.setdefault(home_of(said.file), {})[said.singular] = said
    known = {
        message.id if isinstance(message.id, str) else message.id[0]: message.string
        for file in (FOLDER / "en").glob("*.po")
        for message in catalogue(file.stem)
        if message.id and message.string
    }
    empty = 0
    for name, texts in wanted.items():
        made = Catalog(locale="en", header_comment="# What pages say, in English.")
        for singular in sorted(texts):
            string = known.get(singular, "")
            made.add(texts[singular].id, string)
            empty += not string
        _write(name, made)
    for file in (FOLDER / "en").glob("*.po"):
        if file.stem not in wanted:
            file.unlink()
    return empty


def _write(name: str, made: Catalog) -> None:
    target = BytesIO()
    write_po(target, made, width=0, omit_header=True, no_location=True)
    text = re.sub(r"\n{3,}", "\n\n", target.getvalue().decode()).strip()
    text = _HEAD + text + "\n"
    (FOLDER / "en" / f"{name}.po").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(f"{count} to translate" if (count := main()) else 0)
