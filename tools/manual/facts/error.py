"""Facts about the errors: code, statuses, meaning, cause, remedy, and where each is raised."""

from __future__ import annotations

from collections.abc import Iterable

from emprops.broker.scripts import all_scripts
from emprops.core.errors import EmpropsError, all_errors

from .base import Fact, Field, Kind, Ref, joined
from .source import definition, module, raised


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
        scripts = [script for script in all_scripts().values() if error.code in script.errors]
        python = sorted({use.public for use in uses})
        where = [
            *(Ref("script", script.name, f"script {script.name}") for script in scripts),
            *(Ref("object", name) for name in python),
        ]
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
                    ("can succeed unchanged" if error.retryable else "cannot succeed unchanged",),
                    error.retryable,
                ),
                Field("class", "Python class", (Ref("object", name),)),
                Field("raised_by", "Raised by", joined(where, empty="connectors")),
            ),
            aliases=(error.__name__,),
            sources=(
                *(str(module(use.module).path) for use in uses),
                *(str(script.path) for script in scripts),
            ),
        )
