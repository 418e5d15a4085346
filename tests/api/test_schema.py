"""The OpenAPI tells the truth: whatever is sent, right or wrong, the answer is one that it declares.

Schemathesis makes the requests and checks each answer with all its checks: status, media type, schema, headers, no
server error, right requests accepted, wrong ones refused. Under `HYPOTHESIS_PROFILE=nightly` it makes at least 1,000
for each operation.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, TypeAlias, cast

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies
from schemathesis import APIOperation, GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from emprops.api.app import create_app
from emprops.broker import ApiKeys, Broker
from emprops.core.access import Role
from emprops.core.settings import ApiSettings
from tests.api.conftest import Site, bearer
from tests.queue.harness import settings

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
EXAMPLES = 1000 if NIGHTLY else 12
schemathesis.openapi.format(
    "http-url",
    strategies.from_regex(r"https?://[a-z]{1,20}\.example(:[1-9][0-9]{0,3})?/[a-z/]{0,20}", fullmatch=True),
)
SCHEMA = schemathesis.openapi.from_dict(create_app(ApiSettings()).openapi())
OPERATIONS: list[Operation] = [cast(Ok[Operation], found).ok() for found in SCHEMA.get_all_operations()]
REFUSING = [
    operation
    for operation in OPERATIONS
    if operation.body or any(p.location != "path" for p in operation.iter_parameters())
]
"""Operations that can be asked wrongly: the others take nothing, or any text in their path."""
ACROSS_FIELDS = {
    "Value error, requirements.isolated needs a customer",
    "Value error, requirements.customer differs from customer",
    "differs from the header Idempotency-Key",
    "made for another list, or by nobody",
    "admin is for keys of all customers: it makes keys for any",
    "newer than the newest event",
}
"""Rules that join several fields, or lie in an opaque text: a schema cannot say them."""


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    """The token of an administrator."""

    async def made() -> str:
        async with Broker(settings(), url=site.queue.url) as broker:
            return (await ApiKeys(broker).create("test", [Role.ADMIN]))[1]

    return asyncio.run(made())


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.label for operation in OPERATIONS])
def test_every_answer_is_a_declared_one(operation: Operation, site: Site, token: str) -> None:
    _try(operation, GenerationMode.POSITIVE, site, token)


@pytest.mark.parametrize("operation", REFUSING, ids=[operation.label for operation in REFUSING])
def test_whatever_is_wrong_is_refused(operation: Operation, site: Site, token: str) -> None:
    _try(operation, GenerationMode.NEGATIVE, site, token)


def _try(operation: Operation, mode: GenerationMode, site: Site, token: str) -> None:
    @hypothesis.settings(max_examples=EXAMPLES)
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def whatever_is_sent(case: schemathesis.Case[Any]) -> None:
        # Where what is wrong is that the headers carry no key, one given here would make the request right.
        header = case.meta.components.get(ParameterLocation.HEADER) if case.meta else None
        keyless = header is not None and header.mode is GenerationMode.NEGATIVE
        answer = case.call(base_url=site.url, headers={} if keyless else bearer(token))
        excluded: list[Any] = []
        if _breaks_a_rule_of_several_fields(answer):
            excluded.append(positive_data_acceptance)
        if answer.status_code == 413:
            excluded.append(negative_data_rejection)  # too large is refused too; the check does not know that
        case.validate_response(answer, excluded_checks=excluded)

    whatever_is_sent()


def _breaks_a_rule_of_several_fields(answer: schemathesis.Response) -> bool:
    """Say whether a request is refused only for what its schema cannot say."""
    if answer.status_code != 422:
        return False
    problem = answer.json()
    if problem["detail"].endswith("surrogates not allowed"):
        return True  # half a character: JSON can write it, and no text can hold it
    problems = problem["facts"].get("problems", [])
    return bool(problems) and all(problem["problem"] in ACROSS_FIELDS for problem in problems)
