"""Every error the system reports: one class each, with its code, HTTP status, cause and remedy."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

_BY_CODE: dict[str, type[EmpropsError]] = {}


class EmpropsError(Exception):
    """Base of all errors that the system reports on purpose.

    A subclass declares what its documentation says; one that leaves anything out, or takes a code that is
    taken, cannot be defined.

    Args:
        message: what is wrong, where, in one sentence.
        detail: machine-readable facts about this occurrence (JSON values only).
    """

    code: ClassVar[str]
    """Stable name of the error, the same in the API, the CLI, events and logs."""
    http_status: ClassVar[int]
    """Status of an HTTP answer that carries the error (100 to 599)."""
    exit_code: ClassVar[int]
    """Exit status of a command that ends with the error (1 to 125)."""
    retryable: ClassVar[bool]
    """Whether the same request can succeed later without a change to it."""
    meaning: ClassVar[str]
    """What the error says, in one sentence."""
    cause: ClassVar[str]
    """What makes it happen."""
    remedy: ClassVar[str]
    """What the reader does about it."""

    def __init_subclass__(cls, *, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if abstract:
            return
        missing = [
            name
            for name in ("code", "http_status", "exit_code", "retryable", "meaning", "cause", "remedy")
            if not hasattr(cls, name)
        ]
        if missing:
            raise TypeError(f"error class {cls.__name__} declares no {', '.join(missing)}")
        if cls.code in _BY_CODE:
            raise TypeError(f"error code {cls.code!r} is taken by {_BY_CODE[cls.code].__name__}")
        _BY_CODE[cls.code] = cls

    def __init__(self, message: str = "", *, detail: Mapping[str, Any] | None = None) -> None:
        self.message = message or self.meaning
        self.detail: dict[str, Any] = dict(detail or {})
        super().__init__(self.message)

    def as_dict(self) -> dict[str, Any]:
        """Return the error as a JSON object: code, message, remedy, retryable and detail."""
        return {
            "code": self.code,
            "message": self.message,
            "remedy": self.remedy,
            "retryable": self.retryable,
            "detail": self.detail,
        }


class RequestError(EmpropsError, abstract=True):
    """The request itself is wrong; sending it again unchanged cannot succeed."""

    exit_code = 2
    retryable = False


class InvalidRequest(RequestError):
    """A field of a request is missing, of the wrong type or out of range."""

    code = "invalid_request"
    http_status = 422
    meaning = "A field of the request is missing, of the wrong type or out of its range."
    cause = "The request does not follow its model; the detail names each field and what is wrong with it."
    remedy = "Correct the fields named in the detail and send the request again."


class UnknownField(RequestError):
    """A request names a field or requirement that does not exist."""

    code = "unknown_field"
    http_status = 422
    meaning = "The request has a field that does not exist."
    cause = (
        "A misspelt or invented name: unknown names are refused, since ignoring one would run the wrong job."
    )
    remedy = "Use the nearest known name given in the detail, or leave the field out."


class PayloadTooLarge(RequestError):
    """A job's payload is larger than the pool takes."""

    code = "payload_too_large"
    http_status = 413
    meaning = "The payload of the job is larger than allowed."
    cause = "The payload, as compact JSON, has more bytes than the payload limit."
    remedy = "Put large inputs into object storage and send a reference, or raise the limit."


class ResultTooLarge(RequestError):
    """A result is larger than the pool keeps."""

    code = "result_too_large"
    http_status = 413
    meaning = "The result of the job is larger than allowed."
    cause = "The result, as compact JSON, has more bytes than the result limit."
    remedy = "Let the connector store large outputs and return a reference, or raise the limit."


class JobNotFound(EmpropsError):
    """No job has the given id, or its record has expired."""

    code = "job_not_found"
    http_status = 404
    exit_code = 4
    retryable = False
    meaning = "No job has this id."
    cause = "The id is wrong, belongs to another pool, or the job ended longer ago than its record is kept."
    remedy = "Check the id and the pool; look at the retention settings for how long ended jobs are kept."


class JobExists(EmpropsError):
    """The id chosen for a new job belongs to another job."""

    code = "job_exists"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "Another job has this id already."
    cause = "A submit chose the id of an existing job whose content differs."
    remedy = "Leave the id out, or use a new one; the existing job was not changed."


