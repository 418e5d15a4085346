"""Facts about the messages of the WebSocket: who sends each, its fields, an example, and its schema."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable

from pydantic.fields import FieldInfo

from emprops.core.messages import CLIENT_MESSAGES, ClientMessage, Message, all_messages, summary_of

from .base import Block, Code, Content, Fact, Field, Grid, Kind, Listing, Ref, joined
from .source import definition
from .types import type_in_words

CLIENT, SERVER = "What a client sends", "What the server sends"


SCHEMAS = "asyncapi.json#/components/schemas/"
"""Where the schemas stand that a message's own schema refers to."""


class Messages(Kind):
    """What travels on the WebSocket."""

    name = "message"
    label = "message"
    plural = "messages"
    shape = "sections"
    columns = ("role",)
    card = ("sender", "role")
    mentions = ("setting", "event", "close-code")
    modules = ("emprops.core.messages", "emprops.core.access")

    def load(self) -> Iterable[Fact]:
        """Return every message, those of the client first."""
        return [self._fact(message) for message in all_messages()]

    def _fact(self, message: type[Message]) -> Fact:
        name = message.type_name()
        path = f"{message.__module__}.{message.__name__}"
        by_client = issubclass(message, ClientMessage)
        role: Content = ("—",)
        answers: Content = ("—",)
        if issubclass(message, ClientMessage):
            role = (Ref("role", message.requires.value),) if message.requires else ("any",)
            answers = joined(Ref("message", answer) for answer in message.answers)
        asked = [Ref("message", m.type_name()) for m in CLIENT_MESSAGES if name in m.answers]
        further = inspect.cleandoc(message.__doc__ or "").split("\n\n")[1:]
        return Fact(
            kind=self.name,
            name=name,
            title=name,
            summary=summary_of(message),
            source=definition(path).source,
            fields=(
                Field("sender", "Sent by", ("the client" if by_client else "the server",)),
                Field("role", "Role", role),
                *([Field("answers", "Answered by", answers)] if by_client else []),
                *([Field("asked", "Answers", joined(asked))] if asked else []),
                Field("model", "Python model", (Ref("object", path),)),
            ),
            description=tuple(" ".join(paragraph.split()) for paragraph in further),
            blocks=self._blocks(message),
            group=CLIENT if by_client else SERVER,
            aliases=(message.__name__,),
        )

    def _blocks(self, message: type[Message]) -> tuple[Block, ...]:
        name = message.type_name()
        rows = tuple(_row(field, facts) for field, facts in message.model_fields.items())
        example = json.dumps(message.example, ensure_ascii=False, indent=2)
        own = message.model_json_schema(ref_template=SCHEMAS + "{model}")
        own.pop("$defs", None)  # those of all events would fill many pages; they stand in the document once
        schema = json.dumps(own, ensure_ascii=False, indent=2)
        return (
            Grid(f"Fields of {name}", ("Field", "Type", "Meaning"), rows),
            Listing(f"Example of {name}", "json", example, folded=False),
            Listing(f"JSON Schema of {name}", "json", schema),
        )


def _row(name: str, field: FieldInfo) -> tuple[Content, ...]:
    words = type_in_words(field.annotation)
    optional = () if field.is_required() or name == "type" else (", may be absent",)
    return (Code(name, cites=False),), (*words, *optional), (field.description or "Name of the message.",)
