"""Lets `python -m machi_tools` be the same as `machi`."""

from machi_tools.cli import main

main()
