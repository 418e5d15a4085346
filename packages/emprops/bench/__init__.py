"""Benchmarks: what the queue costs, as ratios against a peer or a limit of the same run."""

from .claim import Plan, run_claim_benchmark
from .http import HttpPlan, run_http_benchmark
from .measure import Bar, Measure, Record
from .provenance import provenance
from .websocket import SocketPlan, run_socket_benchmark

__all__ = [
    "Bar",
    "HttpPlan",
    "Measure",
    "Plan",
    "Record",
    "SocketPlan",
    "provenance",
    "run_claim_benchmark",
    "run_http_benchmark",
    "run_socket_benchmark",
]
