"""Every key that the queue keeps on the server: its type, what it holds, how long it lives, what bounds it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import InvalidRequest

POOL_PATTERN = re.compile(r"^[a-z0-9][a-z0-9-]{0,31}$")
"""A pool's name: 1 to 32 lower-case letters, digits or hyphens."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, or one family of keys that differ in what they are about.

    Attributes:
        name: name of the key, the last part of what stands on the server.
        kind: the server's type: string, hash, sorted set, list or stream.
        about: what a member of the family is about (``job``, ``worker``, …); empty for a single key.
        holds: what it holds, in one sentence.
        layout: its fields or members.
        lifetime: when it, or an entry of it, goes away.
    """

    name: str
    kind: str
    about: str
    holds: str
    layout: str
    lifetime: str

    @property
    def pattern(self) -> str:
        """The key as it stands on the server, with its variable parts in angle brackets."""
        return f"emprops:{{<pool>}}:{self.name}" + (f":<{self.about}>" if self.about else "")


KEYS: tuple[Key, ...] = (
    Key(
        "meta",
        "hash",
        "",
        "Counters of the pool, and up to which class each profile has been judged.",
        "`sequence`: submits so far; `version`: requirement classes so far; `reaped`: when the reaper last ran, in ms; "
        "`swept`: class at which the next sweep begins; `delivering`: leases of webhook subscriptions so far; "
        "`due`: when the next waiting job is due, or earlier, in ms; "
        "profile id → version up to which it has been judged",
        "As long as the pool; the field of a profile goes with the profile.",
    ),
    Key(
        "classes",
        "hash",
        "",
        "The requirement classes.",
        "class id → canonical requirements, JSON",
        "A field goes when the class has had no open job for a while.",
    ),
    Key(
        "class_versions",
        "sorted set",
        "",
        "When each requirement class was first seen, so that a worker asks only for those it has not judged.",
        "class id, scored by the version at which it came",
        "Comes and goes with the field in `classes`.",
    ),
    Key(
        "eligible",
        "hash",
        "",
        "Which profiles can run a class, with their affinity.",
        "class id → `profile=bonus` for each eligible profile, the bonus in ms",
        "A field goes with its class; a profile's part of it goes with the profile.",
    ),
    Key(
        "pending",
        "sorted set",
        "",
        "The queue: every pending job.",
        "class id, order key and job id in one text, all scored 0, so that the first of a class is one look-up",
        "A member stays while its job is pending.",
    ),
    Key(
        "heads",
        "sorted set",
        "",
        "For each profile, a bound on the first job of each class that it can run: the top is what a claim looks at.",
        "profile id, order key, class id and bonus in ms in one text, all scored 0",
        "At most one member for each profile and class; a claim removes it when the class is empty, a sweep with the "
        "class or the profile.",
    ),
    Key(
        "bounds",
        "hash",
        "",
        "The order key that stands in `heads`, so that it can be replaced.",
        "profile id and class id → order key and bonus in ms",
        "Comes and goes with the member in `heads`.",
    ),
    Key(
        "states",
        "hash",
        "",
        "What changes about a job that has not ended.",
        "job id → JSON: status, place, attempt, attempts used, worker, times, progress",
        "A field stays until its job ends.",
    ),
    Key(
        "requests",
        "hash",
        "",
        "What was asked for with each job that has not ended: its specification, and apart from it the payload.",
        "job id → JSON: requirements, priority, retry policy, customer, workflow; job id and `payload`, separated by a "
        "space → JSON",
        "Both fields stay until their job ends.",
    ),
    Key(
        "histories",
        "hash",
        "",
        "Ended attempts of jobs that have not ended.",
        "job id → JSON objects, one an attempt, joined by commas",
        "A field stays until its job ends.",
    ),
    Key(
        "leases",
        "sorted set",
        "",
        "The running jobs and when each lease runs out.",
        "job id, scored by the deadline in ms",
        "A member stays while its job is running.",
    ),
    Key(
        "delayed",
        "sorted set",
        "",
        "The waiting jobs and when each is due.",
        "job id, scored by the due time in ms",
        "A member stays while its job is waiting.",
    ),
    Key(
        "finished",
        "sorted set",
        "",
        "Jobs that ended as completed or cancelled, for listing.",
        "job id, scored by the end in ms",
        "Members older than the retention, or beyond the limit on their number, are trimmed at each end of a job.",
    ),
    Key(
        "dead",
        "sorted set",
        "",
        "Dead letters, for listing.",
        "job id, scored by the end in ms",
        "Members older than their retention, or beyond the limit on their number, are trimmed at each death.",
    ),
    Key(
        "archive",
        "hash",
        "job",
        "One ended job.",
        "`spec`, `state`, `payload`, `history`, `result`: the JSON of each",
        "Expires after the retention of ended jobs, or of dead letters.",
    ),
    Key(
        "idempotency",
        "string",
        "digest",
        "Which job an idempotency key stands for.",
        "job id and digest of the request, separated by a space",
        "Expires after the idempotency window.",
    ),
    Key(
        "class_open",
        "hash",
        "",
        "How many jobs of each requirement class are open.",
        "class id → count",
        "A field goes when the last open job of its class ends.",
    ),
    Key(
        "class_idle",
        "sorted set",
        "",
        "The requirement classes without an open job.",
        "class id, scored by when the last one ended, in ms",
        "A member goes when a job of the class is submitted, or with the class.",
    ),
    Key(
        "unrunnable",
        "sorted set",
        "",
        "The requirement classes with pending jobs that no registered worker can run.",
        "class id, scored by when that was found, in ms",
        "A sweep removes a member when some worker can run the class, or it has no pending job.",
    ),
    Key(
        "deadlines",
        "sorted set",
        "",
        "The jobs with timeouts, and when the next one of each passes.",
        "job id, scored by the time in ms",
        "A member stays while its job is open and a timeout applies.",
    ),
    Key(
        "customers",
        "hash",
        "",
        "How many jobs of each customer are open.",
        "customer → count",
        "A field goes when the last open job of its customer ends.",
    ),
    Key(
        "customer_jobs",
        "sorted set",
        "",
        "The open jobs of each customer, for listing.",
        "customer and job id, separated by a space, all scored 0",
        "A member stays until its job ends.",
    ),
    Key(
        "workflows",
        "hash",
        "",
        "The workflows.",
        "workflow → JSON: `time` of its first submit in ms, which stands in the order keys of all its jobs; jobs "
        "`open`, `completed`, `dead`, `cancelled`; `customer` whom it belongs to; `closed` once it is called off; "
        "`keep`, how long it is kept, in ms",
        "A field goes some time after the last open job of the workflow has ended.",
    ),
    Key(
        "workflow_expiry",
        "sorted set",
        "",
        "The workflows without an open job.",
        "workflow, scored by when its record goes, in ms",
        "A member goes when a job of the workflow is submitted, or with the workflow.",
    ),
    Key(
        "workflow_jobs",
        "sorted set",
        "",
        "The jobs of each workflow.",
        "workflow and job id, separated by a space, all scored 0",
        "The members of a workflow go with it.",
    ),
    Key(
        "profiles",
        "hash",
        "",
        "The profiles of the workers.",
        "profile id → canonical capabilities, JSON",
        "A field goes when no worker has had the profile for a while.",
    ),
    Key(
        "profile_workers",
        "hash",
        "",
        "How many registered workers each profile has.",
        "profile id → count",
        "A field goes when the last worker of its profile goes.",
    ),
    Key(
        "profile_idle",
        "sorted set",
        "",
        "The profiles without a registered worker.",
        "profile id, scored by when the last one went, in ms",
        "A member goes when a worker of the profile registers, or with the profile.",
    ),
    Key(
        "workers",
        "hash",
        "",
        "The registered workers.",
        "worker id → JSON: capabilities, profile, host, concurrency, instance",
        "A field goes when its worker leaves, or is silent longer than a worker record is kept.",
    ),
    Key(
        "worker_expiry",
        "sorted set",
        "",
        "When each worker's record expires.",
        "worker id, scored by the time in ms; each heartbeat moves it",
        "Comes and goes with the field in `workers`.",
    ),
    Key(
        "claims",
        "hash",
        "",
        "The profile and the latest claim of each worker, so that a claim whose answer was lost can be repeated.",
        "worker id → profile id, and behind it the ticket of the claim and the jobs that it gave with their attempts, "
        "or `idle` if it gave none",
        "A field goes with the worker's record.",
    ),
    Key(
        "turns",
        "hash",
        "",
        "When the claim loop of each worker last turned, as its latest heartbeat said.",
        "worker id → milliseconds since 1970",
        "A field goes with the worker's record.",
    ),
    Key(
        "idle",
        "sorted set",
        "",
        "Workers that wait for work, so that a submit wakes the right profile.",
        "profile id and worker id in one text, all scored 0",
        "A member goes when its worker claims, leaves or expires.",
    ),
    Key(
        "events",
        "stream",
        "",
        "Every change, in order.",
        "one entry an event, its fields as text",
        "Capped: the oldest entries beyond the limit are trimmed at each append.",
    ),
    Key(
        "api_keys",
        "hash",
        "",
        "The API keys, without their secrets.",
        "key id → JSON: name, roles, customer, times, and of each secret that is taken its SHA-256",
        "A field goes some time after its key was revoked or has expired, when another key is made.",
    ),
    Key(
        "webhooks",
        "hash",
        "",
        "The webhook subscriptions, as their owners set them.",
        "subscription id → JSON: url, event types, customer, workflow, job, concurrency, description, when created",
        "A field goes when its subscription is deleted; at most as many as there may be subscriptions.",
    ),
    Key(
        "webhook_secrets",
        "hash",
        "",
        "The secrets that deliveries are signed with, apart from what is listed.",
        "subscription id → secret, the one before it and until when that one still signs in ms, separated by spaces",
        "A field goes with its subscription.",
    ),
    Key(
        "webhook_states",
        "hash",
        "",
        "How far each subscription is.",
        "subscription id → JSON: whether it is enabled, why not and since when; `position`, the last event that was "
        "taken up; `open`, for each event that is taken up and not settled its failed attempts, when the next one is "
        "due and when it was taken up, in ms; counts of events delivered and given up",
        "A field goes with its subscription.",
    ),
    Key(
        "webhook_bodies",
        "hash",
        "",
        "The open events of each subscription, kept here so that trimming the stream does not lose them.",
        "subscription id and event id, separated by a space → the event, JSON",
        "A field goes when its event is delivered or given up, or with the subscription; at most as many for each as "
        "it has deliveries at a time.",
    ),
    Key(
        "webhook_leases",
        "hash",
        "",
        "Which deliverer serves each enabled subscription.",
        "subscription id → fencing token, deliverer and until when it serves in ms, separated by spaces",
        "A field goes when its subscription is disabled or deleted.",
    ),
    Key(
        "webhook_deliverers",
        "sorted set",
        "",
        "The deliverers that are running, among which the subscriptions are shared.",
        "deliverer id, scored by when its leases run out, in ms",
        "A member goes when its deliverer ends, or is silent as long as a lease lasts.",
    ),
    Key(
        "webhook_log",
        "list",
        "subscription",
        "The latest attempts to deliver to one subscription, newest first.",
        "JSON, one an attempt: event, number of the attempt, when, how long it took, outcome, status, error",
        "Capped at each attempt; expires some time after the last one, and goes with the subscription.",
    ),
    Key(
        "wake",
        "sorted set",
        "profile",
        "The marker that wakes one idle worker of a profile.",
        "one member",
        "Popped by the worker that it wakes; expires by itself.",
    ),
    Key(
        "inbox",
        "list",
        "worker",
        "Orders to one worker: the jobs that it must stop.",
        "job id and attempt, separated by a space",
        "Popped by the worker; expires by itself.",
    ),
)
"""Every key there is. Scripts declare theirs by these names; nothing else touches the server."""

_BY_NAME = {key.name: key for key in KEYS}


class KeySpace:
    """The keys of one pool.

    All carry the hash tag ``{pool}``, so that a cluster keeps a pool on one node and every script stays on it.

    Args:
        pool: name of the pool (1 to 32 lower-case letters, digits or hyphens).

    Raises:
        InvalidRequest: the pool's name is not allowed.
    """

    def __init__(self, pool: str) -> None:
        if not POOL_PATTERN.match(pool):
            raise InvalidRequest(
                f"pool {pool!r}: 1 to 32 lower-case letters, digits or hyphens, a letter or digit first",
                detail={"problems": [{"field": "pool", "problem": "not a pool's name"}]},
            )
        self.pool = pool

    def key(self, name: str, about: str = "") -> str:
        """Return a key as it stands on the server.

        Args:
            name: name of the key in :data:`KEYS`.
            about: what it is about, for a family of keys; empty otherwise.

        Raises:
            LookupError: there is no such key, or ``about`` is missing or superfluous.
        """
        key = _BY_NAME.get(name)
        if key is None or bool(key.about) != bool(about):
            raise LookupError(f"there is no key {name!r} about {about!r}")
        return f"emprops:{{{self.pool}}}:{name}" + (f":{about}" if about else "")
