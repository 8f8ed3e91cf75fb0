"""Facts in messages: how many are found, how many are right, and what that costs."""
