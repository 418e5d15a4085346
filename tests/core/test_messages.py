"""The messages of the WebSocket and its close codes: each is complete, and its example is one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from emprops.core.closing import CLOSE_CODES, CloseCode
from emprops.core.errors import EmpropsError, MessageMalformed, MessageUnknown
from emprops.core.messages import (
    CLIENT_MESSAGES,
    SERVER_MESSAGES,
    AnyServerMessage,
    ClientMessage,
    Message,
    ServerMessage,
    all_messages,
    decode,
    parse_message,
    summary_of,
)


@pytest.mark.parametrize("message", all_messages(), ids=lambda message: message.type_name())
def test_an_example_is_a_message_of_its_kind_and_says_nothing_by_default(message: type[Message]) -> None:
    example = message.model_validate(message.example)
    given = dict(message.example)
    assert json.loads(example.text()).items() >= {key: given[key] for key in ("type",)}.items()
    assert message.model_validate_json(example.text()) == example
    assert message.type_name() == given["type"]
    assert summary_of(message).endswith(".")
    assert all(field.description for name, field in message.model_fields.items() if name != "type")


def test_each_side_knows_its_messages_and_no_others() -> None:
    assert {m.type_name() for m in CLIENT_MESSAGES} & {m.type_name() for m in SERVER_MESSAGES} == set()
    server: TypeAdapter[Any] = TypeAdapter(AnyServerMessage)
    for sent in SERVER_MESSAGES:
        assert isinstance(server.validate_python(sent.example), sent)
        with pytest.raises(MessageUnknown):
            parse_message(sent.example)
    for asked in CLIENT_MESSAGES:
        assert type(parse_message(decode(json.dumps(asked.example)))) is asked
        with pytest.raises(ValidationError):
            server.validate_python(asked.example)
    assert set(ClientMessage.__subclasses__()) == set(CLIENT_MESSAGES)
    assert set(ServerMessage.__subclasses__()) == set(SERVER_MESSAGES)


def test_a_message_without_an_example_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="declares no example"):
        type("Bare", (ServerMessage,), {"__annotations__": {"type": "str"}, "__module__": __name__})


@pytest.mark.parametrize("text", ["", "1", "[]", "{}", '{"type": 1}', "nan", '"ping"', "[" * 100_000])
def test_text_that_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(MessageMalformed):
        decode(text)


def test_a_key_does_not_stand_in_what_a_fault_shows() -> None:
    secret = "emp_0123456789ab_secret"
    shown = repr(parse_message({"type": "authenticate", "key": secret}))
    try:
        parse_message({"type": "authenticate", "key": secret, "tokne": 1})
    except EmpropsError as error:
        shown += f"{error.message} {error.detail}"
    assert secret not in shown


def test_close_codes_are_different_and_of_the_kinds_that_servers_may_send() -> None:
    assert (
        len({code.code for code in CLOSE_CODES})
        == len({code.name for code in CLOSE_CODES})
        == len(CLOSE_CODES)
    )
    assert [code.code for code in CLOSE_CODES] == sorted(code.code for code in CLOSE_CODES)
    for code in CLOSE_CODES:
        assert isinstance(code, CloseCode)
        assert code.code in (1001, 1003, 1009, 1011) or 4000 <= code.code <= 4999