class IdempotencyConflict(EmpropsError):
    """An idempotency key was used again for a different request."""

    code = "idempotency_conflict"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "The idempotency key was used before for a different request."
    cause = "Two submits carry the same idempotency key but not the same content."
    remedy = "Use one key for one request: a new request needs a new key."


class JobFinished(EmpropsError):
    """The job has ended; what was asked for is no longer possible."""

    code = "job_finished"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "The job has already ended."
    cause = "The job was completed, cancelled or given up before the request arrived."
    remedy = "Read the job: its status says how it ended. Nothing was changed."


class JobUnfinished(EmpropsError):
    """The result of a job was asked for before its end."""

    code = "job_unfinished"
    http_status = 409
    exit_code = 5
    retryable = True
    meaning = "The job has not ended yet, so it has no result."
    cause = "The job is waiting, pending or running."
    remedy = "Ask again later, follow the events, or ask what the job is waiting for."


class JobNotDead(EmpropsError):
    """Something was asked of a job that is possible with a dead letter only."""

    code = "job_not_dead"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "The job is not a dead letter."
    cause = "It was to be revived or discarded, but it is open, or ended in another way."
    remedy = "Read the job: its status says where it stands. Cancel an open job; submit an ended one anew."


class WorkerMissing(EmpropsError):
    """A job that may be submitted only if a worker can run it found none."""

    code = "worker_missing"
    http_status = 409
    exit_code = 5
    retryable = True
    meaning = "No registered worker can run the job."
    cause = (
        "The request asked for a worker that is there now, and every profile fails at least one criterion."
    )
    remedy = (
        "Start a worker that meets the requirements, ask for less, or submit without asking for a worker."
    )


class QueueFull(EmpropsError):
    """The pool has as many open jobs as it takes."""

    code = "queue_full"
    http_status = 429
    exit_code = 5
    retryable = True
    meaning = "The pool has as many open jobs as it is allowed."
    cause = "Jobs come faster than workers end them, or nobody runs them."
    remedy = "Submit later, add workers, or raise the limit."


class CustomerLimitReached(EmpropsError):
    """A customer has as many open jobs as one customer may have."""

    code = "customer_limit_reached"
    http_status = 429
    exit_code = 5
    retryable = True
    meaning = "The customer has as many open jobs as one customer is allowed."
    cause = "The customer submits faster than its jobs end."
    remedy = "Submit when some of the customer's jobs have ended, or raise the limit."


class BatchRefused(EmpropsError):
    """Some jobs of a batch were refused; the others are in the queue."""

    code = "batch_refused"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "Some jobs of the batch were refused."
    cause = "Each job of a batch is taken or refused by itself: these exist with other content, or a limit was reached."
    remedy = "Read the answer for each job, correct the refused ones, and submit the batch again."


class WorkflowNotFound(EmpropsError):
    """No workflow has the given name, or its record has expired."""

    code = "workflow_not_found"
    http_status = 404
    exit_code = 4
    retryable = False
    meaning = "No workflow has this name."
    cause = "No job was submitted with it, or all its jobs ended longer ago than a workflow is kept."
    remedy = "Check the name and the pool."


class WorkflowCancelled(EmpropsError):
    """A job was submitted to a workflow that was called off."""

    code = "workflow_cancelled"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "The workflow was called off and takes no more jobs."
    cause = "Somebody cancelled the workflow as a whole before this submit."
    remedy = "Submit under a new workflow if the work is wanted after all."


class WorkflowTaken(EmpropsError):
    """A job was submitted to a workflow of another customer."""

    code = "workflow_taken"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "The workflow belongs to another customer."
    cause = "The first job of the workflow had another customer, or none: a workflow is of one customer or of nobody."
    remedy = "Submit under another workflow name, or with the customer of the workflow's first job."


class LeaseLost(EmpropsError):
    """A report came from a worker that no longer holds the job."""

    code = "lease_lost"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "The worker does not hold this job any more."
    cause = "The lease ran out, or the job was cancelled or released, before the report: its fencing token is stale."
    remedy = "Stop the work and drop its result: the job belongs to another attempt or has ended."


