"""Nothing is sent where only this machine can reach: every address is judged, and the judged one is connected to."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from emprops.core.egress import Address, refusal_of
from emprops.core.errors import SettingsInvalid, WebhookTargetRefused
from emprops.core.settings import WebhookSettings
from emprops.core.webhooks import FailureKind, WebhookTest
from emprops.webhooks import Endpoint, resolve
from emprops.webhooks.guard import Resolver
from emprops.webhooks.sending import trusted
from tests.webhooks.conftest import Site
from tests.webhooks.receiver import Receiver

TLS = Path(__file__).parent / "tls"
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
EVENT = WebhookTest(event_id="test-1", at=1, subscription="wh_1")
CLOSED = WebhookSettings()
LOOPBACK = WebhookSettings(allowed_networks="127.0.0.1/32", timeout_seconds=5)
REFUSED = {
    "0.0.0.0": "unspecified",
    "10.1.2.3": "",
    "100.64.0.1": "",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "169.254.169.254": "link-local",
    "172.16.0.1": "",
    "192.168.1.1": "",
    "192.0.2.1": "",
    "198.18.0.1": "",
    "224.0.0.1": "multicast",
    "240.0.0.1": "",
    "255.255.255.255": "",
    "::": "unspecified",
    "::1": "loopback",
    "::7f00:1": "",
    "::ffff:127.0.0.1": "stands for 127.0.0.1, which is loopback",
    "::ffff:10.0.0.1": "stands for 10.0.0.1, which is private",
    "64:ff9b::a9fe:a9fe": "stands for 169.254.169.254, which is link-local",
    "2002:7f00:1::": "stands for 127.0.0.1, which is loopback",
    "fc00::1": "",
    "fe80::1": "link-local",
    "fec0::1": "",
    "ff02::1": "multicast",
    "2001:db8::1": "",
}
PUBLIC = ("8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808")


def to(*addresses: str) -> Resolver:
    """Return a resolver that finds these addresses for every name."""

    async def found(host: str, port: int) -> Sequence[Address]:
        return [ipaddress.ip_address(address) for address in addresses]

    return found


async def attempt(url: str, settings: WebhookSettings, resolver: Resolver = resolve) -> tuple[object, str]:
    """Make one attempt; return why it failed, and what it says."""
    endpoint = Endpoint("default", settings, resolver=resolver)
    try:
        sent = await endpoint.send(url, (SECRET,), EVENT, 1)
    finally:
        await endpoint.close()
    return sent.attempt.failure, sent.attempt.error


@pytest.mark.parametrize(("address", "reason"), REFUSED.items())
def test_an_address_that_is_not_public_is_refused_and_said_why(address: str, reason: str) -> None:
    told = refusal_of(ipaddress.ip_address(address))
    assert told
    assert reason in told, "not every version of Python calls every kind the same; these it does"


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_taken(address: str) -> None:
    assert refusal_of(ipaddress.ip_address(address)) == ""


def test_only_the_networks_that_are_named_are_allowed() -> None:
    allowed = WebhookSettings(allowed_networks="10.1.0.0/16, ::1/128").networks
    for address, refused in (("10.1.2.3", False), ("10.2.0.1", True), ("::1", False), ("127.0.0.1", True)):
        assert bool(refusal_of(ipaddress.ip_address(address), allowed)) is refused
    assert not refusal_of(ipaddress.ip_address("::ffff:10.1.2.3"), allowed)


def test_a_network_that_is_none_is_refused_when_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPROPS_WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/8, intranet")
    with pytest.raises(SettingsInvalid, match="EMPROPS_WEBHOOK_ALLOWED_NETWORKS"):
        WebhookSettings.load()


@pytest.mark.parametrize("address", [*REFUSED])
async def test_a_name_that_leads_to_a_refused_address_is_not_connected_to(address: str) -> None:
    failure, error = await attempt("http://innocent.example/", CLOSED, to(address))
    assert failure is FailureKind.REFUSED_TARGET
    assert error.startswith(str(ipaddress.ip_address(address)))


async def test_one_refused_address_among_public_ones_is_enough() -> None:
    failure, _ = await attempt("http://innocent.example/", CLOSED, to("8.8.8.8", "127.0.0.1"))
    assert failure is FailureKind.REFUSED_TARGET


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "017700000001",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ],
)
async def test_this_machine_is_refused_however_it_is_written(host: str, receiver: Receiver) -> None:
    failure, _ = await attempt(f"http://{host}:{receiver.port}/", CLOSED)
    assert failure is FailureKind.REFUSED_TARGET
    assert receiver.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]"])
async def test_a_subscription_to_an_address_that_is_refused_is_refused(host: str, site: Site) -> None:
    site.webhooks.settings = CLOSED
    with pytest.raises(WebhookTargetRefused):
        await site.webhooks.create({"url": f"http://{host}/"})


async def test_a_name_that_changes_its_address_after_the_check_leads_to_the_checked_address(
    receiver: Receiver,
) -> None:
    trap = Receiver("127.0.0.2")
    trap._port = receiver.port  # the same port, as an attacker would have it
    await trap.start()
    looked_up = []

    async def lies_the_second_time(host: str, port: int) -> Sequence[Address]:
        looked_up.append(host)
        return [ipaddress.ip_address("127.0.0.1" if len(looked_up) == 1 else "127.0.0.2")]

    endpoint = Endpoint("default", LOOPBACK, resolver=lies_the_second_time)
    url = f"http://rebind.test:{receiver.port}/hook"
    first = await endpoint.send(url, (SECRET,), EVENT, 1)
    second = await endpoint.send(url, (SECRET,), EVENT, 2)
    await endpoint.close()
    await trap.stop()
    assert first.attempt.failure is None
    assert receiver.requests[0].headers["host"] == f"rebind.test:{receiver.port}"
    assert looked_up == ["rebind.test"] * 2, "a name is looked up once an attempt"
    assert second.attempt.failure is FailureKind.REFUSED_TARGET
    assert (len(receiver.requests), trap.connections) == (1, 0)


async def test_a_name_without_address_is_a_failure_that_says_so() -> None:
    assert (await attempt("http://innocent.example/", CLOSED, to()))[0] is FailureKind.UNRESOLVED
    assert (await attempt("http://no-such-host.invalid/", CLOSED))[0] is FailureKind.UNRESOLVED


async def test_the_next_address_is_tried_when_nobody_listens_at_the_first(receiver: Receiver) -> None:
    settings = WebhookSettings(allowed_networks="127.0.0.0/8")
    url = f"http://two.test:{receiver.port}/"
    assert await attempt(url, settings, to("127.0.0.3", "127.0.0.1")) == (None, "")
    failure, _ = await attempt(url, settings, to("127.0.0.3", "127.0.0.4"))
    assert failure is FailureKind.UNREACHABLE


async def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, other: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", other.url)
    monkeypatch.setenv("ALL_PROXY", other.url)
    assert await attempt(receiver.url, LOOPBACK) == (None, "")
    assert (len(receiver.requests), other.connections) == (1, 0)


@pytest.fixture
async def secure(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    """An endpoint with a certificate of `endpoint.test`, which this process trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "endpoint.crt"))
    trusted.cache_clear()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TLS / "endpoint.crt", TLS / "endpoint.key")
    names: list[str] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    made = await Receiver().start(ssl=context)
    yield made
    await made.stop()
    trusted.cache_clear()
    assert set(names) <= {"endpoint.test", "other.test"}, "the name of the handshake is that of the address"


async def test_a_certificate_is_checked_against_the_name_though_the_address_is_pinned(
    secure: Receiver,
) -> None:
    ours = await attempt(f"https://endpoint.test:{secure.port}/", LOOPBACK, to("127.0.0.1"))
    assert ours == (None, "")
    assert secure.requests[0].headers["host"] == f"endpoint.test:{secure.port}"
    failure, error = await attempt(f"https://other.test:{secure.port}/", LOOPBACK, to("127.0.0.1"))
    assert failure is FailureKind.UNREACHABLE
    assert "certificate" in error.lower()
    assert len(secure.requests) == 1


async def test_attempts_to_one_endpoint_share_a_connection(receiver: Receiver) -> None:
    endpoint = Endpoint("default", LOOPBACK)
    for number in range(5):
        await endpoint.send(receiver.url, (SECRET,), EVENT, number)
    await endpoint.close()
    await asyncio.sleep(0)
    assert (len(receiver.requests), receiver.connections) == (5, 1)
