"""The queue itself: server scripts, clients for both sides of it, and the embedded server."""

from .api_keys import ApiKeys
from .broker import BATCH_MOST, WAIT_MOST_SECONDS, Broker, require_completed
from .deliveries import Deliveries
from .embedded import EmbeddedServer, find_address, publish_address
from .session import Claim, ClaimedJob, WorkerSession
from .submitting import new_job_id
from .webhooks import Webhooks

__all__ = [
    "BATCH_MOST",
    "WAIT_MOST_SECONDS",
    "ApiKeys",
    "Broker",
    "Claim",
    "ClaimedJob",
    "Deliveries",
    "EmbeddedServer",
    "Webhooks",
    "WorkerSession",
    "find_address",
    "new_job_id",
    "publish_address",
    "require_completed",
]
