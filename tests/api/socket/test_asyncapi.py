"""The AsyncAPI document: valid by AsyncAPI's own parser, and saying what the server does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from emprops.api.asyncapi import asyncapi_document
from emprops.core.closing import CLOSE_CODES
from emprops.core.messages import CLIENT_MESSAGES, Message, all_messages
from env.npm import ensure_package, node_home
from tests.api.socket.conftest import Site

PARSER, VERSION = "@asyncapi/parser", "3.6.0"
"""AsyncAPI's own parser, and the version that the document is checked with."""
CHECK = """
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
const { Parser } = createRequire(process.argv[2] + '/')('@asyncapi/parser');
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[1], 'utf8'));
// Severity 0 is an error, 1 a warning; 2 and 3 are hints, that a newer AsyncAPI exists for instance.
const grave = diagnostics.filter((found) => found.severity < 2);
const wrong = grave.map((found) => `${found.path.join('.')}: ${found.message}`);
const messages = document ? document.allMessages().all().map((message) => message.name()) : [];
console.log(JSON.stringify({ wrong, messages }));
"""


def parsed(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what the parser says about a document: what is wrong, and the messages that it found."""
    home = ensure_package(PARSER, VERSION)
    file = folder / "asyncapi.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    done = subprocess.run(
        [node_home() / "bin" / "node", "--input-type=module", "--eval", CHECK, "--", str(file), str(home)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_document_is_valid_and_has_every_message(tmp_path: Path) -> None:
    found = parsed(asyncapi_document(), tmp_path)
    assert found["wrong"] == []
    assert set(found["messages"]) == {message.type_name() for message in all_messages()}


def test_a_document_that_is_not_valid_is_found(tmp_path: Path) -> None:
    document = asyncapi_document()
    document["operations"]["sendPong"]["action"] = "shout"
    assert parsed(document, tmp_path)["wrong"]


@pytest.mark.parametrize("message", all_messages(), ids=lambda message: message.type_name())
def test_an_example_is_valid_by_the_schema_of_the_document(message: type[Message]) -> None:
    document = asyncapi_document()
    entry = document["components"]["messages"][message.type_name()]
    schema = {**entry["payload"], "components": document["components"]}
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(entry["examples"][0]["payload"])
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**entry["examples"][0]["payload"], "no_such_field": 1})


def test_the_document_says_who_may_send_what_and_how_connections_end() -> None:
    document = asyncapi_document()
    roles = {
        message.type_name(): document["operations"][f"receive{message.__name__}"].get("x-required-role")
        for message in CLIENT_MESSAGES
    }
    assert roles == {m.type_name(): m.requires.value if m.requires else None for m in CLIENT_MESSAGES}
    codes = document["channels"]["socket"]["x-close-codes"]
    assert [code["code"] for code in codes] == [code.code for code in CLOSE_CODES]


async def test_the_server_hands_the_document_out(site: Site) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{site.port}", trust_env=False) as client:
        assert (await client.get("/asyncapi.json")).json() == asyncapi_document()
