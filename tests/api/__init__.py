"""Tests of the API: a real server, a real queue, real requests."""
