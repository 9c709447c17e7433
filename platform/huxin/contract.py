"""The data contract, where the platform's rooms look for it; the code is the edge tool's too (huxin_checks)."""

from huxin_checks.contract import (
    BLIND,
    EMPTY_WORDS,
    KINDS,
    LOANS,
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
    "BLIND",
    "EMPTY_WORDS",
    "KINDS",
    "LOANS",
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
