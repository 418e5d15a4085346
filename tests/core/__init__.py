"""Tests of the facts and models of the core."""
