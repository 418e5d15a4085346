"""One client: who it is, what it asks, what it is sent, and how it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from ...broker.stream import place_of
from ...core.access import Principal
from ...core.closing import (
    BINARY_FRAME,
    PROTOCOL_ERROR,
    SERVER_FAULT,
    SLOW_READER,
    UNAUTHENTICATED,
    CloseCode,
)
from ...core.errors import (
    EmpropsError,
    Forbidden,
    MessageMalformed,
    SubscriptionExists,
    SubscriptionLimitReached,
    SubscriptionNotFound,
    Unauthenticated,
)
from ...core.messages import (
    SNAPSHOT_MOST,
    Accepted,
    Authenticate,
    ClientMessage,
    Closing,
    ErrorMessage,
    Heartbeat,
    Ping,
    Pong,
    ServerMessage,
    Snapshot,
    Submit,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Welcome,
    decode,
    parse_message,
)
from ..auth import for_caller, require_role
from .outbox import Outbox
from .protocol import EXTENSION, Cut
from .subscription import Subscription

if TYPE_CHECKING:
    from .endpoint import Sockets

_log = logging.getLogger(__name__)


class _Ended(Exception):
    """The connection is to be closed."""

    def __init__(self, code: CloseCode, *last: ServerMessage) -> None:
        super().__init__(code.name)
        self.code = code
        self.last = last


class Connection:
    """One connection, accepted.

    Args:
        websocket: the connection.
        sockets: what all connections of the process share.
        token: the key that the handshake carried; empty if it carried none.
        principal: whose it is; ``None`` if nobody has said yet.
    """

    def __init__(
        self, websocket: WebSocket, sockets: Sockets, token: str, principal: Principal | None
    ) -> None:
        self.token = token
        self.ready = False
        """Whether it has been welcomed."""
        self._websocket = websocket
        self._sockets = sockets
        self._principal = principal
        self._outbox = Outbox(sockets.settings.buffer_bytes)
        self._subscriptions: dict[str, Subscription] = {}
        self._history: dict[str, asyncio.Task[None]] = {}
        self._reading = asyncio.Lock()
        self._sender: asyncio.Task[None] | None = None
        self._closed = False

    async def run(self) -> None:
        """Serve it until it ends."""
        try:
            if self._principal is None:
                await self._authenticate()
            assert self._principal is not None
            self._welcome(self._principal)
            self._sender = asyncio.create_task(self._send())
            while True:
                await self._handle(await self._receive(), self._principal)
        except _Ended as ended:
            self.close(ended.code, *ended.last)
        except WebSocketDisconnect:
            pass
        except Exception:  # noqa: BLE001  # whatever it was, the client is told and the others go on
            _log.exception("a connection failed")
            self.close(SERVER_FAULT)
        finally:
            self._release()

    # What goes out

    def offer(self, text: str, size: int) -> None:
        """Send a frame when its turn comes; a client that has too much waiting already is cut off.

        Args:
            text: the frame.
            size: its length, in bytes.
        """
        if not self._outbox.offer(text, size):
            self.close(SLOW_READER)

    def _answer(self, message: ServerMessage) -> None:
        text = message.text()
        self.offer(text, len(text.encode()))

    async def _send(self) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                text, size = await self._outbox.take()
                await self._websocket.send_text(text)
                self._outbox.sent(size)

    def beat(self) -> None:
        """Send a heartbeat; it names a position if each subscription was sent what is up to it, and nothing after."""
        place = self._sockets.hub.place
        even = all(one.live and one.sent <= place for one in self._subscriptions.values())
        self._answer(Heartbeat(position=self._sockets.hub.position if even else None))

    def watch(self, now: float) -> None:
        """Cut the client off if it has taken nothing for too long.

        Args:
            now: the time (seconds, the event loop's clock).
        """
        if self._outbox.waiting_bytes and now - self._outbox.since > self._sockets.settings.stall_seconds:
            self.close(SLOW_READER)

    def close(self, code: CloseCode, *last: ServerMessage) -> None:
        """Close the connection at once; what waits is dropped, what is on its way is not.

        Args:
            code: why.
            last: messages that are sent before.
        """
        if self._closed:
            return
        self._closed = True
        self._release()
        farewell = Closing(code=code.code, name=code.name, remedy=code.remedy)
        cut: Cut = self._websocket.scope["extensions"][EXTENSION]
        cut([message.text() for message in (*last, farewell)], code.code, code.name)

    def _release(self) -> None:
        self.ready = False
        self._outbox.close()
        for subscription in self._subscriptions.values():
            self._sockets.hub.index.remove(subscription)
        self._subscriptions.clear()
        for task in (*self._history.values(), *([self._sender] if self._sender else ())):
            task.cancel()

    # What comes in

    async def _receive(self) -> Mapping[str, Any]:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        text = message.get("text")
        if text is None:
            raise _Ended(BINARY_FRAME)
        try:
            return decode(text)
        except MessageMalformed as error:
            raise _Ended(PROTOCOL_ERROR, _error(error, {"type": "message"})) from error

    async def _authenticate(self) -> None:
        try:
            async with asyncio.timeout(self._sockets.settings.authentication_seconds):
                message = parse_message(await self._receive())
                if not isinstance(message, Authenticate):
                    raise _Ended(UNAUTHENTICATED)
                self.token = message.key
                self._principal = await self._sockets.keys.authenticate(message.key)
        except TimeoutError as error:
            raise _Ended(UNAUTHENTICATED) from error
        except Unauthenticated as error:
            raise _Ended(UNAUTHENTICATED, _error(error, {"type": "authenticate"})) from error
        except EmpropsError as error:
            raise _Ended(SERVER_FAULT if error.retryable else UNAUTHENTICATED) from error

    def _welcome(self, principal: Principal) -> None:
        settings = self._sockets.settings
        self._answer(
            Welcome(
                pool=self._sockets.broker.settings.pool,
                position=self._sockets.hub.position,
                roles=tuple(sorted(principal.roles)),
                customer=principal.customer,
                heartbeat_seconds=settings.heartbeat_seconds,
                frame_limit_bytes=settings.frame_limit_bytes,
                subscriptions=settings.subscriptions,
            )
        )
        self.ready = True

    async def _handle(self, data: Mapping[str, Any], principal: Principal) -> None:
        try:
            message = parse_message(data)
            if message.requires is not None:
                require_role(principal, message.requires)
            await self._obey(message, principal)
        except EmpropsError as error:
            self._answer(_error(error, data))

    async def _obey(self, message: ClientMessage, principal: Principal) -> None:
        match message:
            case Subscribe():
                self._subscribe(message, principal)
            case Unsubscribe():
                self._unsubscribe(message)
            case Submit():
                receipt = await self._sockets.broker.submit(for_caller(principal, message.job))
                self._answer(
                    Accepted(
                        request=message.request,
                        job_id=receipt.job_id,
                        created=receipt.created,
                        class_id=receipt.class_id,
                    )
                )
            case Ping():
                self._answer(Pong(request=message.request))
            case Authenticate():
                # Once is enough; a second key would change whose events are on their way.
                raise Forbidden("the connection is authenticated already", detail={})

    # Subscriptions

    def _subscribe(self, wanted: Subscribe, principal: Principal) -> None:
        if wanted.id in self._subscriptions:
            raise SubscriptionExists(f"there is a subscription {wanted.id!r}", detail={"id": wanted.id})
        limit = self._sockets.settings.subscriptions
        if len(self._subscriptions) >= limit:
            raise SubscriptionLimitReached(f"there are {limit} subscriptions", detail={"limit": limit})
        for customer in wanted.customers:
            if not principal.sees(customer):
                raise Forbidden(f"the key does not see customer {customer}", detail={"customer": customer})
        subscription = Subscription(wanted, principal, self)
        self._subscriptions[wanted.id] = subscription
        if wanted.after is None and not wanted.snapshot:
            subscription.sent = self._sockets.hub.place
            self._answer(Subscribed(id=wanted.id, position=self._sockets.hub.position))
            self._sockets.hub.join(subscription)
        else:
            task = asyncio.create_task(self._catch_up(wanted, subscription))
            self._history[wanted.id] = task
            task.add_done_callback(lambda done: self._caught_up(wanted.id, done))

    def _unsubscribe(self, message: Unsubscribe) -> None:
        subscription = self._subscriptions.pop(message.id, None)
        if subscription is None:
            raise SubscriptionNotFound(f"there is no subscription {message.id!r}", detail={"id": message.id})
        self._sockets.hub.index.remove(subscription)
        task = self._history.pop(message.id, None)
        if task is not None:
            task.cancel()
        self._answer(Unsubscribed(id=message.id))

    def _caught_up(self, subscription_id: str, done: asyncio.Task[None]) -> None:
        if self._history.get(subscription_id) is done:
            del self._history[subscription_id]
        if not done.cancelled() and done.exception() is not None:
            _log.error("a subscription failed", exc_info=done.exception())
            self.close(SERVER_FAULT)

    async def _catch_up(self, wanted: Subscribe, subscription: Subscription) -> None:
        """Send what lies before now, at the pace of the client, until the hub can take over."""
        hub = self._sockets.hub
        try:
            position = wanted.after or await self._picture(wanted, subscription)
            begun = wanted.snapshot
            while not subscription.live:
                # One page of a connection at a time: what a client that reads slowly holds in memory is bounded.
                async with self._reading:
                    seen = hub.position
                    async with self._sockets.history:
                        page = await hub.stream.page(position)
                    if not begun:
                        await self._outbox.put(Subscribed(id=wanted.id, position=position).text())
                        begun = True
                    for event in page.events:
                        if subscription.wants(event):
                            body = event.model_dump_json(exclude_none=True)
                            await self._outbox.put(subscription.frame(body))
                    position = max(page.last, seen, key=place_of) if page.end else page.last
                    subscription.sent = place_of(position)
                    hub.join(subscription)
        except EmpropsError as error:
            self._subscriptions.pop(wanted.id, None)
            self._answer(_error(error, {"type": "subscribe", "id": wanted.id}))

    async def _picture(self, wanted: Subscribe, subscription: Subscription) -> str:
        picture = await self._sockets.hub.stream.snapshot(
            jobs=wanted.jobs,
            workflows=wanted.workflows,
            customers=() if wanted.jobs or wanted.workflows else subscription.customers,
            most=SNAPSHOT_MOST,
        )
        jobs = tuple(job for job in picture.jobs if subscription.wants_job(job))
        await self._outbox.put(Subscribed(id=wanted.id, position=picture.position).text())
        await self._outbox.put(
            Snapshot(id=wanted.id, position=picture.position, jobs=jobs, complete=picture.complete).text()
        )
        return picture.position


def _error(error: EmpropsError, data: Mapping[str, Any]) -> ErrorMessage:
    """Return the answer to a message that was refused."""
    named = {
        field: value
        for field in ("id", "request")
        if isinstance(value := data.get(field), str) and ErrorMessage.named(value)
    }
    return ErrorMessage(
        about=str(data["type"])[:100],
        code=error.code,
        message=error.message,
        remedy=error.remedy,
        retryable=error.retryable,
        detail=error.detail,
        **named,
    )
