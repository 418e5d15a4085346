"""Facts about the errors: code, statuses, meaning, cause, remedy, and where each is raised."""

from __future__ import annotations

from collections.abc import Iterable

from emprops.broker.scripts import all_scripts
from emprops.core.errors import EmpropsError, all_errors

from .base import Fact, Field, Kind, Ref, joined
from .source import definition, module, raised

_RETRY = {
    True: "yes: the same request can succeed later",
    False: "no: the same request cannot succeed without a change",
}


class Errors(Kind):
    """What can be refused or go wrong, on purpose."""

    name = "error"
    label = "error"
    plural = "errors"
    shape = "sections"
    columns = ("http_status", "exit_code", "retryable")
    card = ("remedy", "http_status", "exit_code", "retryable")
    modules = ("emprops.core.errors",)

    def load(self) -> Iterable[Fact]:
        """Return every error, in order of its code."""
        return [self._fact(error) for error in all_errors()]

    def _fact(self, error: type[EmpropsError]) -> Fact:
        name = f"{error.__module__}.{error.__name__}"
        uses = raised(error.__name__)
        scripts = [script for script in all_scripts().values() if f"'{error.code}'" in script.text]
        python = sorted({use.public for use in uses})
        where = joined((Ref("object", place) for place in python), empty="")
        if scripts:
            head = "the script " if len(scripts) == 1 else "the scripts "
            where = (
                head,
                *joined(Ref("script", script.name) for script in scripts),
                "; " if python else "",
                *where,
            )
        return Fact(
            kind=self.name,
            name=error.code,
            title=error.code,
            summary=error.meaning,
            source=definition(name).source,
            fields=(
                Field("cause", "Cause", (error.cause,)),
                Field("remedy", "What to do", (error.remedy,)),
                Field("http_status", "HTTP status", (str(error.http_status),), error.http_status, True),
                Field("exit_code", "Exit status", (str(error.exit_code),), error.exit_code, True),
                Field(
                    "retryable",
                    "Retry",
                    (_RETRY[error.retryable],),
                    error.retryable,
                    short=("yes" if error.retryable else "no",),
                ),
                Field("class", "Python class", (Ref("object", name),)),
                Field(
                    "raised_by", "Raised by", where if scripts or python else ("nothing in these packages",)
                ),
            ),
            aliases=(error.__name__,),
            sources=(
                *(str(module(use.module).path) for use in uses),
                *(str(script.path) for script in scripts),
            ),
        )
