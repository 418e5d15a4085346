"""Recorded runs: what really happened between client, server, worker and service, kept for the manual to show."""