class WorkerUnknown(EmpropsError):
    """A worker reports or claims without being registered."""

    code = "worker_unknown"
    http_status = 409
    exit_code = 5
    retryable = True
    meaning = "No worker with this id is registered."
    cause = "The worker never registered, or was silent longer than a worker record is kept."
    remedy = "Register again, then claim; a worker of this project does so by itself."


class WorkerInUse(EmpropsError):
    """Two running workers claim to be the same one."""

    code = "worker_in_use"
    http_status = 409
    exit_code = 5
    retryable = True
    meaning = "Another running worker has this id."
    cause = "Two processes were given the same worker id, or the earlier one vanished a moment ago."
    remedy = "Give each worker its own id, or wait until the record of the vanished worker has expired."


class QueueRunning(EmpropsError):
    """A queue was to be started where one is running already."""

    code = "queue_running"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "A queue is already running with this state folder."
    cause = (
        "`emprops up` was started twice for the same folder, and two servers must not write the same files."
    )
    remedy = "Use the queue that runs, stop it first, or set another state folder."


class ServerUnreachable(EmpropsError):
    """The Valkey or Redis server does not answer."""

    code = "server_unreachable"
    http_status = 503
    exit_code = 6
    retryable = True
    meaning = "The Valkey or Redis server cannot be reached."
    cause = "No server is running at the configured address, the network is cut, or the server is overloaded."
    remedy = "Start a server (`emprops up` brings its own), or correct the server URL, and try again."


class ServerUnsuitable(EmpropsError):
    """The server is reachable but may lose or refuse jobs as it is set up."""

    code = "server_unsuitable"
    http_status = 503
    exit_code = 6
    retryable = False
    meaning = "The server is not fit to hold the queue."
    cause = "It is too old, or it evicts keys when memory runs short, which would drop jobs."
    remedy = "Use Valkey 7.2 or Redis 7.0 or later, with `maxmemory-policy noeviction`."


class ServerFault(EmpropsError):
    """The server answered a script with an error that is not one of ours."""

    code = "server_fault"
    http_status = 500
    exit_code = 6
    retryable = True
    meaning = "The server refused or broke off an operation."
    cause = (
        "The server is read-only, out of memory or loading, or a key of the queue was changed from outside."
    )
    remedy = "Read the server's own message in the detail, mend the server, and try again."


class SettingsInvalid(EmpropsError):
    """A setting has a value that cannot be used."""

    code = "settings_invalid"
    http_status = 500
    exit_code = 3
    retryable = False
    meaning = "A setting has a wrong value."
    cause = "An environment variable has the wrong type or lies outside its range."
    remedy = "Correct the variable named in the detail; the configuration reference gives types and ranges."


class ConnectorUnknown(EmpropsError):
    """A worker was asked to serve a service for which no connector is installed."""

    code = "connector_unknown"
    http_status = 500
    exit_code = 3
    retryable = False
    meaning = "No connector with this name is installed."
    cause = "The name is misspelt, or the package that brings the connector is not installed."
    remedy = "Use one of the names in the detail, or install the package that provides the connector."


class Unauthenticated(EmpropsError):
    """A request says nothing about who makes it, or nothing that holds."""

    code = "unauthenticated"
    http_status = 401
    exit_code = 10
    retryable = False
    meaning = "The request carries no valid API key."
    cause = "The key is missing, misspelt, expired, revoked, or was rotated longer ago than the overlap."
    remedy = "Send `Authorization: Bearer` with a valid key; `emprops keys create` makes one."


class Forbidden(EmpropsError):
    """The key is valid, and not good for what was asked."""

    code = "forbidden"
    http_status = 403
    exit_code = 10
    retryable = False
    meaning = "The API key does not allow this."
    cause = "The key lacks the role that the operation needs, or the request names another customer than the key's."
    remedy = "Use a key with the role named in the detail, or leave the customer out."


class ApiKeyNotFound(EmpropsError):
    """No API key has the given id."""

    code = "api_key_not_found"
    http_status = 404
    exit_code = 4
    retryable = False
    meaning = "No API key has this id."
    cause = "The id is wrong, belongs to another pool, or the key was revoked or expired long ago."
    remedy = "List the keys of the pool with `emprops keys list`."


