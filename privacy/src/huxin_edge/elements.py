"""Elements at the member's own place: pinned keys, what was evaluated before, and questions that show nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huxin_edge.session import Session
from huxin_privacy.enquiry_digest import digest_of_body
from huxin_privacy.errors import PrivacyError
from huxin_privacy.identifiers import canonical_id

if TYPE_CHECKING:
    from huxin_privacy.blind import Blinder, Evaluation

PINNED: Final = "huxin-blind.json"
CACHE: Final = "huxin-blind"


def blinder(
    session: Session,
    folder: Path,
    first: Callable[[str], None] = lambda _: None,
    entry: Session | None = None,
) -> Blinder:
    """Elements under the keys that are pinned in `folder`, with what was evaluated before.

    Where the platform is split, `entry` is the entry zone, which evaluates; the keys are told by the registry zone.

    `first` gets the fingerprint of keys that are pinned just now, which is to be compared with others'. PrivacyError
    P0164, P0165 (other keys are published than those that were pinned), P0169.
    """
    from huxin_privacy.blind import Blinder, Cache, parse_published, pin

    place = folder / PINNED
    known = place.exists()
    pinned = pin(place, parse_published(session.call("GET", "/v1/blind/keys").json()))
    if not known:
        first(pinned.fingerprint)
    return Blinder(pinned, evaluation(entry or session), Cache(folder / CACHE, pinned.oprf))


def evaluation(session: Session) -> Callable[[int, list[bytes]], Evaluation]:
    """Evaluations by the platform, which the blinder holds to the pinned key."""
    from huxin_privacy.blind import answered, asked

    def evaluate(epoch: int, blinded: list[bytes]) -> Evaluation:
        return answered(session.call("POST", "/v1/blind/evaluations", asked(epoch, blinded)).json())

    return evaluate


class Blinding:
    """Puts a sealed element in the place of a question's subject; made once and used by all threads."""

    def __init__(self, member: str, make: Callable[[], Blinder]) -> None:
        """`make` is called when the first question comes."""
        self._member, self._make = member, make
        self._turn = threading.Lock()
        self._made: Blinder | None = None

    def body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The question as it is sent: sealed anew each time, with no name and no mobile in it.

        PrivacyError P0195 for an identifier that is malformed: it is told here, for the platform could not see it.
        """
        from huxin_privacy.blind import message, seal_element

        said = body["subject"]
        canonical = canonical_id(said["id_type"], said["id_no"], said.get("id_country"))
        if canonical.text is None:
            raise PrivacyError("P0195", codes=", ".join(canonical.faults) or "E1001")
        with self._turn:
            made = self._made = self._made or self._make()
            (element,) = made.elements([message(said["id_type"], canonical.text)])
        pinned = made.pinned
        sealed = seal_element(pinned.registry, self._member, digest_of_body(body), pinned.oprf.epoch, element)
        return {**body, "subject": {"element_sealed": sealed}}
