"""Egress: to which addresses the system may send what somebody else has asked it to send."""

from __future__ import annotations

import ipaddress
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")


def refusal_of(address: Address, allowed: tuple[Network, ...] = ()) -> str:
    """Say why nothing may be sent to an address; empty if it may.

    An IPv6 address that stands for an IPv4 one (mapped, 6to4, NAT64, Teredo) is judged as both.

    Args:
        address: the address that a host's name was resolved to.
        allowed: networks to which webhooks may be sent although they are not public.
    """
    for one in (address, *_inner(address)):
        if not any(one.version == network.version and one in network for network in allowed):
            reason = _not_public(one)
            if reason:
                return (
                    f"{address} is {reason}"
                    if one == address
                    else f"{address} stands for {one}, which is {reason}"
                )
        elif one == address:
            return ""
    return ""


def _inner(address: Address) -> tuple[Address, ...]:
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or address in _COMPATIBLE:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(inner for inner in found if inner is not None)


def _not_public(address: Address) -> str:
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped is not None or address in _NAT64):
        return ""  # it is judged as the address that it stands for
    for name in ("unspecified", "loopback", "link_local", "multicast", "private", "reserved"):
        if getattr(address, f"is_{name}"):
            return name.replace("_", "-")
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return "site-local"
    return "" if address.is_global else "not public"


def literal_address(host: str) -> Address | None:
    """Return the address that a host is written as; ``None`` if it is a name.

    Args:
        host: host of an address, an IPv6 one with or without brackets.
    """
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
