"""Great Expectations behind one door: the suites of a contract, run over polars frames, row positions out.

`hits` and `evaluate` are polars only. `run` and `suites` import Great Expectations, which takes seconds:
import those where validation starts, not earlier.
"""
