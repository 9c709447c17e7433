"""GET /sandbox/subjects: every test subject as the body of an enquiry and what has to come of it, for programs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import orjson

from huxin.sandbox.subjects import TestSubject, load_sandbox

PATH = "/sandbox/subjects"


def listing(today: date) -> bytes:
    """JSON: {"subjects": [{key, zh, en, enquiry, expect, reserve}]}; `enquiry` is ready to be posted today."""
    found = [
        {
            "key": each.key,
            "zh": each.zh,
            "en": each.en,
            "enquiry": enquiry_body(each, today),
            "expect": asdict(each.expect),
            "reserve": asdict(each.reserve) if each.reserve else None,
        }
        for each in load_sandbox().subjects
    ]
    return orjson.dumps({"subjects": found})


def enquiry_body(subject: TestSubject, today: date) -> dict[str, Any]:
    """The body of POST /v1/enquiries about a test subject."""
    person, question = subject.person, subject.question
    who = {
        "id_type": person.id_type,
        "id_no": person.id_no,
        "id_country": person.id_country,
        "name": question.name,
        "mobile": person.mobile,
    }
    asked = {
        "purpose": question.purpose,
        "product": question.product,
        "amount": None if question.amount is None else f"{question.amount}.00",
        "consent_no": "SQ-SANDBOX",
        "consent_until": (today + timedelta(question.consent_days)).isoformat(),
        "staff": "sandbox",
        "reference": subject.key,
    }
    return {"subject": _given(who), **_given(asked)}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
