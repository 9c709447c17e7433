"""Blind mode, suite OPRF: elements k·H(identifier), made without the holder of k seeing the identifier."""

from huxin_privacy.blind.group import message
from huxin_privacy.blind.keys import OprfKey, oprf_key
from huxin_privacy.blind.protocol import Blinding, Evaluation, blind, element, evaluate, unblind
from huxin_privacy.blind.sodium import ELEMENT_BYTES, available

__all__ = [
    "ELEMENT_BYTES",
    "Blinding",
    "Evaluation",
    "OprfKey",
    "available",
    "blind",
    "element",
    "evaluate",
    "message",
    "oprf_key",
    "unblind",
]
