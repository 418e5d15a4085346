"""The API keys of a pool: made, listed, rotated, revoked, and recognised.

A token holds 256 bits of chance, so nobody finds it by trying, however fast: its plain SHA-256 is as good a thing to
keep as a slow password hash, which is for secrets that people choose, and it costs a request microseconds instead of a
tenth of a second.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..core.access import ApiKey, Principal, Role
from ..core.canonical import canonical_json
from ..core.errors import ApiKeyNotFound, ApiKeyRevoked, Unauthenticated
from ..core.validation import invalid, parse, require_within
from .connection import server_errors

if TYPE_CHECKING:
    from .broker import Broker

KEYS_MOST = 10_000
"""Most API keys of a pool."""
LIFETIME_MOST_SECONDS = 10 * 365 * 86_400.0
"""Longest lifetime of a key that expires, in seconds."""
OVERLAP_DEFAULT_SECONDS = 86_400.0
"""How long the old secret of a rotated key is taken unless told otherwise, in seconds."""
OVERLAP_MOST_SECONDS = 30 * 86_400.0
"""Longest time for which the old secret of a rotated key is taken, in seconds."""
KEPT_MS = 30 * 86_400_000
"""How long the record of a revoked or expired key is kept, in ms."""
_TOKEN = re.compile(r"emp_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_KEY_ID = re.compile(r"[0-9a-f]{12}")


class ApiKeys:
    """The API keys of one pool. Their tokens are shown once and kept nowhere.

    Args:
        broker: the pool.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def create(
        self,
        name: str,
        roles: Iterable[Role],
        *,
        customer: str | None = None,
        lifetime_seconds: float | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key.

        Args:
            name: what its owner calls it (1 to 128 characters); several keys may share a name.
            roles: what it is good for, one role at least.
            customer: the only customer whose jobs it sees and touches; ``None``: all.
            lifetime_seconds: after what time it is refused, in seconds (1 to 10 years); ``None``: never.

        Returns:
            The key, and its token, which cannot be had again.

        Raises:
            InvalidRequest: the name, the customer or the lifetime is not allowed, there is no role, or the key of one
                customer would administer the keys of all.
            ApiKeyLimitReached: the pool has as many keys as it keeps.
            ServerUnreachable: the server does not answer; a key that nobody knows may exist.
        """
        wanted = sorted(set(roles))
        if not wanted:
            raise invalid("roles", "at least one is needed")
        if customer is not None and Role.ADMIN in wanted:
            raise invalid("roles", "admin is for keys of all customers: it makes keys for any")
        if lifetime_seconds is not None:
            require_within("lifetime_seconds", lifetime_seconds, 1, LIFETIME_MOST_SECONDS)
        now = await self._now()
        await self._purge(now)
        while True:
            key_id = secrets.token_hex(6)
            token, digest = _new_token(key_id)
            record = {
                "name": name,
                "roles": wanted,
                "customer": customer,
                "created_ms": now,
                "expires_ms": None if lifetime_seconds is None else now + round(lifetime_seconds * 1000),
                "secrets": [{"digest": digest}],
            }
            made = _key(key_id, record)
            if await self._alter(key_id, "", canonical_json(record)):
                return made, token

    async def list(self) -> list[ApiKey]:
        """Return all keys, oldest first; revoked and expired ones for 30 days."""
        async with server_errors():
            records = await self._broker.connection.hgetall(self._broker.keys.key("api_keys"))
        found = [_key(key_id, json.loads(text)) for key_id, text in records.items()]
        return sorted(found, key=lambda key: (key.created_ms, key.key_id))

    async def get(self, key_id: str) -> ApiKey:
        """Return one key.

        Raises:
            ApiKeyNotFound: there is none with this id.
        """
        return _key(key_id, json.loads(await self._read(key_id)))

    async def rotate(
        self, key_id: str, *, overlap_seconds: float = OVERLAP_DEFAULT_SECONDS
    ) -> tuple[ApiKey, str]:
        """Give a key a new secret. For a while the old one is taken as well, so that nobody is shut out.

        Only the last secret before this one overlaps: a second rotation ends the overlap of the first.

        Args:
            key_id: id of the key.
            overlap_seconds: how long the old secret is taken, in seconds (0 to 30 days).

        Returns:
            The key, and its new token, which cannot be had again.

        Raises:
            InvalidRequest: the time is out of range.
            ApiKeyNotFound: there is none with this id.
            ApiKeyRevoked: it was revoked or has expired.
        """
        require_within("overlap_seconds", overlap_seconds, 0, OVERLAP_MOST_SECONDS)
        now = await self._now()
        token, digest = _new_token(key_id)

        def _renewed(record: dict[str, Any]) -> dict[str, Any]:
            if _ended_ms(record, now) is not None:
                raise ApiKeyRevoked(f"API key {key_id} was revoked or has expired", detail={"key_id": key_id})
            until = now + round(overlap_seconds * 1000)
            old = [{"digest": record["secrets"][0]["digest"], "until_ms": until}] if until > now else []
            return {**record, "rotated_ms": now, "secrets": [{"digest": digest}, *old]}

        return await self._change(key_id, _renewed), token

    async def revoke(self, key_id: str) -> ApiKey:
        """End a key for good, from the next request on. A key that was revoked before stays as it is.

        Args:
            key_id: id of the key.

        Raises:
            ApiKeyNotFound: there is none with this id.
        """
        now = await self._now()

        def _revoked(record: dict[str, Any]) -> dict[str, Any]:
            return record if record.get("revoked_ms") else {**record, "revoked_ms": now, "secrets": []}

        return await self._change(key_id, _revoked)

    async def authenticate(self, token: str) -> Principal:
        """Say who makes a request. It is looked up each time, so that a revoked key is refused at once.

        Args:
            token: what the request carries.

        Raises:
            Unauthenticated: it is no token, or its key is unknown, expired or revoked; the message does not say which.
            ServerUnreachable: the server does not answer.
        """
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise Unauthenticated
        async with server_errors():
            text = await self._broker.connection.hget(self._broker.keys.key("api_keys"), match[1])
        if text is None:
            raise Unauthenticated
        record = json.loads(text)
        digest = _digest(token)
        held = [secret for secret in record["secrets"] if hmac.compare_digest(secret["digest"], digest)]
        if not held:
            raise Unauthenticated
        limits = [moment for moment in (held[0].get("until_ms"), record["expires_ms"]) if moment is not None]
        if limits and await self._now() >= min(limits):
            raise Unauthenticated
        return Principal(match[1], frozenset(map(Role, record["roles"])), record["customer"])

    async def _now(self) -> int:
        if self._broker.executor.now_ms is not None:
            return self._broker.executor.now_ms
        async with server_errors():
            seconds, microseconds = await self._broker.connection.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def _read(self, key_id: str) -> str:
        if _KEY_ID.fullmatch(key_id):
            async with server_errors():
                text = await self._broker.connection.hget(self._broker.keys.key("api_keys"), key_id)
            if text is not None:
                return str(text)
        shown = key_id[:100].encode("ascii", "backslashreplace").decode()
        raise ApiKeyNotFound(f"there is no API key {shown!r}", detail={"key_id": shown})

    async def _change(self, key_id: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> ApiKey:
        while True:
            before = await self._read(key_id)
            record = change(json.loads(before))
            if await self._alter(key_id, before, canonical_json(record)):
                return _key(key_id, record)

    async def _alter(self, key_id: str, before: str, after: str) -> bool:
        arguments: dict[str, str | int] = {
            "id": key_id,
            "before": before,
            "after": after,
            "limit": KEYS_MOST,
        }
        return bool(await self._broker.executor.run("alter_key", arguments))

    async def _purge(self, now: int) -> None:
        """Remove the records of keys that ended long ago."""
        async with server_errors():
            records = await self._broker.connection.hgetall(self._broker.keys.key("api_keys"))
        for key_id, text in records.items():
            ended = _ended_ms(json.loads(text), now)
            if ended is not None and now - ended > KEPT_MS:
                await self._alter(key_id, text, "")


def _new_token(key_id: str) -> tuple[str, str]:
    """Return a token of a key with a fresh secret, and what is kept of it."""
    token = f"emp_{key_id}_{secrets.token_urlsafe(32)}"
    return token, _digest(token)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _ended_ms(record: dict[str, Any], now: int) -> int | None:
    """Return since when a key is not valid any more, or none if it is."""
    moments = [m for m in (record.get("revoked_ms"), record["expires_ms"]) if m is not None and m <= now]
    return min(moments, default=None)


def _key(key_id: str, record: dict[str, Any]) -> ApiKey:
    until = [secret["until_ms"] for secret in record["secrets"] if "until_ms" in secret]
    facts = {name: value for name, value in record.items() if name != "secrets"}
    return parse(
        ApiKey,
        {"key_id": key_id, "prefix": f"emp_{key_id}_", "overlap_ms": max(until, default=None), **facts},
        what="API key",
    )
