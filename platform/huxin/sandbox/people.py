"""Invented persons beside the test subjects: whose loans are guaranteed, who share a mobile number."""

from __future__ import annotations

from huxin.enquiry.subject_keys import Person
from huxin_privacy.resident import check_character

# A county that does not exist and a birthday that nobody alive has; the test subjects have 1 January.
_PREFIX = "11999919000202"


def invented(number: int) -> Person:
    """The person of that number, 1 to 999."""
    seventeen = f"{_PREFIX}{number:03d}"
    return Person("resident_id", seventeen + check_character(seventeen), name=f"虚构人{number}")
