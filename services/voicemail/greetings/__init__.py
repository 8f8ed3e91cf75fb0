"""Greetings: recorded by staff, kept as versions, and put on the phone system when they should be heard."""
