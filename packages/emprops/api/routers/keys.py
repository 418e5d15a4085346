"""The API keys: make, list, rotate and revoke them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from ...broker.api_keys import LIFETIME_MOST_SECONDS, OVERLAP_DEFAULT_SECONDS, OVERLAP_MOST_SECONDS
from ...core.access import ApiKey, Role
from ...core.errors import ApiKeyLimitReached, ApiKeyNotFound, ApiKeyRevoked
from ...core.plain import Number
from ...core.requirements import Name
from ..auth import Administrator
from ..problem import refusals
from ..state import PoolKeys

router = APIRouter(prefix="/v1/keys", tags=["keys"])
KeyId = Annotated[str, Path(description="Id of the key.")]


class KeyRequest(BaseModel):
    """The key that is wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: Name
    """What its owner calls it."""
    roles: list[Role] = Field(min_length=1, max_length=4)
    """What it is good for."""
    customer: Name | None = None
    """The only customer whose jobs it sees and touches; none: all."""
    lifetime_seconds: Number | None = Field(default=None, ge=1, le=LIFETIME_MOST_SECONDS, allow_inf_nan=False)
    """After what time it is refused, in seconds (1 to 10 years); none: never."""


class Rotation(BaseModel):
    """How a key is rotated."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    overlap_seconds: Number = Field(
        default=OVERLAP_DEFAULT_SECONDS, ge=0, le=OVERLAP_MOST_SECONDS, allow_inf_nan=False
    )
    """How long the old secret is taken as well, in seconds (0 to 30 days)."""


class NewKey(BaseModel):
    """A key with its token, which is shown this once."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    key: ApiKey
    """The key."""
    token: str
    """What goes after ``Authorization: Bearer``. Nobody can read it again."""


class KeyList(BaseModel):
    """The keys of the pool."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    keys: list[ApiKey]
    """Oldest first; revoked and expired ones for 30 days."""


@router.post("", status_code=201, responses=refusals(ApiKeyLimitReached, body=True))
async def create_key(request: KeyRequest, keys: PoolKeys, _: Administrator) -> NewKey:
    """Make an API key."""
    key, token = await keys.create(
        request.name, request.roles, customer=request.customer, lifetime_seconds=request.lifetime_seconds
    )
    return NewKey(key=key, token=token)


@router.get("", responses=refusals())
async def list_keys(keys: PoolKeys, _: Administrator) -> KeyList:
    """List the API keys, without their secrets."""
    return KeyList(keys=await keys.list())


@router.post("/{key_id}/rotate", responses=refusals(ApiKeyNotFound, ApiKeyRevoked, body=True))
async def rotate_key(key_id: KeyId, rotation: Rotation, keys: PoolKeys, _: Administrator) -> NewKey:
    """Give an API key a new secret; the old one is taken as well for a while."""
    key, token = await keys.rotate(key_id, overlap_seconds=rotation.overlap_seconds)
    return NewKey(key=key, token=token)


@router.delete("/{key_id}", responses=refusals(ApiKeyNotFound))
async def revoke_key(key_id: KeyId, keys: PoolKeys, _: Administrator) -> ApiKey:
    """Revoke an API key, for good and at once."""
    return await keys.revoke(key_id)
