"""The checks of a member's file, the same code at the edge and at the centre: reading, cells, rules, findings.

Nothing here knows the registry. `huxin` runs the rules through Great Expectations, `huxin_edge` without it: both by
`evaluate`, over the same expressions, from the same tables in schemas/.
"""
