"""Facts about the roles of API keys: what each allows."""

from __future__ import annotations

from collections.abc import Iterable

from emprops.core.access import Role

from .base import Fact, Kind
from .source import definition


class KeyRoles(Kind):
    """What an API key is good for."""

    name = "role"
    label = "role"
    plural = "roles"
    summary_label = "Allows"
    modules = ("emprops.core.access",)

    def load(self) -> Iterable[Fact]:
        """Return every role, in the order of its declaration."""
        for role in Role:
            yield Fact(
                kind=self.name,
                name=role.value,
                title=role.value,
                summary=role.meaning,
                source=definition(f"emprops.core.access.Role.{role.name}").source,
            )
