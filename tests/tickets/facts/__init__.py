"""Facts that messages state."""
