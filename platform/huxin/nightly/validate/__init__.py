"""Validation: every row and every file through Great Expectations; rejected rows to quarantine, sealed."""
