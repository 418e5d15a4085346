"""Commands that make, list, rotate and revoke API keys."""

from __future__ import annotations

from typing import Annotated

import typer

from ..broker import ApiKeys, Broker
from ..broker.api_keys import OVERLAP_DEFAULT_SECONDS
from ..core.access import ApiKey, Role
from .output import AsJson, ago, err, print_json, print_line, print_table, run, table

keys = typer.Typer(help="Make, list, rotate and revoke the API keys of the pool.", no_args_is_help=True)
KeyIdArgument = Annotated[str, typer.Argument(help="Id of the key.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(keys, name="keys")


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What you call the key.")],
    role: Annotated[list[Role], typer.Option(help="What the key is good for; repeat for more.")],
    customer: Annotated[
        str | None, typer.Option(help="The only customer whose jobs the key sees and touches. Default: all.")
    ] = None,
    lifetime: Annotated[
        float | None, typer.Option(help="After what time the key is refused, in seconds. Default: never.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print its token, which nobody can read again."""
    key, token = run(_create(name, role, customer, lifetime))
    _show_token(key, token, as_json=as_json)


async def _create(
    name: str, roles: list[Role], customer: str | None, lifetime: float | None
) -> tuple[ApiKey, str]:
    async with Broker() as broker:
        return await ApiKeys(broker).create(name, roles, customer=customer, lifetime_seconds=lifetime)


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys, oldest first; revoked and expired ones for 30 days."""
    found = run(_list())
    if as_json:
        print_json(found)
        return
    if not found:
        print_line("no keys")
        return
    shown = table("Key", "Name", "Roles", "Customer", "Made", "State")
    for key in found:
        state = "valid" if key.revoked_ms is None else f"revoked {ago(key.revoked_ms)}"
        roles = ", ".join(key.roles)
        shown.add_row(key.key_id, key.name, roles, key.customer or "all", ago(key.created_ms), state)
    print_table(shown)


async def _list() -> list[ApiKey]:
    async with Broker() as broker:
        return await ApiKeys(broker).list()


@keys.command("rotate")
def rotate(
    key_id: KeyIdArgument,
    overlap: Annotated[
        float, typer.Option(help="How long the old secret is taken as well, in seconds.")
    ] = OVERLAP_DEFAULT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret and print its new token; the old one is taken as well for a while."""
    key, token = run(_rotate(key_id, overlap))
    _show_token(key, token, as_json=as_json)


async def _rotate(key_id: str, overlap: float) -> tuple[ApiKey, str]:
    async with Broker() as broker:
        return await ApiKeys(broker).rotate(key_id, overlap_seconds=overlap)


@keys.command("revoke")
def revoke(key_id: KeyIdArgument, as_json: AsJson = False) -> None:
    """Revoke a key, for good and at once."""
    key = run(_revoke(key_id))
    if as_json:
        print_json(key)
    else:
        print_line(f"key {key.key_id}  revoked")


async def _revoke(key_id: str) -> ApiKey:
    async with Broker() as broker:
        return await ApiKeys(broker).revoke(key_id)


def _show_token(key: ApiKey, token: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"key": key.model_dump(mode="json"), "token": token})
        return
    err.print(f"key {key.key_id}: keep the token, it cannot be shown again")
    print_line(token)
