"""Reading a large file takes the memory of a few blocks, whatever the file's size."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import io, sys
sys.path[:0] = sys.argv[2:]
from read_tools import CONTRACT, loans, written
from huxin_checks.read import open_rows

PIECE = written(loans(5000)).encode().split(b"\\n", 1)
TIMES = int(sys.argv[1])

class Long(io.RawIOBase):
    at, rest = 0, PIECE[0] + b"\\n"
    def seek(self, offset, whence=0):
        self.at, self.rest = 0, PIECE[0] + b"\\n"
        return 0
    def read(self, size=-1):
        while len(self.rest) < size and self.at < TIMES:
            self.rest += PIECE[1]
            self.at += 1
        given, self.rest = self.rest[:size], self.rest[size:]
        return given

def peak():  # not ru_maxrss, which an exec'd child takes over from the process that forked it
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024

before, rows = peak(), 0
with open_rows(Long(), "a.csv", CONTRACT) as reader:
    for frame in reader:
        rows += frame.height
print(rows, before, peak())
"""


def peak_of(times: int) -> tuple[int, int]:
    """MiB that reading `times` x 5,000 rows takes on top of the imports, and the process's peak."""
    paths = [path for path in sys.path if path]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(times), *paths], capture_output=True, text=True, check=True
    )
    rows, before, peak = (int(figure) for figure in run.stdout.split())
    assert rows == times * 5000
    return peak - before, peak


@pytest.mark.slow
def test_memory_is_bounded() -> None:
    small, _ = peak_of(60)
    large, peak = peak_of(300)
    assert peak < 400
    assert large < small + 120, "it grows with the file"