class ApiKeyRevoked(EmpropsError):
    """A revoked or expired key was to be rotated."""

    code = "api_key_revoked"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "The API key is not valid any more."
    cause = "It was revoked, or has expired, before the request; that is for good."
    remedy = "Make a new key."


class ApiKeyLimitReached(EmpropsError):
    """The pool has as many API keys as it keeps."""

    code = "api_key_limit_reached"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "The pool has as many API keys as it keeps."
    cause = "Keys are made for every occasion and never revoked."
    remedy = "Revoke keys that nobody uses: a record goes 30 days after its key was revoked or expired."


class EndpointNotFound(RequestError):
    """A request names a path that the API does not have."""

    code = "endpoint_not_found"
    http_status = 404
    meaning = "The API has no such path."
    cause = "The path is misspelt, or lacks the version that every path begins with."
    remedy = "Look the path up in the API reference, or in `/openapi.json` of the server."


class MethodNotAllowed(RequestError):
    """A path exists, but not with the method of the request."""

    code = "method_not_allowed"
    http_status = 405
    meaning = "The path does not take this method."
    cause = "A request with another method than those that the `Allow` header of the answer names."
    remedy = "Use one of the methods in the `Allow` header."


class MediaTypeUnsupported(RequestError):
    """The body of a request is not declared as JSON."""

    code = "media_type_unsupported"
    http_status = 415
    meaning = "The body of the request is not declared as JSON."
    cause = (
        "The header `Content-Type` is missing or names something else; `curl -d` alone sends that of a form."
    )
    remedy = "Send `Content-Type: application/json`; with curl, use `--json`."


class RequestTooLarge(RequestError):
    """The body of a request is larger than the API reads."""

    code = "request_too_large"
    http_status = 413
    meaning = "The body of the request is larger than the API takes."
    cause = "The body has more bytes than the body limit; the API stops reading there."
    remedy = "Send fewer jobs in a request, put large inputs into object storage, or raise the limit."


class AddressUnusable(EmpropsError):
    """The API cannot listen where it was told to."""

    code = "address_unusable"
    http_status = 500
    exit_code = 5
    retryable = True
    meaning = "The API cannot listen at its address."
    cause = "Another process listens there, or the address is none of this machine."
    remedy = "Stop the other process, or set another host or port."


class InternalFault(EmpropsError):
    """The API broke off with an exception that it does not know."""

    code = "internal_fault"
    http_status = 500
    exit_code = 6
    retryable = True
    meaning = "The API failed at the request through a fault of its own."
    cause = "A fault in the code; the log has the exception under the id of the request."
    remedy = (
        "Report the request id to whoever runs the API. A submit with an idempotency key can be sent again."
    )


class NotReady(EmpropsError):
    """Something that the API depends on is not there."""

    code = "not_ready"
    http_status = 503
    exit_code = 6
    retryable = True
    meaning = "The API cannot serve requests now."
    cause = "A dependency named in the detail does not answer, or is not fit."
    remedy = "Mend the dependency named in the detail; the API needs no restart."


class WebhookNotFound(EmpropsError):
    """No webhook subscription has the given id."""

    code = "webhook_not_found"
    http_status = 404
    exit_code = 4
    retryable = False
    meaning = "No webhook subscription has this id."
    cause = "The id is wrong, or the subscription was deleted, or it belongs to another pool or customer."
    remedy = "List the subscriptions, and use one of their ids."


class WebhookLimitReached(EmpropsError):
    """The pool has as many webhook subscriptions as it takes."""

    code = "webhook_limit_reached"
    http_status = 409
    exit_code = 5
    retryable = True
    meaning = "The pool has as many webhook subscriptions as it takes."
    cause = "Subscriptions were created and never deleted, or the limit is too low for the pool."
    remedy = "Delete subscriptions that nobody needs, or raise the limit."


class WebhookTargetRefused(EmpropsError):
    """The address of a webhook is one to which nothing may be sent."""

    code = "webhook_target_refused"
    http_status = 422
    exit_code = 2
    retryable = False
    meaning = "Webhooks are not sent to this address."
    cause = "The host is, or resolves to, an address that is not public: private, loopback, link-local or reserved."
    remedy = "Use a public endpoint, or allow the network with `EMPROPS_WEBHOOK_ALLOWED_NETWORKS`."


