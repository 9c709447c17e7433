"""What pages say: written in Chinese where it is said, and in English in en/*.po, read as they stand."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, request
from flask_babel import Babel, Domain, get_locale

from huxin.console.desk import desk

FOLDER = Path(__file__).parent
LANGUAGES = {"zh": "zh_Hans_CN", "en": "en"}
COOKIE = "huxin_language"


class Texts(Domain):
    """Flask-Babel's domain over the committed .po files: nothing is compiled beforehand, nothing is built by users."""

    def get_translations(self) -> NullTranslations | Translations:
        """Those of the present language; Chinese is what stands in the source."""
        locale = get_locale()
        return english() if locale is not None and locale.language == "en" else _source()


def register(app: Flask) -> None:
    """Chooses each request's language."""
    babel = Babel(  # type: ignore[no-untyped-call]  # Flask-Babel's own
        app,
        default_locale=LANGUAGES["zh"],
        default_timezone="Asia/Shanghai",
        locale_selector=lambda: LANGUAGES[language()],
    )
    babel.__dict__["domain_instance"] = _domain()  # a cached property, which would be a domain of .mo files


def _domain() -> Texts:
    return Texts()  # type: ignore[no-untyped-call]  # Flask-Babel's own


def language() -> str:
    """ "zh" or "en": what the person has chosen, or this browser, or what the browser says it reads."""
    person = getattr(g.get("visitor"), "person", None)  # not recognised anew: errors are said by this, too
    chosen = (person.language if person else None) or request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    match = request.accept_languages.best_match(["zh", "zh-CN", "en"])
    return match[:2] if match else desk().settings.language


@lru_cache(maxsize=1)
def _source() -> NullTranslations:
    return NullTranslations()


@lru_cache(maxsize=1)
def english() -> Translations:
    """All English texts, put together once a process. ValueError where two files differ over one text."""
    whole = Catalog(locale="en")
    for file in sorted((FOLDER / "en").glob("*.po")):
        with file.open("rb") as source:
            for message in read_po(source, locale="en"):
                there = whole.get(message.id) if message.id else None
                if there is not None and there.string != message.string:
                    raise ValueError(f"{file.name}: {message.id} is said otherwise elsewhere")
                if message.id:
                    whole.add(message.id, message.string)
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return Translations(compiled)
