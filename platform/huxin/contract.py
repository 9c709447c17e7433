"""The data contract, where the platform's rooms look for it; the code is the edge tool's too (huxin_checks)."""

from huxin_checks.contract import (
    EMPTY_WORDS,
    KINDS,
    PHASES,
    Check,
    Contract,
    Field,
    Label,
    State,
    StateText,
    label_code,
    load_contract,
    load_states,
)

__all__ = [
    "EMPTY_WORDS",
    "KINDS",
    "PHASES",
    "Check",
    "Contract",
    "Field",
    "Label",
    "State",
    "StateText",
    "label_code",
    "load_contract",
    "load_states",
]
