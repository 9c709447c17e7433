"""The desk of a split platform's registry zone: whom an enquiry is about, it is told by a ticket or by an element."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime

from huxin.enquiry.desk import Desk
from huxin.enquiry.keys_in_use import Read
from huxin.enquiry.meeting import bring_together, join, known_by
from huxin.enquiry.questions import Told
from huxin.enquiry.redeeming import Redeemed, Redeeming, TicketKeys
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import SubjectKeys
from huxin.errors import HuxinError
from huxin.registry import enquiries
from huxin.settings import Settings


@dataclass(frozen=True)
class TicketRequest(EnquiryRequest):
    """A request with its ticket opened."""

    redeemed: Redeemed | None = field(default=None, repr=False)

    @property
    def good(self) -> Redeemed:
        assert self.redeemed is not None, "made with it"
        return self.redeemed

    def bodies(self) -> tuple[bytes, ...]:
        """One a generation of the entry zone's keys: a later ticket for the same person may begin with another."""
        return self.good.bodies


class ZoneDesk(Desk):
    """Made once a process and used by its threads."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._redeeming = Redeeming(settings)

    def enquire(self, asker: Asker, request: EnquiryRequest, key: str) -> Told:
        """As of one process, by ticket, or the blind way.

        HuxinError H1230-H1233 (the ticket), H1234 (it was spent on another enquiry), H1235 (a person: not here).
        """
        if request.person is not None and request.person.sealed is not None:
            return super().enquire(asker, request, key)
        if request.ticket is None:
            raise HuxinError("H1235")
        redeemed = self._redeeming.redeem(asker, request)
        said = {each.name: getattr(request, each.name) for each in fields(EnquiryRequest)}
        return super().enquire(asker, TicketRequest(**said, redeemed=redeemed), key)

    def _enquired(self, asker: Asker, request: EnquiryRequest, key: str) -> Told:
        """As of one process, where the ticket has not expired. HuxinError H1231."""
        if isinstance(request, TicketRequest):
            self._redeeming.require_time(request.good.ticket)
        return super()._enquired(asker, request, key)

    def _whom(self, read: Read, request: EnquiryRequest) -> SubjectKeys:
        assert isinstance(read.keys, TicketKeys), "keys_in_use reads these in this zone"
        if isinstance(request, TicketRequest):
            return read.keys.of(request.good.ticket)
        assert request.person is not None, "it came blind"
        return SubjectKeys(known_by(read.elements, request.person).keys, None, [])

    def _meet(self, read: Read, request: EnquiryRequest, keys: SubjectKeys, now: datetime) -> None:
        if not isinstance(request, TicketRequest):
            assert request.person is not None, "it came blind"
            bring_together(self.settings, self.live, read.elements, request.person, keys, now)
            return
        made = request.good.ticket.element
        if (
            made is not None and read.elements is not None
        ):  # the entry zone may hear of blind mode a moment later
            known = read.elements.known(read.elements.present(*made))
            join(self.settings, self.live, keys.keys, known, now)

    def _recorded(self, request: EnquiryRequest, row: enquiries.NewEnquiry) -> enquiries.Recorded:
        if not isinstance(request, TicketRequest):
            return super()._recorded(request, row)
        redeemed = request.good
        return enquiries.redeem(self.live, row, redeemed.nonce, redeemed.ticket.expires_at)
