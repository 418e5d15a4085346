"""Who makes a request, and whether they may: the one guard of every operation, declared in the OpenAPI."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Security
from fastapi.openapi.models import HTTPBearer as BearerModel
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from ..broker import ApiKeys
from ..core.access import Principal, Role
from ..core.errors import Forbidden, Unauthenticated
from ..core.job import JobRequest

SCHEME = "ApiKey"
POOL_WIDE = "pool-wide"
"""What stands beside the role where a key of one customer is refused."""


class BearerToken(SecurityBase):
    """Takes the token out of the header ``Authorization: Bearer``, of a request or of a WebSocket."""

    def __init__(self) -> None:
        self.scheme_name = SCHEME
        self.model = BearerModel(description="An API key, as `emprops keys create` prints it.")

    async def __call__(self, connection: HTTPConnection) -> str:
        """Return the token, empty if there is none."""
        scheme, _, token = connection.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


_token = BearerToken()


async def authenticated(
    connection: HTTPConnection, scopes: SecurityScopes, token: Annotated[str, Security(_token)]
) -> Principal:
    """Return whoever makes a request, if their key has every role that the operation asks for.

    Args:
        connection: the request, or the WebSocket.
        scopes: the roles that the operation asks for.
        token: what the request carries.

    Raises:
        Unauthenticated: there is no valid key.
        Forbidden: the key lacks a role.
    """
    if not token:
        raise Unauthenticated
    keys: ApiKeys = connection.app.state.keys
    principal = await keys.authenticate(token)
    for scope in scopes.scopes:
        if scope != POOL_WIDE:
            require_role(principal, Role(scope))
        elif principal.customer is not None:
            raise Forbidden(
                f"key {principal.key_id} is of one customer, and this shows the pool as a whole",
                detail={"customer": principal.customer},
            )
    return principal


def require_role(principal: Principal, role: Role) -> None:
    """Refuse a principal without a role.

    Raises:
        Forbidden: it lacks the role.
    """
    if not principal.allows(role):
        raise Forbidden(
            f"key {principal.key_id} lacks the role {role.value}",
            detail={"role": role.value, "roles": sorted(principal.roles)},
        )


def for_caller(caller: Principal, job: JobRequest) -> JobRequest:
    """Return a job as the caller may submit it: that of a key of one customer is of this customer.

    Args:
        caller: who submits it.
        job: the job as it is sent.

    Raises:
        Forbidden: it names another customer.
    """
    if caller.customer is None:
        return job
    if not caller.sees(job.customer or caller.customer):
        raise Forbidden(
            f"key {caller.key_id} is of another customer than the job", detail={"customer": caller.customer}
        )
    return job.model_copy(update={"customer": caller.customer})


def require(role: Role, *, pool_wide: bool = False) -> Any:
    """Return the guard of an operation that needs a role.

    The OpenAPI then has the role in the operation's security requirement, and as ``x-required-role``.

    Args:
        role: the role.
        pool_wide: whether the operation shows the pool as a whole, so that no key of one customer may use it.
    """
    return Security(authenticated, scopes=[role.value, *((POOL_WIDE,) if pool_wide else ())])


Submitter = Annotated[Principal, require(Role.SUBMIT)]
Reader = Annotated[Principal, require(Role.READ)]
PoolReader = Annotated[Principal, require(Role.READ, pool_wide=True)]
Operator = Annotated[Principal, require(Role.OPERATE)]
Administrator = Annotated[Principal, require(Role.ADMIN)]
