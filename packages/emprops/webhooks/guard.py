"""Keeps webhooks from reaching where only this machine can: the name is resolved here, and every address is judged."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from ..core.egress import Address, Network, refusal_of

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Finds the addresses of a host, given its name and a port."""


class TargetRefused(Exception):
    """A name leads to an address to which nothing is sent; the message says why."""


class Unresolved(Exception):
    """A name leads nowhere; the message is the resolver's."""


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Return the addresses of a host, in the order in which the system would try them.

    Args:
        host: a name, or an address in whatever notation the system takes.
        port: the port.

    Raises:
        Unresolved: there is no such host, or the name servers do not answer.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unresolved(str(error)) from error
    return [ipaddress.ip_address(entry[4][0]) for entry in found]


async def permitted(
    host: str, port: int, *, allowed: Sequence[Network], resolver: Resolver = resolve
) -> Sequence[Address]:
    """Return the addresses to connect to, all of them judged. Connect to these and do not resolve the name again.

    A host with one address that is refused is refused as a whole: nobody needs it for an honest purpose.

    Args:
        host: a name or an address.
        port: the port.
        allowed: networks to which webhooks may be sent although they are not public.
        resolver: finds the addresses.

    Raises:
        TargetRefused: an address of the host is not public and not allowed.
        Unresolved: it has none.
    """
    addresses = await resolver(host, port)
    if not addresses:
        raise Unresolved(f"{host} has no address")
    for address in addresses:
        refusal = refusal_of(address, tuple(allowed))
        if refusal:
            raise TargetRefused(refusal)
    return addresses
