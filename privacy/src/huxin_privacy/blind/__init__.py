"""Blind mode, suite OPRF: elements k·H(identifier), made without the holder of k seeing the identifier."""

from huxin_privacy.blind.asking import BATCH, Blinder, answered, asked
from huxin_privacy.blind.cache import Cache
from huxin_privacy.blind.group import message
from huxin_privacy.blind.keys import OprfKey, oprf_key
from huxin_privacy.blind.pinned import Pinned, PublicKey, Published, parse_published, pin, read_pinned
from huxin_privacy.blind.protocol import Blinding, Evaluation, blind, element, evaluate, unblind
from huxin_privacy.blind.sealed import seal_element
from huxin_privacy.blind.sodium import ELEMENT_BYTES, available
from huxin_privacy.blind.tokenizing import CONTRACT, Fault, Tokenized, tokenize_file

__all__ = [
    "BATCH",
    "CONTRACT",
    "ELEMENT_BYTES",
    "Blinder",
    "Blinding",
    "Cache",
    "Evaluation",
    "Fault",
    "OprfKey",
    "Pinned",
    "PublicKey",
    "Published",
    "Tokenized",
    "answered",
    "asked",
    "available",
    "blind",
    "element",
    "evaluate",
    "message",
    "oprf_key",
    "parse_published",
    "pin",
    "read_pinned",
    "seal_element",
    "tokenize_file",
    "unblind",
]
