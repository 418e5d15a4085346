"""Watching one run: every server script, wake-up and connector call, in order, with the time since the first."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from emprops.broker import Broker
from emprops.core.events import AnyEvent

Actor = Literal["client", "api", "server", "worker", "service"]
StepKind = Literal["script", "answer", "marker", "run", "event", "message"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that one part said to another.

    Attributes:
        at_ms: when, in milliseconds since the first step.
        source: who said it.
        target: to whom.
        kind: what it was: a server script, its answer, a wake-up marker, a call of a connector, an event, a message on
            the WebSocket.
        name: name of the script, event or message, or the words said.
    """

    at_ms: float
    source: Actor
    target: Actor
    kind: StepKind
    name: str


class Recorder:
    """Collects the steps of a run."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.steps: list[Step] = []

    def note(self, source: Actor, target: Actor, kind: StepKind, name: str) -> None:
        """Add a step that happens now."""
        at = 0.0 if not self.steps else (time.perf_counter() - self._began) * 1000
        if not self.steps:
            self._began = time.perf_counter()
        self.steps.append(Step(round(at, 1), source, target, kind, name))

    def watch(self, broker: Broker, actor: Actor, unseen: Sequence[str] = ()) -> None:
        """Note every script that a broker runs from now on, and every marker that it leaves.

        Args:
            broker: whose scripts.
            actor: who it is.
            unseen: names of scripts that are not noted, since they come by the clock and not by the run.
        """
        run = broker.executor.run

        async def noted(
            name: str, arguments: Mapping[str, Any], about: Mapping[str, Any] | None = None
        ) -> Any:
            if name in unseen:
                return await run(name, arguments, about)
            self.note(actor, "server", "script", name)
            answer = await run(name, arguments, about)
            words = answer_in_words(name, answer)
            if words:
                self.note("server", actor, "answer", words)
            return answer

        wake = broker.wake

        async def woken(profiles: list[str]) -> None:
            if profiles:
                self.note(actor, "server", "marker", "wake the profile")
            await wake(profiles)

        broker.executor.run = noted  # type: ignore[method-assign]  # this instance alone is watched
        broker.wake = woken  # type: ignore[method-assign]  # as above

    def as_json(self) -> list[dict[str, Any]]:
        """Return the steps as JSON objects."""
        return [asdict(step) for step in self.steps]


def answer_in_words(script: str, answer: Any) -> str:
    """Return what a script answered, in words; empty if there is nothing to say."""
    if script == "submit":
        return "created" if answer[0] else "exists already"
    if script == "claim":
        if answer[0] == "sync":
            return f"judge {answer[2] - answer[1]} new class" + ("es" if answer[2] - answer[1] > 1 else "")
        jobs = answer[1]
        return f"job {jobs[0][0]}, attempt {jobs[0][1]}" if jobs else "nothing to run"
    if script == "progress":
        return "shown" if int(answer) == 0 else "kept back"
    if script == "fail":
        return f"job is {answer}"
    return ""


def event_lines(events: Sequence[AnyEvent], began_ms: int) -> list[dict[str, Any]]:
    """Return events as JSON objects, with the time in milliseconds since the run began.

    Args:
        events: the events, oldest first.
        began_ms: when the run began (milliseconds since 1970).
    """
    lines = []
    for event in events:
        facts = event.model_dump(mode="json", exclude={"event_id", "at"}, exclude_none=True)
        lines.append({"at_ms": event.at - began_ms, **facts})
    return lines
