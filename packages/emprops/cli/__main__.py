"""Runs the command line as `python -m emprops.cli`."""

from . import main

if __name__ == "__main__":
    main()
