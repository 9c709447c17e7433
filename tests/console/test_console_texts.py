"""Every word of a page is marked, is said in English too, and none is kept that nobody says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from huxin.console.reporting_words import STATE_CHIPS
from huxin.console.texts import FOLDER, collecting, english
from huxin.console.texts.collecting import ROOM, Said, all_said
from huxin.contract import State, load_states

HAN = re.compile(r"[\u3400-\u9fff]")
TEMPLATES = sorted(ROOM.rglob("*.html"))
MARKED = frozenset(("_", "_l", "gettext", "lazy_gettext", "ngettext"))
# What is said in the language's own name, whatever is read now.
OWN_NAMES = {"English", "中文", "SHA"}
FACTS = re.compile(r"%\((\w+)\)[sd]")


def translations() -> dict[str, object]:
    found: dict[str, object] = {}
    for file in sorted((FOLDER / "en").glob("*.po")):
        with file.open("rb") as source:
            for message in read_po(source, locale="en"):
                if message.id:
                    found[message.id if isinstance(message.id, str) else message.id[0]] = message.string
    return found


def test_every_text_is_said_in_english() -> None:
    known = translations()
    missing = {
        said.singular: f"{said.file.name}:{said.line}" for said in all_said() if not whole(known, said)
    }
    assert missing == {}, "run python -m huxin.console.texts.collecting, then translate"


def whole(known: dict[str, object], said: Said) -> bool:
    string = known.get(said.singular)
    return all(string) if isinstance(string, tuple) else bool(string)


def test_no_text_is_kept_that_nobody_says() -> None:
    assert set(translations()) - {said.singular for said in all_said()} == set()


def test_english_is_english_and_names_the_same_facts() -> None:
    wrong = []
    for id_, string in translations().items():
        for each in string if isinstance(string, tuple) else (string,):
            if HAN.search(str(each)) or set(FACTS.findall(str(each))) != set(FACTS.findall(id_)):
                wrong.append(id_)
    assert wrong == []


def test_the_catalogues_are_put_together_and_agree() -> None:
    english.cache_clear()
    assert english().gettext("登录") == "Sign in"


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_template_says_nothing_unmarked(file: Path) -> None:
    """Without its expressions, comments and tags no word is left, and no attribute that is read aloud holds one."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    spoken = re.findall(r"\b(?:aria-label|title|placeholder|alt)=\"([^\"]*)\"", text)
    text = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL)
    words = re.findall(r"[A-Za-z]{2,}[A-Za-z ,']*|[\u3400-\u9fff]+", " ".join([text, *spoken]))
    assert [word for word in words if word.strip() not in OWN_NAMES] == []


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_template_holds_no_style_and_no_handler(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert re.findall(r"\s(?:style|on[a-z]+|hx-on[\w:-]*)=", text) == []
    assert re.findall(r"<style\b", text) == []
    assert [tag for tag in re.findall(r"<script[^>]*>", text) if "nonce=" not in tag] == []
    assert [form for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL) if unsafe(form)] == []


def unsafe(form: str) -> bool:
    """A form that changes something and brings no token."""
    return 'method="post"' in form and 'name="csrf"' not in form


def unmarked(file: Path) -> Iterator[str]:
    """Chinese in code that is neither marked nor a docstring."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    fine: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MARKED:
            fine.update(id(each) for each in ast.walk(node))
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            fine.add(id(body[0].value))
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in fine else None
        if isinstance(text, str) and HAN.search(text):
            yield f"{file.name}:{getattr(node, 'lineno', 0)} {text}"


def test_code_says_nothing_unmarked() -> None:
    files = [file for file in sorted(ROOM.rglob("*.py")) if file.name != "collecting.py"]
    assert [found for file in files for found in unmarked(file)] == []


def test_texts_lie_where_the_collector_puts_them() -> None:
    names = {collecting.home_of(said.file) for said in all_said()}
    assert {file.stem for file in (FOLDER / "en").glob("*.po")} <= names


def test_states_are_called_as_the_contract_calls_them() -> None:
    assert {state.number: str(STATE_CHIPS[State(state.number)].words) for state in load_states()} == {
        state.number: state.zh for state in load_states()
    }
