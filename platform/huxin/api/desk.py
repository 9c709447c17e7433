"""The one desk of a process that answers enquiries, made when first asked."""

from __future__ import annotations

import threading

from flask import current_app

from huxin.api.shell import shell
from huxin.enquiry.desk import Desk

_NAME = "huxin_desk"
_making = threading.Lock()


def desk() -> Desk:
    """That of the app which answers the present request."""
    found = current_app.extensions.get(_NAME)
    if found is None:
        with _making:
            found = current_app.extensions.get(_NAME)
            if found is None:
                found = current_app.extensions[_NAME] = Desk(shell().settings)
    assert isinstance(found, Desk)
    return found
