"""The stored codes of loan/v1 that a decision reads, by their names; a test holds them to the contract."""

from __future__ import annotations

from typing import Final

# Each tuple begins with an empty name, for codes begin at 1.
PRODUCTS: Final = ("", "consumer", "business", "agricultural")
KINDS: Final = ("", "individual", "sole_trader", "company")
CLASSES: Final = ("", "normal", "special_mention", "substandard", "doubtful", "loss")
CLASSES_ZH: Final = ("", "正常", "关注", "次级", "可疑", "损失")

ROLE_GUARANTOR: Final = 3
STATUS_ACTIVE: Final = 1
STATUS_RESTRUCTURED: Final = 4
STATUS_WRITTEN_OFF: Final = 5
STATUS_TRANSFERRED: Final = 6
STATUS_SETTLED: Final = 7
STATUSES: Final = 8
METHOD_EQUAL: Final = 1
METHOD_INTEREST_FIRST: Final = 2
METHOD_BULLET: Final = 3
EVENT_SUBSTITUTION: Final = 4
EVENT_RELIEF: Final = 5
HARDSHIP_NONE: Final = 1
SUBSTANDARD: Final = 3

APPLICATION: Final = "application"
GUARANTEE: Final = "guarantee"
POST_LOAN: Final = "post_loan"
PURPOSES: Final = (APPLICATION, GUARANTEE, POST_LOAN)
WINDOWS: Final = ("d7", "d15", "d30", "d90", "d180", "d365")

# From mild to severe: a flag's level is its place here, an outcome that of the worst flag.
LEVELS: Final = ("info", "refer", "ineligible")
OUTCOMES: Final = ("eligible", "refer", "ineligible")
