"""Tests of the demo: its mail, its servers, its page and the whole of it started for real."""
