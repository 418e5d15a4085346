"""The worker: claims jobs, runs them through connectors to AI services, and reports."""

from .connector import Connector, Report, connector_class, installed
from .runtime import Worker, new_worker_id

__all__ = ["Connector", "Report", "Worker", "connector_class", "installed", "new_worker_id"]
