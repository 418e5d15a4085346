"""Every setting: its environment variable, type, default, unit, range and effect, declared in one place."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from .egress import Network
from .errors import SettingsInvalid
from .keys import POOL_PATTERN

PREFIX = "EMPROPS_"
Unit = Literal["s", "bytes", "entries", "jobs", "1", "name", "URL", "path", "yes/no"]
"""What a setting's value counts; ``1`` is a plain number."""
PoolName = Annotated[str, StringConstraints(pattern=POOL_PATTERN.pattern)]


def setting(default: Any, *, unit: Unit, effect: str, **limits: Any) -> Any:
    """Declare a setting.

    Args:
        default: its value when the variable is not set.
        unit: what the value counts.
        effect: what the setting does, in one or two sentences.
        limits: ``ge``, ``le`` and the like, as pydantic takes them.
    """
    return Field(default=default, description=effect, json_schema_extra={"unit": unit}, **limits)


class EmpropsSettings(BaseSettings):
    """Base of the settings classes; a setting without effect, unit or variable cannot be declared."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name, field in cls.model_fields.items():
            if not field.description or not isinstance(field.json_schema_extra, dict):
                raise TypeError(
                    f"setting {cls.__name__}.{name} is not declared with setting(): no effect, no unit"
                )

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Read the settings from the environment.

        Args:
            overrides: values that go before the environment.

        Raises:
            SettingsInvalid: a value has the wrong type or is out of range; the detail names the variable.
        """
        try:
            return cls(**overrides)
        except ValidationError as error:
            faults = [
                {"variable": cls.variable(str(fault["loc"][0])), "problem": fault["msg"]}
                for fault in error.errors(include_url=False, include_context=False, include_input=False)
            ]
            listed = "; ".join(f"{fault['variable']}: {fault['problem']}" for fault in faults)
            raise SettingsInvalid(f"settings: {listed}", detail={"problems": faults}) from error

    @classmethod
    def variable(cls, name: str) -> str:
        """Return the environment variable of a setting."""
        return f"{cls.model_config['env_prefix']}{name}".upper()


def unit_of(field: FieldInfo) -> Unit:
    """Return the unit that a setting was declared with."""
    extra = field.json_schema_extra
    assert isinstance(extra, dict)  # EmpropsSettings refuses a field without it
    return extra["unit"]  # type: ignore[return-value]  # the declaration's type is Unit


