"""Training: tiles in, a model and a report out."""
