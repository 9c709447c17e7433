"""The parts of `make bench-privacy`: each measures one thing beside its limit, in the same run."""
