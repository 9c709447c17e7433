"""`python -m huxin` is the command line."""

from huxin.cli import main

main()
