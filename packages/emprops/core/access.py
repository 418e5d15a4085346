"""Who may do what: the roles, what an API key is, and what the holder of one may do and see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from .requirements import Name


class Role(StrEnum):
    """What a key is good for. A key has one role or several; ``admin`` implies all others."""

    SUBMIT = "submit"
    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"

    @property
    def meaning(self) -> str:
        """What the role allows, in one sentence."""
        return _MEANINGS[self]


_MEANINGS = {
    Role.SUBMIT: "Submit jobs, and cancel jobs and workflows.",
    Role.READ: "Read jobs, results, workflows, events and webhooks; "
    "and with a key of all customers, workers and the pool.",
    Role.OPERATE: "Decide about dead letters: revive and discard them; and manage webhooks.",
    Role.ADMIN: "Make, list, rotate and revoke API keys; and everything that the other roles allow.",
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever makes a request, as their API key says.

    Attributes:
        key_id: id of the key; what logs and records name.
        roles: its roles.
        customer: the only customer whose jobs it sees and touches; ``None``: those of all.
    """

    key_id: str
    roles: frozenset[Role]
    customer: str | None = None

    def allows(self, role: Role) -> bool:
        """Say whether the principal has a role, by name or since it is an administrator."""
        return role in self.roles or Role.ADMIN in self.roles

    def sees(self, customer: str | None) -> bool:
        """Say whether what belongs to a customer exists for the principal.

        Args:
            customer: whom it belongs to; ``None`` for what belongs to nobody, which no scoped key sees.
        """
        return self.customer is None or customer == self.customer


class ApiKey(BaseModel):
    """An API key as it is listed: all but its secret, which nobody can read again."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    key_id: str
    """Id of the key, 12 hexadecimal digits; it is part of the token."""
    name: Name
    """What its owner calls it."""
    prefix: str
    """Beginning of the token, by which a key that turns up somewhere is recognised."""
    roles: tuple[Role, ...]
    """What it is good for."""
    customer: Name | None = None
    """The only customer whose jobs it sees and touches; none: all."""
    created_ms: int
    """When it was made (milliseconds since 1970, the server's clock)."""
    expires_ms: int | None = None
    """From when it is refused (milliseconds since 1970); none: never."""
    rotated_ms: int | None = None
    """When its secret was last replaced (milliseconds since 1970)."""
    overlap_ms: int | None = None
    """Until when the secret before the last rotation is taken as well (milliseconds since 1970)."""
    revoked_ms: int | None = None
    """When it was revoked (milliseconds since 1970); none: it is not."""
