"""The WebSocket as an AsyncAPI 3 document, made from the messages."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from typing import Any

from pydantic.json_schema import models_json_schema

from ..core.closing import CLOSE_CODES
from ..core.messages import PATH, ClientMessage, Message, all_messages, summary_of

VERSION = "3.0.0"
"""Version of AsyncAPI."""


def asyncapi_document() -> dict[str, Any]:
    """Return the document, as JSON values."""
    messages = all_messages()
    names, schemas = models_json_schema(
        [(message, "validation") for message in messages], ref_template="#/components/schemas/{model}"
    )
    payloads = {model: reference for (model, _), reference in names.items()}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "EmProps Job Queue",
            "version": version("emprops-job-queue"),
            "description": "Follow jobs as they happen, from any position on, and submit jobs.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": PATH,
                "title": "The WebSocket",
                "description": "One connection for all of a client's subscriptions; JSON in text frames.",
                "messages": {
                    message.type_name(): {"$ref": f"#/components/messages/{message.type_name()}"}
                    for message in messages
                },
                "bindings": {
                    "ws": {
                        "headers": {
                            "type": "object",
                            "properties": {
                                "Authorization": {
                                    "type": "string",
                                    "description": "`Bearer` and an API key; who cannot send it sends `authenticate`.",
                                }
                            },
                        }
                    }
                },
                "x-close-codes": [
                    {
                        "code": code.code,
                        "name": code.name,
                        "meaning": code.meaning,
                        "remedy": code.remedy,
                        "then": code.then,
                    }
                    for code in CLOSE_CODES
                ],
            }
        },
        "operations": {
            ("receive" if message.sender == "client" else "send") + message.__name__: _operation(message)
            for message in messages
        },
        "components": {
            "messages": {
                message.type_name(): {
                    "name": message.type_name(),
                    "title": message.type_name(),
                    "summary": summary_of(message),
                    "description": inspect.cleandoc(message.__doc__ or ""),
                    "payload": payloads[message],
                    "examples": [{"name": message.type_name(), "payload": dict(message.example)}],
                }
                for message in messages
            },
            "schemas": _plain(schemas.get("$defs", {})),
        },
    }


def _operation(message: type[Message]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "action": "receive" if message.sender == "client" else "send",
        "channel": {"$ref": "#/channels/socket"},
        "summary": summary_of(message),
        "messages": [{"$ref": f"#/channels/socket/messages/{message.type_name()}"}],
    }
    if issubclass(message, ClientMessage):
        made["reply"] = {
            "channel": {"$ref": "#/channels/socket"},
            "messages": [{"$ref": f"#/channels/socket/messages/{name}"} for name in message.answers],
        }
        if message.requires is not None:
            made["x-required-role"] = message.requires.value
    return made


def _plain(value: Any) -> Any:
    """Return a schema as AsyncAPI has it: what tells the members of a union apart is a name there, not a mapping."""
    if isinstance(value, dict):
        return {
            key: part["propertyName"] if key == "discriminator" and isinstance(part, dict) else _plain(part)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value
