"""How well what callers want is read from their words."""
