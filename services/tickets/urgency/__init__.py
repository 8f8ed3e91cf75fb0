"""What makes a message urgent: named kinds, found in its words with their place in the text, and whom each tells."""
