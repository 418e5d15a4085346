"""The API: the queue over HTTP, for programs that do not speak to the server of the queue themselves."""

from .app import create_app
from .serving import base_url, listen, serve

__all__ = ["base_url", "create_app", "listen", "serve"]
