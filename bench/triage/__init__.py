"""How well messages are understood: writers that were kept out of training, beside the phrase list alone."""
