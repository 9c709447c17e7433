"""How a file to be checked goes from the API's process to the one that checks it, and the answer back."""

from __future__ import annotations

import struct

FRAME = struct.Struct(
    ">cI"
)  # kind, length: D a block of the file, E its end with what is said of it, A forget it
ANSWER = struct.Struct(">I")  # length of the JSON that follows
