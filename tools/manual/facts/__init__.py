"""The kinds of facts that the manual cites, one module each. A new kind is a class and its line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .base import Kind
from .close_code import CloseCodes
from .command import Commands
from .criterion import Criteria
from .delivery import DeliveryWords
from .endpoint import Endpoints
from .error import Errors
from .event import Events
from .key import Keys
from .measure import Bars, Measures
from .message import Messages
from .object import Objects
from .outcome import Outcomes
from .role import KeyRoles
from .script import Scripts
from .setting import Settings
from .status import Statuses
from .term import Terms
from .transition import Transitions
from .webhook_event import WebhookEvents

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Statuses(),
            Transitions(),
            Outcomes(),
            Criteria(),
            Settings(),
            Errors(),
            Events(),
            Messages(),
            CloseCodes(),
            WebhookEvents(),
            DeliveryWords(),
            Keys(),
            Scripts(),
            Commands(),
            Endpoints(),
            KeyRoles(),
            Measures(),
            Bars(),
            Objects(),
            Terms(),
        )
    }
)
"""Every kind by its name."""
