"""Webhooks: subscribe endpoints to events, see what was delivered, test, replay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ...broker import Webhooks
from ...broker.webhooks import REASON_LENGTH
from ...core.access import Principal
from ...core.errors import (
    EventsTrimmed,
    Forbidden,
    WebhookLimitReached,
    WebhookNotFound,
    WebhookTargetRefused,
)
from ...core.settings import WebhookSettings
from ...core.webhooks import Delivery, WebhookChange, WebhookRequest, WebhookSubscription
from ...webhooks import send_test
from ..auth import Operator, Reader
from ..problem import refusals
from ..state import PoolBroker

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
WebhookId = Annotated[str, Path(description="Id of the subscription.")]


class NewWebhook(BaseModel):
    """A subscription with its secret, which is shown this once."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    webhook: WebhookSubscription
    """The subscription."""
    secret: str
    """What deliveries are signed with, as Standard Webhooks libraries take it. Nobody can read it again."""


class NewSecret(BaseModel):
    """A new secret, which is shown this once."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    webhook_id: str
    """Id of the subscription."""
    secret: str
    """What deliveries are signed with from now on. Nobody can read it again."""
    old_until_ms: int
    """Until when deliveries carry a signature with the old secret, too (milliseconds since 1970)."""


class WebhookList(BaseModel):
    """The subscriptions that the caller sees."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    webhooks: list[WebhookSubscription]
    """Oldest first."""


class DeliveryList(BaseModel):
    """The latest attempts to deliver to a subscription."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    webhook_id: str
    """Id of the subscription."""
    deliveries: list[Delivery]
    """Newest first; older ones than the log keeps are not there."""


class DeliveryQuery(BaseModel):
    """How many attempts are read."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    limit: int = Field(default=100, ge=1, le=10_000)
    """Attempts at most (1 to 10,000)."""


class Disabling(BaseModel):
    """Why a subscription is disabled."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    reason: Annotated[str, StringConstraints(max_length=REASON_LENGTH)] = ""
    """Why, for whoever reads it later (at most 200 characters)."""


class Replay(BaseModel):
    """From where events are sent once more."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    after: Annotated[str, Field(pattern=r"^[0-9]{1,19}-[0-9]{1,19}$")]
    """Id of the event after which to begin; `0-0`: with the oldest that is kept."""


@asynccontextmanager
async def service(app: FastAPI) -> AsyncIterator[None]:
    """Read the settings of webhooks once for the life of an application."""
    app.state.webhook_settings = WebhookSettings.load()
    yield


def _webhooks(request: Request, broker: PoolBroker, caller: Principal) -> Webhooks:
    return Webhooks(broker, request.app.state.webhook_settings, customer=caller.customer)


@router.post("", status_code=201, responses=refusals(WebhookLimitReached, WebhookTargetRefused, body=True))
async def create_webhook(
    wanted: WebhookRequest, request: Request, response: Response, broker: PoolBroker, caller: Operator
) -> NewWebhook:
    """Subscribe an endpoint to events, from now on; one of a customer gets this customer's events only."""
    if not caller.sees(wanted.customer or caller.customer):
        raise Forbidden(
            f"key {caller.key_id} is of another customer than the subscription",
            detail={"customer": caller.customer},
        )
    made, secret = await _webhooks(request, broker, caller).create(wanted)
    response.headers["Location"] = f"/v1/webhooks/{made.webhook_id}"
    return NewWebhook(webhook=made, secret=secret)


@router.get("", responses=refusals())
async def list_webhooks(request: Request, broker: PoolBroker, caller: Reader) -> WebhookList:
    """List the subscriptions, without their secrets."""
    return WebhookList(webhooks=await _webhooks(request, broker, caller).subscriptions())


@router.get("/{webhook_id}", responses=refusals(WebhookNotFound))
async def read_webhook(
    webhook_id: WebhookId, request: Request, broker: PoolBroker, caller: Reader
) -> WebhookSubscription:
    """Read a subscription: what it asks for, whether it is enabled, and how far it is."""
    return await _webhooks(request, broker, caller).get(webhook_id)


@router.patch("/{webhook_id}", responses=refusals(WebhookNotFound, WebhookTargetRefused, body=True))
async def update_webhook(
    webhook_id: WebhookId, change: WebhookChange, request: Request, broker: PoolBroker, caller: Operator
) -> WebhookSubscription:
    """Change what a subscription asks for; a field that is left out stays as it is."""
    return await _webhooks(request, broker, caller).update(webhook_id, change)


@router.delete("/{webhook_id}", status_code=204, responses=refusals(WebhookNotFound))
async def delete_webhook(
    webhook_id: WebhookId, request: Request, broker: PoolBroker, caller: Operator
) -> None:
    """Delete a subscription, with its open events, its log and its secret."""
    await _webhooks(request, broker, caller).delete(webhook_id)


@router.post("/{webhook_id}/enable", responses=refusals(WebhookNotFound))
async def enable_webhook(
    webhook_id: WebhookId, request: Request, broker: PoolBroker, caller: Operator
) -> WebhookSubscription:
    """Enable a subscription: it goes on where it stopped, and every open event has all its attempts anew."""
    return await _webhooks(request, broker, caller).enable(webhook_id)


@router.post("/{webhook_id}/disable", responses=refusals(WebhookNotFound, body=True))
async def disable_webhook(
    webhook_id: WebhookId, disabling: Disabling, request: Request, broker: PoolBroker, caller: Operator
) -> WebhookSubscription:
    """Disable a subscription: nothing is sent until it is enabled; what happens meanwhile waits in the stream."""
    return await _webhooks(request, broker, caller).disable(webhook_id, disabling.reason)


@router.post("/{webhook_id}/rotate", responses=refusals(WebhookNotFound))
async def rotate_webhook(
    webhook_id: WebhookId, request: Request, broker: PoolBroker, caller: Operator
) -> NewSecret:
    """Give a subscription a new secret; for a while deliveries carry a signature with the old one, too."""
    secret, old_until_ms = await _webhooks(request, broker, caller).rotate(webhook_id)
    return NewSecret(webhook_id=webhook_id, secret=secret, old_until_ms=old_until_ms)


@router.post("/{webhook_id}/replay", responses=refusals(WebhookNotFound, EventsTrimmed, body=True))
async def replay_webhook(
    webhook_id: WebhookId, replay: Replay, request: Request, broker: PoolBroker, caller: Operator
) -> WebhookSubscription:
    """Send the events after a position once more; each has the `webhook-id` that it had before."""
    return await _webhooks(request, broker, caller).replay(webhook_id, replay.after)


@router.post("/{webhook_id}/test", responses=refusals(WebhookNotFound))
async def send_webhook_test(
    webhook_id: WebhookId, request: Request, broker: PoolBroker, caller: Operator
) -> Delivery:
    """Send a test event now, once, and say what came of it; it changes nothing but the log."""
    return await send_test(broker, _webhooks(request, broker, caller), webhook_id)


@router.get("/{webhook_id}/deliveries", responses=refusals(WebhookNotFound))
async def list_deliveries(
    webhook_id: WebhookId,
    query: Annotated[DeliveryQuery, Query()],
    request: Request,
    broker: PoolBroker,
    caller: Reader,
) -> DeliveryList:
    """List the latest attempts to deliver to a subscription, with status, duration and what went wrong."""
    found = await _webhooks(request, broker, caller).deliveries(webhook_id, limit=query.limit)
    return DeliveryList(webhook_id=webhook_id, deliveries=found)
