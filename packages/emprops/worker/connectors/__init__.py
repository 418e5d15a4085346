"""The connectors that come with the queue."""
