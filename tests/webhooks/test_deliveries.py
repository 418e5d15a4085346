"""A subscription gets what it asked for, signed, and what becomes of it when the endpoint does not take it."""

from __future__ import annotations

import pytest
from standardwebhooks import WebhookVerificationError

from emprops.core.errors import (
    EventsTrimmed,
    InvalidRequest,
    UnknownField,
    WebhookLimitReached,
    WebhookNotFound,
)
from emprops.core.settings import WebhookSettings
from emprops.core.webhooks import BODY_SHOWN, DeliveryOutcome, FailureKind
from emprops.webhooks import send_test
from tests.queue.harness import name_of
from tests.webhooks.conftest import Site
from tests.webhooks.receiver import BROKEN, GONE, HANGS, OK, Answer, Receiver, Request


async def test_an_event_arrives_signed_for_the_independent_library(site: Site, receiver: Receiver) -> None:
    _, secret = await site.subscribe(receiver)
    site.start()
    await site.pool.submit("a", customer="acme")
    (request,) = await receiver.got(1)
    (event,) = await site.events("job.submitted")
    assert request.verified_by(secret) == {
        "type": "job.submitted",
        "timestamp": "2030-03-17T17:46:40.000Z",
        "data": event.model_dump(mode="json", exclude_none=True, exclude={"type"}),
    }
    assert request.message_id == f"default_{event.event_id}"
    assert request.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Request(request.headers, request.body.replace("acme", "evil")).verified_by(secret)


async def test_a_subscription_gets_only_what_it_asked_for(
    site: Site, receiver: Receiver, other: Receiver
) -> None:
    await site.subscribe(receiver, events=["job.submitted", "workflow.ended"], workflow="w")
    await site.subscribe(other, events=[], job="b")
    site.start()
    await site.pool.submit("a", workflow="w")
    await site.pool.submit("b")
    await site.pool.broker.cancel("a")
    await site.pool.broker.cancel("b")
    assert [request.type for request in await receiver.got(2)] == ["job.submitted", "workflow.ended"]
    got = sorted(request.type for request in await other.got(2))
    assert got == ["job.cancelled", "job.submitted"]
    assert set(other.jobs) == {"b"}


async def test_what_happened_before_the_subscription_is_not_sent(site: Site, receiver: Receiver) -> None:
    await site.pool.submit("before")
    await site.subscribe(receiver)
    await site.pool.submit("after")
    site.start()
    await receiver.got(1)
    await site.stop()
    assert receiver.jobs == ["after"]


async def test_a_failed_attempt_is_repeated_with_the_same_id_and_a_fresh_signature(
    site: Site, receiver: Receiver
) -> None:
    receiver.answer = BROKEN
    made, secret = await site.subscribe(receiver, concurrency=1)
    site.start()
    await site.pool.submit("a")
    await site.pool.submit("b")
    await receiver.got(1)
    await site.until(lambda: _logged(site, made.webhook_id, 1))
    site.pass_seconds(2)
    await receiver.got(2)
    await site.until(lambda: _logged(site, made.webhook_id, 2))
    receiver.answer = OK
    site.pass_seconds(3)
    await receiver.got(4)
    assert receiver.jobs == ["a", "a", "a", "b"]
    assert len(set(receiver.ids)) == 2
    assert all(request.verified_by(secret) for request in receiver.requests)
    await site.settled(made.webhook_id, delivered=2, open=0)
    log = await site.webhooks.deliveries(made.webhook_id)
    assert [(entry.outcome, entry.attempt, entry.status) for entry in log] == [
        (DeliveryOutcome.DELIVERED, 1, 204),
        (DeliveryOutcome.DELIVERED, 3, 204),
        (DeliveryOutcome.RETRYING, 2, 500),
        (DeliveryOutcome.RETRYING, 1, 500),
    ]
    assert log[-1].failure is FailureKind.STATUS
    assert log[-1].answer == "out of order"


async def _logged(site: Site, webhook_id: str, count: int) -> bool:
    return len(await site.webhooks.deliveries(webhook_id)) >= count


async def test_nothing_is_sent_again_before_its_back_off_is_over(site: Site, receiver: Receiver) -> None:
    receiver.answer = BROKEN
    made, _ = await site.subscribe(receiver)
    site.start()
    await site.pool.submit("a")
    await site.until(lambda: _logged(site, made.webhook_id, 1))
    site.pass_seconds(0.7)
    await site.pool.submit("b")
    await site.until(lambda: _logged(site, made.webhook_id, 2))
    assert receiver.jobs == ["a", "b"]


