"""Facts about the codes with which the server closes a WebSocket: when, and what a client does then."""

from __future__ import annotations

from collections.abc import Iterable

from emprops.core.closing import CLOSE_CODES

from .base import Fact, Field, Kind
from .source import definition

_THEN = {
    "resume": "resume at once",
    "resume later": "resume after a pause",
    "start anew": "subscribe again with a snapshot",
    "mend": "nothing before the cause is mended",
}


class CloseCodes(Kind):
    """How a connection ends."""

    name = "close-code"
    label = "close code"
    plural = "close codes"
    columns = ("code", "then")
    details = ("cause", "remedy")
    stacked = True
    card = ("code", "cause", "remedy", "then")
    value = "code"
    mentions = ("setting", "message")
    modules = ("emprops.core.closing",)

    def load(self) -> Iterable[Fact]:
        """Return every close code, by number."""
        for code in CLOSE_CODES:
            yield Fact(
                kind=self.name,
                name=code.name,
                title=code.name,
                summary=code.meaning,
                source=definition(f"emprops.core.closing.{code.name.upper()}").source,
                fields=(
                    Field("code", "Code", (str(code.code),), code.code, True),
                    Field("then", "What a client does", (_THEN[code.then],), code.then),
                    Field("cause", "Cause", (code.cause,)),
                    Field("remedy", "What to do", (code.remedy,)),
                ),
                aliases=(str(code.code),),
            )
