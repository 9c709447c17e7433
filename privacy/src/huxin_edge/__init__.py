"""A member's own tool: its files checked, sealed and sent, and a client for its underwriting system."""

from huxin_edge.client import Answer, Huxin, Question, Reconciled
from huxin_edge.session import Retry

__all__ = ["Answer", "Huxin", "Question", "Reconciled", "Retry"]
