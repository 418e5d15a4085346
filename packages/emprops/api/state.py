"""What every request of an application shares: the pool, and its API keys."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from ..broker import ApiKeys, Broker


async def _broker(connection: HTTPConnection) -> Broker:
    broker: Broker = connection.app.state.broker
    return broker


async def _keys(connection: HTTPConnection) -> ApiKeys:
    keys: ApiKeys = connection.app.state.keys
    return keys


PoolBroker = Annotated[Broker, Depends(_broker)]
PoolKeys = Annotated[ApiKeys, Depends(_keys)]
