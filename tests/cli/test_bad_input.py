"""Bad input to every command: refused with a code, an exit status and a remedy, and nothing is changed."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emprops.broker import Broker, EmbeddedServer
from emprops.cli.app import exit_statuses, main
from emprops.core.errors import all_errors, error_for
from tests.queue.harness import picture, settings

KNOWN = "known"


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedServer]:
    """A server for this module, used from many event loops."""
    with EmbeddedServer() as started:
        yield started


class Outcome:
    """How a command ended."""

    def __init__(self, status: int, output: str, errors: str, *, changed: bool) -> None:
        self.status, self.output, self.errors, self.changed = status, output, errors, changed


def command(server: EmbeddedServer, *arguments: str, **variables: str) -> Outcome:
    """Run a command in this process against a pool with one pending job."""

    async def prepare() -> dict[str, Any]:
        async with Broker(settings(), url=server.url) as broker:
            await broker.connection.flushall()
            await broker.submit({"job_id": KNOWN, "requirements": {"service": "s"}})
            return await picture(broker.connection)

    async def look() -> dict[str, Any]:
        async with Broker(settings(), url=server.url) as broker:
            return await picture(broker.connection)

    before = asyncio.run(prepare())
    output, errors = io.StringIO(), io.StringIO()
    status = 0
    with (
        mock.patch.dict(os.environ, {"EMPROPS_REDIS_URL": server.url, "NO_COLOR": "1", **variables}),
        mock.patch.object(sys, "argv", ["emprops", *arguments]),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
    return Outcome(status, output.getvalue(), errors.getvalue(), changed=asyncio.run(look()) != before)


def was_refused(outcome: Outcome, *codes: str) -> None:
    """Be sure that the command ended with one of these errors and did nothing."""
    assert not outcome.changed
    found = next((code for code in codes if f"error {code} " in outcome.errors), None)
    assert found, outcome.errors
    assert outcome.status == error_for(found).exit_code
    assert f"what to do: {error_for(found).remedy}" in outcome.errors
    assert outcome.output == ""


hostile = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30) | st.sampled_from(
    ("", "-", "--", "-1", "nan", "inf", "1e400", "{}", "[]", "null", '{"a":', "x" * 300, "💥", "a b")
)
NUMBERS = (
    "--queue-timeout",
    "--run-timeout",
    "--total-timeout",
    "--gpu-memory-gb",
    "--memory-gb",
    "--cpu-cores",
    "--priority",
    "--delay",
    "--max-attempts",
    "--timeout",
)
TEXTS = (
    "--model",
    "--region",
    "--label",
    "--exclude-label",
    "--customer",
    "--workflow",
    "--job-id",
    "--idempotency-key",
    "--payload",
)


@given(option=st.sampled_from(NUMBERS + TEXTS), value=hostile, service=hostile | st.just("s"))
@example(option="--gpu-memory-gb", value="nan", service="s")
@example(option="--delay", value="inf", service="s")
@example(option="--timeout", value="nan", service="s")
@example(option="--timeout", value="-1", service="s")
@example(option="--payload", value="@/nowhere", service="s")
@example(option="--payload", value="@.", service="s")
@example(option="--payload", value="[" * 100_000, service="s")
@example(option="--payload", value="[1]", service="s")
@example(option="--payload", value='{"x": NaN}', service="s")
def test_any_option_of_submit_is_taken_or_refused(
    own_server: EmbeddedServer, option: str, value: str, service: str
) -> None:
    outcome = command(own_server, "submit", service, f"{option}={value}", "--no-wait")
    if outcome.status == 0:
        assert outcome.changed
        assert outcome.output.strip()
    elif "Error: " in outcome.errors:  # the parser's own: it is no number, or an option that does not exist
        assert (outcome.status, outcome.changed) == (2, False)
    else:
        was_refused(outcome, "invalid_request", "unknown_field", "payload_too_large")


@pytest.mark.parametrize(
    "words", [("job",), ("explain",), ("cancel",), ("revive",), ("discard",)], ids=lambda words: words[0]
)
@given(job_id=hostile)
@example(job_id="../x")
@example(job_id="{default}")
def test_a_job_id_that_is_none_is_refused(
    own_server: EmbeddedServer, words: tuple[str, ...], job_id: str
) -> None:
    was_refused(command(own_server, *words, "--", job_id), "job_not_found")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("jobs", "--limit", "0"), "invalid_request"),
        (("jobs", "--limit", "1001"), "invalid_request"),
        (("events", "--after", "yesterday"), "invalid_request"),
        (("events", "--follow", "--after", "1-"), "invalid_request"),
        (("cancel", KNOWN, "--reason", "x" * 2001), "invalid_request"),
        (("submit", "s", "--timeout", "-1"), "invalid_request"),
        (("submit", "s", "--payload", '{"a": '), "invalid_request"),
        (("submit", "s", "--job-id", KNOWN, "--priority", "7"), "job_exists"),
        (("worker", "--service", "no-such-service"), "connector_unknown"),
        (("worker", "--service", "simulation", "--gpu-memory-gb", "-1"), "invalid_request"),
        (("worker", "--service", "simulation", "--id", "a b"), "invalid_request"),
        (("up", "--service", "no-such-service"), "connector_unknown"),
        (("revive", KNOWN), "job_not_dead"),
        (("discard", KNOWN), "job_not_dead"),
        (("workflow", "nothing"), "workflow_not_found"),
        (("workflow", "nothing", "--cancel"), "workflow_not_found"),
        (("batch", "/nowhere"), "invalid_request"),
        (("submit", "s", "--isolated"), "invalid_request"),
        (("submit", "s", "--run-timeout", "0"), "invalid_request"),
        (("submit", "s", "--require-worker"), "worker_missing"),
        (("submit", "s", "--exclude-worker", "a b"), "invalid_request"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else value,
)
def test_a_bad_value_is_refused(own_server: EmbeddedServer, words: tuple[str, ...], code: str) -> None:
    was_refused(command(own_server, *words), code)


@pytest.mark.parametrize(
    "words",
    [
        ("jobs", "--status", "lost"),
        ("up", "--workers", "0"),
        ("worker",),
        ("submit",),
        ("job",),
        ("frobnicate",),
        ("events", "--limit", "0"),
    ],
    ids=" ".join,
)
def test_a_usage_error_ends_with_exit_status_2(own_server: EmbeddedServer, words: tuple[str, ...]) -> None:
    outcome = command(own_server, *words)
    assert (outcome.status, outcome.changed) == (2, False)
    assert "Error" in outcome.errors


def test_a_setting_that_is_wrong_is_named(own_server: EmbeddedServer) -> None:
    outcome = command(own_server, "jobs", EMPROPS_LEASE_SECONDS="soon")
    was_refused(outcome, "settings_invalid")
    assert "EMPROPS_LEASE_SECONDS" in outcome.errors


def test_an_error_for_a_program_is_json_with_all_that_is_known(own_server: EmbeddedServer) -> None:
    outcome = command(own_server, "job", "nothing", "--json")
    error = json.loads(outcome.errors)
    assert (error["code"], error["detail"]) == ("job_not_found", {"job_id": "nothing"})
    assert outcome.status == error_for("job_not_found").exit_code
    assert outcome.output == ""


def test_the_help_names_every_error_with_its_exit_status(own_server: EmbeddedServer) -> None:
    told = " ".join(command(own_server, "--help").output.split())
    for error in all_errors():
        assert error.code in exit_statuses()[error.exit_code]
        assert error.code in told
