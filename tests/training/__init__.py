"""The corpus and what is learned from it."""
