"""How well the author's words are told from quotes, signatures and forwards, beside libraries that do the same."""
