"""Access tokens of the registry zone as the other zones take them: by its card, and only tokens good for nothing else.

A token that could also ask enquiries would let the zone it is shown to ask them in the member's name.
"""

from __future__ import annotations

from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from huxin.api.caller import Known
from huxin.api.tokens import Tokens
from huxin.errors import HuxinError
from huxin.registry.live import Live
from huxin.settings import Settings
from huxin.zones.card import Card
from huxin.zones.fresh import Fresh
from huxin.zones.layout import required
from huxin.zones.roles import REGISTRY, RINGS


class PeerTokens(Tokens):
    """Verifies what the registry zone has issued, and issues nothing."""

    def __init__(self, settings: Settings, zone: str, scopes: frozenset[str]) -> None:
        super().__init__(settings, "")
        self._own, self._scopes = zone, scopes
        self._card = Fresh(lambda: required(settings, zone).card(REGISTRY), zone)

    def known(self, token: str) -> Known:
        """As of the registry zone; H1721 when it is good for more than is done here."""
        found = super().known(token)
        if not found.caller.scopes <= self._scopes:
            raise HuxinError("H1721", scope=" ".join(sorted(self._scopes)))
        return found

    def standing(self, live: Live, key_id: UUID) -> tuple[bool, str]:
        """What the registry zone said when it issued the token, minutes ago: it asks again before it answers."""
        return True, "active"

    def prepare(self) -> None:
        """Reads the card, so that a worker without it is known before the first token."""
        assert self._publics

    @property
    def _now(self) -> Card:
        return self._card.now(self._settings)

    @property
    def _issued_by(self) -> str:
        return self._now.address

    @property
    def _zone(self) -> str:
        return RINGS[self._own][0]

    @property
    def _publics(self) -> dict[str, Ed25519PublicKey]:
        keys = self._now.tokens.items()
        return {str(epoch): Ed25519PublicKey.from_public_bytes(public) for epoch, public in keys}
