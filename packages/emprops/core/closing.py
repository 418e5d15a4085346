"""Every code with which the server closes a WebSocket: when it does, and what the client does about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Then = Literal["resume", "resume later", "start anew", "mend"]
"""What a client does after a close: resume at once from its last event; the same after a pause; subscribe again with a
snapshot; nothing before the cause is mended."""


@dataclass(frozen=True, slots=True)
class CloseCode:
    """One code of a close frame (RFC 6455, section 7.4).

    Attributes:
        code: the number in the close frame; 4000 and above are ours.
        name: its name, the same in the message `closing`.
        meaning: what it says, in one sentence.
        cause: what makes the server send it.
        remedy: what the client or its author does.
        then: what a client does after it.
    """

    code: int
    name: str
    meaning: str
    cause: str
    remedy: str
    then: Then


GOING_AWAY = CloseCode(
    1001,
    "going_away",
    "The process that holds the connection stops.",
    "The API process was told to stop, for an update for instance; nothing is wrong with the client.",
    "Connect again, to any API process of the pool, and resume from the last event.",
    "resume",
)
BINARY_FRAME = CloseCode(
    1003,
    "binary_frame",
    "The client sent a binary frame.",
    "Messages are JSON in text frames; nothing else is read.",
    "Send text frames.",
    "mend",
)
MESSAGE_TOO_LARGE = CloseCode(
    1009,
    "message_too_large",
    "The client sent a message that is larger than allowed.",
    "A frame has more bytes than the frame limit; the rest of it is not read.",
    "Put large inputs into object storage and send a reference, or raise `EMPROPS_SOCKET_FRAME_LIMIT_BYTES`.",
    "mend",
)
SERVER_FAULT = CloseCode(
    1011,
    "server_fault",
    "The server failed at something that is not the client's doing.",
    "A fault in the API process, or a client that no longer answers to pings.",
    "Connect again after a pause and resume from the last event; the log of the API process has the fault.",
    "resume later",
)
PROTOCOL_ERROR = CloseCode(
    4400,
    "protocol_error",
    "The client sent text that is no message.",
    "A text frame is not a JSON object with a `type`; whatever follows cannot be trusted either.",
    "Mend the client. A message that is wrong but can be read closes nothing: it is answered with `error`.",
    "mend",
)
UNAUTHENTICATED = CloseCode(
    4401,
    "unauthenticated",
    "The client has not shown a valid key.",
    "The first message was not `authenticate`, came too late or held a wrong key; or the key was revoked or expired "
    "while the connection was open.",
    "Connect again with a valid key, in the header `Authorization` or in `authenticate`.",
    "mend",
)
SLOW_READER = CloseCode(
    4408,
    "slow_reader",
    "The client reads more slowly than its events come.",
    "More waits for it than `EMPROPS_SOCKET_BUFFER_BYTES`, or it took nothing for `EMPROPS_SOCKET_STALL_SECONDS`; "
    "other clients are not affected.",
    "Connect again and resume from the last event: history comes at the client's pace. Filter more, or read faster.",
    "resume",
)
POSITION_LOST = CloseCode(
    4410,
    "position_lost",
    "The process lost its own place in the event stream, so events may be missing.",
    "The API process was cut off from the server until events were trimmed, or the server lost events in a crash.",
    "Connect again and take a snapshot; the last event does not help.",
    "start anew",
)
TOO_MANY_CONNECTIONS = CloseCode(
    4429,
    "too_many_connections",
    "The process holds as many connections as it may.",
    "`EMPROPS_SOCKET_CONNECTIONS` connections are open.",
    "Connect to another API process, or again after a pause; add API processes if it lasts.",
    "resume later",
)

CLOSE_CODES: tuple[CloseCode, ...] = (
    GOING_AWAY,
    BINARY_FRAME,
    MESSAGE_TOO_LARGE,
    SERVER_FAULT,
    PROTOCOL_ERROR,
    UNAUTHENTICATED,
    SLOW_READER,
    POSITION_LOST,
    TOO_MANY_CONNECTIONS,
)
"""Every close code, by number."""
