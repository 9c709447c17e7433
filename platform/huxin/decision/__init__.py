"""Pure rules, no input or output but their own tables: facts and a policy become an answer."""

from huxin.decision.answer import canonical, decide
from huxin.decision.facts import Asked, Coverage, Facts
from huxin.decision.policy import Policy
from huxin.decision.policy_file import load_policies, policy_on, policy_version

__all__ = [
    "Asked",
    "Coverage",
    "Facts",
    "Policy",
    "canonical",
    "decide",
    "load_policies",
    "policy_on",
    "policy_version",
]
