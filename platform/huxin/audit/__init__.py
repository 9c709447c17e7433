"""The audit log: a Merkle tree of what was asked, promised and published, checkpoints and receipts."""
