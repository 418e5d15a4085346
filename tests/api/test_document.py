"""The OpenAPI document: valid by an independent reader, the same in the manual, and complete where FastAPI is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from emprops.api.app import METHODS, create_app
from emprops.api.problem import MEDIA_TYPE
from emprops.core.errors import all_errors
from emprops.core.settings import ApiSettings

DOCUMENT = create_app(ApiSettings()).openapi()
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if method in METHODS
}


def test_it_is_valid_openapi() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_manual_has_it_beside_its_pages(manual: Path) -> None:
    written = json.loads((manual / "api" / "openapi.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(DOCUMENT))


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_does_and_how_it_can_fail(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["description"].strip()
    for status, answer in operation["responses"].items():
        assert answer["description"].strip()
        if status >= "400":
            assert list(answer["content"]) == [MEDIA_TYPE]
            codes = answer["x-error-codes"]
            assert codes
            by_code = {error.code: error.http_status for error in all_errors()}
            assert {str(by_code[code]) for code in codes} == {status}


def test_every_field_that_is_sent_or_answered_says_what_it_is() -> None:
    silent = [
        f"{name}.{field}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if not described.get("description") and field != "type"
    ]
    assert silent == []
