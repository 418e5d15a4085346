"""The commands put together, and how an error ends any of them."""

from __future__ import annotations

import sys
from itertools import groupby

import typer

from ..core.errors import EmpropsError, all_errors
from . import api, batch, bench, decide, deliver, events, jobs, keys, serve, submit
from .output import report_error


def exit_statuses() -> dict[int, list[str]]:
    """Return the codes of the errors that each exit status stands for."""
    ordered = sorted(all_errors(), key=lambda error: (error.exit_code, error.code))
    return {
        status: [e.code for e in group]
        for status, group in groupby(ordered, key=lambda error: error.exit_code)
    }


def _epilog() -> str:
    lines = [f"{status}: {', '.join(codes)}" for status, codes in exit_statuses().items()]
    return "Exit status. 0: done. " + ". ".join(lines) + "."


app = typer.Typer(
    name="emprops",
    help="The EmProps Job Queue: run it, submit jobs, see what happens to them and why.",
    epilog=_epilog(),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in (serve, deliver, api, submit, batch, jobs, decide, events, keys, bench):
    module.register(app)


def main() -> None:
    """Run the command line; an error of ours ends it with the error's exit status."""
    try:
        app()
    except EmpropsError as error:
        report_error(error, as_json="--json" in sys.argv)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