class WebhookLeaseLost(EmpropsError):
    """A deliverer reported about a subscription that it does not serve any more."""

    code = "webhook_lease_lost"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "The deliverer does not serve this subscription any more."
    cause = (
        "Its lease ran out, or the subscription was disabled or deleted; another deliverer may serve it now."
    )
    remedy = "Nothing: the deliverer lets go by itself, and what it had not reported is delivered again."


class EventsTrimmed(EmpropsError):
    """Events were asked for that the stream does not keep any more."""

    code = "events_trimmed"
    http_status = 410
    exit_code = 4
    retryable = False
    meaning = "Events after this position are not kept any more."
    cause = "The stream keeps a limited number of events, and the oldest were trimmed."
    remedy = "Go on after the position `oldest` in the detail, and read the state of what you missed."


class WaitTimeout(EmpropsError):
    """A job did not end within the time that the caller wanted to wait."""

    code = "wait_timeout"
    http_status = 504
    exit_code = 8
    retryable = True
    meaning = "The job has not ended in the time given."
    cause = "The job is still waiting, pending or running; it goes on."
    remedy = "Wait again with the same id, or ask `emprops explain` what the job is waiting for."


class PositionUnknown(EmpropsError):
    """Events were to be read from a position that the stream has not reached."""

    code = "position_unknown"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "The event stream has not reached this position."
    cause = "The position is from another pool or server, or the server lost its newest events in a crash."
    remedy = "Take the state anew, a snapshot for instance, and go on from its position."


class MessageMalformed(RequestError):
    """A frame on a WebSocket is no message."""

    code = "message_malformed"
    http_status = 400
    meaning = "The frame is no message."
    cause = "Its text is not a JSON object with a `type`; the connection is closed after it."
    remedy = "Mend the client: it sends each message as one JSON object in one text frame."


class MessageUnknown(RequestError):
    """A message on a WebSocket has a type that does not exist."""

    code = "message_unknown"
    http_status = 422
    meaning = "There is no message with this type."
    cause = "The type is misspelt, or belongs to another version of the protocol."
    remedy = "Use one of the types in the detail."


class SubscriptionExists(EmpropsError):
    """A subscription was to be made under a name that is in use on the connection."""

    code = "subscription_exists"
    http_status = 409
    exit_code = 5
    retryable = False
    meaning = "The connection has a subscription with this id already."
    cause = "Two `subscribe` messages carry the same id, without `unsubscribe` between them."
    remedy = "Use another id, or end the subscription first. The one that exists was not changed."


class SubscriptionNotFound(EmpropsError):
    """A subscription was to be ended that the connection does not have."""

    code = "subscription_not_found"
    http_status = 404
    exit_code = 4
    retryable = False
    meaning = "The connection has no subscription with this id."
    cause = "The id is misspelt, or the subscription has ended, with an error for instance."
    remedy = "Look at the errors that were sent for the id."


class SubscriptionLimitReached(EmpropsError):
    """A connection has as many subscriptions as it may."""

    code = "subscription_limit_reached"
    http_status = 429
    exit_code = 5
    retryable = True
    meaning = "The connection has as many subscriptions as it is allowed."
    cause = "A client subscribes for each job, for instance, and never unsubscribes."
    remedy = "Put several jobs into one subscription, or subscribe to their workflow; end what is not needed any more."


class AttemptFailure(EmpropsError, abstract=True):
    """Why one attempt at a job failed; a connector raises it, and its class decides about a retry."""

    http_status = 502
    exit_code = 7


class ServiceFailed(AttemptFailure):
    """The AI service accepted the job and failed at it."""

    code = "service_failed"
    retryable = True
    meaning = "The service failed while it ran the job."
    cause = "The service reported an error of its own: a crash, an exhausted resource, an internal fault."
    remedy = (
        "The queue tries again; if every attempt fails, read the service's message in the attempt history."
    )


