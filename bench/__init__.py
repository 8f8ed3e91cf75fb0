"""Measurements of speed and memory: `make bench`; figures in RESULTS.md, never asserted in a test."""
