"""A few findings of each rule of one submission, for the page that groups them."""

from __future__ import annotations

from uuid import UUID

from huxin.registry.connect import lost_connection_told
from huxin.registry.live import Live
from huxin_checks.finding import Finding

# One walk along the primary key's beginning for each code; the codes come with the submission.
_SAMPLES = """
    SELECT f.record, f.code, f.field, f.line, f.masked
    FROM unnest(%(codes)s::text[]) AS c(code) CROSS JOIN LATERAL (
        SELECT record, code, field, line, masked FROM finding
        WHERE member_id = %(member)s AND submission_id = %(id)s AND code = c.code
        ORDER BY record, field LIMIT %(most)s) f
"""


def samples_of(live: Live, member_id: int, submission_id: UUID, codes: list[str], most: int) -> list[Finding]:
    """At most so many findings of each code, the first in the file; of the member's own submission only."""
    values = {"member": member_id, "id": submission_id, "codes": codes, "most": most}
    with lost_connection_told(), live.as_member(member_id) as database:
        return [Finding(*row) for row in database.execute(_SAMPLES, values, binary=True).fetchall()]
