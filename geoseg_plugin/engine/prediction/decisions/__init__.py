"""How probabilities become classes."""
