"""Tests of the command line: real processes against a real server."""