async def test_an_endpoint_that_asks_for_time_gets_it(site: Site, receiver: Receiver) -> None:
    receiver.answer = Answer(503, headers=(("Retry-After", "2"),))
    made, _ = await site.subscribe(receiver)
    site.start()
    await site.pool.submit("a")
    await site.until(lambda: _logged(site, made.webhook_id, 1))
    site.pass_seconds(1.9)
    await site.pool.submit("b")
    await site.until(lambda: _logged(site, made.webhook_id, 2))
    assert receiver.jobs == ["a", "b"]
    site.pass_seconds(0.1)
    await receiver.until(lambda: receiver.jobs.count("a") == 2)


async def test_an_endpoint_that_hangs_fails_in_time(site: Site, receiver: Receiver) -> None:
    site.settings = site.settings.model_copy(update={"timeout_seconds": 0.1})
    receiver.answer = HANGS
    made, _ = await site.subscribe(receiver)
    site.start()
    await site.pool.submit("a")
    await site.until(lambda: _logged(site, made.webhook_id, 1))
    (entry,) = await site.webhooks.deliveries(made.webhook_id)
    assert (entry.failure, entry.status) == (FailureKind.TIMEOUT, None)


async def test_an_answer_without_end_is_read_no_further_than_its_bound(
    site: Site, receiver: Receiver
) -> None:
    site.settings = site.settings.model_copy(update={"timeout_seconds": 0.3})
    receiver.answer = Answer(500, body=b"x" * 5000, drips=True)
    made, _ = await site.subscribe(receiver)
    site.start()
    await site.pool.submit("a")
    await site.until(lambda: _logged(site, made.webhook_id, 1))
    (entry,) = await site.webhooks.deliveries(made.webhook_id)
    assert (entry.failure, entry.status) == (FailureKind.STATUS, 500)
    assert entry.answer == "x" * BODY_SHOWN


async def test_a_redirect_is_a_failure_and_is_not_followed(
    site: Site, receiver: Receiver, other: Receiver
) -> None:
    receiver.answer = Answer(307, headers=(("Location", other.url),))
    made, _ = await site.subscribe(receiver)
    site.start()
    await site.pool.submit("a")
    await site.until(lambda: _logged(site, made.webhook_id, 1))
    (entry,) = await site.webhooks.deliveries(made.webhook_id)
    assert entry.failure is FailureKind.REDIRECT
    assert "not followed" in entry.error
    assert other.connections == 0


async def test_an_endpoint_that_is_gone_disables_its_subscription_and_nothing_is_lost(
    site: Site, receiver: Receiver, other: Receiver
) -> None:
    receiver.answer = GONE
    made, _ = await site.subscribe(receiver, concurrency=1)
    await site.subscribe(other, events=["webhook.disabled", "webhook.enabled"])
    site.start()
    await site.pool.submit("a")
    await site.pool.submit("b")
    found = await site.settled(made.webhook_id, enabled=False, reason="gone")
    assert found.message == "answered 410"
    told = await other.until(lambda: any(request.type == "webhook.disabled" for request in other.requests))
    assert told[-1].payload["data"]["subscription"] == made.webhook_id
    receiver.answer = OK
    await site.webhooks.enable(made.webhook_id)
    await receiver.until(lambda: receiver.jobs == ["a", "a", "b"])
    await other.until(lambda: [r.type for r in other.requests][-1] == "webhook.enabled")
    assert (await site.settled(made.webhook_id, delivered=2)).reason is None


async def test_an_endpoint_that_takes_nothing_is_disabled_after_the_last_attempt_and_nothing_is_lost(
    site: Site, receiver: Receiver
) -> None:
    receiver.answer = BROKEN
    made, _ = await site.subscribe(receiver)
    site.start()
    await site.pool.submit("a")
    for number in (1, 2):
        await site.until(lambda: _logged(site, made.webhook_id, number))  # noqa: B023  # awaited at once
        site.pass_seconds(3)
    found = await site.settled(made.webhook_id, enabled=False)
    assert (found.reason, found.open, found.given_up) == ("exhausted", 1, 0)
    await site.pool.submit("b")
    receiver.answer = OK
    await site.webhooks.enable(made.webhook_id)
    await receiver.until(lambda: set(receiver.jobs[3:]) == {"a", "b"})
    assert receiver.jobs[:3] == ["a"] * 3
    log = await site.webhooks.deliveries(made.webhook_id)
    assert [entry.outcome for entry in log if entry.attempt == 3] == [DeliveryOutcome.DISABLED]


