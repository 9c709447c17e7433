"""docs/sandbox.md's tables, written from the data set: `python -m huxin.sandbox.page` puts them into the page."""

from __future__ import annotations

import re
from pathlib import Path

from huxin.paths import schema_root
from huxin.sandbox.subjects import SandboxMember, TestSubject, load_sandbox

PAGE = schema_root().parent / "docs" / "sandbox.md"
_PART = "<!-- {name}: made from schemas/sandbox/subjects.yaml -->"
_END = "<!-- end -->"


def expectation(subject: TestSubject) -> str:
    """What the answer is, in short: outcome and flags, or status and code."""
    said = subject.expect
    if said.outcome is None:
        return f"{said.status} {said.code}" + (" → 200" if said.then else "")
    return " ".join([said.outcome, *said.flags])


def subjects_table() -> str:
    """One row a test subject."""
    head = "| subject | identifier | what it is | 说明 | enquiry | reservation |\n"
    return (
        head
        + "| --- | --- | --- | --- | --- | --- |\n"
        + "".join(_row(each) for each in load_sandbox().subjects)
    )


def members_table() -> str:
    """One row a test member."""
    head = "| member | tier | what it is | 说明 |\n| --- | --- | --- | --- |\n"
    return head + "".join(_member(each) for each in load_sandbox().members)


def filled(text: str) -> str:
    """The page with both tables as the data says."""
    for name, made in (("members", members_table()), ("subjects", subjects_table())):
        begin = _PART.format(name=name)
        pattern = re.compile(f"{re.escape(begin)}\n.*?{re.escape(_END)}", re.DOTALL)
        text, count = pattern.subn(lambda _: f"{begin}\n{made}{_END}", text)  # noqa: B023 - used at once
        assert count == 1, f"the page has no place for {name}"
    return text


def _row(subject: TestSubject) -> str:
    person, expect = subject.person, subject.expect
    number = f"`{person.id_no}`" + (f" {person.id_type}" if person.id_type != "resident_id" else "")
    number += f" {person.id_country}" if person.id_country else ""
    answer = f"**{expect.outcome}**" if expect.outcome else f"`{expect.status}` {expect.code}"
    answer += "".join(f" {flag}" for flag in expect.flags) + (", then 200" if expect.then else "")
    wanted = subject.reserve
    held = f"{wanted.amount:,}: `{wanted.status}` {wanted.code or ''}".rstrip() if wanted else ""
    return f"| {subject.key} | {number} | {subject.en} | {subject.zh} | {answer} | {held} |\n"


def _member(member: SandboxMember) -> str:
    return f"| {member.code} | {member.tier} | {member.en} | {member.zh} |\n"


def main(page: Path = PAGE) -> None:
    page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
