"""Tests of the API: real servers, real clients."""