async def test_an_event_that_alone_is_refused_is_given_up_and_the_rest_goes_on(
    site: Site, receiver: Receiver
) -> None:
    receiver.answer = lambda request: BROKEN if request.job == "bad" else OK
    made, _ = await site.subscribe(receiver, concurrency=2)
    site.start()
    await site.pool.submit("bad")
    for number in (1, 2, 3):
        await site.pool.submit(f"good-{number}")
        await receiver.until(lambda: receiver.jobs.count("bad") == number)  # noqa: B023  # awaited at once
        await site.settled(made.webhook_id, delivered=number)
        site.pass_seconds(3)
    found = await site.settled(made.webhook_id, given_up=1, open=0)
    assert found.enabled
    assert receiver.jobs.count("bad") == 3


async def test_an_endpoint_that_is_down_for_a_while_gets_everything_in_order(
    site: Site, receiver: Receiver
) -> None:
    made, _ = await site.subscribe(receiver, concurrency=1)
    await receiver.stop()
    site.start()
    for number in range(20):
        await site.pool.submit(f"job-{number}")
    await site.until(lambda: _logged(site, made.webhook_id, 1))
    (entry, *_) = await site.webhooks.deliveries(made.webhook_id)
    assert entry.failure is FailureKind.UNREACHABLE
    await receiver.start()
    site.pass_seconds(3)
    await receiver.got(20)
    assert receiver.jobs == [f"job-{number}" for number in range(20)]


async def test_no_more_events_are_open_at_a_time_than_a_subscription_allows(
    site: Site, receiver: Receiver
) -> None:
    receiver.answer = HANGS
    await site.subscribe(receiver, concurrency=3)
    site.start()
    for number in range(6):
        await site.pool.submit(f"job-{number}")
    await receiver.got(3)
    assert receiver.connections == 3
    assert sorted(receiver.jobs) == ["job-0", "job-1", "job-2"]


async def test_a_hanging_endpoint_does_not_keep_another_from_its_events(
    site: Site, receiver: Receiver, other: Receiver
) -> None:
    receiver.answer = HANGS
    await site.subscribe(receiver)
    await site.subscribe(other)
    site.start()
    for number in range(10):
        await site.pool.submit(f"job-{number}")
    assert len(await other.got(10)) == 10


async def test_a_subscription_of_a_customer_never_gets_what_is_not_its_own(
    site: Site, receiver: Receiver
) -> None:
    made, _ = await site.subscribe(receiver, events=[], customer="acme", concurrency=1)
    site.start()
    worker = await site.pool.worker()
    for job, customer in (("own", "acme"), ("foreign", "rival"), ("nobody", None)):
        await site.pool.submit(job, **({"customer": customer} if customer else {}))
        claimed = await site.pool.claimed(worker, job)
        await worker.complete(claimed, {})
    await worker.leave()
    await site.pool.submit("last", customer="acme")
    await receiver.until(lambda: receiver.jobs[-1:] == ["last"])
    got = [(request.type, request.job) for request in receiver.requests]
    assert got == [
        ("webhook.enabled", ""),
        ("job.submitted", "own"),
        ("job.claimed", "own"),
        ("job.completed", "own"),
        ("job.submitted", "last"),
    ]
    assert receiver.requests[0].payload["data"]["subscription"] == made.webhook_id
    rival = type(site.webhooks)(site.pool.broker, site.settings, customer="rival")
    assert await rival.subscriptions() == []
    for refused in (
        rival.get(made.webhook_id),
        rival.update(made.webhook_id, {"concurrency": 2}),
        rival.delete(made.webhook_id),
        rival.enable(made.webhook_id),
        rival.disable(made.webhook_id),
        rival.rotate(made.webhook_id),
        rival.replay(made.webhook_id, "0-0"),
        rival.deliveries(made.webhook_id),
        rival.secrets(made.webhook_id),
    ):
        with pytest.raises(WebhookNotFound):
            await refused


