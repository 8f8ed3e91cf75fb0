"""Whole journeys: from a protocol door to the screen and back to the customer's mailbox, through real servers."""
