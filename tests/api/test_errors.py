"""What goes wrong is said in one shape; what is too large, too odd or nobody's is refused."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from emprops.broker import Broker, EmbeddedServer
from emprops.core.errors import all_errors
from emprops.core.settings import ApiSettings
from tests.api.conftest import BODY_LIMIT, Site, new_client
from tests.queue.harness import settings

FIELDS = {"type", "title", "status", "detail", "code", "remedy", "retryable", "request_id", "facts"}


def _is_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == FIELDS
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert body["type"] == f"/v1/errors/{code}"


async def test_every_error_has_one_shape(client: httpx.AsyncClient) -> None:
    _is_problem(await client.get("/v1/nothing"), 404, "endpoint_not_found")
    _is_problem(await client.get("/v1/jobs/nothing"), 404, "job_not_found")
    refused = await client.put("/v1/jobs")
    _is_problem(refused, 405, "method_not_allowed")
    assert refused.headers["Allow"] == "GET, POST"
    _is_problem(await client.post("/v1/jobs", json={}), 422, "invalid_request")
    _is_problem(await client.post("/v1/jobs", content=b"{"), 415, "media_type_unsupported")
    wrong = {"Content-Type": "application/json"}
    _is_problem(await client.post("/v1/jobs", content=b"{", headers=wrong), 422, "invalid_request")
    deep = b'{"payload":' + b"[" * 5000 + b"]" * 5000 + b"}"
    _is_problem(await client.post("/v1/jobs", content=deep, headers=wrong), 422, "invalid_request")


async def test_a_misspelt_field_is_told_with_the_nearest_name(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/jobs", json={"requirements": {"service": "s", "gpu_memory": 8}})
    _is_problem(answer, 422, "unknown_field")
    assert answer.json()["facts"]["nearest"] == "gpu_memory_gb"


async def test_the_type_of_a_problem_leads_to_what_it_means(client: httpx.AsyncClient) -> None:
    for error in all_errors():
        found = (await client.get(f"/v1/errors/{error.code}")).json()
        assert (found["meaning"], found["remedy"]) == (error.meaning, error.remedy)
    _is_problem(await client.get("/v1/errors/nothing"), 404, "endpoint_not_found")


async def test_a_request_keeps_its_id_if_that_is_one(client: httpx.AsyncClient) -> None:
    kept = await client.get("/health/live", headers={"X-Request-ID": "trace-1.a_B"})
    assert kept.headers["X-Request-ID"] == "trace-1.a_B"
    for odd in ("a b", "x" * 65, '"', ""):
        made = await client.get("/health/live", headers={"X-Request-ID": odd})
        assert made.headers["X-Request-ID"] not in ("", odd)


async def test_a_fault_of_our_own_is_answered_and_logged_under_the_id_of_the_request(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(self: Broker) -> None:
        raise ZeroDivisionError("of the test")

    monkeypatch.setattr(Broker, "pool_state", broken)
    answer = await client.get("/v1/queue", headers={"X-Request-ID": "r-7"})
    _is_problem(answer, 500, "internal_fault")
    assert "of the test" not in answer.text
    assert "request r-7" in caplog.text
    assert "of the test" in caplog.text
    assert client.headers["Authorization"].split()[1] not in caplog.text


# Limits


async def test_a_body_beyond_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    fitting = {"requirements": {"service": "s"}, "payload": {"text": "x" * (BODY_LIMIT - 200)}}
    assert (await client.post("/v1/jobs", json=fitting)).status_code == 201
    large = {**fitting, "payload": {"text": "x" * BODY_LIMIT}}
    _is_problem(await client.post("/v1/jobs", json=large), 413, "request_too_large")


async def test_a_body_of_unsaid_length_is_read_no_further_than_the_limit(
    client: httpx.AsyncClient, site: Site
) -> None:
    """The body never ends: whoever read it to its end before refusing it would never answer."""
    address = urlsplit(site.url)
    with socket.create_connection((address.hostname, address.port or 80), timeout=30) as raw:
        token = client.headers["Authorization"]
        raw.sendall(
            f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        chunk = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
        for _ in range(BODY_LIMIT // 0x1000 + 1):
            raw.sendall(chunk)
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


# Browsers


async def test_no_page_of_another_origin_may_read_an_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/live", headers={"Origin": "http://localhost.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_exactly_the_origins_that_are_set_may(server: EmbeddedServer) -> None:
    site = Site(server, ApiSettings(port=0, cors_origins="https://a.example, https://b.example"))
    try:
        async with new_client(site) as client:
            for origin, allowed in (
                ("https://a.example", True),
                ("https://b.example", True),
                ("https://a.example.evil.example", False),
                ("http://a.example", False),
            ):
                answer = await client.get("/health/live", headers={"Origin": origin})
                assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is allowed
                assert "Access-Control-Allow-Credentials" not in answer.headers
    finally:
        site.stop()


# Health


async def test_an_api_whose_queue_is_gone_lives_is_not_ready_and_comes_back_by_itself() -> None:
    queue = EmbeddedServer().start()
    site = Site(queue, ApiSettings(port=0))
    try:
        async with new_client(site) as client:
            assert (await client.get("/health/ready")).json()["status"] == "ready"
            queue.stop()
            assert (await client.get("/health/live")).status_code == 200
            broken = await client.get("/health/ready")
            _is_problem(broken, 503, "not_ready")
            (check,) = broken.json()["facts"]["checks"]
            assert (check["name"], check["ok"]) == ("server", False)
            refused = await client.get(
                "/v1/jobs", headers={"Authorization": "Bearer emp_000000000000_" + "x" * 43}
            )
            _is_problem(refused, 503, "server_unreachable")
    finally:
        site.stop()
        queue.stop()


async def test_a_server_that_would_drop_jobs_is_told(client: httpx.AsyncClient, site: Site) -> None:
    async with Broker(settings(), url=site.queue.url) as broker:
        await broker.connection.config_set("maxmemory-policy", "allkeys-lru")
        try:
            broken = await client.get("/health/ready")
            status = await client.get("/health/status")
        finally:
            await broker.connection.config_set("maxmemory-policy", "noeviction")
    _is_problem(broken, 503, "not_ready")
    assert "server_unsuitable" in broken.json()["detail"]
    assert status.json()["ready"] is False