async def test_a_subscription_that_lags_behind_the_stream_is_told_so(site: Site, receiver: Receiver) -> None:
    made, _ = await site.subscribe(receiver, concurrency=1)
    await site.webhooks.disable(made.webhook_id)
    for number in range(10):
        await site.pool.submit(f"job-{number}")
    await site.pool.broker.connection.xtrim(site.pool.broker.keys.key("events"), maxlen=3, approximate=False)
    await site.webhooks.enable(made.webhook_id)
    site.start()
    await receiver.until(lambda: bool(receiver.requests) and receiver.requests[-1].type == "webhook.lagged")
    assert receiver.jobs == ["job-7", "job-8", "job-9", ""]
    told = receiver.requests[-1].payload["data"]
    assert told["after"] == made.position
    assert told["until"] == receiver.requests[0].payload["data"]["event_id"]
    found = await site.settled(made.webhook_id, delivered=4)
    assert found.lagged_ms == site.pool.now


async def test_an_open_event_survives_that_the_stream_is_trimmed(site: Site, receiver: Receiver) -> None:
    receiver.answer = BROKEN
    made, _ = await site.subscribe(receiver)
    site.start()
    await site.pool.submit("a")
    await site.until(lambda: _logged(site, made.webhook_id, 1))
    await site.pool.broker.connection.xtrim(site.pool.broker.keys.key("events"), maxlen=0, approximate=False)
    receiver.answer = OK
    site.pass_seconds(3)
    await receiver.got(2)
    assert receiver.jobs == ["a", "a"]


async def test_events_are_replayed_with_the_ids_that_they_had(site: Site, receiver: Receiver) -> None:
    made, _ = await site.subscribe(receiver, concurrency=1)
    site.start()
    for job in ("a", "b", "c"):
        await site.pool.submit(job)
    await receiver.got(3)
    await site.settled(made.webhook_id, delivered=3)
    first, *_ = await site.events("job.submitted")
    await site.webhooks.replay(made.webhook_id, first.event_id)
    await receiver.got(5)
    assert receiver.jobs == ["a", "b", "c", "b", "c"]
    assert receiver.ids[3:] == receiver.ids[1:3]
    await site.settled(made.webhook_id, delivered=5)
    await site.webhooks.replay(made.webhook_id, "0-0")
    await receiver.got(8)
    assert receiver.jobs[5:] == ["a", "b", "c"]
    assert len(await site.events("webhook.replayed")) == 2


async def test_a_replay_of_what_is_not_kept_is_refused_and_says_from_where_it_can_begin(
    site: Site, receiver: Receiver
) -> None:
    made, _ = await site.subscribe(receiver)
    for number in range(5):
        await site.pool.submit(f"job-{number}")
    first, second, *_ = await site.events("job.submitted")
    await site.pool.broker.connection.xtrim(site.pool.broker.keys.key("events"), maxlen=3, approximate=False)
    with pytest.raises(EventsTrimmed) as trimmed:
        await site.webhooks.replay(made.webhook_id, first.event_id)
    await site.webhooks.replay(made.webhook_id, trimmed.value.detail["oldest"])
    for wrong in ("nonsense", "99999999999999-0", "-1", "1-99999999999999999999"):
        with pytest.raises(InvalidRequest):
            await site.webhooks.replay(made.webhook_id, wrong)
    site.start()
    await receiver.got(3)
    assert (await site.webhooks.get(made.webhook_id)).lagged_ms is None
    await site.webhooks.replay(made.webhook_id, "0-0")
    await receiver.got(6)
    assert (await site.webhooks.get(made.webhook_id)).lagged_ms is None
    assert second.event_id not in {request.payload["data"]["event_id"] for request in receiver.requests}


async def test_both_secrets_verify_while_a_rotation_overlaps(site: Site, receiver: Receiver) -> None:
    made, old = await site.subscribe(receiver)
    site.start()
    new, until_ms = await site.webhooks.rotate(made.webhook_id)
    assert until_ms == site.pool.now + site.settings.secret_overlap_seconds * 1000
    await site.pool.submit("a")
    (both,) = await receiver.got(1)
    assert both.verified_by(old) == both.verified_by(new)
    site.pass_seconds(site.settings.secret_overlap_seconds)
    await site.pool.submit("b")
    *_, after = await receiver.got(2)
    assert after.verified_by(new)
    with pytest.raises(WebhookVerificationError):
        after.verified_by(old)


