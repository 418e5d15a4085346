"""Runs the command line as `python -m emprops.cli`."""

from . import main

main()