def default_state_dir() -> str:
    """Return where the embedded server keeps its data unless told otherwise (XDG base directory specification)."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return str(Path(home) / "emprops")


class BrokerSettings(EmpropsSettings):
    """The queue: read by every process that submits, works or looks."""

    redis_url: str = setting(
        "",
        unit="URL",
        effect="Address of the Valkey or Redis server. Empty: the embedded server that `emprops up` started.",
    )
    state_dir: str = setting(
        "",
        unit="path",
        effect="Folder for the embedded server's data and address. Empty: `emprops` in the user's state folder.",
    )
    pool: PoolName = setting("default", unit="name", effect="The pool that jobs go to and workers serve.")
    lease_seconds: float = setting(
        30.0,
        unit="s",
        ge=0.2,
        le=3600,
        allow_inf_nan=False,
        effect="How long a job stays with a silent worker. A worker renews its leases at a third of this.",
    )
    worker_expiry_seconds: float = setting(
        60.0,
        unit="s",
        ge=0.5,
        le=86_400,
        allow_inf_nan=False,
        effect="How long the record of a silent worker is kept.",
    )
    retention_seconds: float = setting(
        7 * 86_400.0,
        unit="s",
        ge=1,
        le=365 * 86_400.0,
        allow_inf_nan=False,
        effect="How long a completed or cancelled job, with its result, is kept.",
    )
    dead_retention_seconds: float = setting(
        30 * 86_400.0,
        unit="s",
        ge=1,
        le=365 * 86_400.0,
        allow_inf_nan=False,
        effect="How long a dead letter is kept.",
    )
    ended_listed: int = setting(
        100_000,
        unit="jobs",
        ge=1,
        le=10_000_000,
        effect="How many ended jobs can be listed; older ones can still be read by id until they expire.",
    )
    idempotency_seconds: float = setting(
        86_400.0,
        unit="s",
        ge=1,
        le=30 * 86_400.0,
        allow_inf_nan=False,
        effect="How long an idempotency key is remembered.",
    )
    workflow_seconds: float = setting(
        7 * 86_400.0,
        unit="s",
        ge=1,
        le=365 * 86_400.0,
        allow_inf_nan=False,
        effect="How long a workflow is kept, with its place in the order, when no job of it is open.",
    )
    queue_limit: int = setting(
        1_000_000,
        unit="jobs",
        ge=0,
        le=100_000_000,
        effect="Most open jobs of the pool; a submit beyond it is refused. 0: no limit.",
    )
    customer_limit: int = setting(
        0,
        unit="jobs",
        ge=0,
        le=100_000_000,
        effect="Most open jobs of one customer; a submit beyond it is refused. 0: no limit.",
    )
    customer_lists: bool = setting(
        False,
        unit="yes/no",
        effect="Whether workers are chosen by customer for every job: needed for workers that do not serve all.",
    )
    unused_seconds: float = setting(
        86_400.0,
        unit="s",
        ge=1,
        le=365 * 86_400.0,
        allow_inf_nan=False,
        effect="How long a requirement class without open jobs, and a profile without workers, is kept.",
    )
    events_kept: int = setting(
        100_000,
        unit="entries",
        ge=100,
        le=100_000_000,
        effect="Length of the event stream; the server may keep a few more.",
    )
    progress_interval_seconds: float = setting(
        0.25,
        unit="s",
        ge=0,
        le=60,
        allow_inf_nan=False,
        effect="Shortest time between two progress events of a job; the last value always gets through.",
    )
    payload_limit_bytes: int = setting(
        1_048_576, unit="bytes", ge=1, le=67_108_864, effect="Largest payload of a job, as compact JSON."
    )
    result_limit_bytes: int = setting(
        4_194_304, unit="bytes", ge=1, le=67_108_864, effect="Largest result of a job, as compact JSON."
    )
    command_timeout_seconds: float = setting(
        5.0,
        unit="s",
        ge=0.1,
        le=300,
        allow_inf_nan=False,
        effect="How long a command may take before the server counts as unreachable.",
    )
    durable: bool = setting(
        True,
        unit="yes/no",
        effect="Whether the embedded server writes an append-only file, so that jobs survive its restart.",
    )

    @property
    def state_path(self) -> Path:
        """Folder for the embedded server's data and address."""
        return Path(self.state_dir or default_state_dir())


class WorkerSettings(EmpropsSettings):
    """A worker: read by worker processes only."""

    model_config = SettingsConfigDict(env_prefix=PREFIX + "WORKER_")

    concurrency: int = setting(1, unit="jobs", ge=1, le=64, effect="Jobs that one worker runs at a time.")
    block_seconds: float = setting(
        5.0,
        unit="s",
        ge=0.05,
        le=300,
        allow_inf_nan=False,
        effect="Longest wait of an idle worker for its wake-up before it looks by itself.",
    )
    shutdown_grace_seconds: float = setting(
        10.0,
        unit="s",
        ge=0,
        le=3600,
        allow_inf_nan=False,
        effect="How long a stopping worker lets its jobs go on before it gives them back.",
    )
    reap_seconds: float = setting(
        1.0,
        unit="s",
        ge=0.05,
        le=60,
        allow_inf_nan=False,
        effect="How often the workers of a pool, together, look for expired leases and due jobs.",
    )


