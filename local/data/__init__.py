"""What the demo's invented customers write and say, and what the center's greetings say: files, no code."""
