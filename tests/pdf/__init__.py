"""Tests of the printed manual."""