class ServiceUnavailable(AttemptFailure):
    """The AI service could not be reached."""

    code = "service_unavailable"
    http_status = 503
    retryable = True
    meaning = "The service did not answer."
    cause = "The service is starting, stopped, overloaded or cut off from the worker."
    remedy = "The queue tries again; look at the health of the service on the worker's machine."


class RateLimited(AttemptFailure):
    """The AI service refused the job because of its rate limit."""

    code = "rate_limited"
    http_status = 429
    retryable = True
    meaning = "The service takes no more requests for now."
    cause = "The rate or quota of the account at the service is used up."
    remedy = "The queue tries again after a back-off; lower the concurrency or raise the quota if it lasts."


class JobRejected(AttemptFailure):
    """The AI service refuses the job for what it asks; another attempt would be refused too."""

    code = "job_rejected"
    http_status = 422
    retryable = False
    meaning = "The service refuses the job."
    cause = "The payload is not valid for the service, or its content is refused."
    remedy = "Read the service's message in the attempt history, correct the payload and submit a new job."


class ConnectorFault(AttemptFailure):
    """The connector raised an exception that it does not classify."""

    code = "connector_fault"
    http_status = 500
    retryable = True
    meaning = "The connector broke off with an unexpected exception."
    cause = "A fault in the connector's code; the exception's type and text are in the attempt history."
    remedy = "The queue tries again; report the exception to the owner of the connector."


class LeaseExpired(AttemptFailure):
    """The worker stopped renewing its lease while it ran the job."""

    code = "lease_expired"
    http_status = 500
    retryable = True
    meaning = "The worker that ran the job was silent until its lease ran out."
    cause = "The worker was killed, its machine vanished, or it was cut off from the server."
    remedy = "The queue gives the job to another worker; look at the machine if many leases run out."


class RunTimeout(AttemptFailure):
    """An attempt took longer than the job allows for one."""

    code = "run_timeout"
    http_status = 504
    retryable = True
    meaning = "The attempt took longer than the job's run timeout."
    cause = "The service is slow, stuck or overloaded, or the timeout is too short for this work."
    remedy = "Look at the worker's service; raise the job's run timeout if the work needs longer."


class QueueTimeout(AttemptFailure):
    """A job did not start in the time that it was given."""

    code = "queue_timeout"
    http_status = 504
    retryable = False
    meaning = "No attempt started within the job's queue timeout."
    cause = "Too few workers can run the job, or jobs that go first take all of them."
    remedy = "Ask `emprops explain` who can run such jobs; add workers, or raise the priority or the timeout."


class TotalTimeout(AttemptFailure):
    """A job did not end in the time that it was given."""

    code = "total_timeout"
    http_status = 504
    retryable = False
    meaning = "The job did not end within its total timeout."
    cause = "Waiting, attempts and back-off together took longer than the job allows."
    remedy = "Read the attempt history for where the time went; raise the total timeout if it is too short."


class JobDeadError(EmpropsError):
    """A caller waited for a job that was given up."""

    code = "job_dead"
    http_status = 409
    exit_code = 7
    retryable = False
    meaning = "The job was given up."
    cause = "Its last attempt failed, or an attempt failed for a reason that a retry cannot mend."
    remedy = "Read the attempt history of the job; submit a corrected job, or the same again once the cause is gone."


class JobCancelledError(EmpropsError):
    """A caller waited for a job that was cancelled."""

    code = "job_cancelled"
    http_status = 409
    exit_code = 9
    retryable = False
    meaning = "The job was cancelled."
    cause = "Somebody asked for it; the event names the reason that was given."
    remedy = "Submit a new job if the work is wanted after all."


def all_errors() -> tuple[type[EmpropsError], ...]:
    """Return every declared error class, in order of its code."""
    return tuple(_BY_CODE[code] for code in sorted(_BY_CODE))


def error_for(code: str) -> type[EmpropsError]:
    """Return the class that declares a code.

    Args:
        code: an error code as it stands in an answer, an event or a log.

    Raises:
        LookupError: no class declares the code.
    """
    try:
        return _BY_CODE[code]
    except KeyError:
        raise LookupError(f"no error class declares the code {code!r}") from None


def summary_of(error: type[EmpropsError]) -> str:
    """Return the first line of an error class's docstring."""
    return (inspect.getdoc(error) or "").split("\n", 1)[0]
