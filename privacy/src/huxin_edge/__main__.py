"""`python -m huxin_edge`, where the script of that name is not on the path."""

from huxin_edge.cli import run

run()