class ApiSettings(EmpropsSettings):
    """The API: read by its processes only."""

    model_config = SettingsConfigDict(env_prefix=PREFIX + "API_")

    host: str = setting(
        "127.0.0.1",
        unit="name",
        effect="Address that the API listens at. The default is reached from this machine only.",
    )
    port: int = setting(8420, unit="1", ge=0, le=65_535, effect="TCP port of the API. 0: any free one.")
    body_limit_bytes: int = setting(
        8_388_608,
        unit="bytes",
        ge=1024,
        le=1_073_741_824,
        effect="Largest body of a request. The API stops reading there; a batch of jobs must fit.",
    )
    cors_origins: str = setting(
        "",
        unit="URL",
        effect="Origins whose pages may call the API from a browser, separated by commas. Empty: none.",
    )
    shutdown_seconds: float = setting(
        10.0,
        unit="s",
        ge=0,
        le=3600,
        allow_inf_nan=False,
        effect="How long a stopping API lets open requests end before it breaks them off.",
    )

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of ``cors_origins``, one by one."""
        return tuple(origin.strip() for origin in self.cors_origins.split(",") if origin.strip())


class SocketSettings(EmpropsSettings):
    """The WebSocket of the API: read by its processes only."""

    model_config = SettingsConfigDict(env_prefix=PREFIX + "SOCKET_")

    heartbeat_seconds: float = setting(
        15.0,
        unit="s",
        ge=0.1,
        le=300,
        allow_inf_nan=False,
        effect="How often each client is sent a heartbeat, and its key is looked up again.",
    )
    authentication_seconds: float = setting(
        5.0,
        unit="s",
        ge=0.1,
        le=60,
        allow_inf_nan=False,
        effect="How long a client that sent no key in a header may take to send it in a message.",
    )
    connections: int = setting(
        10_000, unit="1", ge=1, le=1_000_000, effect="Most connections that one process holds."
    )
    subscriptions: int = setting(
        100, unit="1", ge=1, le=10_000, effect="Most subscriptions of one connection."
    )
    frame_limit_bytes: int = setting(
        2_097_152,
        unit="bytes",
        ge=1024,
        le=134_217_728,
        effect="Largest message that a client may send; the payload of a job must fit.",
    )
    buffer_bytes: int = setting(
        1_048_576,
        unit="bytes",
        ge=1024,
        le=1_073_741_824,
        effect="How much may wait for a client that reads slowly before it is cut off.",
    )
    stall_seconds: float = setting(
        20.0,
        unit="s",
        ge=0.1,
        le=3600,
        allow_inf_nan=False,
        effect="How long a client may take nothing of what waits for it before it is cut off.",
    )


class WebhookSettings(EmpropsSettings):
    """Webhooks: read by deliverers, and by the API where it manages subscriptions."""

    model_config = SettingsConfigDict(env_prefix=PREFIX + "WEBHOOK_")

    limit: int = setting(
        1000, unit="entries", ge=1, le=10_000, effect="Most webhook subscriptions of the pool."
    )
    allowed_networks: str = setting(
        "",
        unit="name",
        effect="Networks that are not public and to which webhooks may be sent all the same, such as "
        "`10.0.0.0/8`, separated by commas. Empty: none.",
    )
    timeout_seconds: float = setting(
        10.0,
        unit="s",
        ge=0.05,
        le=60,
        allow_inf_nan=False,
        effect="How long one attempt may take, from looking up the name to the end of the answer.",
    )
    attempts: int = setting(
        16, unit="1", ge=1, le=20, effect="Attempts to deliver one event, the first one included."
    )
    backoff_seconds: float = setting(
        5.0,
        unit="s",
        ge=0,
        le=3600,
        allow_inf_nan=False,
        effect="Wait before the second attempt; it doubles from one attempt to the next.",
    )
    backoff_cap_seconds: float = setting(
        3600.0,
        unit="s",
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        effect="Longest wait before an attempt.",
    )
    concurrency: int = setting(
        64,
        unit="1",
        ge=1,
        le=1000,
        effect="Most attempts that one deliverer makes at a time, to all endpoints.",
    )
    lease_seconds: float = setting(
        10.0,
        unit="s",
        ge=0.2,
        le=3600,
        allow_inf_nan=False,
        effect="How long a subscription stays with a silent deliverer. A deliverer renews its leases at a third of "
        "this.",
    )
    log_entries: int = setting(
        100, unit="entries", ge=1, le=10_000, effect="Attempts that the delivery log of a subscription holds."
    )
    log_seconds: float = setting(
        7 * 86_400.0,
        unit="s",
        ge=1,
        le=365 * 86_400.0,
        allow_inf_nan=False,
        effect="How long the delivery log of a subscription is kept after its last attempt.",
    )
    secret_overlap_seconds: float = setting(
        86_400.0,
        unit="s",
        ge=0,
        le=30 * 86_400.0,
        allow_inf_nan=False,
        effect="How long deliveries are signed with the old secret, too, after a rotation.",
    )

    @field_validator("allowed_networks")
    @classmethod
    def _networks_are_networks(cls, value: str) -> str:
        for network in _listed(value):
            ipaddress.ip_network(network)
        return value

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks of ``allowed_networks``, one by one."""
        return tuple(ipaddress.ip_network(network) for network in _listed(self.allowed_networks))


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def all_settings() -> tuple[type[EmpropsSettings], ...]:
    """Return every settings class."""
    return (BrokerSettings, WorkerSettings, ApiSettings, SocketSettings, WebhookSettings)