async def test_a_secret_is_shown_once_and_stands_in_one_key_only(site: Site, receiver: Receiver) -> None:
    made, secret = await site.subscribe(receiver, events=[])
    receiver.answer = BROKEN
    site.start()
    await site.pool.submit("a")
    await site.until(lambda: _logged(site, made.webhook_id, 1))
    held = await site.pool.picture()
    assert [name_of(key) for key, value in held.items() if secret in str(value)] == ["webhook_secrets"]
    shown = [await site.webhooks.get(made.webhook_id), await site.webhooks.deliveries(made.webhook_id)]
    assert secret not in str(shown)
    view = await site.deliverers[0].deliveries.view(made.webhook_id)
    assert secret not in repr(view)


async def test_a_change_holds_from_the_next_delivery_on(
    site: Site, receiver: Receiver, other: Receiver
) -> None:
    made, _ = await site.subscribe(receiver, workflow="w")
    site.start()
    await site.pool.submit("a", workflow="w")
    await receiver.got(1)
    changed = await site.webhooks.update(made.webhook_id, {"url": other.url, "workflow": None})
    assert (changed.url, changed.workflow, changed.events) == (other.url, None, ("job.submitted",))
    await site.pool.submit("b")
    await other.got(1)
    assert receiver.jobs == ["a"]
    with pytest.raises(UnknownField):
        await site.webhooks.update(made.webhook_id, {"customer": "rival"})
    with pytest.raises(InvalidRequest):
        await site.webhooks.update(made.webhook_id, {"url": None})


async def test_a_deleted_subscription_leaves_nothing_behind(site: Site, receiver: Receiver) -> None:
    receiver.answer = BROKEN
    made, _ = await site.subscribe(receiver)
    site.start()
    await site.pool.submit("a")
    await site.until(lambda: _logged(site, made.webhook_id, 1))
    await site.webhooks.delete(made.webhook_id)
    await site.stop()
    left = {name_of(key) for key in await site.pool.picture()}
    assert {name for name in left if name.startswith("webhook")} == set()
    with pytest.raises(WebhookNotFound):
        await site.webhooks.get(made.webhook_id)


async def test_a_test_delivery_says_what_really_came_of_it(site: Site, receiver: Receiver) -> None:
    made, secret = await site.subscribe(receiver)
    good = await send_test(site.pool.broker, site.webhooks, made.webhook_id)
    assert (good.outcome, good.failure, good.status) == (DeliveryOutcome.TESTED, None, 204)
    assert receiver.requests[0].verified_by(secret)["type"] == "webhook.test"
    receiver.answer = BROKEN
    bad = await send_test(site.pool.broker, site.webhooks, made.webhook_id)
    assert (bad.failure, bad.status) == (FailureKind.STATUS, 500)
    assert await site.webhooks.deliveries(made.webhook_id) == [bad, good]
    assert (await site.webhooks.get(made.webhook_id)).failure_ms is None


async def test_a_log_is_bounded_and_expires(site: Site, receiver: Receiver) -> None:
    site.settings = site.settings.model_copy(update={"log_entries": 5})
    made, _ = await site.subscribe(receiver)
    site.start()
    for number in range(12):
        await site.pool.submit(f"job-{number}")
    await site.settled(made.webhook_id, delivered=12)
    assert len(await site.webhooks.deliveries(made.webhook_id)) == 5
    key = site.pool.broker.keys.key("webhook_log", made.webhook_id)
    assert 0 < await site.pool.broker.connection.pttl(key) <= site.settings.log_seconds * 1000


async def test_the_number_of_subscriptions_is_bounded(site: Site, receiver: Receiver) -> None:
    site.webhooks.settings = WebhookSettings(limit=1, allowed_networks="127.0.0.0/8")
    await site.subscribe(receiver)
    with pytest.raises(WebhookLimitReached):
        await site.subscribe(receiver)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://example.com/"},
        {"url": "file:///etc/passwd"},
        {"url": "https://user:word@example.com/"},
        {"url": "https://example.com/#part"},
        {"url": "https://"},
        {"url": "https://example.com/" + "x" * 2000},
        {"url": "https://example.com/", "events": ["job.finished"]},
        {"url": "https://example.com/", "concurrency": 0},
    ],
)
async def test_a_subscription_that_could_not_work_is_refused(site: Site, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        await site.webhooks.create(wrong)
