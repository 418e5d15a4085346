"""Runs the code blocks of the manual's pages and compares what comes out with what the pages show."""
