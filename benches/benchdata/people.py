"""Invented people and firms by number: the same number is the same subject at every member."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from benchdata.columns import Chars, Ints, blank_where, constant, digits, joined, merged, take

REGIONS = (
    *(110105, 110108, 120101, 120103, 120104, 120105, 120106, 120110, 120111, 120112, 120113, 120114, 120115),
    *(120221, 120222, 120223, 120224, 120225, 130102, 310115, 330106, 440305, 440402, 510104),
)
_FIRST_BIRTHDAY, _BIRTHDAYS = -5479, 16_400  # 1955-01-01, and 16,400 days on: all before 2000
_SEQUENCES = 998
PEOPLE = len(REGIONS) * _BIRTHDAYS * _SEQUENCES
_STRIDE = 2_147_483_647  # a prime: coprime to PEOPLE, so that numbers are scattered and none meet
_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_RESIDENT_CHECKS = np.frombuffer(b"10X98765432", dtype=np.uint8)
_USCC_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHJKLMNPQRTUWXY", dtype=np.uint8)
_USCC_VALUES = np.zeros(256, dtype=np.int64)
_USCC_VALUES[_USCC_ALPHABET] = np.arange(31)
_USCC_WEIGHTS = 3 ** np.arange(17, dtype=np.int64) % 31
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玲建国红玉兰"
_COUNTRIES = ("KOR", "JPN", "USA", "SGP")


def identities(people: Ints) -> pl.DataFrame:
    """The party fields that a subject brings along, one row for each of `people` (0 <= number < PEOPLE).

    Columns id_type, id_no, id_country, name, mobile, borrower_kind, region; about 4 % are firms with a uscc
    and 0.2 % hold a passport, the others have a resident number. No two numbers share an identifier.
    """
    firm, foreign = people % 50 % 24 == 7, people % 500 == 3
    resident = ~(firm | foreign)
    scattered = people * _STRIDE % PEOPLE
    kinds = np.where(firm, 1, np.where(foreign, 2, 0))
    trader = resident & (people % 13 == 5)
    return pl.DataFrame(
        {
            "id_type": take(("resident_id", "uscc", "passport"), kinds),
            "id_no": merged(
                len(people),
                [
                    (resident, resident_numbers(scattered[resident])),
                    (firm, _uscc_numbers(people[firm])),
                    (foreign, _passports(people[foreign])),
                ],
            ),
            "id_country": blank_where(take(_COUNTRIES, people % 4), ~foreign),
            "name": _names(people, firm),
            "mobile": _mobiles(people),
            "borrower_kind": take(("individual", "company", "sole_trader"), np.where(trader, 2, firm)),
            "region": take([str(code) for code in REGIONS], scattered % len(REGIONS)),
        }
    )


def resident_numbers(scattered: Ints) -> pl.Series:
    """18-character resident numbers with their check digits, X among them; 0 <= scattered < PEOPLE."""
    region = np.array(REGIONS, dtype=np.int64)[scattered % len(REGIONS)]
    rest = scattered // len(REGIONS)
    born = (rest % _BIRTHDAYS + _FIRST_BIRTHDAY).astype("datetime64[D]")
    body = np.hstack([digits(region, 6), _compact_dates(born), digits(rest // _BIRTHDAYS + 1, 3)])
    return joined(body, resident_checks(body))


def resident_checks(body: Chars) -> Chars:
    """GB 11643 check characters, an (n, 1) matrix, of the first 17 digits, an (n, 17) matrix of ASCII."""
    total = (body.astype(np.int64) - ord("0")) @ _WEIGHTS
    checks: Chars = _RESIDENT_CHECKS[total % 11][:, None]
    return checks


def _compact_dates(days: npt.NDArray[np.datetime64]) -> Chars:
    years = days.astype("datetime64[Y]")
    months = days.astype("datetime64[M]")
    year = years.astype(np.int64) + 1970
    month = (months - years).astype(np.int64) + 1
    day = (days - months).astype(np.int64) + 1
    return digits(year * 10_000 + month * 100 + day, 8)


def _uscc_numbers(people: Ints) -> pl.Series:
    code = people * _STRIDE % 31**9
    powers = 31 ** np.arange(8, -1, -1, dtype=np.int64)
    organisation = _USCC_ALPHABET[code[:, None] // powers % 31]
    region = np.array(REGIONS, dtype=np.int64)[people % len(REGIONS)]
    body = np.hstack([constant("91", len(people)), digits(region, 6), organisation])
    total = _USCC_VALUES[body] @ _USCC_WEIGHTS
    return joined(body, _USCC_ALPHABET[-total % 31][:, None])


def _passports(people: Ints) -> pl.Series:
    return joined(constant("M", len(people)), digits(people, 8))


def _names(people: Ints, firm: npt.NDArray[np.bool_]) -> pl.Series:
    words = [first + one + two for first in _SURNAMES for one in _GIVEN for two in ("", *_GIVEN)]
    firms = [f"津{one}{two}商贸有限公司" for one in _GIVEN for two in _GIVEN]
    which = people * 7919 % len(words)
    return take([*words, *firms], np.where(firm, len(words) + people % len(firms), which))


def _mobiles(people: Ints) -> pl.Series:
    prefixes = np.array([138, 139, 150, 158, 166, 177, 186, 199], dtype=np.int64)
    return joined(digits(prefixes[people % 8], 3), digits(people * 48_271 % 10**8, 8))
