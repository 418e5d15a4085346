"""Tests of the queue and of its manual."""
