"""Calling customers: attempts and how they ended, when the next one is, and what was promised."""
