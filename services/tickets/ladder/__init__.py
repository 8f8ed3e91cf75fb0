"""What happens to a ticket that nobody who is there may answer: step by step, timed, visible, and never a downgrade."""
