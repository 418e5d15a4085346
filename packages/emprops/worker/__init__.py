"""The worker: claims jobs, runs them through connectors to AI services, and reports."""

from .connector import Connector, Report, connector_for, installed
from .runtime import Worker, new_worker_id

__all__ = ["Connector", "Report", "Worker", "connector_for", "installed", "new_worker_id"]
