"""What a caller wants, read out of a transcript: numbers to call, account numbers, names, each with its place. Pure."""
